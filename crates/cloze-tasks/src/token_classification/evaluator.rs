use std::collections::BTreeMap;

use cloze_data::tags::TagScheme;
use serde::Serialize;

use super::{TagTarget, TokenClassification};
use crate::metrics::entities::{EntityCounts, lenient_entities, strict_entities};
use crate::metrics::{ConfusionMatrix, Evaluation, Metrics, accuracy, f1};
use crate::{Evaluator, Task};

/// What the model says about a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TagPrediction {
    /// The words' own tags.
    pub tags: Vec<String>,
    /// As many predicted ones.
    pub predicted: Vec<String>,
}

/// Counts the labels of words, and the entities of sentences, as soon as all words of a sentence were
/// seen.
#[derive(Clone, Debug)]
pub struct TagEvaluator {
    task: TokenClassification,
    /// By sentence and word: those of which words are still to come.
    open: BTreeMap<usize, BTreeMap<u32, Judged>>,
    counts: Counts,
    /// Sum of the losses of labelled tokens, and of their weights.
    loss: (f64, f64),
    /// By sentence; `None` where none are wanted.
    predictions: Option<BTreeMap<usize, TagPrediction>>,
}

#[derive(Clone, Copy, Debug)]
struct Judged {
    label: usize,
    predicted: usize,
}

/// What whole sentences come to.
#[derive(Clone, Debug)]
struct Counts {
    words: ConfusionMatrix,
    lenient: EntityCounts,
    /// Where tags can be invalid.
    strict: Option<EntityCounts>,
}

impl Counts {
    fn add(&mut self, task: &TokenClassification, words: &BTreeMap<u32, Judged>) {
        for word in words.values() {
            self.words.add(word.label, word.predicted);
        }
        if task.scheme() == TagScheme::Plain {
            return;
        }
        let TagPrediction { tags, predicted } = prediction(task, words);
        self.lenient
            .add(&lenient_entities(&tags), &lenient_entities(&predicted));
        if let Some(strict) = &mut self.strict {
            let scheme = task.scheme();
            let entities = |tags: &[String]| strict_entities(tags, scheme).unwrap_or_default();
            strict.add(&entities(&tags), &entities(&predicted));
        }
    }
}

fn prediction(task: &TokenClassification, words: &BTreeMap<u32, Judged>) -> TagPrediction {
    let names = task.labels().names();
    let name = |id: usize| names[id].clone();
    TagPrediction {
        tags: words.values().map(|word| name(word.label)).collect(),
        predicted: words.values().map(|word| name(word.predicted)).collect(),
    }
}

/// Whether tags of a scheme can be invalid.
pub(super) fn has_strict_mode(scheme: TagScheme) -> bool {
    strict_entities::<&str>(&[], scheme).is_some()
}

impl TagEvaluator {
    pub(super) fn new(task: TokenClassification) -> Self {
        Self {
            counts: Counts {
                words: ConfusionMatrix::new(task.labels().len()),
                lenient: EntityCounts::default(),
                strict: has_strict_mode(task.scheme()).then(EntityCounts::default),
            },
            task,
            open: BTreeMap::new(),
            loss: (0.0, 0.0),
            predictions: None,
        }
    }

    /// Adds windows in any order: the mean loss of their labelled tokens, and the predicted label
    /// of each of these.
    pub fn add(&mut self, targets: &[TagTarget], mean_loss: f64, predicted: &[usize]) {
        let mut rest = predicted;
        for target in targets {
            let (own, others) = rest.split_at(target.tokens.len());
            rest = others;
            self.add_window(target, own);
        }
        let weight = self.task.weight(targets);
        self.loss.0 += mean_loss * weight;
        self.loss.1 += weight;
    }

    fn add_window(&mut self, target: &TagTarget, predicted: &[usize]) {
        if target.tokens.iter().all(|token| token.word.is_none()) {
            // The inside of a word that is longer than a window, behind all that is judged.
            return;
        }
        let words = self.open.entry(target.sentence).or_default();
        for (token, &predicted) in target.tokens.iter().zip(predicted) {
            if let Some(word) = token.word {
                let label = token.label;
                words.insert(word, Judged { label, predicted });
            }
        }
        if words.len() < target.words {
            return;
        }
        if let Some(words) = self.open.remove(&target.sentence) {
            self.counts.add(&self.task, &words);
            if let Some(predictions) = &mut self.predictions {
                predictions.insert(target.sentence, prediction(&self.task, &words));
            }
        }
    }

    /// With the sentences of which words are missing.
    fn all(&self) -> Counts {
        let mut counts = self.counts.clone();
        for words in self.open.values() {
            counts.add(&self.task, words);
        }
        counts
    }

    fn mean_loss(&self) -> f64 {
        match self.loss {
            (_, 0.0) => 0.0,
            (sum, weight) => sum / weight,
        }
    }

    /// Of tags that say something about their word alone: precision, recall and F1 over all words
    /// are the share of right ones.
    fn of_words(&self) -> Evaluation {
        let matrix = self.all().words;
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
        let Counts {
            words,
            lenient,
            strict,
        } = self.all();
        let micro = lenient.micro();
        let mut metrics: Metrics = [
            ("f1", micro.f1),
            ("precision", micro.precision),
            ("recall", micro.recall),
            ("accuracy", accuracy::accuracy(&words)),
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

    fn keep_predictions(&mut self) {
        self.predictions.get_or_insert_default();
    }

    fn take_predictions(&mut self) -> Vec<TagPrediction> {
        let Some(predictions) = &mut self.predictions else {
            return Vec::new();
        };
        let first_open = self.open.keys().next();
        let later = first_open.map(|first| predictions.split_off(first));
        let complete = std::mem::replace(predictions, later.unwrap_or_default());
        complete.into_values().collect()
    }

    fn last_predictions(&mut self) -> Vec<TagPrediction> {
        let Some(mut predictions) = self.predictions.as_mut().map(std::mem::take) else {
            return Vec::new();
        };
        for (sentence, words) in std::mem::take(&mut self.open) {
            self.counts.add(&self.task, &words);
            predictions.insert(sentence, prediction(&self.task, &words));
        }
        predictions.into_values().collect()
    }
}
