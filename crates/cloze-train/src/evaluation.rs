//! A model on the rows of a split.

use std::ops::Range;

use burn::tensor::Device;
use cloze_tasks::{Evaluator, ExampleSource, Input, Task, TaskError, pack};

use crate::StopFlag;
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName};
use crate::features::Features;

/// The rows of a split, and how the model is given them.
pub(crate) struct Rows<'a, T: Task> {
    pub(crate) split: SplitName,
    pub(crate) examples: &'a dyn ExampleSource<T::Target>,
    /// Where their features are kept, with the device that they are wanted on.
    pub(crate) features: Option<(&'a Features<T::Features>, &'a Device)>,
    pub(crate) batch_size: usize,
}

/// What a task says about one row.
pub(crate) type Prediction<T> = <<T as Task>::Evaluator as Evaluator>::Prediction;

/// Takes the predictions of rows, in their order, as they are complete.
pub(crate) type Predicted<'a, T> = &'a mut dyn FnMut(Prediction<T>) -> Result<(), TrainError>;

/// Runs the model on all examples, in their order, as the first epoch would see them: every
/// evaluation of a run sees the same. They are read batch by batch, and predictions are handed on as
/// the batches are done, where they are wanted. `None` if the run was asked to stop meanwhile.
pub(crate) fn evaluate<T: Task>(
    task: &T,
    model: &T::Model,
    rows: &Rows<'_, T>,
    observer: &mut dyn Observer,
    stop: &StopFlag,
    mut predicted: Option<Predicted<'_, T>>,
) -> Result<Option<T::Evaluator>, TrainError> {
    let mut evaluator = task.evaluator();
    if predicted.is_some() {
        evaluator.keep_predictions();
    }
    let total = rows.examples.len();
    let mut done = 0;
    while done < total {
        if stop.is_requested() {
            return Ok(None);
        }
        let end = total.min(done + rows.batch_size.max(1));
        evaluate_batch(task, model, rows, done..end, &mut evaluator)?;
        hand_on::<T>(evaluator.take_predictions(), &mut predicted)?;
        done = end;
        observer.observe(&Event::Evaluating {
            split: rows.split,
            done,
            total,
        });
    }
    hand_on::<T>(evaluator.last_predictions(), &mut predicted)?;
    Ok(Some(evaluator))
}

fn evaluate_batch<T: Task>(
    task: &T,
    model: &T::Model,
    rows: &Rows<'_, T>,
    indices: Range<usize>,
    evaluator: &mut T::Evaluator,
) -> Result<(), TaskError> {
    let batch = indices
        .clone()
        .map(|index| rows.examples.example(index, 0))
        .collect::<Result<Vec<_>, _>>()?;
    let targets: Vec<T::Target> = batch.iter().map(|example| example.target.clone()).collect();
    if let Some((features, device)) = rows.features {
        let kept = features.select(rows.split, indices, device);
        let input = Input::Features(features.kind(), &kept);
        return task.evaluate(model, &input, &targets, evaluator);
    }
    let packed = pack(batch.iter().map(AsRef::as_ref))?;
    task.evaluate(model, &Input::Tokens(&packed), &targets, evaluator)
}

fn hand_on<T: Task>(
    predictions: Vec<Prediction<T>>,
    predicted: &mut Option<Predicted<'_, T>>,
) -> Result<(), TrainError> {
    match predicted {
        Some(predicted) => predictions.into_iter().try_for_each(predicted),
        None => Ok(()),
    }
}
