//! From long texts to the samples of a model that says which token comes next: a token file in
//! cloze's cache, divided by position, and what is read of it.

use std::borrow::Cow;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::RandomStream;
use cloze_data::corpus::{BuiltPart, Counts, TokenFile};
use cloze_data::records::Records;
use cloze_data::splits::{Part, split_by_position};
use cloze_data::tokenizer::Tokenizer;
use cloze_model::checkpoint::Checkpoint;
use cloze_model::{
    ContinuationConfig, ContinuationHeadConfig, ContinuationHeadKind, ContinuationSamples,
};
use cloze_tasks::continuation::{ContinuationExamples, ContinuationInput, NextToken, TextPart};
use cloze_tasks::{Continuation, Example, ExampleSource, Task, TaskError};
use tempfile::TempDir;

use super::masked_lm::corpus::{Corpus, FilePart, TextFiles};
use super::masked_lm::place::CorpusPlace;
use super::{Data, MANY_UNKNOWN, Prepare, Prepared, SplitData, fingerprint_name, fingerprints};
use crate::StopFlag;
use crate::config::{ContinuationHeadKindConfig, ContinuationSamplesConfig, RunConfig, TaskKind};
use crate::error::TrainError;
use crate::events::{CorpusFacts, Event, Observer, SplitName, Warning};
use crate::head::activation;
use crate::shown::ShownTarget;
use crate::state::Fingerprints;

/// Path of the random streams that tell the samples of one split from those of another.
const STREAM: u64 = 0x434F_4E54;

impl Prepare for Continuation {
    fn shown_target(&self, target: &NextToken) -> ShownTarget {
        ShownTarget::Next { next_id: *target }
    }

    /// Tokenizes all texts into a file, unless that was done before.
    fn prepare(
        config: &mut RunConfig,
        checkpoint: &Checkpoint,
        tokenizer: &Tokenizer,
        cache: Option<&Path>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Prepared<Self>>, TrainError> {
        debug_assert_eq!(config.task, TaskKind::Continuation);
        let task = Self::new(settings(config, checkpoint)?)
            .with_label_smoothing(config.loss.label_smoothing);
        let fingerprints = fingerprints(config, tokenizer)?;
        let place = CorpusPlace::new(cache)?;
        let corpus = Corpus::stream(config, tokenizer, task.max_length());
        let mut splits = Vec::new();
        for input in inputs(config, &fingerprints) {
            let Some(parts) = corpus.token_files(&input.files, &place, observer, stop)? else {
                return Ok(None);
            };
            for built in parts {
                splits.extend(divide(&input, built, config)?);
            }
        }
        let making = Making {
            task: &task,
            input: ContinuationInput::new(task.config(), tokenizer.special()),
            config,
            place: &place,
        };
        let mut examples = |name| making.split(name, &splits, observer);
        let data = Data {
            train: examples(SplitName::Train)?,
            validation: examples(SplitName::Validation)?,
            test: examples(SplitName::Test)?,
            fingerprints,
        };
        Ok(Some(Prepared { task, data }))
    }
}

/// What the configuration describes; what it leaves open is filled in.
fn settings(
    config: &mut RunConfig,
    checkpoint: &Checkpoint,
) -> Result<ContinuationConfig, TrainError> {
    let encoder = checkpoint.encoder_config();
    let table = &mut config.continuation;
    // `[CLS]` and `[SEP]` need their room.
    let limit = encoder.longest_sequence().saturating_sub(2);
    if table.length > limit {
        return Err(TrainError::MaxLength {
            field: "continuation.length",
            found: table.length,
            limit,
        });
    }
    let width = *table.hidden_size.get_or_insert(encoder.hidden_size);
    let attends = table.head == ContinuationHeadKindConfig::LstmAttention;
    if attends && !width.is_multiple_of(table.attention_heads) {
        return Err(TrainError::AttentionHeads {
            field: "continuation.attention_heads",
            heads: table.attention_heads,
            width,
        });
    }
    Ok(ContinuationConfig {
        samples: match table.samples {
            ContinuationSamplesConfig::Windows => ContinuationSamples::Windows,
            ContinuationSamplesConfig::Prefixes => ContinuationSamples::Prefixes,
        },
        length: table.length,
        stride: table.stride,
        head: ContinuationHeadConfig {
            kind: match table.head {
                ContinuationHeadKindConfig::Linear => ContinuationHeadKind::Linear,
                ContinuationHeadKindConfig::Lstm => ContinuationHeadKind::Lstm,
                ContinuationHeadKindConfig::LstmAttention => ContinuationHeadKind::LstmAttention,
                ContinuationHeadKindConfig::MaskedLm => ContinuationHeadKind::MaskedLm,
            },
            hidden_size: width,
            layers: table.layers,
            attention_heads: table.attention_heads,
            activation: activation(table.activation),
            dropout: table.dropout,
            special_rows: table.special_rows,
        },
    })
}

/// Files of texts, and the splits that they are for.
struct Input {
    files: TextFiles,
    /// One split, or all three of the training files where these are divided.
    split: SplitName,
}

fn inputs(config: &RunConfig, fingerprints: &Fingerprints) -> Vec<Input> {
    let data = &config.data;
    let input = |split: SplitName, paths: &[PathBuf]| {
        let key = format!("data.{}", split.name());
        let hash = |path: &PathBuf| fingerprints.get(&fingerprint_name(&key, path)).cloned();
        Input {
            files: TextFiles {
                paths: paths.into(),
                fingerprints: paths.iter().filter_map(hash).collect(),
                split: None,
                parts: vec![Part::Train],
            },
            split,
        }
    };
    let mut inputs = vec![input(SplitName::Train, data.train.as_slice())];
    for (split, path) in [
        (SplitName::Validation, &data.validation),
        (SplitName::Test, &data.test),
    ] {
        let path = path.as_ref().map(std::slice::from_ref);
        inputs.extend(path.map(|path| input(split, path)));
    }
    inputs
}

/// The tokens of a split.
struct SplitTokens {
    name: SplitName,
    file: Arc<TokenFile>,
    counts: Counts,
    span: Range<u64>,
    /// The file of its texts that messages name.
    texts: PathBuf,
    /// Whether the file has other splits too.
    is_divided: bool,
}

/// Divides the training files by position, where shares are wanted.
fn divide(
    input: &Input,
    built: FilePart,
    config: &RunConfig,
) -> Result<Vec<SplitTokens>, TrainError> {
    let BuiltPart { file, counts } = built.built;
    let tokens = file.tokens();
    let file = Arc::new(file);
    let split = |name, span, is_divided| SplitTokens {
        name,
        file: file.clone(),
        counts,
        span,
        texts: built.texts.clone(),
        is_divided,
    };
    let shares = config.data.split.as_ref();
    let Some(shares) = shares.filter(|_| input.split == SplitName::Train) else {
        return Ok(vec![split(input.split, 0..tokens, false)]);
    };
    let parts = split_by_position(tokens, shares.validation, shares.test)?;
    let mut splits = vec![split(SplitName::Train, parts.train, true)];
    for (name, share, span) in [
        (SplitName::Validation, shares.validation, parts.validation),
        (SplitName::Test, shares.test, parts.test),
    ] {
        if share > 0.0 {
            splits.push(split(name, span, true));
        }
    }
    Ok(splits)
}

/// What the samples of all splits have in common.
struct Making<'a> {
    task: &'a Continuation,
    input: ContinuationInput,
    config: &'a RunConfig,
    place: &'a CorpusPlace,
}

