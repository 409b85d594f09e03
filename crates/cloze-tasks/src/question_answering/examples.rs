use std::sync::Arc;

use cloze_data::question_windows::{
    QuestionWindow, QuestionWindowOptions, QuestionWindows, question_windows,
};
use cloze_data::readers::questions::Question;
use cloze_data::records::{Damaged, Decoder, Encoder, Record};
use cloze_data::reports::ExampleFacts;
use cloze_data::tokenizer::{Tokenizer, TokenizerError};
use cloze_model::losses::SpanPositions;

use super::QuestionAnswering;
use crate::{Example, Task};

/// Questions that are encoded between two reports of progress.
const CHUNK: usize = 1024;

/// What a model should say about a question with a part of its context.
#[derive(Clone, Debug)]
pub struct SpanTarget {
    /// Where the answer stands in the window: at the first token, where it does not.
    pub positions: SpanPositions,
    /// The window itself.
    pub window: Arc<QuestionWindow>,
    /// What was asked.
    pub asked: Arc<Asked>,
}

/// A question that was encoded.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// Which it is, of those that were encoded together, from 0.
    pub index: usize,
    /// In how many windows it is read.
    pub windows: usize,
    /// Whether the question was cut.
    pub is_cut: bool,
    /// Its context.
    pub context: Arc<str>,
    /// The texts that are right answers; none where there is no answer.
    pub answers: Vec<String>,
}

impl Asked {
    /// What the context has between two characters.
    pub fn text(&self, start: usize, end: usize) -> String {
        let characters = self.context.chars().skip(start);
        characters.take(end.saturating_sub(start)).collect()
    }
}

/// The context is kept once for questions, and windows, that stand side by side.
impl Record for SpanTarget {
    fn encode(&self, output: &mut Encoder<'_>) {
        let Self {
            positions,
            window,
            asked,
        } = self;
        positions.start.encode(output);
        positions.end.encode(output);
        window.ids.encode(output);
        window.type_ids.encode(output);
        output.size(window.context.start);
        output.size(window.context.end);
        window.offsets.encode(output);
        output.size(asked.index);
        output.size(asked.windows);
        asked.is_cut.encode(output);
        output.shared_text(&asked.context);
        asked.answers.encode(output);
    }

    fn decode(input: &mut Decoder<'_>) -> Result<Self, Damaged> {
        Ok(Self {
            positions: SpanPositions {
                start: Option::decode(input)?,
                end: Option::decode(input)?,
            },
            window: Arc::new(QuestionWindow {
                ids: Vec::decode(input)?,
                type_ids: Vec::decode(input)?,
                context: input.size()?..input.size()?,
                offsets: Vec::decode(input)?,
            }),
            asked: Arc::new(Asked {
                index: input.size()?,
                windows: input.size()?,
                is_cut: bool::decode(input)?,
                context: input.shared_text()?,
                answers: Vec::decode(input)?,
            }),
        })
    }
}

impl QuestionAnswering {
    /// The windows of questions with their contexts, `(question, context)`.
    ///
    /// # Errors
    /// As [`question_windows`].
    pub fn windows(
        &self,
        tokenizer: &Tokenizer,
        inputs: &[(&str, &str)],
    ) -> Result<Vec<QuestionWindows>, TokenizerError> {
        let options = QuestionWindowOptions {
            max_length: self.max_length(),
            doc_stride: self.doc_stride(),
            max_question_length: self.max_question_length(),
        };
        question_windows(tokenizer, inputs, &options)
    }

