//! What all pipelines do with examples and checkpoints.

use std::num::NonZeroUsize;

use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, check_vocabulary};
use cloze_tasks::{Example, question_answering, token_classification};

use crate::InferError;
use crate::model_task::written_task;

/// Batches of examples of similar length: little is padded inside attention.
pub(crate) fn by_length<T>(examples: &[Example<T>], size: NonZeroUsize) -> Vec<Vec<&Example<T>>> {
    let mut sorted: Vec<&Example<T>> = examples.iter().collect();
    sorted.sort_by_key(|example| example.ids.len());
    sorted.chunks(size.get()).map(<[_]>::to_vec).collect()
}

/// The tokenizer of a checkpoint, whose vocabulary must belong to the weights.
pub(crate) fn open_tokenizer(checkpoint: &Checkpoint) -> Result<Tokenizer, InferError> {
    let tokenizer = Tokenizer::from_folder(checkpoint.folder())?;
    let ids = tokenizer.last_id() as usize + 1;
    check_vocabulary(checkpoint, ids, checkpoint.encoder_config().vocab_size)?;
    Ok(tokenizer)
}

/// The length that the model was trained with, otherwise the tokenizer's, and at most what the
/// model has positions for.
pub(crate) fn max_length(checkpoint: &Checkpoint, tokenizer: &Tokenizer) -> usize {
    let trained = checkpoint
        .cloze_settings()
        .and_then(|settings| settings.max_length);
    trained
        .or(tokenizer.model_max_length())
        .unwrap_or(usize::MAX)
        .min(checkpoint.encoder_config().longest_sequence())
}

/// Refuses a checkpoint that cloze trained for another task than the one of this name, or that
/// says that it labels tokens or answers questions. `wanted` is the task in words.
pub(crate) fn refuse_other_tasks(
    checkpoint: &Checkpoint,
    name: &str,
    wanted: &'static str,
) -> Result<(), InferError> {
    let stored = written_task(checkpoint);
    let tokens = checkpoint
        .is_token_classifier()
        .then_some(token_classification::NAME);
    let answers = checkpoint
        .is_question_answering()
        .then_some(question_answering::NAME);
    match stored.or(tokens).or(answers) {
        Some(found) if found != name => Err(InferError::OtherTask {
            folder: checkpoint.folder().into(),
            found: found.into(),
            wanted,
        }),
        _ => Ok(()),
    }
}

/// `a BertForMaskedLM`, as `config.json` has it.
pub(crate) fn describe(checkpoint: &Checkpoint) -> String {
    let architectures = checkpoint.config().get("architectures");
    match architectures.and_then(|names| names.get(0)?.as_str()) {
        Some(class) => format!("a {class}"),
        None => format!("a {} encoder", checkpoint.architecture().model_type()),
    }
}
