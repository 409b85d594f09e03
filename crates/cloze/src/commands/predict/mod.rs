//! `cloze predict MODEL [TEXT]…`: which predictor a model has, and where its texts come from.

mod answers;
mod classes;
mod entities;
mod masks;
mod vectors;

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;

use cloze_core::InputError;
use cloze_data::readers::questions::{
    Answers as WantedAnswers, Question, QuestionReadOptions, StoredQuestions, is_question_file,
    store_questions,
};
use cloze_data::readers::{BadRows, LabelledText, Value};
use cloze_infer::rows::{self, RowStream, STANDARD_INPUT, Source, Texts};
use cloze_infer::{
    Arrival, EmbedderOptions, MaskedLanguagePipeline, ModelTask, QuestionAnsweringPipeline,
    TokenClassificationPipeline, Windows,
};
use cloze_model::device::ComputeDevice;

use crate::arguments::predict::{Input, PredictArguments, PredictSettings, StreamInput};
use crate::arguments::predict_task::PredictTask;
use crate::bad_rows::{SkippedRows, suggest_skipping};
use crate::failure::hint;
use crate::models::{Models, records_folder};
use answers::Answers;
use classes::{Classes, NextSentence, SeveralLabels};
use entities::Entities;
use masks::Masks;
use vectors::Vectors;

/// Batches that are read ahead of the model and sorted by length together.
const BATCHES_PER_WINDOW: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not zero");

/// A model at work, which prints what it says.
pub(super) trait Predictor {
    /// Predicts and prints; what was printed reaches the reader at once.
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()>;

    /// What is found in a text that can be read and not be used, and what is wanted: its row is a bad
    /// one.
    fn fault(&self, _: &LabelledText) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Says what there is to say at the end.
    fn finish(&mut self) -> anyhow::Result<()>;
}

/// `cloze predict MODEL [TEXT]…`
pub(crate) fn run(arguments: PredictArguments, models: &Models) -> anyhow::Result<()> {
    let device = arguments.device;
    let (model, mut settings) = arguments.settings()?;
    let device = device.open()?;
    match std::mem::replace(&mut settings.input, Input::Texts(Vec::new())) {
        Input::Texts(texts) => {
            let mut predictor = predictor(&model, models, &device, settings)?;
            predictor.window(&texts)?;
            predictor.finish()
        }
        Input::Stream(input) => {
            // A file that cannot be read is told before a large model is loaded.
            if let Some(questions) = questions_of(&input)? {
                settings.asks = true;
                let mut predictor = predictor(&model, models, &device, settings)?;
                return ask(questions, &mut *predictor);
            }
            let rows = rows::open(&input.source, input.format)?;
            let size = settings.options.batch_size;
            let mut predictor = predictor(&model, models, &device, settings)?;
            stream(rows, &input, size, &mut *predictor)
        }
    }
}

/// The predictor of a model's task, or of the one that was asked for.
fn predictor(
    model: &str,
    models: &Models,
    device: &ComputeDevice,
    mut settings: PredictSettings,
) -> anyhow::Result<Box<dyn Predictor>> {
    let folder = models.folder(model)?;
    let task = settings.task(ModelTask::of(&folder)?)?;
    let device_of_model = device.device();
    Ok(match task {
        PredictTask::TextClassification => {
            let classifier = models.text_classifier(model, settings.long, device)?;
            Box::new(Classes::new(classifier, settings))
        }
        PredictTask::MultiLabel => {
            let (threshold, long) = (settings.threshold, settings.long);
            let labels = SeveralLabels {
                model: models.multi_label_classifier(model, threshold, long, device)?,
                top_k: settings.list.then_some(settings.options.top_k),
            };
            // A text may have one label, or none.
            settings.list = true;
            Box::new(Classes::new(labels, settings))
        }
        PredictTask::Regression => {
            let regressor = models.text_regressor(model, settings.long, device)?;
            Box::new(Classes::new(regressor, settings))
        }
        PredictTask::TokenClassification => {
            let pipeline = TokenClassificationPipeline::open(&folder, device_of_model)?;
            Box::new(Entities::new(pipeline, settings))
        }
        PredictTask::QuestionAnswering => {
            let pipeline = QuestionAnsweringPipeline::open(&folder, device_of_model)?;
            Box::new(Answers::new(pipeline, settings))
        }
        PredictTask::NextSentence => {
            let pipeline =
                MaskedLanguagePipeline::open_with_next_sentence(&folder, device_of_model)?;
            Box::new(Classes::new(NextSentence(pipeline), settings))
        }
        PredictTask::FillMask => {
            let pipeline = MaskedLanguagePipeline::open(&folder, device_of_model)?;
            Box::new(Masks::new(pipeline, settings)?)
        }
        PredictTask::Embedding => {
            let embedder = models.embedder(model, &EmbedderOptions::default(), device)?;
            Box::new(Vectors::new(embedder, settings.options.batch_size))
        }
    })
}

