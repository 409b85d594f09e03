use anstyle::Style;
use cloze_data::readers::{LabelledText, Value};
use cloze_infer::generation::{Finish, GeneratedText};
use serde::Serialize;

use crate::terminal::Results;

/// Texts side by side, printed one below the other: the first that has not ended grows on the
/// screen, and what the next ones have meanwhile follows when it is their turn.
pub(super) struct Printer {
    results: Results,
    json: bool,
    /// Texts for each prompt.
    count: usize,
    prompts: Vec<LabelledText>,
    /// The text whose turn it is, among those of the prompts.
    at: usize,
    /// Whether its prompt stands there.
    begun: bool,
    /// Whether anything stands there.
    printed: bool,
}

/// The first field is that of a text-generation pipeline of `transformers`.
#[derive(Serialize)]
struct JsonText {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Value>,
    generated_text: String,
    continuation: String,
    tokens: usize,
    finish: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
}

impl Printer {
    pub(super) fn new(json: bool, count: usize) -> Self {
        Self {
            results: Results::stdout(),
            json,
            count,
            prompts: Vec::new(),
            at: 0,
            begun: false,
            printed: false,
        }
    }

    /// The texts that come next belong to these prompts.
    pub(super) fn begin(&mut self, prompts: &[LabelledText]) {
        self.prompts = prompts.to_vec();
        self.at = 0;
        self.begun = false;
    }

    /// Prints what is new.
    pub(super) fn show(&mut self, texts: &mut [GeneratedText]) -> anyhow::Result<()> {
        match self.json {
            true => self.lines(texts)?,
            false => self.parts(texts)?,
        }
        self.results.flush()
    }

    /// Every prompt whose texts have all ended, as JSON.
    fn lines(&mut self, texts: &[GeneratedText]) -> anyhow::Result<()> {
        while let Some(texts) = texts.get(self.at..self.at + self.count) {
            if texts.iter().any(|text| text.finish().is_none()) {
                break;
            }
            let prompt = &self.prompts[self.at / self.count];
            let texts: Vec<JsonText> = texts.iter().map(|text| json_text(prompt, text)).collect();
            match &texts[..] {
                [only] => self.results.json(only)?,
                several => self.results.json(&several)?,
            }
            self.at += self.count;
        }
        Ok(())
    }

    fn parts(&mut self, texts: &mut [GeneratedText]) -> anyhow::Result<()> {
        while let Some(text) = texts.get_mut(self.at) {
            if !self.begun {
                self.heading(text)?;
            }
            self.results.part(text.take_new())?;
            if text.finish().is_none() {
                break;
            }
            self.results.line("")?;
            self.at += 1;
            self.begun = false;
        }
        Ok(())
    }

    /// An empty line between texts, which of several it is, and the prompt.
    fn heading(&mut self, text: &GeneratedText) -> anyhow::Result<()> {
        if self.printed {
            self.results.line("")?;
        }
        if self.count > 1 {
            let dim = self.results.style(Style::new().dimmed());
            let number = self.at % self.count + 1;
            let score = text.score().map(|score| format!(", score {score:.4}"));
            let score = score.unwrap_or_default();
            self.results.line(format_args!(
                "{dim}{number} of {}{score}{dim:#}",
                self.count
            ))?;
        }
        let bold = self.results.style(Style::new().bold());
        let prompt = &self.prompts[self.at / self.count].text;
        self.results.part(format_args!("{bold}{prompt}{bold:#}"))?;
        self.begun = true;
        self.printed = true;
        Ok(())
    }
}

fn json_text(prompt: &LabelledText, text: &GeneratedText) -> JsonText {
    JsonText {
        id: prompt.id.clone(),
        generated_text: format!("{}{}", prompt.text, text.text()),
        continuation: text.text().into(),
        tokens: text.tokens(),
        finish: match text.finish() {
            Some(Finish::Stop) => "stop",
            Some(Finish::Length) => "length",
            Some(Finish::Interrupted) | None => "interrupted",
        },
        score: text.score(),
    }
}
