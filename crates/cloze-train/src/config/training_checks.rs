//! What keys of `[train]` and `[optimizer]` exclude or need.

use cloze_core::InputError;

use super::document::Document;
use super::metric_checks::{check_metric, check_validation};
use super::{POLYNOMIAL_END, RunConfig, ScheduleKind};

pub(super) fn check(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    check_schedule(config, document)?;
    check_early_stopping(config, document)?;
    let start = config.train.ema.as_ref().and_then(|ema| ema.start);
    check_steps("train.ema.start", start.unwrap_or(0.0), document)
}

/// A number of steps may be a share of all.
fn check_steps(key: &str, steps: f64, document: &Document) -> Result<(), InputError> {
    if steps >= 1.0 && steps.fract() != 0.0 {
        return Err(document.error(
            key,
            steps.to_string(),
            "a share below 1 or a whole number of steps",
        ));
    }
    Ok(())
}

fn check_early_stopping(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let Some(early_stopping) = &config.train.early_stopping else {
        return Ok(());
    };
    let key = "train.early_stopping";
    check_validation(key, "early stopping", "no early stopping", config, document)?;
    let metric = early_stopping.metric;
    check_metric("train.early_stopping.metric", metric, config, document)
}

fn check_schedule(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    use ScheduleKind::{Cosine, CosineWithRestarts, Polynomial, Step};

    let schedule = &config.train.schedule;
    for (name, given, kinds, wanted) in [
        ("step_size", schedule.step_size.is_some(), &[Step][..], STEP),
        ("gamma", schedule.gamma.is_some(), &[Step], STEP),
        ("unit", schedule.unit.is_some(), &[Step], STEP),
        ("power", schedule.power.is_some(), &[Polynomial], POLYNOMIAL),
        (
            "end_learning_rate",
            schedule.end_learning_rate.is_some(),
            &[Polynomial],
            POLYNOMIAL,
        ),
        (
            "cycles",
            schedule.cycles.is_some(),
            &[Cosine, CosineWithRestarts],
            COSINE,
        ),
    ] {
        if given && !kinds.contains(&schedule.kind) {
            return Err(document.error(
                &format!("train.schedule.{name}"),
                "a key that this kind of schedule has no use for",
                format!("`kind = {wanted}` beside it"),
            ));
        }
    }
    if schedule.kind == Step && schedule.step_size.is_none() {
        return Err(document.error(
            "train.schedule.step_size",
            "nothing",
            "the epochs (or steps, with `unit = \"steps\"`) between two changes",
        ));
    }
    check_end(config, document)?;
    check_steps("train.schedule.warmup", schedule.warmup, document)
}

const STEP: &str = "\"step\"";
const POLYNOMIAL: &str = "\"polynomial\"";
const COSINE: &str = "\"cosine\"` or `\"cosine-with-restarts\"";

/// The polynomial curve falls.
fn check_end(config: &RunConfig, document: &Document) -> Result<(), InputError> {
    let (schedule, highest) = (&config.train.schedule, config.train.learning_rate);
    let Some(end) = schedule.end_learning_rate else {
        return Ok(());
    };
    // What is filled in beside a rate of almost nothing is nobody's mistake.
    if end >= highest && end != POLYNOMIAL_END {
        return Err(document.error(
            "train.schedule.end_learning_rate",
            format!("{end} with `learning_rate = {highest}`"),
            "a rate below the highest",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::task_checks::tests::parse;
    use super::super::{BestMetric, ScheduleKind};

    const SPLIT: &str = "split = { validation = 0.1 }\n[train]\n";

    #[test]
    fn parts_of_a_training_are_read_and_filled_in() {
        let text = format!(
            "{SPLIT}ema = {{}}\nearly_stopping = {{ patience = 2 }}\nbest = \"loss\"\n\
             schedule = {{ kind = \"cosine-with-restarts\", cycles = 3 }}"
        );
        let train = parse("text-classification", &text).unwrap().train;
        let ema = train.ema.unwrap();
        assert_eq!((ema.decay, ema.start, ema.ramp), (0.999, None, true));
        let early_stopping = train.early_stopping.unwrap();
        assert_eq!(early_stopping.metric, Some(BestMetric::Loss));
        assert_eq!(
            (early_stopping.patience, early_stopping.min_delta),
            (2, 0.0)
        );
        assert_eq!(train.schedule.kind, ScheduleKind::CosineWithRestarts);
        let polynomial = parse(
            "regression",
            "[train]\nschedule = { kind = \"polynomial\" }",
        );
        let schedule = polynomial.unwrap().train.schedule;
        assert_eq!(
            (schedule.power, schedule.end_learning_rate),
            (Some(1.0), Some(1e-7))
        );
    }

    #[test]
    fn parts_that_cannot_be_are_refused() {
        for (line, expected) in [
            (
                "[train]\nema = { decay = 1 }",
                "line 8, field `train.ema.decay`: found 1, wanted a number from 0 to below 1",
            ),
            (
                "[train]\nema = { decai = 0.9 }",
                "line 8, field `train.ema.decai`: found an unknown key, wanted `decay`, the nearest known key",
            ),
            (
                "[train]\nema = { start = 1.5 }",
                "line 8, field `train.ema.start`: found 1.5, wanted a share below 1 or a whole number of steps",
            ),
            (
                "[train]\nearly_stopping = { patience = 0 }",
                "line 8, field `train.early_stopping.patience`: found 0, wanted a whole number, 1 or more",
            ),
            (
                "[train]\nearly_stopping = { patience = 2 }",
                "line 8, field `train.early_stopping`: found early stopping without validation rows, \
                 wanted `data.validation` or `data.split.validation` beside it, or no early stopping",
            ),
            (
                "split = { validation = 0.1 }\n[train]\nearly_stopping = { patience = 2, metric = \"pearson\" }",
                "line 9, field `train.early_stopping.metric`: found \"pearson\", wanted a metric of \
                 text-classification: accuracy, macro_f1, micro_f1, weighted_f1, loss",
            ),
            (
                "[optimizer]\nlayer_decay = 1.1",
                "line 8, field `optimizer.layer_decay`: found 1.1, wanted a number above 0 to 1",
            ),
            (
                "[train]\nschedule = { kind = \"linear\", cycles = 2 }",
                "line 8, field `train.schedule.cycles`: found a key that this kind of schedule has no \
                 use for, wanted `kind = \"cosine\"` or `\"cosine-with-restarts\"` beside it",
            ),
            (
                "[train]\nschedule = { kind = \"polynomial\", end_learning_rate = 1 }",
                "line 8, field `train.schedule.end_learning_rate`: found 1 with `learning_rate = 0.00005`, \
                 wanted a rate below the highest",
            ),
        ] {
            let message = parse("text-classification", line).unwrap_err();
            assert_eq!(message, format!("run.toml, {expected}"), "{line}");
        }
    }
}
