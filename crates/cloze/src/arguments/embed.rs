use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use cloze_data::vector_file::VectorFormat;

use super::embedding::{EmbeddingArguments, PromptArguments, TextArguments};
use crate::failure::Usage;

/// Turn texts into vectors
#[derive(Debug, Args)]
#[command(after_help = "\
Examples: a text, a file into a matrix for NumPy, a stream
  cloze embed models/cloze-tiny-zh \"酒店的位置很好。\"
  cloze embed sentence-transformers/all-MiniLM-L6-v2 --file reviews.csv --output reviews.npy
  tail -f comments.txt | cloze embed runs/reviews --pooling cls --normalize

MODEL may be any checkpoint, whatever it was trained for, or a folder of `sentence-transformers`,
whose poolings, dense layers, prompts and lengths are used. JSON lines have {\"embedding\": [ … ]}, with
the row's `id` before it where there is one; a matrix has a row a text, in safetensors under the name
`embeddings`.")]
pub(crate) struct EmbedArguments {
    /// Folder, run folder or Hub name of a model
    pub(crate) model: String,

    #[command(flatten)]
    pub(crate) texts: TextArguments,

    #[command(flatten)]
    pub(crate) embedding: EmbeddingArguments,

    #[command(flatten)]
    pub(crate) prompt: PromptArguments,

    /// Write the vectors to this file, which appears whole when all are there [default: JSON lines
    /// on standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Format of the output [default: by the name of the file]
    #[arg(long, value_enum, value_name = "FORMAT")]
    output_format: Option<OutputFormat>,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// A line of JSON a text
    Jsonl,
    /// A matrix as NumPy has it
    Npy,
    /// A matrix in safetensors
    Safetensors,
}

/// Where vectors go.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// JSON lines on standard output.
    Printed,
    /// JSON lines in a file.
    Lines(PathBuf),
    /// A matrix.
    Matrix(PathBuf, VectorFormat),
}

impl EmbedArguments {
    /// Where vectors go.
    pub(crate) fn output(&self) -> Result<Output, Usage> {
        let Some(path) = &self.output else {
            return match self.output_format {
                None | Some(OutputFormat::Jsonl) => Ok(Output::Printed),
                Some(_) => Err(Usage::new("--output-format: a matrix needs --output FILE")),
            };
        };
        let format = self.output_format.or_else(|| format_of(path));
        match format {
            Some(OutputFormat::Jsonl) => Ok(Output::Lines(path.clone())),
            Some(OutputFormat::Npy) => Ok(Output::Matrix(path.clone(), VectorFormat::Npy)),
            Some(OutputFormat::Safetensors) => {
                Ok(Output::Matrix(path.clone(), VectorFormat::Safetensors))
            }
            None => Err(Usage::new(format!(
                "--output {}: found no format in the name, wanted .npy, .safetensors or .jsonl, or \
                 --output-format",
                path.display()
            ))),
        }
    }
}

fn format_of(path: &Path) -> Option<OutputFormat> {
    match VectorFormat::of(path) {
        Some(VectorFormat::Npy) => Some(OutputFormat::Npy),
        Some(VectorFormat::Safetensors) => Some(OutputFormat::Safetensors),
        None => {
            let extension = path.extension()?.to_str()?;
            ["jsonl", "ndjson"]
                .contains(&extension)
                .then_some(OutputFormat::Jsonl)
        }
    }
}
