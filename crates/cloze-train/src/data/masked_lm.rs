//! From texts of any size to examples of masked language models: token files in cloze's cache, and
//! what is read of them.

pub(super) mod corpus;
pub(super) mod place;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::RandomStream;
use cloze_data::corpus::BuiltPart;
use cloze_data::masking::{MaskVocabulary, Masking, MaskingSchedule};
use cloze_data::records::Records;
use cloze_data::splits::{Part, SplitByText};
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::{Checkpoint, check_next_sentence};
use cloze_tasks::masked_lm::MaskedExamples;
use cloze_tasks::{Example, ExampleSource, MaskedLm, MaskedTarget, TaskError};
use tempfile::TempDir;

use super::{Data, MANY_UNKNOWN, Prepare, Prepared, SplitData, fingerprint_name, fingerprints};
use crate::StopFlag;
use crate::config::{MaskingConfig, RunConfig, TaskKind};
use crate::error::TrainError;
use crate::events::{CorpusFacts, Event, Observer, SplitName, Warning};
use crate::shown::ShownTarget;
use crate::state::Fingerprints;
use corpus::{Corpus, FilePart};
use place::CorpusPlace;

/// Path of the random streams that tell the masks of one split from those of another.
const STREAM: u64 = 0x4D4C_4D00;

impl Prepare for MaskedLm {
    const EVALUATE_FIRST: bool = true;

    fn shown_target(&self, target: &MaskedTarget) -> ShownTarget {
        let (positions, targets) = target.masked.iter().copied().unzip();
        ShownTarget::Masked {
            positions,
            targets,
            next_sentence_label: target.follows.map(|follows| usize::from(!follows)),
        }
    }

    /// Tokenizes all texts into files, unless that was done before.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        cache: Option<&Path>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        if config.task == TaskKind::Pretraining {
            check_next_sentence(checkpoint)?;
        }
        let corpus = Corpus::new(config, checkpoint.encoder_config(), tokenizer)?;
        let fingerprints = fingerprints(config, tokenizer)?;
        let place = CorpusPlace::new(cache)?;
        let mut splits = [SplitName::Train, SplitName::Validation, SplitName::Test]
            .map(|name| (name, empty_split(name, config)));
        for input in inputs(config, &fingerprints)? {
            let Some(parts) = corpus.token_files(&input.file, &place, observer, stop)? else {
                return Ok(None);
            };
            for ((_, name), part) in input.fills.iter().zip(parts) {
                let examples = examples(&corpus, *name, part, config, &place, observer)?;
                // `splits` has every name.
                if let Some((_, split)) = splits.iter_mut().find(|(other, _)| other == name) {
                    split.file = input.file.name().into();
                    split.examples = examples;
                }
            }
        }
        let [train, validation, test] = splits.map(|(_, split)| split);
        let task = match config.task {
            TaskKind::Pretraining => Self::pretraining(corpus.length()),
            _ => Self::new(corpus.length()).with_label_smoothing(config.loss.label_smoothing),
        };
        let data = Data {
            train,
            validation,
            test,
            fingerprints,
        };
        Ok(Some(Prepared { task, data }))
    }
}

fn empty_split(name: SplitName, config: &RunConfig) -> SplitData<MaskedTarget> {
    let data = &config.data;
    let file = match name {
        SplitName::Train => None,
        SplitName::Validation => data.validation.as_deref(),
        SplitName::Test => data.test.as_deref(),
    };
    SplitData {
        file: file.unwrap_or(data.train.first()).into(),
        examples: Arc::new(Vec::new()),
        origins: Arc::new(Records::none()),
    }
}

/// Files of texts, and the splits that their parts are for.
struct Input {
    file: corpus::TextFiles,
    fills: Vec<(Part, SplitName)>,
}

