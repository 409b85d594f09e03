//! CoNLL: a word a line with its tags in columns, an empty line between sentences.
//!
//! Columns are separated by tabs, or by any blanks where the first line has no tab. Lines that begin
//! with `-DOCSTART-` are left out, and in files with tabs comments, `# …`. Ten columns are those
//! of CoNLL-U, whose multi-word tokens (`1-2`) and empty nodes (`1.1`) are no words. A first line that
//! names columns of words and of tags by usual names is a header.

use std::path::Path;

use cloze_core::InputError;

use super::stream::WordRow;
use super::{TaggedFormat, WordRows, WordTable, find};
use crate::readers::source::TextSource;
use crate::readers::stream::line_error;
use crate::readers::{ReadError, Row, Table, Value};
use crate::tokenizer::TextLines;

pub(super) static CONLL: TaggedFormat = TaggedFormat {
    name: "conll",
    extensions: &["conll", "conllu", "conllup", "bio", "iob", "iob2", "tsv"],
    read,
    rows,
};

const DOCUMENT_START: &str = "-DOCSTART-";
const GLOBAL_COLUMNS: &str = "# global.columns =";

const CONLL_U: &[&str] = &[
    "id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc",
];

fn read(path: &Path) -> Result<WordTable, ReadError> {
    let source = TextSource::open(path)?;
    let mut reader = Reader::new(path, separator(&source));
    let body = source.body();
    let mut counter = source.lines();
    let mut offset = 0;
    for raw in body.split(|&byte| byte == b'\n') {
        let line = counter.line_at(offset);
        match source.text(raw, offset, &counter) {
            Ok(text) => reader.line(line, text.trim_end_matches('\r')),
            Err(error) => reader.reject(error),
        }
        offset += raw.len() + 1;
    }
    reader.end_sentence();
    Ok(reader.words)
}

/// The lines of a file.
pub(super) fn lines(
    path: &Path,
) -> Result<impl Iterator<Item = Result<String, ReadError>> + use<>, ReadError> {
    let lines = TextLines::open(path).map_err(line_error)?;
    Ok(lines.map(|line| line.map_err(line_error)))
}

fn rows(path: &Path) -> Result<WordRows<'_>, ReadError> {
    // What separates the columns is told by the first line with a word.
    let is_first = |line: &Result<String, ReadError>| match line {
        Ok(line) => has_word(line.as_bytes()),
        Err(_) => true,
    };
    let separator = match lines(path)?.find(is_first) {
        Some(Ok(line)) => separator_of(line.as_bytes()),
        Some(Err(_)) | None => Separator::Blanks,
    };
    let sentences = Sentences {
        reader: Reader::new(path, separator),
        lines: Some(lines(path)?.enumerate()),
    };
    Ok(WordRows::after_the_first(path, sentences, |sentences| {
        sentences.reader.words.table.columns.clone()
    }))
}

/// The sentences of lines that come one after another.
struct Sentences<'a, L> {
    reader: Reader<'a>,
    /// `None` at the end.
    lines: Option<L>,
}

impl<L: Iterator<Item = (usize, Result<String, ReadError>)>> Iterator for Sentences<'_, L> {
    type Item = Result<WordRow, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.lines.as_mut()?.next() {
                Some((index, Ok(text))) => {
                    self.reader.line(index + 1, text.trim_end_matches('\r'));
                }
                Some((_, Err(ReadError::Input(error)))) => self.reader.reject(error),
                Some((_, Err(error))) => return Some(Err(error)),
                None => {
                    self.lines = None;
                    self.reader.end_sentence();
                }
            }
            // A line ends one sentence at most.
            let words = &mut self.reader.words;
            if let Some(row) = words.table.rows.pop() {
                return Some(Ok((row, words.word_lines.pop().unwrap_or_default())));
            }
            if let Some(error) = words.table.rejected.pop() {
                return Some(Err(error.into()));
            }
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Separator {
    Tab,
    Blanks,
}

/// What separates the columns of the first line that has a word.
fn separator(source: &TextSource) -> Separator {
    let mut lines = source.body().split(|&byte| byte == b'\n');
    let first = lines.find(|line| has_word(line));
    first.map_or(Separator::Blanks, separator_of)
}