    /// Encodes questions: one example for each window of each question. A model learns the first
    /// of several answers; in a window that does not hold it whole, that there is none. `progress`
    /// is told how many questions are done.
    ///
    /// # Errors
    /// As [`question_windows`].
    pub fn examples<'a>(
        &self,
        tokenizer: &Tokenizer,
        questions: impl IntoIterator<Item = &'a Question>,
        progress: impl FnMut(usize),
    ) -> Result<Vec<Example<SpanTarget>>, TokenizerError> {
        self.examples_from(0, tokenizer, questions, progress)
    }

    /// As [`examples`](Self::examples), of questions of which the first has this number.
    ///
    /// # Errors
    /// As there.
    pub fn examples_from<'a>(
        &self,
        first: usize,
        tokenizer: &Tokenizer,
        questions: impl IntoIterator<Item = &'a Question>,
        mut progress: impl FnMut(usize),
    ) -> Result<Vec<Example<SpanTarget>>, TokenizerError> {
        let questions: Vec<&Question> = questions.into_iter().collect();
        let mut examples = Vec::with_capacity(questions.len());
        for (chunk, questions) in questions.chunks(CHUNK).enumerate() {
            let inputs: Vec<(&str, &str)> = questions
                .iter()
                .map(|question| (question.question.as_str(), &*question.context))
                .collect();
            let encoded = self.windows(tokenizer, &inputs)?;
            for (index, (question, encoded)) in questions.iter().zip(encoded).enumerate() {
                examples.extend(of_question(question, encoded, first, chunk * CHUNK + index));
            }
            progress(chunk * CHUNK + questions.len());
        }
        Ok(examples)
    }
}

fn of_question(
    question: &Question,
    encoded: QuestionWindows,
    first: usize,
    index: usize,
) -> impl Iterator<Item = Example<SpanTarget>> {
    let asked = Arc::new(Asked {
        index: first + index,
        windows: encoded.windows.len(),
        is_cut: encoded.is_question_cut,
        context: Arc::clone(&question.context),
        answers: question
            .answers
            .iter()
            .map(|answer| answer.text.clone())
            .collect(),
    });
    let answer = question.answers.first();
    let answer = answer.map(|answer| (answer.start as u32, answer.end() as u32));
    let facts = ExampleFacts {
        label: None,
        length: encoded.length,
        tokens: encoded.tokens,
        unknown: encoded.unknown,
    };
    encoded.windows.into_iter().map(move |window| Example {
        ids: window.ids.clone(),
        type_ids: window.type_ids.clone(),
        windows: Vec::new(),
        target: SpanTarget {
            positions: positions(&window, answer),
            window: Arc::new(window),
            asked: Arc::clone(&asked),
        },
        row: index,
        facts,
    })
}

/// The tokens with which an answer, given by its first character and the one behind its last,
/// begins and ends: the last token that starts no later, and the first one that ends no earlier.
/// Both are the first token of the window if it does not hold the answer whole.
fn positions(window: &QuestionWindow, answer: Option<(u32, u32)>) -> SpanPositions {
    let offsets = &window.offsets;
    let at = |start: usize, end: usize| SpanPositions {
        start: Some(start),
        end: Some(end),
    };
    let (Some((start, end)), Some(first), Some(last)) = (answer, offsets.first(), offsets.last())
    else {
        return at(0, 0);
    };
    if first.0 > start || last.1 < end {
        return at(0, 0);
    }
    let behind_start = offsets.partition_point(|offset| offset.0 <= start);
    let end_token = offsets.partition_point(|offset| offset.1 < end);
    let context = window.context.start;
    at(context + behind_start - 1, context + end_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(offsets: &[(u32, u32)]) -> QuestionWindow {
        QuestionWindow {
            ids: vec![5; offsets.len() + 4],
            type_ids: vec![0; offsets.len() + 4],
            context: 3..offsets.len() + 3,
            offsets: offsets.into(),
        }
    }

    #[test]
    fn an_answer_has_the_tokens_that_cover_it() {
        let window = window(&[(2, 5), (5, 6), (8, 10), (10, 13)]);
        let of = |start, end| {
            let found = positions(&window, Some((start, end)));
            (found.start.unwrap(), found.end.unwrap())
        };
        assert_eq!(of(2, 5), (3, 3));
        assert_eq!(of(3, 9), (3, 5));
        assert_eq!(of(6, 13), (4, 6));
        // A window that lacks a part of the answer does not answer.
        assert_eq!(of(1, 6), (0, 0));
        assert_eq!(of(10, 14), (0, 0));
        assert_eq!(positions(&window, None).start, Some(0));
        assert_eq!(
            positions(&super::tests::window(&[]), Some((0, 1))).end,
            Some(0)
        );
    }

    #[test]
    fn text_is_that_of_characters() {
        let asked = Asked {
            index: 0,
            windows: 1,
            is_cut: false,
            context: "新👍🏽e\u{301}a".into(),
            answers: Vec::new(),
        };
        assert_eq!(asked.text(1, 5), "👍🏽e\u{301}");
    }
}
