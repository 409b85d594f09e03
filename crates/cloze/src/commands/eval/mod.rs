//! `cloze eval MODEL --data FILE`: a file a kind of model.

mod continuation;
mod labelled;
mod masked;
mod questions;
mod tags;

use cloze_infer::ModelTask;
use cloze_tasks::metrics::Evaluation;

use crate::arguments::eval::EvalArguments;
use crate::models::Models;
use crate::reports::{evaluation_json, print_evaluation};
use crate::terminal::Results;

/// `cloze eval MODEL --data FILE`
pub(crate) fn run(arguments: &EvalArguments, models: &Models) -> anyhow::Result<()> {
    let device = arguments.device.open()?;
    let folder = models.folder(&arguments.model)?;
    let task = ModelTask::of(&folder)?;
    arguments.check(task)?;
    match task {
        ModelTask::TextClassification => labelled::classes(arguments, models, &device),
        ModelTask::MultiLabel => labelled::several(arguments, models, &device),
        ModelTask::Regression => labelled::numbers(arguments, models, &device),
        ModelTask::TokenClassification => tags::run(arguments, &folder, &device),
        ModelTask::QuestionAnswering => questions::run(arguments, &folder, &device),
        ModelTask::MaskedLm | ModelTask::Pretraining => masked::run(arguments, &folder, &device),
        ModelTask::Continuation => continuation::run(arguments, &folder, &device),
    }
}

fn print(evaluation: &Evaluation, json: bool) -> anyhow::Result<()> {
    let mut results = Results::stdout();
    if json {
        results.json(&evaluation_json(evaluation))?;
    } else {
        print_evaluation(evaluation, &mut results)?;
    }
    results.flush()
}
