use cloze_core::Activation;
use serde::{Deserialize, Serialize};

/// What of a sequence a classification head sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Features {
    /// The pooled output.
    Pooled,
    /// The last hidden state of the first token, `[CLS]`.
    Cls,
    /// The mean of the last hidden states of all tokens, special ones included, as
    /// `sentence-transformers` pools.
    Mean,
}

/// Features → dropout → hidden layers, each with an activation → dropout → linear.
///
/// `transformers`' own heads are of this form:
///
/// | | features | dropout | hidden layers | dropout |
/// |---|---|---|---|---|
/// | BERT | pooled | 0 | none | `classifier_dropout` |
/// | DistilBERT | cls | 0 | hidden size, ReLU | `seq_classif_dropout` |
/// | RoBERTa | cls | `classifier_dropout` | hidden size, tanh | the same |
/// | ELECTRA | cls | `classifier_dropout` | hidden size, GELU | the same |
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassificationHeadConfig {
    /// What the head sees.
    pub features: Features,
    /// Dropout of the features, before any hidden layer.
    #[serde(default)]
    pub feature_dropout: f64,
    /// Widths of the hidden layers, first to last.
    #[serde(default)]
    pub hidden: Vec<usize>,
    /// Activation after each hidden layer.
    pub activation: Activation,
    /// Dropout before the last linear layer.
    pub dropout: f64,
}

impl ClassificationHeadConfig {
    /// Whether two heads compute the same outside training: all but the dropouts are equal (and
    /// the activation, where there is no hidden layer that it would follow).
    pub fn same_function(&self, other: &Self) -> bool {
        self.features == other.features
            && self.hidden == other.hidden
            && (self.hidden.is_empty() || self.activation == other.activation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropouts_and_an_unused_activation_do_not_change_the_function() {
        let head = ClassificationHeadConfig {
            features: Features::Pooled,
            feature_dropout: 0.0,
            hidden: Vec::new(),
            activation: Activation::Tanh,
            dropout: 0.1,
        };
        let other = |change: fn(&mut ClassificationHeadConfig)| {
            let mut other = head.clone();
            change(&mut other);
            other.same_function(&head)
        };
        assert!(other(|head| head.dropout = 0.5));
        assert!(other(|head| head.activation = Activation::Relu));
        assert!(!other(|head| head.features = Features::Cls));
        assert!(!other(|head| head.hidden = vec![200]));
    }
}
