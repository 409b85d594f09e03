use serde::{Deserialize, Serialize};

/// The function between two linear layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// `x · Φ(x)` with the exact normal distribution function, `gelu` in `transformers`.
    Gelu,
    /// The tanh approximation, `gelu_new` and `gelu_pytorch_tanh` in `transformers`.
    GeluTanh,
    /// `max(x, 0)`.
    Relu,
    /// `tanh(x)`.
    Tanh,
}

impl Activation {
    /// The activation that a `config.json` names, if it is one that cloze computes exactly.
    pub fn from_name(name: &str) -> Option<Self> {
        match name {
            "gelu" => Some(Self::Gelu),
            "gelu_new" | "gelu_pytorch_tanh" => Some(Self::GeluTanh),
            "relu" => Some(Self::Relu),
            "tanh" => Some(Self::Tanh),
            _ => None,
        }
    }

    /// The name that `transformers` knows the activation by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_new",
            Self::Relu => "relu",
            Self::Tanh => "tanh",
        }
    }
}

/// Which row of the position embeddings a token takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PositionNumbering {
    /// Its place in the sequence, from 0 on: BERT.
    #[default]
    FromZero,
    /// Its place among the tokens of the sequence that are not padding, from `pad_token_id + 1`
    /// on; padding itself takes the row `pad_token_id`: RoBERTa, after fairseq's
    /// `make_positions`.
    AfterPadding,
}

/// What an encoder is made of, whatever names its architecture's `config.json` uses.
///
/// Field names are BERT's in `transformers`. Each architecture fills this from its own keys and
/// refuses values that it does not compute.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EncoderConfig {
    /// `model_type` of the architecture: `bert`, `distilbert`, …
    pub model_type: String,
    /// Rows of the word embeddings.
    pub vocab_size: usize,
    /// Width of the embeddings. Where it is not `hidden_size`, a linear layer leads from one to
    /// the other: ELECTRA.
    pub embedding_size: usize,
    /// Width of the hidden states.
    pub hidden_size: usize,
    /// Number of encoder layers.
    pub num_hidden_layers: usize,
    /// Attention heads a layer; divides `hidden_size`.
    pub num_attention_heads: usize,
    /// Width between the two feed-forward matrices.
    pub intermediate_size: usize,
    /// Activation of the feed-forward layers.
    pub hidden_act: Activation,
    /// Dropout after embeddings and feed-forward.
    pub hidden_dropout_prob: f64,
    /// Dropout after the attention output; DistilBERT has none there.
    pub attention_output_dropout_prob: f64,
    /// Dropout on attention weights.
    pub attention_probs_dropout_prob: f64,
    /// Rows of the position embeddings; [`longest_sequence`](Self::longest_sequence) says how many
    /// tokens they are enough for.
    pub max_position_embeddings: usize,
    /// Which of these rows a token takes.
    pub position_numbering: PositionNumbering,
    /// Rows of the token type embeddings; 0 where the architecture has none.
    pub type_vocab_size: usize,
    /// Added to the variance in every LayerNorm.
    pub layer_norm_eps: f64,
    /// Standard deviation of newly drawn weights.
    pub initializer_range: f64,
    /// Id of the padding token.
    pub pad_token_id: u32,
    /// Whether the architecture has a pooler (a dense layer and tanh over the first row).
    pub pooler: bool,
}

impl EncoderConfig {
    /// Tokens of the longest sequence that there are position embeddings for, special tokens
    /// included.
    pub fn longest_sequence(&self) -> usize {
        let unused = match self.position_numbering {
            PositionNumbering::FromZero => 0,
            PositionNumbering::AfterPadding => self.pad_token_id as usize + 1,
        };
        self.max_position_embeddings.saturating_sub(unused)
    }

    /// Width of one attention head.
    pub fn head_size(&self) -> usize {
        self.hidden_size / self.num_attention_heads
    }
}
