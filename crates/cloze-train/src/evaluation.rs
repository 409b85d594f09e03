//! A model on the rows of a split.

use cloze_tasks::{Example, Task, TaskError, pack};

use crate::StopFlag;
use crate::events::{Event, Observer, SplitName};

/// Runs the model on all examples, in their order. `None` if the run was asked to stop meanwhile.
pub(crate) fn evaluate<T: Task>(
    task: &T,
    model: &T::Model,
    examples: &[Example<T::Target>],
    batch_size: usize,
    split: SplitName,
    observer: &mut dyn Observer,
    stop: &StopFlag,
) -> Result<Option<T::Evaluator>, TaskError> {
    let mut evaluator = task.evaluator();
    let mut done = 0;
    for batch in examples.chunks(batch_size.max(1)) {
        if stop.is_requested() {
            return Ok(None);
        }
        let targets: Vec<T::Target> = batch.iter().map(|example| example.target.clone()).collect();
        task.evaluate(model, &pack(batch)?, &targets, &mut evaluator)?;
        done += batch.len();
        observer.observe(&Event::Evaluating {
            split,
            done,
            total: examples.len(),
        });
    }
    Ok(Some(evaluator))
}
