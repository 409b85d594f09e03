use std::ops::Range;
use std::path::Path;

use super::super::output_file::OutputFile;
use super::super::tensor_file::{Metadata, Numbers, Rows, TensorFile, Written, header};
use super::runs::write_runs;
use super::{CorpusError, PairOptions, PairRule, TokenFile};

/// What the metadata of a table says that it is.
const FORMAT: &str = "cloze-sentence-pairs";
/// Changes when tables of the older kind are no longer read.
const VERSION: &str = "1";
/// The only tensor of a table.
const TENSOR: &str = "pairs";
/// Numbers of a row of runs.
const RUN_COLUMNS: usize = 6;

/// Which sentences of a token file are paired, in a safetensors file with one tensor of 64-bit
/// numbers: for neighbours the sentences that another one follows, for runs what [`Run`] holds.
#[derive(Debug)]
pub(super) struct PairTable {
    file: TensorFile,
    pairs: Rows,
    sentences: u64,
}

/// A pair of runs of sentences. Numbers of sentences count from the start of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    /// The sentences of the first text.
    pub(super) first: Range<u64>,
    /// Where the second text ends if it follows the first; otherwise 0.
    pub(super) next_end: u64,
    /// The sentences of the document.
    pub(super) document: Range<u64>,
    /// How many tokens a second text from elsewhere is to have.
    pub(super) room: u64,
}

impl Run {
    pub(super) fn follows(&self) -> bool {
        self.next_end != 0
    }

    /// The sentences with which a second text from elsewhere does not begin.
    pub(super) fn away(&self, sentences: u64) -> Range<u64> {
        if self.document == (0..sentences) {
            self.first.start.saturating_sub(1)..(self.first.end + 1).min(sentences)
        } else {
            self.document.clone()
        }
    }

    fn numbers(&self) -> [u64; RUN_COLUMNS] {
        [
            self.first.start,
            self.first.end,
            self.next_end,
            self.document.start,
            self.document.end,
            self.room,
        ]
    }

    fn is_valid(&self, sentences: u64) -> bool {
        self.document.start <= self.first.start
            && self.first.start < self.first.end
            && self.first.end <= self.document.end
            && self.document.end <= sentences
            && (!self.follows() || self.first.end < self.next_end)
            && self.next_end <= self.document.end
    }
}

impl PairTable {
    /// Writes the table of a file of sentences.
    pub(super) fn write(
        sentences: &TokenFile,
        path: &Path,
        options: &PairOptions,
    ) -> Result<(), CorpusError> {
        let mut file = OutputFile::beside(path)?;
        let mut rows = 0;
        match options.rule {
            PairRule::Neighbours => {
                for (number, sentence) in (0_u64..).zip(sentences.sequences_from(0)) {
                    // The first sentence follows none, whatever its flag says.
                    if !sentence?.starts_document && number > 0 {
                        file.write(&(number - 1).to_le_bytes())?;
                        rows += 1;
                    }
                }
            }
            PairRule::Runs { short } => {
                write_runs(sentences, options, short, |run| {
                    rows += 1;
                    file.write(run.numbers().map(u64::to_le_bytes).as_flattened())
                })?;
            }
        }
        if rows == 0 {
            return Err(CorpusError::NoNeighbours {
                path: sentences.path().into(),
                sentences: sentences.sequences(),
            });
        }
        let (metadata, columns) = (metadata(sentences, options), columns(options.rule));
        let shape = [rows, columns];
        let tensor = Written {
            name: TENSOR,
            numbers: Numbers::U64,
            shape: if columns == 1 { &shape[..1] } else { &shape },
        };
        let header = header(&metadata, &[tensor]).map_err(CorpusError::write(path))?;
        file.finish(&header)
    }

    /// Opens a table and checks that it is that of these sentences and options.
    pub(super) fn open(
        sentences: &TokenFile,
        path: &Path,
        options: &PairOptions,
    ) -> Result<Self, CorpusError> {
        let file = TensorFile::open(path, FORMAT, VERSION)?;
        for (key, value) in metadata(sentences, options) {
            file.expect(&key, &value)?;
        }
        let pairs = file.rows(TENSOR, Numbers::U64, columns(options.rule))?;
        if pairs.count == 0 {
            let error = file.error("no pair", "one at least");
            return Err(error.in_field(TENSOR).into());
        }
        Ok(Self {
            file,
            pairs,
            sentences: sentences.sequences(),
        })
    }

    pub(super) fn rows(&self) -> u64 {
        self.pairs.count
    }

    /// The sentence in a row of neighbours.
    pub(super) fn sentence(&self, row: u64) -> Result<u64, CorpusError> {
        let mut bytes = [0; 8];
        self.file.read(self.pairs, row, &mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// The runs in a row.
    pub(super) fn run(&self, row: u64) -> Result<Run, CorpusError> {
        let mut bytes = [0; 8 * RUN_COLUMNS];
        self.file.read(self.pairs, row, &mut bytes)?;
        let (numbers, _) = bytes.as_chunks();
        let [start, end, next_end, document, document_end, room] =
            std::array::from_fn(|column| u64::from_le_bytes(numbers[column]));
        let run = Run {
            first: start..end,
            next_end,
            document: document..document_end,
            room,
        };
        if !run.is_valid(self.sentences) {
            return Err(self.damaged(row));
        }
        Ok(run)
    }

    /// A row that speaks of sentences that there are not.
    pub(super) fn damaged(&self, row: u64) -> CorpusError {
        let found = format!("a pair of sentences that there are not, in row {row}");
        let wanted = format!("sentences below {}", self.sentences);
        self.file.error(found, wanted).in_field(TENSOR).into()
    }
}

fn columns(rule: PairRule) -> u64 {
    match rule {
        PairRule::Neighbours => 1,
        PairRule::Runs { .. } => RUN_COLUMNS as u64,
    }
}

/// What a table depends on.
fn metadata(sentences: &TokenFile, options: &PairOptions) -> Metadata {
    let rule = match options.rule {
        PairRule::Neighbours => "neighbours".to_owned(),
        PairRule::Runs { short } => format!(
            "runs of {} tokens, a share of {short} shorter, seed {}",
            options.max_length, options.seed
        ),
    };
    [
        ("format", FORMAT.to_owned()),
        ("version", VERSION.to_owned()),
        ("rule", rule),
        ("sentences", sentences.sequences().to_string()),
        ("tokens", sentences.tokens().to_string()),
    ]
    .map(|(key, value)| (key.to_owned(), value))
    .into()
}
