//! A model on the rows of a split.

use burn::tensor::Device;
use cloze_tasks::{ExampleSource, Input, Task, TaskError, pack};

use crate::StopFlag;
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

/// Runs the model on all examples, in their order, as the first epoch would see them: every
/// evaluation of a run sees the same. They are read batch by batch. `None` if the run was asked to
/// stop meanwhile.
pub(crate) fn evaluate<T: Task>(
    task: &T,
    model: &T::Model,
    rows: &Rows<'_, T>,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Option<T::Evaluator>, TaskError> {
    let mut evaluator = task.evaluator();
    let total = rows.examples.len();
    let mut done = 0;
    while done < total {
        if stop.is_requested() {
            return Ok(None);
        }
        let end = total.min(done + rows.batch_size.max(1));
        let batch = (done..end)
            .map(|index| rows.examples.example(index, 0))
            .collect::<Result<Vec<_>, _>>()?;
        let targets: Vec<T::Target> = batch.iter().map(|example| example.target.clone()).collect();
        if let Some((features, device)) = rows.features {
            let kept = features.select(rows.split, done..end, device);
            let input = Input::Features(features.kind(), &kept);
            task.evaluate(model, &input, &targets, &mut evaluator)?;
        } else {
            let packed = pack(batch.iter().map(AsRef::as_ref))?;
            task.evaluate(model, &Input::Tokens(&packed), &targets, &mut evaluator)?;
        }
        done = end;
        observer.observe(&Event::Evaluating {
            split: rows.split,
            done,
            total,
        });
    }
    Ok(Some(evaluator))
}
