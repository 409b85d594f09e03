//! A model on the rows of a split.

use burn::tensor::Device;
use cloze_tasks::{Example, Input, Task, TaskError, pack};

use crate::StopFlag;
use crate::events::{Event, Observer, SplitName};
use crate::features::Features;

/// The rows of a split, and how the model is given them.
pub(crate) struct Rows<'a, T: Task> {
    pub(crate) split: SplitName,
    pub(crate) examples: &'a [Example<T::Target>],
    /// Where their features are kept, with the device that they are wanted on.
    pub(crate) features: Option<(&'a Features<T::Features>, &'a Device)>,
    pub(crate) batch_size: usize,
}

/// Runs the model on all examples, in their order. `None` if the run was asked to stop meanwhile.
pub(crate) fn evaluate<T: Task>(
    task: &T,
    model: &T::Model,
    rows: &Rows<'_, T>,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Option<T::Evaluator>, TaskError> {
    let mut evaluator = task.evaluator();
    let mut done = 0;
    for batch in rows.examples.chunks(rows.batch_size.max(1)) {
        if stop.is_requested() {
            return Ok(None);
        }
        let targets: Vec<T::Target> = batch.iter().map(|example| example.target.clone()).collect();
        let end = done + batch.len();
        if let Some((features, device)) = rows.features {
            let kept = features.select(rows.split, done..end, device);
            let input = Input::Features(features.kind(), &kept);
            task.evaluate(model, &input, &targets, &mut evaluator)?;
        } else {
            let packed = pack(batch)?;
            task.evaluate(model, &Input::Tokens(&packed), &targets, &mut evaluator)?;
        }
        done = end;
        observer.observe(&Event::Evaluating {
            split: rows.split,
            done,
            total: rows.examples.len(),
        });
    }
    Ok(Some(evaluator))
}
