//! From rows of labelled texts to encoded splits.

use std::path::Path;
use std::sync::Arc;

use cloze_core::LabelSet;
use cloze_data::readers::LabelledText;
use cloze_data::reports::{DatasetReport, ExampleFacts};
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_tasks::encoding::{encode_texts, with_targets};
use cloze_tasks::text_classification::text_input;
use cloze_tasks::{ClassWeights, TextClassification};

use super::sources::{Source, TextSplit, read_sources, split, warn_of_overlaps};
use super::{Data, Prepare, Prepared, SplitData, fingerprints, max_length, warn_of_unknown_tokens};
use crate::StopFlag;
use crate::config::{ClassWeightsConfig, RunConfig};
use crate::error::TrainError;
use crate::events::{Event, Observer, SplitName, Warning};
use crate::head::head_config;
use crate::shown::ShownTarget;

impl Prepare for TextClassification {
    fn shown_target(&self, target: &usize) -> ShownTarget {
        ShownTarget::Label {
            label: self.labels().names()[*target].clone(),
        }
    }

    /// Encodes all texts.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        _: Option<&Path>,
        observer: &mut dyn Observer,
        _: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        let max_length = max_length(config, checkpoint.encoder_config(), tokenizer)?;
        config.data.max_length = Some(max_length);
        let (sources, class_names) = read_sources(config, observer)?;
        let splits = split(config, &sources)?;
        warn_of_overlaps(&sources, &splits, observer);
        let train_rows = splits[0].rows.iter().map(|&row| &sources[0].rows[row]);
        let labels = labels(checkpoint, class_names, train_rows)?;
        let mut task = Self::new(labels, max_length)
            .with_head(head_config(config.head.as_ref(), checkpoint)?)
            .with_label_smoothing(config.loss.label_smoothing);
        // Wrong labels are found before minutes are spent on encoding.
        let targets = splits
            .iter()
            .map(|split| split_targets(&task, split, &sources[split.source]))
            .collect::<Result<Vec<_>, _>>()?;
        if let Some(weights) = &config.loss.class_weights {
            task = task.with_class_weights(&class_weights(weights), &targets[0])?;
        }
        let mut encoded = encode(tokenizer, max_length, &sources, &splits, targets, observer)?;
        report(task.labels(), max_length, &encoded, observer);
        let fingerprints = fingerprints(config, tokenizer)?;
        // `encoded` holds train, validation and test, in this order, as `split` made them.
        let (test, validation) = (encoded.remove(2), encoded.remove(1));
        let data = Data {
            train: encoded.remove(0),
            validation,
            test,
            fingerprints,
        };
        Ok(Some(Prepared { task, data }))
    }
}

/// The labels by id: in the order of the checkpoint or of the file if one of them names all that
/// occur, otherwise those of the training rows in an order of their own.
fn labels<'a>(
    checkpoint: &Checkpoint,
    class_names: Option<Vec<String>>,
    rows: impl Iterator<Item = &'a LabelledText>,
) -> Result<LabelSet, TrainError> {
    let observed = LabelSet::from_observed(rows.filter_map(|row| row.label.as_deref()))?;
    let covers = |set: &LabelSet| observed.names().iter().all(|name| set.id(name).is_some());
    if let Some(names) = class_names
        .map(LabelSet::from_names)
        .transpose()?
        .filter(covers)
    {
        return Ok(names);
    }
    Ok(match checkpoint.labels()? {
        // A head for more labels than the data have would train the others away.
        Some(names) if covers(&names) && names.len() == observed.len() => names,
        _ => observed,
    })
}

fn split_targets(
    task: &TextClassification,
    split: &TextSplit,
    source: &Source,
) -> Result<Vec<usize>, TrainError> {
    let rows = split.rows.iter().map(|&row| &source.rows[row]);
    Ok(task.targets(rows, &source.file, &source.column)?)
}

fn class_weights(config: &ClassWeightsConfig) -> ClassWeights {
    match config {
        ClassWeightsConfig::Named(_) => ClassWeights::Balanced,
        ClassWeightsConfig::Table(table) => ClassWeights::Table(table.clone()),
    }
}

fn encode(
    tokenizer: &Tokenizer,
    max_length: usize,
    sources: &[Source],
    splits: &[TextSplit],
    targets: Vec<Vec<usize>>,
    observer: &mut dyn Observer,
) -> Result<Vec<SplitData<usize>>, TrainError> {
    let total = splits.iter().map(|split| split.rows.len()).sum();
    let mut before = 0;
    let mut encoded = Vec::with_capacity(splits.len());
    for (split, targets) in splits.iter().zip(targets) {
        let source = &sources[split.source];
        let rows = split.rows.iter().map(|&row| &source.rows[row]);
        let texts: Vec<_> = rows.map(text_input).collect();
        let examples = encode_texts(tokenizer, &texts, max_length, |done| {
            let done = before + done;
            observer.observe(&Event::Encoding { done, total });
        })?;
        before += texts.len();
        encoded.push(SplitData {
            file: source.file.clone(),
            examples: Arc::new(with_targets(examples, targets.into_iter())),
            origins: split.rows.iter().map(|&row| source.origin(row)).collect(),
        });
    }
    Ok(encoded)
}

fn report(
    labels: &LabelSet,
    max_length: usize,
    splits: &[SplitData<usize>],
    observer: &mut dyn Observer,
) {
    let mut report = DatasetReport::new(labels.names(), Some(max_length));
    let names = [SplitName::Train, SplitName::Validation, SplitName::Test];
    for (name, split) in names.into_iter().zip(splits) {
        let examples = split.examples.in_memory().unwrap_or_default();
        if !examples.is_empty() {
            let facts = examples.iter().map(|example| ExampleFacts {
                label: Some(example.target),
                ..example.facts
            });
            report.add_split(name.name(), facts);
        }
    }
    observer.observe(&Event::Report(&report));
    let cut = report.splits.iter().map(|split| split.cut.count).sum();
    let total = report.splits.iter().map(|split| split.rows).sum();
    if cut > 0 {
        let warning = Warning::CutTexts {
            texts: cut,
            total,
            max_length,
        };
        observer.observe(&Event::Warning(warning));
    }
    warn_of_unknown_tokens(&report, observer);
}
