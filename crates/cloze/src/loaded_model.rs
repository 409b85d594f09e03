//! A checkpoint as the most that cloze can make of it: a classifier of texts or of tokens, a model
//! that answers questions, a masked language model, one that continues texts, or an encoder.

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use cloze_model::checkpoint::{
    Checkpoint, CheckpointError, ClassifierMetadata, ClassifierOptions, ContinuationMetadata,
    LoadReport, MaskedLanguageMetadata, ProblemType, QuestionAnsweringMetadata,
    QuestionAnsweringOptions, TokenClassifierMetadata, TokenClassifierOptions, load_classifier,
    load_continuation, load_encoder, load_masked_language_model, load_question_answering,
    load_token_classifier, save_classifier, save_continuation, save_encoder,
    save_masked_language_model, save_question_answering, save_token_classifier,
};
use cloze_model::parameters::ParameterReport;
use cloze_model::resize::{resize_continuation, resize_embeddings, resize_masked_language_model};
use cloze_model::{
    ContinuationModel, Encoder, FreezeError, FreezeSpec, MaskedLanguageModel,
    QuestionAnsweringModel, SequenceClassifier, TokenClassifier,
};
use cloze_tasks::multi_label::THRESHOLDS_FILE;
use cloze_tasks::question_answering::SETTINGS_FILE;
use cloze_tasks::{
    Continuation, Task, continuation, masked_lm, multi_label, question_answering, regression,
    text_classification, token_classification,
};

/// A model without regard to its task.
#[derive(Debug)]
pub(crate) enum LoadedModel {
    /// It has a classification head.
    Classifier(Box<SequenceClassifier>),
    /// It has a head for tokens.
    TokenClassifier(Box<TokenClassifier>),
    /// It answers questions.
    QuestionAnswering(Box<QuestionAnsweringModel>),
    /// It fills masks.
    MaskedLanguage(Box<MaskedLanguageModel>),
    /// It says which token comes next.
    Continuation(Box<ContinuationModel>),
    /// It has none that cloze knows.
    Encoder(Box<Encoder>),
}

impl LoadedModel {
    /// Loads a classifier or a masked language model if all tensors of one are there, and otherwise
    /// the encoder.
    pub(crate) fn load(
        checkpoint: &Checkpoint,
        device: &Device,
    ) -> Result<(Self, LoadReport), CheckpointError> {
        if let Some(continuation) = checkpoint.continuation() {
            let head = &continuation.head;
            let (model, report) = load_continuation(checkpoint, head, 0, device)?;
            if report.missing.is_empty() {
                return Ok((Self::Continuation(Box::new(model)), report));
            }
        }
        if checkpoint.is_token_classifier() {
            let options = TokenClassifierOptions::default();
            let (model, report) = load_token_classifier(checkpoint, &options, device)?;
            if report.missing.is_empty() {
                return Ok((Self::TokenClassifier(Box::new(model)), report));
            }
        }
        if checkpoint.is_question_answering() {
            let options = QuestionAnsweringOptions::default();
            let (model, report) = load_question_answering(checkpoint, &options, device)?;
            if report.missing.is_empty() {
                return Ok((Self::QuestionAnswering(Box::new(model)), report));
            }
        }
        let options = ClassifierOptions::default();
        let (classifier, report) = load_classifier(checkpoint, &options, device)?;
        if report.missing.is_empty() {
            return Ok((Self::Classifier(Box::new(classifier)), report));
        }
        let store = checkpoint.tensors()?;
        let has = |canonical: &str| {
            let name = checkpoint.architecture().hf_name(canonical);
            store.shape(&name).is_some()
        };
        if has("cls.predictions.bias") {
            let next_sentence = has("cls.seq_relationship.weight");
            let (model, report) = load_masked_language_model(checkpoint, next_sentence, 0, device)?;
            if report.missing.is_empty() {
                return Ok((Self::MaskedLanguage(Box::new(model)), report));
            }
        }
        let (encoder, report) = load_encoder(checkpoint, device)?;
        Ok((Self::Encoder(Box::new(encoder)), report))
    }

