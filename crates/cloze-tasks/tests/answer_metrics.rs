//! Metrics of answers equal those of the evaluation scripts of SQuAD and CMRC 2018, from golden
//! files.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests fail as tests do; clippy exempts only functions marked as tests"
)]

use cloze_tasks::metrics::answers::{
    AnswerScores, BestThreshold, JudgedAnswer, best_threshold, means,
};
use cloze_tasks::metrics::{AnswerMetric, cmrc, squad};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    pairs: Vec<Pair>,
    sets: Vec<Set>,
}

#[derive(Deserialize)]
struct Pair {
    gold: String,
    predicted: String,
    squad_exact: bool,
    squad_f1: f64,
    squad_v2_f1: f64,
    cmrc_exact: bool,
    cmrc_f1: f64,
    cmrc_parts: Vec<String>,
}

#[derive(Deserialize)]
struct Set {
    threshold: f64,
    rows: Vec<Row>,
    exact: f64,
    exact_with_answer: f64,
    exact_without: f64,
    best_exact: (f64, f64),
    f1: f64,
    f1_with_answer: f64,
    f1_without: f64,
    best_f1: (f64, f64),
    v1_exact_match: Option<f64>,
    v1_f1: Option<f64>,
}

#[derive(Deserialize)]
struct Row {
    answers: Vec<String>,
    predicted: String,
    difference: f64,
}

impl Row {
    fn judged(&self, with_unanswerable: bool) -> JudgedAnswer {
        let gold: Vec<&str> = self.answers.iter().map(String::as_str).collect();
        JudgedAnswer {
            scores: AnswerMetric::Squad.scores(&gold, &self.predicted, with_unanswerable),
            is_given: !self.predicted.is_empty(),
            has_answer: !self.answers.is_empty(),
            null_score_difference: self.difference,
        }
    }
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("golden/answer_metrics.json")).unwrap()
}

#[track_caller]
fn assert_equal(what: &str, found: f64, wanted: f64) {
    assert!(
        (found - wanted).abs() < 1e-9,
        "{what}: {found}, not {wanted}"
    );
}

#[test]
fn pairs_of_answers_are_compared_as_the_scripts_do() {
    let pairs = golden().pairs;
    assert!(pairs.len() > 200);
    for pair in &pairs {
        let (gold, predicted) = (pair.gold.as_str(), pair.predicted.as_str());
        let what = format!("{gold:?} and {predicted:?}");
        assert_eq!(
            squad::exact_match(gold, predicted),
            pair.squad_exact,
            "{what}"
        );
        assert_equal(&what, squad::f1(gold, predicted, false), pair.squad_f1);
        assert_equal(&what, squad::f1(gold, predicted, true), pair.squad_v2_f1);
        assert_eq!(cmrc::parts(gold), pair.cmrc_parts, "{what}");
        assert_eq!(
            cmrc::exact_match(gold, predicted),
            pair.cmrc_exact,
            "{what}"
        );
        assert_equal(&what, cmrc::f1(gold, predicted), pair.cmrc_f1);
    }
}

#[test]
fn sets_of_questions_have_the_metrics_of_both_versions_of_the_script() {
    let sets = golden().sets;
    assert!(sets.len() >= 4);
    for (number, set) in sets.iter().enumerate() {
        let answers: Vec<JudgedAnswer> = set.rows.iter().map(|row| row.judged(true)).collect();
        let of = |kind: Option<bool>| {
            let own = answers
                .iter()
                .filter(|answer| kind.is_none_or(|kind| answer.has_answer == kind));
            means(own.map(|answer| answer.with_threshold(set.threshold))).means
        };
        let check = |what: &str, found: AnswerScores, exact: f64, f1: f64| {
            assert_equal(&format!("set {number}, {what}"), found.exact_match, exact);
            assert_equal(&format!("set {number}, {what}"), found.f1, f1);
        };
        check("all", of(None), set.exact, set.f1);
        check(
            "with an answer",
            of(Some(true)),
            set.exact_with_answer,
            set.f1_with_answer,
        );
        check(
            "without one",
            of(Some(false)),
            set.exact_without,
            set.f1_without,
        );
        let check = |what: &str, found: BestThreshold, wanted: (f64, f64)| {
            assert_equal(what, found.score, wanted.0);
            assert_equal(what, found.threshold, wanted.1);
        };
        let best = best_threshold(&answers, |scores| scores.exact_match);
        check("best exact match", best, set.best_exact);
        check(
            "best F1",
            best_threshold(&answers, |scores| scores.f1),
            set.best_f1,
        );
        if let (Some(exact), Some(f1)) = (set.v1_exact_match, set.v1_f1) {
            let answers = set.rows.iter().map(|row| row.judged(false).scores);
            let found = means(answers).means;
            assert_equal("version 1.1", found.exact_match, exact);
            assert_equal("version 1.1", found.f1, f1);
        }
    }
}
