use anstyle::Style;
use cloze_data::readers::{LabelledText, Value};
use cloze_infer::generation::{Finish, GeneratedText, TextPlace};
use serde::Serialize;

use crate::terminal::Results;

/// Texts side by side, printed one below the other: the first that has not ended grows on the
/// screen, and what the next ones have meanwhile follows when it is their turn.
pub(super) struct Printer {
    results: Results,
    json: bool,
    /// Whether a prompt's JSON is a list.
    list: bool,
    /// JSON of the prompt's texts that have ended, until all have.
    ended: Vec<JsonText>,
    /// The text whose turn it is, among those of the group.
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
    /// `list` where prompts may have several texts.
    pub(super) fn new(json: bool, list: bool) -> Self {
        Self {
            results: Results::stdout(),
            json,
            list,
            ended: Vec::new(),
            at: 0,
            begun: false,
            printed: false,
        }
    }

    /// Prints what is new of a group of texts. It is shown until all have ended; then comes the next.
    pub(super) fn show(
        &mut self,
        prompts: &[LabelledText],
        places: &[TextPlace],
        texts: &mut [GeneratedText],
    ) -> anyhow::Result<()> {
        while let Some(text) = texts.get_mut(self.at) {
            let place = places[self.at];
            let prompt = &prompts[place.prompt];
            if !self.json {
                self.part(prompt, place, text)?;
            }
            if text.finish().is_none() {
                break;
            }
            match self.json {
                true => self.object(prompt, place, text)?,
                false => self.results.line("")?,
            }
            self.at += 1;
            self.begun = false;
        }
        if self.at == texts.len() {
            self.at = 0;
        }
        self.results.flush()
    }

    /// A text that has ended; with the last one of its prompt they are printed.
    fn object(
        &mut self,
        prompt: &LabelledText,
        place: TextPlace,
        text: &GeneratedText,
    ) -> anyhow::Result<()> {
        self.ended.push(json_text(prompt, text));
        if place.number + 1 < place.count {
            return Ok(());
        }
        let ended = std::mem::take(&mut self.ended);
        match &ended[..] {
            [only] if !self.list => self.results.json(only),
            several => self.results.json(&several),
        }
    }

    /// What is new of the text, behind its prompt.
    fn part(
        &mut self,
        prompt: &LabelledText,
        place: TextPlace,
        text: &mut GeneratedText,
    ) -> anyhow::Result<()> {
        if !self.begun {
            self.heading(prompt, place, text)?;
        }
        self.results.part(text.take_new())
    }

    /// An empty line between texts, which of several it is, and the prompt.
    fn heading(
        &mut self,
        prompt: &LabelledText,
        place: TextPlace,
        text: &GeneratedText,
    ) -> anyhow::Result<()> {
        if self.printed {
            self.results.line("")?;
        }
        if place.count > 1 {
            let dim = self.results.style(Style::new().dimmed());
            let score = text.score().map(|score| format!(", score {score:.4}"));
            let score = score.unwrap_or_default();
            self.results.line(format_args!(
                "{dim}{} of {}{score}{dim:#}",
                place.number + 1,
                place.count
            ))?;
        }
        let bold = self.results.style(Style::new().bold());
        self.results
            .part(format_args!("{bold}{}{bold:#}", prompt.text))?;
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
