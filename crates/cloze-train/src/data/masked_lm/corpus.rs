use std::fs;
use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use blake3::Hasher;
use cloze_core::EncoderConfig;
use cloze_data::corpus::{
    Blocks, BuildOptions, BuiltPart, CorpusError, Documents, Layout, PairOptions, PairRule,
    SentencePairs, TokenFile, WordRule, build_corpus,
};
use cloze_data::readers::stream::{CorpusTexts, Source};
use cloze_data::readers::{BadRows, Format, ReadError};
use cloze_data::sentences::SentenceSplitter;
use cloze_data::splits::{Part, PerPart, SplitByText};
use cloze_data::tokenizer::Tokenizer;
use cloze_tasks::masked_lm::Sequences;

use super::place::CorpusPlace;
use crate::StopFlag;
use crate::config::{PairsConfig, RunConfig, TaskKind, WholeWordConfig, WordsConfig};
use crate::data::max_length;
use crate::error::TrainError;
use crate::events::{Event, Observer, Warning};

/// Blocks are no longer than this unless the configuration says so.
const LONGEST_BLOCK: usize = 512;

/// The share of pairs that fill only a part of the sequence, as in BERT's own pretraining.
const SHORT_PAIRS: f64 = 0.1;

/// Number of the way in which token files are made.
const FORMAT: u32 = 1;

/// The texts of a file.
struct FileTexts {
    texts: CorpusTexts,
    /// Whether a blank text is put behind each, which ends a document.
    rows_are_documents: bool,
}

impl FileTexts {
    fn texts(&mut self) -> impl Iterator<Item = Result<String, ReadError>> + '_ {
        let blank = self.rows_are_documents;
        self.texts.by_ref().flat_map(move |text| {
            let end = blank.then(|| Ok(String::new()));
            std::iter::once(text).chain(end)
        })
    }
}

/// How the texts of a run become sequences of tokens.
pub(in crate::data) struct Corpus<'a> {
    tokenizer: &'a Tokenizer,
    form: Form,
    words: WordRule,
    length: usize,
    column: Option<String>,
    bad_rows: BadRows,
}

/// What an example is made of.
enum Form {
    Blocks,
    Lines,
    /// Read from any place on.
    Stream,
    Pairs {
        splitter: SentenceSplitter,
        rule: PairRule,
    },
}

/// Files of texts, one after another, and the parts that they are divided into.
pub(in crate::data) struct TextFiles {
    /// At least one.
    pub(in crate::data) paths: Vec<PathBuf>,
    /// Hashes of their content.
    pub(in crate::data) fingerprints: Vec<String>,
    /// `None` where all of them are one part.
    pub(in crate::data) split: Option<SplitByText>,
    /// The parts that are wanted.
    pub(in crate::data) parts: Vec<Part>,
}

impl TextFiles {
    /// The file that messages name.
    pub(in crate::data) fn name(&self) -> &Path {
        self.paths.first().map_or(Path::new(""), PathBuf::as_path)
    }
}

/// A part of the files, tokenized.
pub(in crate::data) struct FilePart {
    pub(in crate::data) built: BuiltPart,
    /// Where it lies.
    pub(in crate::data) path: PathBuf,
    /// The file of its texts that messages name.
    pub(in crate::data) texts: PathBuf,
}

