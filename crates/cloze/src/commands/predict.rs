use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::Path;

use anstyle::Style;
use cloze_core::InputError;
use cloze_data::readers::{BadRows, LabelledText, Value};
use cloze_data::tokenizer::LongTexts;
use cloze_infer::rows::{self, RowStream, STANDARD_INPUT, Source, Texts};
use cloze_infer::{Arrival, Prediction, TextClassifier, Windows};
use cloze_tasks::LabelScore;
use cloze_tasks::text_classification::text_input;
use serde::Serialize;

use crate::arguments::predict::{Input, PredictArguments, PredictSettings, StreamInput};
use crate::bad_rows::SkippedRows;
use crate::failure::hint;
use crate::models::Models;
use crate::terminal::{Results, warn};

/// Batches that are read ahead of the model and sorted by length together.
const BATCHES_PER_WINDOW: NonZeroUsize = NonZeroUsize::new(32).expect("32 is not zero");

/// `cloze predict MODEL [TEXT]…`
pub(crate) fn run(arguments: PredictArguments, models: &Models) -> anyhow::Result<()> {
    let device = arguments.device;
    let (model, mut settings) = arguments.settings()?;
    let device = device.open()?;
    match std::mem::replace(&mut settings.input, Input::Texts(Vec::new())) {
        Input::Texts(texts) => {
            let mut run = Run::new(models.text_classifier(&model, &device)?, settings);
            run.window(&texts)?;
            run.finish()
        }
        Input::Stream(input) => {
            // A file that cannot be read is told before a large model is loaded.
            let rows = rows::open(&input.source, input.format)?;
            let run = Run::new(models.text_classifier(&model, &device)?, settings);
            stream(rows, &input, run)
        }
    }
}

fn stream(rows: RowStream, input: &StreamInput, mut run: Run) -> anyhow::Result<()> {
    let (path, arrival) = match &input.source {
        Source::File(path) => (path.as_path(), Arrival::Full),
        Source::StandardInput => (Path::new(STANDARD_INPUT), Arrival::Immediate),
    };
    let size = run
        .settings
        .options
        .batch_size
        .saturating_mul(BATCHES_PER_WINDOW);
    let mut texts = Texts::new(path, input.columns.clone());
    let mut skipped = SkippedRows::default();
    let mut seen = 0;
    for window in Windows::read(size, arrival, rows) {
        seen += window.len();
        let mut texts = texts.of_window(window)?;
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
        run.window(&texts.rows)?;
        if let Some(error) = first_bad {
            run.finish()?;
            return Err(hint(error, "`--bad-rows skip` leaves such rows out"));
        }
        if let Some(error) = texts.end {
            run.finish()?;
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
    run.finish()
}

/// A model at work.
struct Run {
    classifier: TextClassifier,
    settings: PredictSettings,
    results: Results,
    long: LongTexts,
    label_width: usize,
}

impl Run {
    fn new(classifier: TextClassifier, settings: PredictSettings) -> Self {
        let width = |name: &String| name.chars().count();
        Self {
            long: LongTexts::new(classifier.max_length()),
            label_width: classifier
                .labels()
                .names()
                .iter()
                .map(width)
                .max()
                .unwrap_or(0),
            results: Results::stdout(),
            classifier,
            settings,
        }
    }

    /// Predicts and prints; what was printed reaches the reader at once.
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        let inputs: Vec<_> = texts.iter().map(text_input).collect();
        let predictions = self.classifier.predict(&inputs, &self.settings.options)?;
        for (text, prediction) in texts.iter().zip(&predictions) {
            self.long.see(prediction.length);
            if self.settings.json {
                self.json(text, prediction)?;
            } else {
                self.line(text, prediction)?;
            }
        }
        self.results.flush()
    }

    fn json(&mut self, text: &LabelledText, prediction: &Prediction) -> anyhow::Result<()> {
        let mut scores = prediction.scores.iter().map(|score| JsonScore {
            id: text.id.as_ref(),
            label: &score.label,
            score: score.score,
        });
        match scores.next() {
            Some(best) if !self.settings.list => self.results.json(&best),
            best => self
                .results
                .json(&best.into_iter().chain(scores).collect::<Vec<_>>()),
        }
    }

    /// `label  score  text`, or with several labels the text and then a line for each.
    fn line(&mut self, text: &LabelledText, prediction: &Prediction) -> anyhow::Result<()> {
        let bold = self.results.style(Style::new().bold());
        let shown = shown_text(text);
        if self.settings.list {
            self.results.line(&shown)?;
        }
        for LabelScore { label, score } in &prediction.scores {
            let width = self.label_width - label.chars().count();
            let label = format!("{bold}{label}{bold:#}{:width$}", "");
            if self.settings.list {
                self.results.line(format_args!("  {label}  {score:.4}"))?;
            } else {
                self.results
                    .line(format_args!("{label}  {score:.4}  {shown}"))?;
            }
        }
        Ok(())
    }

    fn finish(mut self) -> anyhow::Result<()> {
        self.results.flush()?;
        if self.long.any() {
            warn(&self.long);
        }
        Ok(())
    }
}

/// The fields of a `transformers` pipeline.
#[derive(Serialize)]
struct JsonScore<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    label: &'a str,
    score: f64,
}

/// Id, text and second text on one line.
fn shown_text(row: &LabelledText) -> String {
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

fn one_line(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        text.replace(char::is_control, " ").into()
    } else {
        text.into()
    }
}
