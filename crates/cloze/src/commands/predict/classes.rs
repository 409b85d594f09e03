use anstyle::Style;
use cloze_data::readers::{LabelledText, Value};
use cloze_data::tokenizer::{LongTexts, TextInput};
use cloze_infer::{
    InferError, MaskedLanguagePipeline, MultiLabelClassifier, MultiLabelOptions,
    NEXT_SENTENCE_LABELS, PredictOptions, Prediction, TextClassifier, TextRegressor, TopK,
};
use cloze_tasks::{LabelScore, text_input};
use serde::Serialize;

use super::{Predictor, shown_text};
use crate::arguments::predict::PredictSettings;
use crate::reports::tell_of_long_texts;
use crate::terminal::Results;

/// A model that gives labels.
pub(super) trait Labeller {
    /// Every label that it may give.
    fn labels(&self) -> Vec<String>;

    /// Tokens that it reads of a text.
    fn max_length(&self) -> usize;

    /// Where it reads longer texts in windows, how many tokens a window repeats.
    fn stride(&self) -> Option<usize> {
        None
    }

    /// Whether a text can only have one score, and its label says nothing.
    fn gives_a_number(&self) -> bool {
        false
    }

    fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError>;
}

impl Labeller for TextClassifier {
    fn labels(&self) -> Vec<String> {
        self.labels().names().to_vec()
    }

    fn max_length(&self) -> usize {
        self.max_length()
    }

    fn stride(&self) -> Option<usize> {
        self.stride()
    }

    fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        self.predict(texts, options)
    }
}

/// Any number of labels.
#[derive(Debug)]
pub(super) struct SeveralLabels {
    pub(super) model: MultiLabelClassifier,
    /// Labels whatever their thresholds.
    pub(super) top_k: Option<TopK>,
}

impl Labeller for SeveralLabels {
    fn labels(&self) -> Vec<String> {
        self.model.labels().names().to_vec()
    }

    fn max_length(&self) -> usize {
        self.model.max_length()
    }

    fn stride(&self) -> Option<usize> {
        self.model.stride()
    }

    fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        let options = MultiLabelOptions {
            top_k: self.top_k,
            batch_size: options.batch_size,
        };
        self.model.predict(texts, &options)
    }
}

impl Labeller for TextRegressor {
    fn labels(&self) -> Vec<String> {
        vec![self.task().label().into()]
    }

    fn max_length(&self) -> usize {
        self.max_length()
    }

    fn stride(&self) -> Option<usize> {
        self.stride()
    }

    fn gives_a_number(&self) -> bool {
        true
    }

    fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        self.predict(texts, options.batch_size)
    }
}

/// Whether the second text follows the first.
#[derive(Debug)]
pub(super) struct NextSentence(pub(super) MaskedLanguagePipeline);

impl Labeller for NextSentence {
    fn labels(&self) -> Vec<String> {
        NEXT_SENTENCE_LABELS.map(str::to_owned).to_vec()
    }

    fn max_length(&self) -> usize {
        self.0.max_length()
    }

    fn predict(
        &self,
        texts: &[TextInput<'_>],
        options: &PredictOptions,
    ) -> Result<Vec<Prediction>, InferError> {
        self.0.next_sentence(texts, options)
    }
}

/// Labels, printed.
pub(super) struct Classes<L> {
    model: L,
    settings: PredictSettings,
    results: Results,
    long: LongTexts,
    label_width: usize,
}

impl<L: Labeller> Classes<L> {
    pub(super) fn new(model: L, settings: PredictSettings) -> Self {
        let width = |name: &String| name.chars().count();
        Self {
            long: LongTexts::new(model.max_length()),
            label_width: model.labels().iter().map(width).max().unwrap_or(0),
            results: Results::stdout(),
            model,
            settings,
        }
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

    /// `label  score  text`, or with several labels the text and then a line for each; a number
    /// without label.
    fn line(&mut self, text: &LabelledText, prediction: &Prediction) -> anyhow::Result<()> {
        let bold = self.results.style(Style::new().bold());
        let shown = shown_text(text);
        if self.settings.list {
            self.results.line(&shown)?;
        }
        if self.model.gives_a_number() {
            for LabelScore { score, .. } in &prediction.scores {
                let line = format_args!("{bold}{score:.4}{bold:#}  {shown}");
                self.results.line(line)?;
            }
            return Ok(());
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
}

impl<L: Labeller> Predictor for Classes<L> {
    fn window(&mut self, texts: &[LabelledText]) -> anyhow::Result<()> {
        let inputs: Vec<_> = texts.iter().map(text_input).collect();
        let predictions = self.model.predict(&inputs, &self.settings.options)?;
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

    fn finish(&mut self) -> anyhow::Result<()> {
        self.results.flush()?;
        tell_of_long_texts(&self.long, self.model.stride());
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