    /// Parameters by part.
    pub(crate) fn parameters(&self) -> ParameterReport {
        match self {
            Self::Classifier(model) => ParameterReport::of(&**model),
            Self::TokenClassifier(model) => ParameterReport::of(&**model),
            Self::QuestionAnswering(model) => ParameterReport::of(&**model),
            Self::MaskedLanguage(model) => ParameterReport::of(&**model),
            Self::Continuation(model) => ParameterReport::of(&**model),
            Self::Encoder(model) => ParameterReport::of(&**model),
        }
    }

    /// The model with these parts frozen.
    pub(crate) fn freeze(
        self,
        spec: &FreezeSpec,
        checkpoint: &Checkpoint,
    ) -> Result<Self, FreezeError> {
        let architecture = checkpoint.architecture();
        Ok(match self {
            Self::Classifier(model) => {
                Self::Classifier(Box::new(spec.apply(*model, architecture)?.0))
            }
            Self::TokenClassifier(model) => {
                Self::TokenClassifier(Box::new(spec.apply(*model, architecture)?.0))
            }
            Self::QuestionAnswering(model) => {
                Self::QuestionAnswering(Box::new(spec.apply(*model, architecture)?.0))
            }
            Self::MaskedLanguage(model) => {
                Self::MaskedLanguage(Box::new(spec.apply(*model, architecture)?.0))
            }
            Self::Continuation(model) => {
                Self::Continuation(Box::new(spec.apply(*model, architecture)?.0))
            }
            Self::Encoder(model) => Self::Encoder(Box::new(spec.apply(*model, architecture)?.0)),
        })
    }

    /// The model with rows for a vocabulary of this size.
    pub(crate) fn resize(self, vocab_size: usize, seed: u64) -> anyhow::Result<Self> {
        Ok(match self {
            Self::Classifier(mut model) => {
                model.encoder = resize_embeddings(model.encoder, vocab_size, seed)?;
                Self::Classifier(model)
            }
            Self::TokenClassifier(mut model) => {
                model.encoder = resize_embeddings(model.encoder, vocab_size, seed)?;
                Self::TokenClassifier(model)
            }
            Self::QuestionAnswering(mut model) => {
                model.encoder = resize_embeddings(model.encoder, vocab_size, seed)?;
                Self::QuestionAnswering(model)
            }
            Self::MaskedLanguage(model) => {
                let grown = resize_masked_language_model(*model, vocab_size, seed)?;
                Self::MaskedLanguage(Box::new(grown))
            }
            Self::Continuation(model) => {
                let grown = resize_continuation(*model, vocab_size, seed)?;
                Self::Continuation(Box::new(grown))
            }
            Self::Encoder(model) => {
                Self::Encoder(Box::new(resize_embeddings(*model, vocab_size, seed)?))
            }
        })
    }

    /// Rows of the word embeddings.
    pub(crate) fn vocab_size(&self) -> usize {
        match self {
            Self::Classifier(model) => model.encoder.config().vocab_size,
            Self::TokenClassifier(model) => model.encoder.config().vocab_size,
            Self::QuestionAnswering(model) => model.encoder.config().vocab_size,
            Self::MaskedLanguage(model) => model.encoder.config().vocab_size,
            Self::Continuation(model) => model.encoder.config().vocab_size,
            Self::Encoder(model) => model.config().vocab_size,
        }
    }

