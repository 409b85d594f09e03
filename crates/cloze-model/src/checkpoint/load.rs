use burn::tensor::Device;
use cloze_core::{ConfigJson, EncoderConfig};

use super::folder::architecture_of;
use super::source::{CheckpointParameters, HeadSource};
use super::tensor_names::HeadNames;
use super::{Checkpoint, CheckpointError, LoadReport};
use crate::architectures::{Architecture, ModelClass};
use crate::encoder::Encoder;
use crate::heads::{BuildError, ClassificationHeadConfig, MaskedLanguageModel, SequenceClassifier};
use crate::parameter_source::RandomParameters;

/// What a classifier is to be that is built on a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassifierOptions {
    /// Number of labels; the checkpoint's own number where nothing is said.
    pub num_labels: Option<usize>,
    /// The head; the checkpoint's own where nothing is said.
    pub head: Option<ClassificationHeadConfig>,
    /// Leave the checkpoint's head out and start a new one, even if it would fit.
    pub new_head: bool,
    /// From which every newly initialised tensor is drawn.
    pub seed: u64,
}

/// Loads an encoder without any head.
///
/// # Errors
/// If the weights are broken, have other shapes than `config.json` says, or lack a tensor of the
/// encoder. A missing pooler is initialised and reported.
pub fn load_encoder(
    checkpoint: &Checkpoint,
    device: &Device,
) -> Result<(Encoder, LoadReport), CheckpointError> {
    let head = HeadSource::Checkpoint(HeadNames::Architecture);
    let mut parameters = CheckpointParameters::open(checkpoint, head, 0)?;
    let encoder = Encoder::new(checkpoint.encoder_config(), &mut parameters, device)?;
    Ok((encoder, parameters.finish()?))
}

/// Loads a classifier. Tensors of the head that the checkpoint lacks are initialised and
/// reported. A head of another form than the checkpoint's is new as a whole.
///
/// # Errors
/// As [`load_encoder`], and if the checkpoint's head has another number of labels than was asked
/// for (see [`ClassifierOptions::new_head`]).
pub fn load_classifier(
    checkpoint: &Checkpoint,
    options: &ClassifierOptions,
    device: &Device,
) -> Result<(SequenceClassifier, LoadReport), CheckpointError> {
    let stored_head = checkpoint.classification_head()?;
    let head = options.head.clone().unwrap_or_else(|| stored_head.clone());
    let names = head_names(&head, &checkpoint.own_classification_head()?);
    let source = if options.new_head || !head.same_function(&stored_head) {
        HeadSource::Fresh(names)
    } else {
        HeadSource::Checkpoint(names)
    };
    let mut parameters = CheckpointParameters::open(checkpoint, source, options.seed)?;
    let stored_labels = parameters
        .stored_shape(OUTPUT)
        .and_then(|shape| shape.first())
        .copied();
    let num_labels = match (options.num_labels, stored_labels) {
        (Some(wanted), Some(found)) if wanted != found => {
            let folder = checkpoint.folder().into();
            return Err(CheckpointError::LabelCount {
                folder,
                found,
                wanted,
            });
        }
        (Some(wanted), _) => wanted,
        (None, found) => match (checkpoint.stated_labels()?, found) {
            (Some(stated), _) => stated,
            (None, Some(found)) => found,
            (None, None) => checkpoint.num_labels()?,
        },
    };
    let config = under_head(
        checkpoint.encoder_config(),
        names,
        checkpoint.architecture(),
    );
    let classifier = SequenceClassifier::new(&config, &head, num_labels, &mut parameters, device)?;
    Ok((classifier, parameters.finish()?))
}

/// Loads a masked language model; with next-sentence prediction if that is wanted. Tensors of
/// the heads that the checkpoint lacks are drawn from `seed` and reported.
///
/// # Errors
/// As [`load_encoder`]; if the checkpoint does not share its word embeddings with the head
/// (`tie_word_embeddings`), or next sentences are wanted of an architecture without pooler.
pub fn load_masked_language_model(
    checkpoint: &Checkpoint,
    next_sentence: bool,
    seed: u64,
    device: &Device,
) -> Result<(MaskedLanguageModel, LoadReport), CheckpointError> {
    refuse_untied(checkpoint)?;
    let (architecture, config) = (checkpoint.architecture(), checkpoint.encoder_config());
    refuse_next_sentence(next_sentence, architecture)?;
    let source = HeadSource::Checkpoint(HeadNames::Architecture);
    let mut parameters = CheckpointParameters::open(checkpoint, source, seed)?;
    let activation = architecture.masked_lm_activation(config);
    let model =
        MaskedLanguageModel::new(config, activation, next_sentence, &mut parameters, device)?;
    Ok((model, without_tied(parameters.finish()?, architecture)))
}

