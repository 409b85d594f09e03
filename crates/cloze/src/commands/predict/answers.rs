use anstyle::Style;
use cloze_data::readers::{LabelledText, Value};
use cloze_infer::{AnsweredQuestion, AnsweringOptions, FoundAnswer, QuestionAnsweringPipeline};
use serde::Serialize;

use super::{Predictor, one_line};
use crate::arguments::predict::PredictSettings;
use crate::terminal::{Results, Thousands, counted, note, warn};

/// Answers to questions, printed. A question is a text whose second text is its context.
pub(super) struct Answers {
    model: QuestionAnsweringPipeline,
    settings: PredictSettings,
    options: AnsweringOptions,
    results: Results,
    /// Questions, those whose contexts were read in several windows, and those that were cut.
    questions: (usize, usize, usize),
}

impl Answers {
    pub(super) fn new(model: QuestionAnsweringPipeline, settings: PredictSettings) -> Self {
        let given = &settings.answers;
        let mut model = model;
        if let Some(threshold) = given.null_threshold {
            model = model.with_null_threshold(threshold);
        }
        if let Some(length) = given.max_answer_length {
            model = model.with_max_answer_length(length);
        }
        if let Some(stride) = given.doc_stride {
            model = model.with_doc_stride(stride);
        }
        Self {
            options: settings.answering_options(),
            results: Results::stdout(),
            questions: (0, 0, 0),
            model,
            settings,
        }
    }

    fn json(&mut self, text: &LabelledText, answered: &AnsweredQuestion) -> anyhow::Result<()> {
        let id = text.id.as_ref();
        let fields = |answer| JsonAnswer { id, answer };
        match (&answered.answers[..], self.settings.list) {
            ([best, ..], false) => self.results.json(&fields(best)),
            (answers, _) => {
                let answers: Vec<JsonAnswer<'_>> = answers.iter().map(fields).collect();
                self.results.json(&answers)
            }
        }
    }

    /// The question, then a line for each answer: its score, where it stands, itself.
    fn lines(&mut self, text: &LabelledText, answered: &AnsweredQuestion) -> anyhow::Result<()> {
        let bold = self.results.style(Style::new().bold());
        let id = text.id.as_ref().map(|id| match id {
            Value::Text(text) => text.clone(),
            other => other.describe(),
        });
        let id = id.map_or(String::new(), |id| format!("{}  ", one_line(&id)));
        self.results
            .line(format_args!("{id}{}", one_line(&text.text)))?;
        for found in &answered.answers {
            let FoundAnswer {
                score,
                start,
                end,
                answer,
            } = found;
            if answer.is_empty() {
                self.results.line(format_args!("  {score:.4}  no answer"))?;
            } else {
                let answer = one_line(answer);
                self.results.line(format_args!(
                    "  {score:.4}  {start}-{end}  {bold}{answer}{bold:#}"
                ))?;
            }
        }
        Ok(())
    }
}

impl Predictor for Answers {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        let input = |text: &'_ LabelledText| match &text.text_pair {
            Some(context) => Ok((text.text.clone(), context.clone())),
            None => Err(anyhow::anyhow!(
                "question {} has no context: it comes from --context, or from a column `context` \
                 beside the column `question` of a file",
                text.line
            )),
        };
        let inputs: Vec<(String, String)> = texts.iter().map(input).collect::<Result<_, _>>()?;
        let inputs: Vec<(&str, &str)> = inputs
            .iter()
            .map(|(question, context)| (question.as_str(), context.as_str()))
            .collect();
        let answered = self.model.predict(&inputs, &self.options)?;
        for (text, answered) in texts.iter().zip(&answered) {
            self.questions.0 += 1;
            self.questions.1 += usize::from(answered.windows > 1);
            self.questions.2 += usize::from(answered.is_question_cut);
            if self.settings.json {
                self.json(text, answered)?;
            } else {
                self.lines(text, answered)?;
            }
        }
        self.results.flush()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.results.flush()?;
        let (questions, long, cut) = self.questions;
        if long > 0 {
            note(format_args!(
                "{} of {} with contexts longer than the {} tokens that the model reads: read in \
                 windows that overlap",
                Thousands(long),
                counted(questions, "question"),
                self.model.max_length()
            ));
        }
        if cut > 0 {
            warn(format_args!(
                "{} of {} longer than {} tokens, and cut",
                Thousands(cut),
                counted(questions, "question"),
                self.model.task().max_question_length()
            ));
        }
        Ok(())
    }
}

/// The fields of a `transformers` pipeline.
#[derive(Serialize)]
struct JsonAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    #[serde(flatten)]
    answer: &'a FoundAnswer,
}
