use std::collections::BTreeMap;

use cloze_data::tags::TagScheme;
use serde::Serialize;

use super::{TagTarget, TokenClassification};
use crate::Evaluator;
use crate::metrics::entities::{EntityCounts, lenient_entities, strict_entities};
use crate::metrics::{ConfusionMatrix, Evaluation, Metrics, accuracy, f1};

/// What the model says about a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagPrediction {
    /// The words' own tags.
    pub tags: Vec<String>,
    /// As many predicted ones.
    pub predicted: Vec<String>,
}

/// Collects the labels of words, their own and the predicted ones.
#[derive(Clone, Debug)]
pub struct TagEvaluator {
    task: TokenClassification,
    /// By sentence and word.
    words: BTreeMap<usize, BTreeMap<u32, Judged>>,
    /// Sum of the losses of labelled tokens, and their number.
    loss: (f64, usize),
}

#[derive(Clone, Copy, Debug)]
struct Judged {
    label: usize,
    predicted: usize,
}

/// Whether tags of a scheme can be invalid.
pub(super) fn has_strict_mode(scheme: TagScheme) -> bool {
    strict_entities::<&str>(&[], scheme).is_some()
}

impl TagEvaluator {
    pub(super) fn new(task: TokenClassification) -> Self {
        Self {
            task,
            words: BTreeMap::new(),
            loss: (0.0, 0),
        }
    }

    /// Adds windows in any order: the mean loss of their labelled tokens, and the predicted label
    /// of each of these.
    pub fn add(&mut self, targets: &[TagTarget], mean_loss: f64, predicted: &[usize]) {
        let tokens = targets
            .iter()
            .flat_map(|target| target.tokens.iter().map(|token| (target.sentence, token)));
        for ((sentence, token), &predicted) in tokens.zip(predicted) {
            if let Some(word) = token.word {
                let judged = Judged {
                    label: token.label,
                    predicted,
                };
                self.words.entry(sentence).or_default().insert(word, judged);
            }
        }
        self.loss.0 += mean_loss * predicted.len() as f64;
        self.loss.1 += predicted.len();
    }

    fn sentences(&self) -> impl Iterator<Item = TagPrediction> + '_ {
        let names = self.task.labels().names();
        self.words.values().map(move |words| {
            let name = |id: usize| names[id].clone();
            TagPrediction {
                tags: words.values().map(|word| name(word.label)).collect(),
                predicted: words.values().map(|word| name(word.predicted)).collect(),
            }
        })
    }

    fn confusion(&self) -> ConfusionMatrix {
        let mut matrix = ConfusionMatrix::new(self.task.labels().len());
        for word in self.words.values().flat_map(BTreeMap::values) {
            matrix.add(word.label, word.predicted);
        }
        matrix
    }

    fn mean_loss(&self) -> f64 {
        self.loss.0 / self.loss.1.max(1) as f64
    }

    /// Of tags that say something about their word alone: precision, recall and F1 over all words
    /// are the share of right ones.
    fn of_words(&self) -> Evaluation {
        let matrix = self.confusion();
        let (right, averages) = (accuracy::accuracy(&matrix), f1::averages(&matrix));
        let metrics = [
            ("f1", right),
            ("precision", right),
            ("recall", right),
            ("accuracy", right),
            ("macro_f1", averages.macro_f1),
            ("weighted_f1", averages.weighted_f1),
            ("loss", self.mean_loss()),
        ];
        Evaluation {
            metrics: metrics.into_iter().collect(),
            tables: vec![f1::per_class_table(&matrix, self.task.labels().names())],
        }
    }

    fn of_entities(&self) -> Evaluation {
        let scheme = self.task.scheme();
        let mut lenient = EntityCounts::default();
        let mut strict = has_strict_mode(scheme).then(EntityCounts::default);
        for TagPrediction { tags, predicted } in self.sentences() {
            lenient.add(&lenient_entities(&tags), &lenient_entities(&predicted));
            if let Some(strict) = &mut strict {
                let entities = |tags: &[String]| strict_entities(tags, scheme).unwrap_or_default();
                strict.add(&entities(&tags), &entities(&predicted));
            }
        }
        let micro = lenient.micro();
        let mut metrics: Metrics = [
            ("f1", micro.f1),
            ("precision", micro.precision),
            ("recall", micro.recall),
            ("accuracy", accuracy::accuracy(&self.confusion())),
            ("macro_f1", lenient.macro_average().f1),
            ("weighted_f1", lenient.weighted_average().f1),
        ]
        .into_iter()
        .collect();
        let mut tables = vec![lenient.table("per_entity", "entity")];
        if let Some(strict) = strict {
            metrics.set("strict_f1", strict.micro().f1);
            tables.push(strict.table("per_entity_strict", "entity, strict"));
        }
        metrics.set("loss", self.mean_loss());
        Evaluation { metrics, tables }
    }
}

impl Evaluator for TagEvaluator {
    type Prediction = TagPrediction;

    fn evaluation(&self) -> Evaluation {
        match self.task.scheme() {
            TagScheme::Plain => self.of_words(),
            _ => self.of_entities(),
        }
    }

    /// One for each sentence, in their order.
    fn predictions(&self) -> impl Iterator<Item = TagPrediction> + '_ {
        self.sentences()
    }
}