impl<'a> Corpus<'a> {
    /// As the configuration says; what it leaves open is filled in.
    pub(in crate::data) fn new(
        config: &mut RunConfig,
        encoder: &EncoderConfig,
        tokenizer: &'a Tokenizer,
    ) -> Result<Self, TrainError> {
        let limit = max_length(config, encoder, tokenizer)?;
        let data = &mut config.data;
        let (form, length) = match config.task {
            TaskKind::Pretraining => {
                data.max_length = Some(limit);
                let sentences = &config.sentences;
                let splitter = sentences.split_at.as_deref().map(SentenceSplitter::at);
                let rule = match sentences.pairs {
                    PairsConfig::Sentences => PairRule::Neighbours,
                    PairsConfig::Long => PairRule::Runs { short: SHORT_PAIRS },
                };
                let splitter = splitter.transpose()?.unwrap_or_default();
                (Form::Pairs { splitter, rule }, limit)
            }
            _ if data.line_by_line => {
                data.max_length = Some(limit);
                (Form::Lines, limit)
            }
            _ => {
                let size = *data.chunk_size.get_or_insert(limit.min(LONGEST_BLOCK));
                if size > encoder.longest_sequence() {
                    return Err(TrainError::MaxLength {
                        field: "data.chunk_size",
                        found: size,
                        limit: encoder.longest_sequence(),
                    });
                }
                (Form::Blocks, size)
            }
        };
        Ok(Self {
            tokenizer,
            form,
            words: match config.masking.whole_word {
                WholeWordConfig::Switch(false) => WordRule::None,
                WholeWordConfig::Switch(true) => WordRule::SubWords,
                WholeWordConfig::Words(WordsConfig::Spaces) => WordRule::Spaces,
                WholeWordConfig::Words(WordsConfig::Jieba) => WordRule::Jieba,
            },
            length,
            column: config.data.text.clone(),
            bad_rows: config.data.bad_rows.into(),
        })
    }

    /// Texts that are laid end to end without special tokens, for examples of `length` tokens.
    pub(in crate::data) fn stream(
        config: &RunConfig,
        tokenizer: &'a Tokenizer,
        length: usize,
    ) -> Self {
        Self {
            tokenizer,
            form: Form::Stream,
            words: WordRule::None,
            length,
            column: config.data.text.clone(),
            bad_rows: config.data.bad_rows.into(),
        }
    }