fn has_word(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    !line.is_empty() && !line.starts_with(b"# ") && !line.starts_with(DOCUMENT_START.as_bytes())
}

fn separator_of(line: &[u8]) -> Separator {
    match line.trim_ascii().contains(&b'\t') {
        true => Separator::Tab,
        false => Separator::Blanks,
    }
}

struct Reader<'a> {
    path: &'a Path,
    separator: Separator,
    words: WordTable,
    /// Names of the columns, where the file has them.
    named: Option<Vec<String>>,
    /// The sentence so far: the columns of every word.
    rows: Vec<Vec<String>>,
    lines: Vec<usize>,
    /// The first thing that is wrong with the sentence.
    bad: Option<InputError>,
}

impl<'a> Reader<'a> {
    fn new(path: &'a Path, separator: Separator) -> Self {
        Self {
            path,
            separator,
            words: WordTable {
                table: Table::new(path, Vec::new()),
                word_lines: Vec::new(),
                numbered: true,
            },
            named: None,
            rows: Vec::new(),
            lines: Vec::new(),
            bad: None,
        }
    }

    fn line(&mut self, line: usize, text: &str) {
        if text.trim().is_empty() {
            return self.end_sentence();
        }
        if text.starts_with(DOCUMENT_START) {
            return self.end_sentence();
        }
        if let Some(names) = text.strip_prefix(GLOBAL_COLUMNS) {
            let names = names.split_whitespace().map(str::to_lowercase);
            self.named = Some(names.collect());
            return;
        }
        let has_tabs = self.separator == Separator::Tab;
        if has_tabs && text.starts_with('#') && !text.contains('\t') {
            return;
        }
        let fields: Vec<&str> = match self.separator {
            Separator::Tab => text.split('\t').map(str::trim).collect(),
            Separator::Blanks => text.split_ascii_whitespace().collect(),
        };
        if self.words.table.columns.is_empty() && find::is_header(&fields) {
            self.words.table.columns = fields.into_iter().map(str::to_owned).collect();
            return;
        }
        if self.words.table.columns.is_empty() {
            self.words.table.columns = self.column_names(fields.len());
        }
        let columns = &self.words.table.columns;
        if is_conll_u(columns) && fields[0].contains(['-', '.']) {
            return;
        }
        if fields.len() != columns.len() {
            let wanted = format!("{}, as on the first line", columns.len());
            let error = InputError::new(self.path, plural(fields.len()), wanted);
            return self.reject(error.at_line(line));
        }
        self.rows
            .push(fields.into_iter().map(str::to_owned).collect());
        self.lines.push(line);
    }

    fn column_names(&self, count: usize) -> Vec<String> {
        if let Some(names) = self.named.as_ref().filter(|names| names.len() == count) {
            return names.clone();
        }
        let names: &[&str] = match count {
            2 => &["tokens", "tags"],
            4 => &["tokens", "pos_tags", "chunk_tags", "ner_tags"],
            10 if self.separator == Separator::Tab => CONLL_U,
            _ => return (0..count).map(|column| column.to_string()).collect(),
        };
        names.iter().map(|&name| name.to_owned()).collect()
    }

    /// Marks the sentence as one that cannot be used.
    fn reject(&mut self, error: InputError) {
        self.bad.get_or_insert(error);
    }

    fn end_sentence(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let lines = std::mem::take(&mut self.lines);
        if let Some(error) = self.bad.take() {
            self.words.table.rejected.push(error);
            return;
        }
        let Some(&line) = lines.first() else {
            return;
        };
        let columns = 0..self.words.table.columns.len();
        let values = columns.map(|column| {
            let words = rows.iter().map(|row| Value::Text(row[column].clone()));
            Value::List(words.collect())
        });
        let values = values.collect();
        self.words.table.rows.push(Row { line, values });
        self.words.word_lines.push(lines);
    }
}

fn is_conll_u(columns: &[String]) -> bool {
    columns.len() == CONLL_U.len() && columns.iter().zip(CONLL_U).all(|(name, own)| name == own)
}

fn plural(columns: usize) -> String {
    match columns {
        1 => "1 column".into(),
        count => format!("{count} columns"),
    }
}
