use anstyle::Style;
use cloze_core::InputError;
use cloze_data::readers::{LabelledText, Value};
use cloze_data::tokenizer::LongTexts;
use cloze_infer::{FillOptions, FilledText, Filling, InferError, MaskedLanguagePipeline};
use cloze_tasks::text_input;
use serde::Serialize;

use super::{Predictor, shown_text};
use crate::arguments::predict::PredictSettings;
use crate::terminal::{Results, warn};

/// Fillings of masks, printed.
pub(super) struct Masks {
    model: MaskedLanguagePipeline,
    settings: PredictSettings,
    options: FillOptions,
    results: Results,
    long: LongTexts,
}

impl Masks {
    pub(super) fn new(
        model: MaskedLanguagePipeline,
        settings: PredictSettings,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            options: settings.fill_options(model.tokenizer())?,
            long: LongTexts::new(model.max_length()),
            results: Results::stdout(),
            model,
            settings,
        })
    }

    /// A list of fillings where there is one mask, a list of such lists where there are several.
    fn json(&mut self, text: &LabelledText, filled: &FilledText) -> anyhow::Result<()> {
        let id = text.id.as_ref();
        let fields = |filling: &Filling| JsonFilling {
            id: id.cloned(),
            score: filling.score,
            token: filling.token,
            token_str: filling.token_str.clone(),
            sequence: filling.sequence.clone(),
        };
        let lists: Vec<Vec<JsonFilling>> = filled
            .masks
            .iter()
            .map(|fillings| fillings.iter().map(fields).collect())
            .collect();
        match &lists[..] {
            [only] => self.results.json(only),
            several => self.results.json(&several),
        }
    }

    /// The text, then a line for each filling; with several masks these are numbered.
    fn lines(&mut self, text: &LabelledText, filled: &FilledText) -> anyhow::Result<()> {
        let bold = self.results.style(Style::new().bold());
        self.results.line(shown_text(text))?;
        for (index, fillings) in filled.masks.iter().enumerate() {
            if filled.masks.len() > 1 {
                self.results.line(format_args!("  mask {}", index + 1))?;
            }
            for Filling {
                score, token_str, ..
            } in fillings
            {
                self.results
                    .line(format_args!("  {score:.4}  {bold}{token_str}{bold:#}"))?;
            }
        }
        Ok(())
    }

    /// A text without a mask is a fault of its row.
    fn of_row(&self, error: InferError, texts: &[LabelledText]) -> anyhow::Error {
        match (&error, &self.settings.file) {
            (InferError::NoMask { text, mask, cut }, Some(file)) => {
                let found = match cut {
                    Some(length) => format!("no {mask} among the first {length} tokens"),
                    None => format!("no {mask}"),
                };
                let line = texts[*text].line;
                InputError::new(file, found, format!("a text with {mask}"))
                    .at_line(line)
                    .into()
            }
            _ => error.into(),
        }
    }
}

impl Predictor for Masks {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        let inputs: Vec<_> = texts.iter().map(text_input).collect();
        let filled = self
            .model
            .fill(&inputs, &self.options)
            .map_err(|error| self.of_row(error, texts))?;
        for (text, filled) in texts.iter().zip(&filled) {
            self.long.see(filled.length);
            if self.settings.json {
                self.json(text, filled)?;
            } else {
                self.lines(text, filled)?;
            }
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

/// The fields of a `transformers` pipeline.
#[derive(Serialize)]
struct JsonFilling {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    score: f64,
    token: u32,
    token_str: String,
    sequence: String,
}