fn inputs(config: &RunConfig, fingerprints: &Fingerprints) -> Result<Vec<Input>, TrainError> {
    let data = &config.data;
    let file = |key: &str, paths: &[PathBuf], split, fills: Vec<(Part, SplitName)>| {
        let hash = |path: &PathBuf| fingerprints.get(&fingerprint_name(key, path)).cloned();
        Input {
            file: corpus::TextFiles {
                paths: paths.into(),
                fingerprints: paths.iter().filter_map(hash).collect(),
                split,
                parts: fills.iter().map(|(part, _)| *part).collect(),
            },
            fills,
        }
    };
    let mut fills = vec![(Part::Train, SplitName::Train)];
    let mut shares = None;
    if let Some(split) = &data.split {
        let seed = split.seed.unwrap_or(config.seed);
        shares = Some(SplitByText::new(split.validation, split.test, seed)?);
        let is_wanted = [
            (split.validation, Part::Validation, SplitName::Validation),
            (split.test, Part::Test, SplitName::Test),
        ];
        let wanted = is_wanted.into_iter().filter(|(share, ..)| *share > 0.0);
        fills.extend(wanted.map(|(_, part, name)| (part, name)));
    }
    let mut inputs = vec![file("data.train", data.train.as_slice(), shares, fills)];
    for (key, path, name) in [
        ("data.validation", &data.validation, SplitName::Validation),
        ("data.test", &data.test, SplitName::Test),
    ] {
        // A file that is not divided is one part.
        let fills = vec![(Part::Train, name)];
        let path = path.as_ref().map(std::slice::from_ref);
        inputs.extend(path.map(|path| file(key, path, None, fills)));
    }
    Ok(inputs)
}

/// The examples of a split, after telling what they are.
fn examples(
    corpus: &Corpus<'_>,
    name: SplitName,
    FilePart { built, path, texts }: FilePart,
    config: &RunConfig,
    place: &CorpusPlace,
    observer: &mut dyn Observer,
) -> Result<Arc<dyn ExampleSource<MaskedTarget>>, TrainError> {
    let BuiltPart { file, counts } = built;
    let seed = match name {
        SplitName::Train => config.seed,
        SplitName::Validation => RandomStream::new(config.seed, &[STREAM, 1]).bits(),
        SplitName::Test => RandomStream::new(config.seed, &[STREAM, 2]).bits(),
    };
    let sequences = corpus
        .sequences(file, &path, seed)
        .map_err(|error| error.of_texts(&texts))?;
    let masking = masking(config, name)?;
    let vocabulary = MaskVocabulary::of(corpus.tokenizer());
    let mut examples = MaskedExamples::new(sequences, masking, vocabulary, seed);
    let limit = &config.data.limit;
    let limit = match name {
        SplitName::Train => limit.train,
        SplitName::Validation => limit.validation,
        SplitName::Test => limit.test,
    };
    if let Some(limit) = limit {
        examples = examples.limited(limit);
    }
    observer.observe(&Event::Corpus {
        split: name,
        facts: &CorpusFacts {
            unit: corpus.unit(),
            sequences: counts.sequences,
            tokens: counts.tokens,
            dropped: counts.dropped,
            examples: examples.len() as u64,
        },
        folder: place.folder(),
    });
    if counts.cut > 0 {
        observer.observe(&Event::Warning(Warning::CutTexts {
            texts: counts.cut as usize,
            total: counts.sequences as usize,
            max_length: corpus.length(),
        }));
    }
    let share = counts.unknown as f64 / counts.tokens.max(1) as f64;
    if share > MANY_UNKNOWN {
        observer.observe(&Event::Warning(Warning::UnknownTokens {
            split: name.name(),
            share,
        }));
    }
    Ok(Arc::new(CorpusExamples {
        examples,
        _folder: place.keep(),
    }))
}

/// How a split is masked: what does not train, as training ends.
fn masking(config: &RunConfig, split: SplitName) -> Result<MaskingSchedule, TrainError> {
    let MaskingConfig {
        rate,
        last_rate,
        shares,
        ..
    } = config.masking;
    let last_rate = last_rate.unwrap_or(rate);
    if split == SplitName::Train {
        let first = Masking::new(rate, shares)?;
        return Ok(MaskingSchedule::linear(
            first,
            last_rate,
            config.train.epochs,
        )?);
    }
    Ok(Masking::new(last_rate, shares)?.into())
}

/// Examples, and the folder of their files where that goes with the run.
#[derive(Debug)]
struct CorpusExamples {
    examples: MaskedExamples,
    _folder: Option<Arc<TempDir>>,
}

impl ExampleSource<MaskedTarget> for CorpusExamples {
    fn len(&self) -> usize {
        self.examples.len()
    }

    fn tokens(&self, index: usize, epoch: u64) -> Result<usize, TaskError> {
        self.examples.tokens(index, epoch)
    }

    fn example(
        &self,
        index: usize,
        epoch: u64,
    ) -> Result<Cow<'_, Example<MaskedTarget>>, TaskError> {
        self.examples.example(index, epoch)
    }
}
