//! What the commands that make vectors of texts share: a model at work, and what becomes of its
//! vectors.

use anyhow::ensure;
use cloze_data::readers::LabelledText;
use cloze_data::tokenizer::LongTexts;
use cloze_infer::rows::{self, RowStream};
use cloze_infer::{EmbedOptions, Embedder, Embedding};

use super::predict::{Predictor, stream};
use crate::arguments::predict::{Input, StreamInput};
use crate::terminal::warn;

/// Texts that can be read: a file that cannot is told before a large model is loaded.
pub(super) enum OpenInput {
    Texts(Vec<LabelledText>),
    Stream(RowStream, StreamInput),
}

impl OpenInput {
    pub(super) fn open(input: Input) -> anyhow::Result<Self> {
        Ok(match input {
            Input::Texts(texts) => Self::Texts(texts),
            Input::Stream(input) => Self::Stream(rows::open(&input.source, input.format)?, input),
        })
    }
}

/// A model that gives texts to whoever wants their vectors.
pub(super) struct Embeddings<'a, F> {
    embedder: &'a Embedder,
    options: &'a EmbedOptions,
    long: LongTexts,
    take: F,
}

impl<'a, F: FnMut(&[LabelledText], Vec<Embedding>) -> anyhow::Result<()>> Embeddings<'a, F> {
    /// `take` is given texts with their vectors, in order, a window at a time.
    pub(super) fn new(embedder: &'a Embedder, options: &'a EmbedOptions, take: F) -> Self {
        Self {
            embedder,
            options,
            long: LongTexts::new(embedder.max_length()),
            take,
        }
    }

    /// Embeds all texts of an input.
    pub(super) fn run(mut self, input: OpenInput) -> anyhow::Result<()> {
        match input {
            OpenInput::Texts(texts) => {
                self.window(&texts)?;
                self.finish()
            }
            OpenInput::Stream(rows, input) => {
                stream(rows, &input, self.options.batch_size, &mut self)
            }
        }
    }
}

impl<F: FnMut(&[LabelledText], Vec<Embedding>) -> anyhow::Result<()>> Predictor
    for Embeddings<'_, F>
{
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        ensure!(
            texts.iter().all(|text| text.text_pair.is_none()),
            "there are two columns of texts: `--text COL` names the one that is meant"
        );
        let inputs: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        let embeddings = self.embedder.embed(&inputs, self.options)?;
        for embedding in &embeddings {
            self.long.see(embedding.length);
        }
        (self.take)(texts, embeddings)
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        if self.long.any() {
            warn(&self.long);
        }
        Ok(())
    }
}

/// Texts with their vectors, all of them in memory.
#[derive(Debug, Default)]
pub(super) struct Embedded {
    pub(super) texts: Vec<LabelledText>,
    pub(super) vectors: Vec<Vec<f32>>,
}

impl Embedded {
    /// Those of an input.
    pub(super) fn read(
        input: OpenInput,
        embedder: &Embedder,
        options: &EmbedOptions,
    ) -> anyhow::Result<Self> {
        let mut read = Self::default();
        let take = |texts: &[LabelledText], embeddings: Vec<Embedding>| {
            read.texts.extend_from_slice(texts);
            let vectors = embeddings.into_iter().map(|embedding| embedding.vector);
            read.vectors.extend(vectors);
            Ok(())
        };
        Embeddings::new(embedder, options, take).run(input)?;
        Ok(read)
    }
}
