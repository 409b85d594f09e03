use anstyle::Style;
use cloze_data::readers::{LabelledText, Value};
use cloze_infer::{FoundEntity, TaggedText, TaggingOptions, TokenClassificationPipeline};
use serde::Serialize;

use super::{Predictor, shown_text};
use crate::arguments::predict::PredictSettings;
use crate::terminal::{Results, Thousands, counted, note};

/// Entities of texts, printed.
pub(super) struct Entities {
    model: TokenClassificationPipeline,
    settings: PredictSettings,
    options: TaggingOptions,
    results: Results,
    /// Texts, and those that were read in several windows.
    texts: (usize, usize),
}

impl Entities {
    pub(super) fn new(model: TokenClassificationPipeline, settings: PredictSettings) -> Self {
        Self {
            options: settings.tagging_options(),
            results: Results::stdout(),
            texts: (0, 0),
            model,
            settings,
        }
    }

    fn json(&mut self, text: &LabelledText, tagged: &TaggedText) -> anyhow::Result<()> {
        let entities: Vec<JsonEntity<'_>> = tagged
            .entities
            .iter()
            .map(|entity| JsonEntity {
                id: text.id.as_ref(),
                entity,
            })
            .collect();
        self.results.json(&entities)
    }

    /// The text, then a line for each entity: its type, its score, where it stands, itself.
    fn lines(&mut self, text: &LabelledText, tagged: &TaggedText) -> anyhow::Result<()> {
        let bold = self.results.style(Style::new().bold());
        self.results.line(shown_text(text))?;
        let names = self.model.labels().names().iter();
        let width = names.map(|name| name.chars().count()).max().unwrap_or(0);
        let characters: Vec<char> = text.text.chars().collect();
        for found in &tagged.entities {
            let FoundEntity {
                entity,
                score,
                start,
                end,
                ..
            } = found;
            let space = width.saturating_sub(entity.chars().count());
            let own = characters.get(*start..*end).unwrap_or_default();
            let own: String = own.iter().collect();
            let own = own.replace(char::is_control, " ");
            self.results.line(format_args!(
                "  {bold}{entity}{bold:#}{:space$}  {score:.4}  {start}-{end}  {own}",
                ""
            ))?;
        }
        Ok(())
    }
}

impl Predictor for Entities {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        if let Some(pair) = texts.iter().find(|text| text.text_pair.is_some()) {
            let line = pair.line;
            anyhow::bail!("text {line} is a pair, and the model labels the words of single texts");
        }
        let inputs: Vec<&str> = texts.iter().map(|text| text.text.as_str()).collect();
        let found = self.model.predict(&inputs, &self.options)?;
        for (text, tagged) in texts.iter().zip(&found) {
            self.texts.0 += 1;
            self.texts.1 += usize::from(tagged.windows > 1);
            if self.settings.json {
                self.json(text, tagged)?;
            } else {
                self.lines(text, tagged)?;
            }
        }
        self.results.flush()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.results.flush()?;
        let (texts, long) = self.texts;
        if long > 0 {
            note(format_args!(
                "{} of {} longer than the {} tokens that the model reads: read in windows that \
                 overlap",
                Thousands(long),
                counted(texts, "text"),
                self.model.max_length()
            ));
        }
        Ok(())
    }
}

/// The fields of a `transformers` pipeline.
#[derive(Serialize)]
struct JsonEntity<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(flatten)]
    entity: &'a FoundEntity,
}