impl Making<'_> {
    /// A split, after telling what it is; an empty one where there are no tokens for it.
    fn split(
        &self,
        name: SplitName,
        splits: &[SplitTokens],
        observer: &mut dyn Observer,
    ) -> Result<SplitData<NextToken>, TrainError> {
        let Some(tokens) = splits.iter().find(|split| split.name == name) else {
            return Ok(SplitData {
                file: self.config.data.train.first().into(),
                examples: Arc::new(Vec::new()),
                origins: Arc::new(Records::none()),
            });
        };
        let examples = self.examples(tokens)?;
        self.tell(tokens, &examples, observer);
        Ok(SplitData {
            file: tokens.texts.clone(),
            examples: Arc::new(KeptExamples {
                examples,
                _folder: self.place.keep(),
            }),
            origins: Arc::new(Records::none()),
        })
    }

    fn examples(&self, tokens: &SplitTokens) -> Result<ContinuationExamples, TrainError> {
        let seed = self.config.seed;
        let limit = &self.config.data.limit;
        let (seed, limit) = match tokens.name {
            SplitName::Train => (seed, limit.train),
            SplitName::Validation => (stream(seed, 1), limit.validation),
            SplitName::Test => (stream(seed, 2), limit.test),
        };
        let part = TextPart {
            file: tokens.file.clone(),
            span: tokens.span.clone(),
            name: tokens.name.name(),
        };
        let stride = self.task.config().stride;
        let examples = ContinuationExamples::new(part, self.input, stride, seed)
            .map_err(|error| error.of_texts(&tokens.texts))?;
        Ok(match limit {
            Some(limit) => examples.limited(limit),
            None => examples,
        })
    }

    fn tell(
        &self,
        tokens: &SplitTokens,
        examples: &ContinuationExamples,
        observer: &mut dyn Observer,
    ) {
        let counts = &tokens.counts;
        observer.observe(&Event::Corpus {
            split: tokens.name,
            facts: &CorpusFacts {
                unit: "text",
                sequences: if tokens.is_divided {
                    0
                } else {
                    counts.sequences
                },
                tokens: tokens.span.end - tokens.span.start,
                dropped: 0,
                examples: examples.len() as u64,
            },
            folder: self.place.folder(),
        });
        let share = counts.unknown as f64 / counts.tokens.max(1) as f64;
        // Once a file.
        let is_first = !tokens.is_divided || tokens.name == SplitName::Train;
        if share > MANY_UNKNOWN && is_first {
            observer.observe(&Event::Warning(Warning::UnknownTokens {
                split: tokens.name.name(),
                share,
            }));
        }
    }
}

fn stream(seed: u64, split: u64) -> u64 {
    RandomStream::new(seed, &[STREAM, split]).bits()
}

/// Examples, and the folder of their file where that goes with the run.
#[derive(Debug)]
struct KeptExamples {
    examples: ContinuationExamples,
    _folder: Option<Arc<TempDir>>,
}

impl ExampleSource<NextToken> for KeptExamples {
    fn len(&self) -> usize {
        self.examples.len()
    }

    fn tokens(&self, index: usize, epoch: u64) -> Result<usize, TaskError> {
        self.examples.tokens(index, epoch)
    }

    fn example(&self, index: usize, epoch: u64) -> Result<Cow<'_, Example<NextToken>>, TaskError> {
        self.examples.example(index, epoch)
    }
}