    pub(in crate::data) fn tokenizer(&self) -> &'a Tokenizer {
        self.tokenizer
    }

    /// What a sequence of the token files is, in a word.
    pub(in crate::data) fn unit(&self) -> &'static str {
        match self.form {
            Form::Blocks | Form::Lines | Form::Stream => "text",
            Form::Pairs { .. } => "sentence",
        }
    }

    /// The most tokens of an example.
    pub(in crate::data) fn length(&self) -> usize {
        self.length
    }

    /// The wanted parts of some files as token files: those that an earlier run has left, or new ones.
    /// `None` if asked to stop meanwhile.
    pub(in crate::data) fn token_files(
        &self,
        file: &TextFiles,
        place: &CorpusPlace,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<Option<Vec<FilePart>>, TrainError> {
        let layout = self.layout();
        let key = self.key(file, &layout);
        let path = |part: Part| place.path(&key, part);
        let open = |part: &Part| {
            let path = path(*part);
            let built = BuiltPart::open(&path).ok()?;
            let texts = file.name().into();
            Some(FilePart { built, path, texts })
        };
        if let Some(parts) = file.parts.iter().map(open).collect::<Option<Vec<_>>>() {
            return Ok(Some(parts));
        }
        let mut paths = PerPart::default();
        for &part in &file.parts {
            *paths.get_mut(part) = Some(path(part));
        }
        match self.build(file, layout, &paths, observer, stop) {
            Err(TrainError::Corpus(error)) if matches!(*error, CorpusError::Stopped) => Ok(None),
            Err(error) => Err(error),
            Ok(mut built) => {
                let part = |&part: &Part| {
                    let built = built.get_mut(part).take()?;
                    Some(FilePart {
                        built,
                        path: path(part),
                        texts: file.name().into(),
                    })
                };
                // A part with a path is built, or building fails.
                Ok(file.parts.iter().map(part).collect())
            }
        }
    }

    fn build(
        &self,
        files: &TextFiles,
        layout: Layout,
        paths: &PerPart<Option<PathBuf>>,
        observer: &mut dyn Observer,
        stop: &StopFlag,
    ) -> Result<PerPart<Option<BuiltPart>>, TrainError> {
        let mut total = 0;
        let mut texts = Vec::new();
        for path in &files.paths {
            let metadata = fs::metadata(path).map_err(|error| TrainError::read(path, error))?;
            total += metadata.len();
            texts.push(self.open(path)?);
        }
        let options = BuildOptions {
            layout,
            words: self.words,
            split: files.split,
            limits: PerPart::default(),
        };
        let all = texts.iter_mut().flat_map(FileTexts::texts);
        let built = build_corpus(all, self.tokenizer, &options, paths, |progress| {
            observer.observe(&Event::ReadingCorpus {
                bytes: progress.bytes.min(total),
                total,
            });
            if stop.is_requested() {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })
        .map_err(|error| error.of_texts(files.name()))?;
        for file in &texts {
            let skipped = file.texts.skipped();
            if skipped.count > 0 {
                observer.observe(&Event::Warning(Warning::SkippedTexts {
                    count: skipped.count,
                    first: &skipped.first,
                }));
            }
        }
        Ok(built)
    }

    fn open(&self, path: &Path) -> Result<FileTexts, TrainError> {
        let is_plain = Format::of_file(path)?.name == "txt";
        // Plain text has no columns to be named.
        let column = self.column.as_deref().filter(|_| !is_plain);
        let source = Source::File(path.into());
        Ok(FileTexts {
            texts: CorpusTexts::open(&source, column, None, self.bad_rows)?,
            rows_are_documents: !is_plain && matches!(self.form, Form::Pairs { .. }),
        })
    }

    fn layout(&self) -> Layout {
        match &self.form {
            Form::Blocks => Layout::Whole,
            Form::Stream => Layout::Stream,
            Form::Lines => Layout::Lines {
                max_length: self.length,
            },
            Form::Pairs { splitter, .. } => Layout::Sentences {
                splitter: splitter.clone(),
                documents: Documents::BlankTexts,
            },
        }
    }

    /// What a token file depends on, as one hash: BLAKE3, in hex.
    fn key(&self, files: &TextFiles, layout: &Layout) -> String {
        let mut hasher = Hasher::new();
        let described = format!(
            "{FORMAT} {} {layout:?} {:?} {:?} {:?} {:?}",
            env!("CARGO_PKG_VERSION"),
            self.words,
            files.split,
            self.column,
            self.bad_rows,
        );
        let tokenizer = self.tokenizer.fingerprint();
        for part in [&described, &tokenizer]
            .into_iter()
            .chain(&files.fingerprints)
        {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// What examples are read from: `path` is where the token file lies.
    pub(in crate::data) fn sequences(
        &self,
        file: TokenFile,
        path: &Path,
        seed: u64,
    ) -> Result<Sequences, CorpusError> {
        Ok(match &self.form {
            Form::Blocks => {
                let size = NonZeroUsize::new(self.length).unwrap_or(NonZeroUsize::MIN);
                Sequences::Blocks(Blocks::new(file, size)?)
            }
            Form::Lines | Form::Stream => Sequences::Lines(file),
            Form::Pairs { rule, .. } => {
                let options = PairOptions {
                    rule: *rule,
                    max_length: self.length,
                    seed,
                };
                Sequences::Pairs(self.pairs(file, path, options)?)
            }
        })
    }

    /// Pairs by the table that an earlier run has left beside the token file, or by a new one.
    fn pairs(
        &self,
        file: TokenFile,
        path: &Path,
        options: PairOptions,
    ) -> Result<SentencePairs, CorpusError> {
        let hash = blake3::hash(format!("{options:?}").as_bytes()).to_hex();
        let table = path.with_extension(format!("pairs-{}.safetensors", &hash[..16]));
        let special = self.tokenizer.special();
        if table.exists()
            && let Ok(pairs) = SentencePairs::open(TokenFile::open(path)?, &table, special, options)
        {
            return Ok(pairs);
        }
        SentencePairs::create(file, &table, special, options)
    }
}
