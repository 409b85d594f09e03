//! The head that a configuration describes.

use cloze_core::Activation;
use cloze_model::checkpoint::{Checkpoint, CheckpointError};
use cloze_model::{ClassificationHeadConfig, Features};

use crate::config::{ActivationConfig, FeaturesConfig, HeadConfig};

/// The checkpoint's own head with what the configuration changes; `None` where it changes nothing.
pub(crate) fn head_config(
    config: Option<&HeadConfig>,
    checkpoint: &Checkpoint,
) -> Result<Option<ClassificationHeadConfig>, CheckpointError> {
    let Some(config) = config else {
        return Ok(None);
    };
    let mut head = checkpoint.classification_head()?;
    if let Some(features) = config.features {
        head.features = match features {
            FeaturesConfig::Pooled => Features::Pooled,
            FeaturesConfig::Cls => Features::Cls,
            FeaturesConfig::Mean => Features::Mean,
        };
    }
    if let Some(hidden) = &config.hidden {
        head.hidden.clone_from(hidden);
        head.activation = Activation::Relu;
    }
    if let Some(function) = config.activation {
        head.activation = activation(function);
    }
    if let Some(dropout) = config.dropout {
        // RoBERTa and ELECTRA have one dropout for both places.
        if head.feature_dropout > 0.0 && head.feature_dropout == head.dropout {
            head.feature_dropout = dropout;
        }
        head.dropout = dropout;
    }
    Ok(Some(head))
}

/// The function that a configuration names.
pub(crate) fn activation(config: ActivationConfig) -> Activation {
    match config {
        ActivationConfig::Relu => Activation::Relu,
        ActivationConfig::Gelu => Activation::Gelu,
        ActivationConfig::GeluNew => Activation::GeluTanh,
        ActivationConfig::Tanh => Activation::Tanh,
    }
}