    /// Writes what is not the tokenizer's; labels, task and lengths are the checkpoint's.
    pub(crate) fn save(
        &self,
        folder: &Path,
        checkpoint: &Checkpoint,
    ) -> Result<(), CheckpointError> {
        let model = match self {
            Self::Encoder(model) => return save_encoder(folder, model, checkpoint.config()),
            Self::MaskedLanguage(model) => return save_masked(folder, model, checkpoint),
            Self::TokenClassifier(model) => return save_tokens(folder, model, checkpoint),
            Self::QuestionAnswering(model) => return save_answers(folder, model, checkpoint),
            Self::Continuation(model) => return save_continued(folder, model, checkpoint),
            Self::Classifier(model) => model,
        };
        let settings = checkpoint.cloze_settings();
        let labels = checkpoint.labels_or_numbered(model.head.labels())?;
        let problem_type = checkpoint.problem_type_or_usual()?;
        let metadata = ClassifierMetadata {
            config: checkpoint.config(),
            labels: &labels,
            problem_type,
            task: settings
                .and_then(|settings| settings.task.as_deref())
                .unwrap_or(task_of(problem_type)),
            max_length: settings.and_then(|settings| settings.max_length),
            stride: settings.and_then(|settings| settings.stride),
        };
        copy_settings(THRESHOLDS_FILE, checkpoint.folder(), folder)?;
        save_classifier(folder, model, &metadata)
    }
}

fn save_tokens(
    folder: &Path,
    model: &TokenClassifier,
    checkpoint: &Checkpoint,
) -> Result<(), CheckpointError> {
    let settings = checkpoint.cloze_settings();
    let metadata = TokenClassifierMetadata {
        config: checkpoint.config(),
        labels: &checkpoint.labels_or_numbered(model.head.labels())?,
        task: token_classification::NAME,
        max_length: settings.and_then(|settings| settings.max_length),
    };
    save_token_classifier(folder, model, &metadata)
}

fn save_answers(
    folder: &Path,
    model: &QuestionAnsweringModel,
    checkpoint: &Checkpoint,
) -> Result<(), CheckpointError> {
    let settings = checkpoint.cloze_settings();
    let metadata = QuestionAnsweringMetadata {
        config: checkpoint.config(),
        task: question_answering::NAME,
        max_length: settings.and_then(|settings| settings.max_length),
    };
    copy_settings(SETTINGS_FILE, checkpoint.folder(), folder)?;
    save_question_answering(folder, model, &metadata)
}

/// The task that scores of this meaning are for.
pub(crate) fn task_of(problem_type: ProblemType) -> &'static str {
    match problem_type {
        ProblemType::SingleLabelClassification => text_classification::NAME,
        ProblemType::MultiLabelClassification => multi_label::NAME,
        ProblemType::Regression => regression::NAME,
    }
}

/// Thresholds, and what else a task keeps in a file of its own, stay as they are.
fn copy_settings(name: &str, from: &Path, to: &Path) -> Result<(), CheckpointError> {
    let path = from.join(name);
    if !path.exists() {
        return Ok(());
    }
    let target = to.join(name);
    match fs::copy(&path, &target) {
        Ok(_) => Ok(()),
        Err(source) => Err(CheckpointError::Write {
            path: target,
            source,
        }),
    }
}

fn save_masked(
    folder: &Path,
    model: &MaskedLanguageModel,
    checkpoint: &Checkpoint,
) -> Result<(), CheckpointError> {
    let settings = checkpoint.cloze_settings();
    let metadata = MaskedLanguageMetadata {
        config: checkpoint.config(),
        task: match model.next_sentence {
            Some(_) => masked_lm::PRETRAINING,
            None => masked_lm::NAME,
        },
        max_length: settings.and_then(|settings| settings.max_length),
    };
    save_masked_language_model(folder, model, &metadata)
}

fn save_continued(
    folder: &Path,
    model: &ContinuationModel,
    checkpoint: &Checkpoint,
) -> Result<(), CheckpointError> {
    let continuation = checkpoint.wanted_continuation()?;
    let metadata = ContinuationMetadata {
        config: checkpoint.config(),
        continuation,
        task: continuation::NAME,
        max_length: Continuation::new(continuation.clone()).max_length(),
    };
    save_continuation(folder, model, &metadata)
}
