//! `cloze embed MODEL [TEXT]…`

use std::io::Write;

use anyhow::Context;
use cloze_core::output::{OutputFile, remove_abandoned};
use cloze_data::readers::{LabelledText, Value};
use cloze_data::vector_file::VectorFile;
use cloze_infer::{Embedding, Prompt};
use serde::Serialize;

use super::embedding::{Embeddings, OpenInput};
use crate::arguments::embed::{EmbedArguments, Output};
use crate::models::Models;
use crate::terminal::Results;

/// `cloze embed MODEL [TEXT]…`
pub(crate) fn run(arguments: EmbedArguments, models: &Models) -> anyhow::Result<()> {
    let output = arguments.output()?;
    let options = arguments.prompt.options(Prompt::Usual);
    let input = OpenInput::open(arguments.texts.input()?)?;
    let device = arguments.prompt.device.open()?;
    let embedder = models.embedder(&arguments.model, &arguments.embedding.options(), &device)?;
    let mut output = Vectors::create(&output, embedder.dimension())?;
    let take = |texts: &[LabelledText], embeddings: Vec<Embedding>| {
        for (text, embedding) in texts.iter().zip(&embeddings) {
            output.write(text, &embedding.vector)?;
        }
        output.flush()
    };
    Embeddings::new(&embedder, &options, take).run(input)?;
    output.finish()
}

/// Vectors on their way out.
enum Vectors {
    Printed(Results),
    Lines(OutputFile),
    Matrix(VectorFile),
}

impl Vectors {
    fn create(output: &Output, dimension: usize) -> anyhow::Result<Self> {
        if let Output::Lines(path) | Output::Matrix(path, _) = output {
            remove_abandoned(path);
        }
        Ok(match output {
            Output::Printed => Self::Printed(Results::stdout()),
            Output::Lines(path) => Self::Lines(
                OutputFile::beside(path)
                    .with_context(|| format!("cannot write {}", path.display()))?,
            ),
            Output::Matrix(path, format) => {
                Self::Matrix(VectorFile::create(path, *format, dimension)?)
            }
        })
    }

    fn write(&mut self, text: &LabelledText, embedding: &[f32]) -> anyhow::Result<()> {
        let line = Line {
            id: text.id.as_ref(),
            embedding,
        };
        match self {
            Self::Printed(results) => results.json(&line),
            Self::Lines(file) => {
                let written = serde_json::to_writer(&mut *file, &line);
                let ended = written
                    .map_err(Into::into)
                    .and_then(|()| file.write_all(b"\n"));
                ended.with_context(|| format!("cannot write {}", file.target().display()))
            }
            Self::Matrix(file) => Ok(file.push(embedding)?),
        }
    }

    /// Whoever reads along sees every window as soon as it is known.
    fn flush(&mut self) -> anyhow::Result<()> {
        match self {
            Self::Printed(results) => results.flush(),
            Self::Lines(_) | Self::Matrix(_) => Ok(()),
        }
    }

    fn finish(self) -> anyhow::Result<()> {
        match self {
            Self::Printed(mut results) => results.flush(),
            Self::Lines(file) => {
                let path = file.target().to_owned();
                file.commit()
                    .with_context(|| format!("cannot write {}", path.display()))
            }
            Self::Matrix(file) => Ok(file.finish()?),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<&'a Value>,
    pub(super) embedding: &'a [f32],
}
