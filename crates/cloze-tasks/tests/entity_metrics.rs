//! Metrics of entities equal seqeval's in both of its modes, from golden files.

use std::collections::BTreeMap;

use cloze_data::tags::TagScheme;
use cloze_tasks::metrics::entities::{lenient_entities, strict_entities};
use cloze_tasks::metrics::{ClassScores, EntityCounts};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    scheme: TagScheme,
    tags: Vec<Vec<String>>,
    predicted: Vec<Vec<String>>,
    default: Mode,
    strict: Mode,
}

#[derive(Deserialize)]
struct Mode {
    micro: Scores,
    r#macro: Scores,
    weighted: Scores,
    by_type: BTreeMap<String, Scores>,
}

#[derive(Deserialize)]
struct Scores {
    precision: f64,
    recall: f64,
    f1: f64,
    support: f64,
}

#[track_caller]
fn assert_equal(what: &str, found: ClassScores, wanted: &Scores) {
    for (found, wanted) in [
        (found.precision, wanted.precision),
        (found.recall, wanted.recall),
        (found.f1, wanted.f1),
        (found.support as f64, wanted.support),
    ] {
        assert!(
            (found - wanted).abs() < 1e-12,
            "{what}: {found}, not {wanted}"
        );
    }
}

fn check(what: &str, counts: &EntityCounts, wanted: &Mode) {
    assert_equal(what, counts.micro(), &wanted.micro);
    assert_equal(what, counts.macro_average(), &wanted.r#macro);
    assert_equal(what, counts.weighted_average(), &wanted.weighted);
    let found: Vec<_> = counts.by_type().collect();
    assert_eq!(found.len(), wanted.by_type.len(), "{what}");
    for ((kind, scores), (wanted_kind, wanted)) in found.into_iter().zip(&wanted.by_type) {
        assert_eq!(kind, wanted_kind, "{what}");
        assert_equal(what, scores, wanted);
    }
}

#[test]
fn every_metric_equals_seqeval_in_both_modes() {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("golden/entity_metrics.json")).unwrap();
    assert!(cases.len() >= 10);
    for case in &cases {
        let (mut default, mut strict) = (EntityCounts::default(), EntityCounts::default());
        for (tags, predicted) in case.tags.iter().zip(&case.predicted) {
            default.add(&lenient_entities(tags), &lenient_entities(predicted));
            let entities = |tags: &[String]| strict_entities(tags, case.scheme).unwrap();
            strict.add(&entities(tags), &entities(predicted));
            // Valid tags have the same entities in every reading.
            assert_eq!(lenient_entities(tags), case.scheme.entities(tags).unwrap());
            assert_eq!(entities(tags), lenient_entities(tags));
        }
        check(&format!("{}, default", case.name), &default, &case.default);
        check(&format!("{}, strict", case.name), &strict, &case.strict);
    }
}