/// The questions of a file that is laid out as SQuAD's; `None` for any other.
fn questions_of(input: &StreamInput) -> anyhow::Result<Option<StoredQuestions>> {
    let Source::File(path) = &input.source else {
        return Ok(None);
    };
    if !path.is_file() || !is_question_file(path)? {
        return Ok(None);
    }
    let options = QuestionReadOptions {
        answers: WantedAnswers::Ignored,
        bad_rows: input.bad_rows,
    };
    let questions = store_questions(path, &options, &records_folder());
    questions
        .map(Some)
        .map_err(|error| suggest_skipping(error, input.bad_rows))
}

/// Questions that are asked together.
const QUESTIONS: usize = 1024;

fn ask(read: StoredQuestions, predictor: &mut dyn Predictor) -> anyhow::Result<()> {
    let mut skipped = SkippedRows::default();
    read.skipped.iter().for_each(|error| skipped.add(error));
    skipped.report();
    let total = read.questions.len();
    for first in (0..total).step_by(QUESTIONS) {
        let text = |question: Question| LabelledText {
            text: question.question,
            text_pair: Some(question.context.to_string()),
            label: None,
            id: question.id,
            line: question.line,
        };
        let questions = first..total.min(first + QUESTIONS);
        let texts = questions.map(|number| Ok(text(read.questions.get(number)?)));
        predictor.window(&texts.collect::<anyhow::Result<Vec<_>>>()?)?;
    }
    predictor.finish()
}

/// Hands the rows of a file or of standard input to a predictor, in windows.
pub(super) fn stream(
    rows: RowStream,
    input: &StreamInput,
    batch_size: NonZeroUsize,
    predictor: &mut dyn Predictor,
) -> anyhow::Result<()> {
    let (path, arrival) = match &input.source {
        Source::File(path) => (path.as_path(), Arrival::Full),
        Source::StandardInput => (Path::new(STANDARD_INPUT), Arrival::Immediate),
    };
    let size = batch_size.saturating_mul(BATCHES_PER_WINDOW);
    let mut reader = Texts::new(path, input.columns.clone());
    let mut skipped = SkippedRows::default();
    let mut seen = 0;
    for window in Windows::read(size, arrival, rows) {
        seen += window.len();
        let mut texts = reader.of_window(window)?;
        reader.take_out(&mut texts, |row| predictor.fault(row));
        if input.bad_rows == BadRows::Skip {
            texts.bad.drain(..).for_each(|error| skipped.add(&error));
        }
        let first_bad = texts.bad.into_iter().next();
        if let Some(line) = first_bad.as_ref().and_then(|error| error.line) {
            texts.rows.retain(|row| row.line < line);
        }
        if let Some(pair) = &input.pair {
            texts
                .rows
                .iter_mut()
                .for_each(|row| row.text_pair = Some(pair.clone()));
        }
        predictor.window(&texts.rows)?;
        if let Some(error) = first_bad {
            predictor.finish()?;
            return Err(hint(error, "`--bad-rows skip` leaves such rows out"));
        }
        if let Some(error) = texts.end {
            predictor.finish()?;
            return Err(error.into());
        }
    }
    skipped.report();
    if seen == 0 && arrival == Arrival::Full {
        return Err(InputError::new(path, "an empty file", "rows of data").into());
    }
    anyhow::ensure!(
        skipped.count() == 0 || skipped.count() < seen,
        "{}: no row can be used",
        path.display()
    );
    predictor.finish()
}

/// Id, text and second text on one line.
pub(super) fn shown_text(row: &LabelledText) -> String {
    let id = row.id.as_ref().map(|id| match id {
        Value::Text(text) => text.clone(),
        other => other.describe(),
    });
    let parts = id.iter().chain([&row.text]).chain(&row.text_pair);
    parts
        .map(|part| one_line(part))
        .collect::<Vec<_>>()
        .join("  ")
}

pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.replace(char::is_control, " ").into()
    } else {
        text.into()
    }
}
