//! Metrics of regression equal SciPy's and scikit-learn's, from golden files.

use cloze_tasks::metrics::correlation::{mean_squared_error, pearson, spearman};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    predictions: Vec<f64>,
    targets: Vec<f64>,
    pearson: Option<f64>,
    spearman: Option<f64>,
    mean_squared_error: f64,
}

#[test]
fn every_metric_equals_scipy() {
    let text = include_str!("golden/correlations.json");
    let cases: Vec<Case> = serde_json::from_str(text).unwrap();
    assert!(cases.len() >= 8);
    for case in &cases {
        let (a, b) = (&case.predictions, &case.targets);
        for (what, found, wanted) in [
            ("pearson", pearson(a, b), case.pearson),
            ("spearman", spearman(a, b), case.spearman),
            (
                "error",
                mean_squared_error(a, b),
                Some(case.mean_squared_error),
            ),
        ] {
            let equal = match wanted {
                Some(wanted) => (found - wanted).abs() < 1e-12 * wanted.abs().max(1.0),
                None => found.is_nan(),
            };
            assert!(equal, "{what} of {}: {found}, not {wanted:?}", case.name);
        }
    }
}
