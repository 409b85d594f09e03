use std::sync::Arc;

use cloze_data::tokenizer::{TextStream, Tokenizer};

use super::Prompt;
use crate::InferError;

/// Why a text ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// It has as many tokens as it may have.
    Length,
    /// A stop mark stands at its end.
    Stop,
    /// Whoever reads it has had enough.
    Interrupted,
}

/// A text that grows behind a prompt.
#[derive(Clone, Debug)]
pub struct GeneratedText {
    /// Prompt and what was generated.
    ids: Vec<u32>,
    prompt: usize,
    /// The prompt as it was written: a mark may begin in it.
    before: Arc<str>,
    stream: TextStream,
    /// What is settled of the text, without the prompt.
    text: String,
    /// How much of it was taken.
    taken: usize,
    /// Which of the texts with the same prompt and seed it is.
    number: u64,
    finish: Option<Finish>,
    score: Option<f32>,
}

impl GeneratedText {
    /// Nothing yet behind this prompt. `keep_case` leaves letters as the vocabulary has them.
    pub(super) fn new(
        tokenizer: &Tokenizer,
        prompt: &Prompt,
        keep_case: bool,
        number: u64,
    ) -> Result<Self, InferError> {
        let stream = TextStream::after(tokenizer, &prompt.text)?;
        Ok(Self {
            ids: prompt.ids.clone(),
            prompt: prompt.ids.len(),
            before: prompt.text.as_str().into(),
            stream: if keep_case {
                stream.keep_case()
            } else {
                stream
            },
            text: String::new(),
            taken: 0,
            number,
            finish: None,
            score: None,
        })
    }

    /// The tokens of the prompt and those that were generated.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// How many tokens were generated.
    pub fn tokens(&self) -> usize {
        self.ids.len() - self.prompt
    }

    /// The text behind the prompt, as far as it is settled: later tokens never change it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What is settled since this was last asked for.
    pub fn take_new(&mut self) -> &str {
        let from = std::mem::replace(&mut self.taken, self.text.len());
        &self.text[from..]
    }

    /// Why it ended, if it did.
    pub fn finish(&self) -> Option<Finish> {
        self.finish
    }

    /// Of beam search: the text's score.
    pub fn score(&self) -> Option<f32> {
        self.score
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn prompt(&self) -> usize {
        self.prompt
    }

    pub(super) fn set_score(&mut self, score: f32) {
        self.score = Some(score);
    }

    /// Writes a token. It ends the text if a mark ends in it and it is not before token `least`, or
    /// if it is token `most`.
    pub(super) fn push(
        &mut self,
        tokenizer: &Tokenizer,
        id: u32,
        marks: &[String],
        (least, most): (usize, usize),
    ) -> Result<(), InferError> {
        self.ids.push(id);
        // What is held back may look otherwise once the next token is known: it is searched again.
        let searched = match self.tokens() > least {
            true => Some(self.text.len()),
            false => None,
        };
        let settled = self.stream.push(tokenizer, id)?;
        self.text.push_str(&settled);
        if self.tokens() >= least
            && let Some(end) = self.mark_end(marks, searched.unwrap_or(self.text.len()))
        {
            self.close(Finish::Stop);
            self.text.truncate(end);
        } else if self.tokens() >= most {
            self.close(Finish::Length);
        }
        Ok(())
    }

    /// Ends the text where it is.
    pub fn close(&mut self, finish: Finish) {
        let rest = self.stream.finish();
        self.text.push_str(&rest);
        self.finish = Some(finish);
    }

    /// Where the first mark ends that ends behind `searched`, in bytes of the text with what is held
    /// back of it. It may begin in the prompt.
    fn mark_end(&self, marks: &[String], searched: usize) -> Option<usize> {
        let longest = marks.iter().map(String::len).max()?;
        let before = end_of(&self.before, longest.saturating_sub(searched + 1));
        let settled = &self.text[..searched];
        let from = searched - end_of(settled, longest.saturating_sub(1)).len();
        let tail = [before, &self.text[from..], &self.stream.pending()].concat();
        let end_of_mark = |mark: &String| {
            // Marks may overlap: every place where one can begin is tried.
            let starts = tail.char_indices().map(|(at, _)| at);
            let mut ends = starts
                .filter(|&at| tail[at..].starts_with(mark.as_str()))
                .filter_map(|at| (from + at + mark.len()).checked_sub(before.len()));
            ends.find(|&end| end > searched)
        };
        marks.iter().filter_map(end_of_mark).min()
    }
}

/// The last bytes of a text, a few more where they begin inside a character.
fn end_of(text: &str, bytes: usize) -> &str {
    &text[text.floor_char_boundary(text.len().saturating_sub(bytes))..]
}
