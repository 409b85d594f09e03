use std::path::PathBuf;

use clap::{Args, ValueEnum};
use cloze_model::checkpoint::StoredType;

/// Store the weights of a model as another type
#[derive(Debug, Args)]
#[command(after_help = "\
Example: half the size, for a model that is to be passed on
  cloze convert runs/reviews reviews-float16 --dtype float16

Everything else in the folder is copied. Computed is in float32 whatever the type is; float16 keeps
11 bits of each weight, bfloat16 keeps 8.")]
pub(crate) struct ConvertArguments {
    /// Folder, run folder or Hub name of a model
    pub(crate) model: String,

    /// The folder to make
    #[arg(value_name = "OUT")]
    pub(crate) output: PathBuf,

    /// The type of the weights
    #[arg(long, value_enum, value_name = "TYPE")]
    pub(crate) dtype: WeightType,
}

/// A type that weights are stored as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum WeightType {
    /// Four bytes a weight
    Float32,
    /// Two bytes a weight
    Float16,
    /// Two bytes a weight, with the range of float32
    Bfloat16,
}

impl From<WeightType> for StoredType {
    fn from(wanted: WeightType) -> Self {
        match wanted {
            WeightType::Float32 => Self::F32,
            WeightType::Float16 => Self::F16,
            WeightType::Bfloat16 => Self::BF16,
        }
    }
}
