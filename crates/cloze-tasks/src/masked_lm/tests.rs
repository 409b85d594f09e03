use super::*;
use crate::Evaluator;

fn target(masked: &[(usize, u32)], follows: Option<bool>) -> MaskedTarget {
    MaskedTarget {
        masked: masked.into(),
        follows,
    }
}

#[test]
fn a_batch_counts_as_many_masked_tokens_or_pairs() {
    let targets = [
        target(&[(1, 7), (2, 8)], Some(true)),
        target(&[(3, 9)], Some(false)),
    ];
    assert_eq!(MaskedLm::new(8).weight(&targets), 3.0);
    assert_eq!(MaskedLm::pretraining(8).weight(&targets), 2.0);
    assert_eq!(targets.map(|target| target.next_sentence()), [0, 1]);
}

#[test]
fn perplexity_is_that_of_the_mean_over_all_masked_tokens() {
    let mut evaluator = MaskedLm::pretraining(8).evaluator();
    evaluator.add_masked(1.0, &[4, 5, 6], &[4, 5, 5]);
    evaluator.add_masked(3.0, &[4], &[9]);
    evaluator.add_pairs(0.5, &[0, 1], &[0, 0]);
    let metrics = evaluator.evaluation().metrics;
    let of = |name| metrics.get(name).unwrap();
    assert_eq!(of("masked_loss"), 1.5);
    assert!((of("perplexity") - 1.5_f64.exp()).abs() < 1e-12);
    assert_eq!(of("masked_accuracy"), 0.5);
    assert_eq!(of("next_sentence_accuracy"), 0.5);
    assert_eq!(of("loss"), 2.0);
    evaluator.keep_predictions();
    assert!(evaluator.take_predictions().is_empty() && evaluator.last_predictions().is_empty());
}

#[test]
fn every_reported_metric_has_a_direction() {
    for task in [MaskedLm::new(8), MaskedLm::pretraining(8)] {
        let evaluation = task.evaluator().evaluation();
        assert!(evaluation.metrics.iter().len() > 2);
        for (name, _) in evaluation.metrics.iter() {
            assert!(task.direction(name).is_some(), "{name}");
        }
    }
    assert_eq!(MaskedLm::new(8).direction("next_sentence_accuracy"), None);
}