/// Refuses a head for masked words that has a last matrix of its own.
pub(super) fn refuse_untied(checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
    let json = checkpoint.config();
    if json.get(TIED).is_some_and(|tied| tied == false) {
        let wanted = "true: cloze shares the word embeddings with the head, as BERT does";
        return Err(json.error(TIED, wanted).into());
    }
    Ok(())
}

/// The report without the tensors that old files hold twice.
pub(super) fn without_tied(mut report: LoadReport, architecture: &dyn Architecture) -> LoadReport {
    let tied = architecture.tied_names();
    report
        .unexpected
        .retain(|name| !tied.contains(&name.as_str()));
    report
}

/// A new masked language model with the encoder that a `config.json` describes and weights that
/// follow from `seed`.
///
/// # Errors
/// If the architecture is unknown, a value is one that cloze does not compute, or next sentences
/// are wanted of an architecture without pooler.
pub fn init_masked_language_model(
    config: &ConfigJson,
    next_sentence: bool,
    seed: u64,
    device: &Device,
) -> Result<MaskedLanguageModel, CheckpointError> {
    let architecture = architecture_of(config)?;
    refuse_next_sentence(next_sentence, architecture)?;
    let encoder_config = architecture.parse_config(config)?;
    let mut parameters = RandomParameters::new(seed);
    Ok(MaskedLanguageModel::new(
        &encoder_config,
        architecture.masked_lm_activation(&encoder_config),
        next_sentence,
        &mut parameters,
        device,
    )?)
}

/// Refuses a checkpoint whose architecture has no next-sentence prediction, for whoever wants to know
/// before a corpus is read.
///
/// # Errors
/// If it has none.
pub fn check_next_sentence(checkpoint: &Checkpoint) -> Result<(), CheckpointError> {
    Ok(refuse_next_sentence(true, checkpoint.architecture())?)
}

/// Refuses next-sentence prediction where `transformers` has no model with both heads.
fn refuse_next_sentence(
    next_sentence: bool,
    architecture: &dyn Architecture,
) -> Result<(), BuildError> {
    if next_sentence && !architecture.has_pooler(ModelClass::Pretraining) {
        return Err(BuildError::NoNextSentence {
            model_type: architecture.model_type().into(),
        });
    }
    Ok(())
}

/// The encoder under a classification head: with a pooler where the model of `transformers` has
/// one. The encoder under `modeling_cloze.py` is that of `AutoModel`.
fn under_head(
    config: &EncoderConfig,
    names: HeadNames,
    architecture: &dyn Architecture,
) -> EncoderConfig {
    let class = match names {
        HeadNames::Cloze => ModelClass::Encoder,
        HeadNames::Architecture | HeadNames::Tokens => ModelClass::SequenceClassification,
    };
    EncoderConfig {
        pooler: config.pooler && architecture.has_pooler(class),
        ..config.clone()
    }
}

/// Whether the last matrix of a masked language model is that of the word embeddings.
pub(super) const TIED: &str = "tie_word_embeddings";

/// A new encoder with the form that a `config.json` gives it and weights that follow from `seed`.
///
/// # Errors
/// If the architecture is unknown or a value is one that cloze does not compute.
pub fn init_encoder(
    config: &ConfigJson,
    seed: u64,
    device: &Device,
) -> Result<Encoder, CheckpointError> {
    let encoder_config = architecture_of(config)?.parse_config(config)?;
    let mut parameters = RandomParameters::new(seed);
    Ok(Encoder::new(&encoder_config, &mut parameters, device)?)
}

/// A new classifier with the encoder that a `config.json` describes and weights that follow from
/// the seed. Without a head among the options it is the architecture's own.
///
/// # Errors
/// If the architecture is unknown or a value is one that cloze does not compute.
pub fn init_classifier(
    config: &ConfigJson,
    options: &ClassifierOptions,
    device: &Device,
) -> Result<SequenceClassifier, CheckpointError> {
    let architecture = architecture_of(config)?;
    let encoder_config = architecture.parse_config(config)?;
    let own = architecture.classification_head(config, &encoder_config)?;
    let head = options.head.clone().unwrap_or_else(|| own.clone());
    let encoder_config = under_head(&encoder_config, head_names(&head, &own), architecture);
    let num_labels = options.num_labels.unwrap_or(2);
    let mut parameters = RandomParameters::new(options.seed);
    Ok(SequenceClassifier::new(
        &encoder_config,
        &head,
        num_labels,
        &mut parameters,
        device,
    )?)
}

/// Canonical name of the last matrix of a head, `[labels, …]`.
const OUTPUT: &str = "classifier.weight";

/// `transformers`' names for the head that it has, `modeling_cloze.py`'s for any other.
pub(crate) fn head_names(
    head: &ClassificationHeadConfig,
    own: &ClassificationHeadConfig,
) -> HeadNames {
    if head.same_function(own) {
        HeadNames::Architecture
    } else {
        HeadNames::Cloze
    }
}
