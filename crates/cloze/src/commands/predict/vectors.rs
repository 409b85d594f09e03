use std::num::NonZeroUsize;

use anyhow::ensure;
use cloze_data::readers::LabelledText;
use cloze_data::tokenizer::LongTexts;
use cloze_infer::{EmbedOptions, Embedder};

use super::Predictor;
use crate::commands::embed::Line;
use crate::terminal::{Results, warn};

/// Vectors of texts, printed as `cloze embed` prints them.
pub(super) struct Vectors {
    model: Embedder,
    options: EmbedOptions,
    results: Results,
    long: LongTexts,
}

impl Vectors {
    pub(super) fn new(model: Embedder, batch_size: NonZeroUsize) -> Self {
        Self {
            long: LongTexts::new(model.max_length()),
            results: Results::stdout(),
            options: EmbedOptions {
                batch_size,
                ..EmbedOptions::default()
            },
            model,
        }
    }
}

impl Predictor for Vectors {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        ensure!(
            texts.iter().all(|text| text.text_pair.is_none()),
            "there are two columns of texts: `--text COL` names the one that is meant"
        );
        let inputs: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        let embeddings = self.model.embed(&inputs, &self.options)?;
        for (text, embedding) in texts.iter().zip(&embeddings) {
            self.long.see(embedding.length);
            self.results.json(&Line {
                id: text.id.as_ref(),
                embedding: &embedding.vector,
            })?;
        }
        self.results.flush()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.results.flush()?;
        if self.long.any() {
            warn(&self.long);
        }
        Ok(())
    }
}
