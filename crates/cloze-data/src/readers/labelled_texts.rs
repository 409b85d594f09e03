use std::path::Path;

use cloze_core::InputError;
use serde::Serialize;

use super::text_cells::{Problem, label, text};
use super::{
    BadRows, Format, FoundColumns, ReadError, Row, RowErrors, Table, TextColumns, Value,
    read_table_with_rejected,
};

/// A text, or a pair of texts, with its label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelledText {
    /// The text, the first one of a pair.
    pub text: String,
    /// The second text of a pair.
    pub text_pair: Option<String>,
    /// The label as its name: a whole number by its digits, a truth value as `true` or `false`.
    pub label: Option<String>,
    /// What the file calls the row.
    pub id: Option<Value>,
    /// The line where the row begins (the row itself in a Parquet file), counted from 1.
    pub line: usize,
}

/// The texts of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledTexts {
    /// The columns that were read.
    pub columns: FoundColumns,
    /// The rows that can be used, in the order of the file.
    pub rows: Vec<LabelledText>,
    /// What is wrong with each of the rows that were left out, by line.
    pub skipped: Vec<InputError>,
    /// The names of the classes in the order of their ids, where the file itself has them.
    pub class_names: Option<Vec<String>>,
}

/// Whether the rows must have labels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Labels {
    /// Every row needs one: training and evaluation.
    #[default]
    Required,
    /// Those that are there are read; a missing column or an empty cell is fine.
    IfPresent,
    /// They are not looked at.
    Ignored,
}

/// How [`read_labelled_texts`] reads.
#[derive(Clone, Debug, Default)]
pub struct TextReadOptions {
    /// The columns that the user named.
    pub columns: TextColumns,
    /// Whether the rows must have labels.
    pub labels: Labels,
    /// What to do with rows that cannot be used.
    pub bad_rows: BadRows,
    /// The format, if it is not that of the extension.
    pub format: Option<&'static Format>,
}

/// Reads texts, or pairs of texts, with their labels.
///
/// Texts are taken as they are; labels without the blanks around them. A row cannot be used if it
/// cannot be read at all, if a text is missing, no text, or blank, or if the label is missing (and
/// required) or is neither a text, a whole number nor a truth value.
///
/// # Errors
/// As [`read_table`](super::read_table); if a column does not exist; and, unless they are
/// skipped, if there are rows that cannot be used ([`ReadError::Rows`] lists them all). If no
/// usable row is left, that is an error in any case.
pub fn read_labelled_texts(
    path: &Path,
    options: &TextReadOptions,
) -> Result<LabelledTexts, ReadError> {
    let table = read_table_with_rejected(path, options.format)?;
    labelled_texts(table, options)
}

/// Takes texts with their labels from a table, as [`read_labelled_texts`] does.
///
/// # Errors
/// As there.
pub fn labelled_texts(
    mut table: Table,
    options: &TextReadOptions,
) -> Result<LabelledTexts, ReadError> {
    let mut columns = match options.labels {
        Labels::Required => options.columns.find(&table)?,
        Labels::IfPresent | Labels::Ignored => {
            absent_label_dropped(&options.columns, &table).find(&table)?
        }
    };
    if options.labels == Labels::Ignored {
        columns.label = None;
    }
    if options.labels == Labels::Required && columns.label.is_none() {
        return Err(no_label_column(&table).into());
    }
    let places = Places::of(&columns, &table)?;
    let total = table.rows.len() + table.rejected.len();
    let mut skipped = std::mem::take(&mut table.rejected);
    let mut rows = Vec::with_capacity(table.rows.len());
    for row in std::mem::take(&mut table.rows) {
        match places.read(row, options.labels) {
            Ok(row) => rows.push(row),
            Err((line, problem)) => skipped.push(problem.error(&table, line)),
        }
    }
    skipped.sort_by_key(|error| error.line);
    if !skipped.is_empty() && (options.bad_rows == BadRows::Stop || rows.is_empty()) {
        return Err(RowErrors {
            path: table.path,
            rows: total,
            errors: skipped,
        }
        .into());
    }
    let class_names = columns
        .label
        .as_ref()
        .and_then(|name| table.class_names.remove(name));
    Ok(LabelledTexts {
        columns,
        rows,
        skipped,
        class_names,
    })
}

fn absent_label_dropped(columns: &TextColumns, table: &Table) -> TextColumns {
    let present = |name: &String| table.columns.contains(name);
    TextColumns {
        label: columns.label.clone().filter(present),
        ..columns.clone()
    }
}

fn no_label_column(table: &Table) -> InputError {
    let wanted = "the name of the label's column, as none has a usual one (`label`, `target`, \
                  `class`, …)";
    InputError::new(&table.path, table.list_columns(), wanted)
}

/// Where in a row the columns are.
struct Places {
    text: usize,
    text_pair: Option<usize>,
    label: Option<usize>,
    id: Option<usize>,
}

impl Places {
    fn of(columns: &FoundColumns, table: &Table) -> Result<Self, InputError> {
        let place =
            |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        Ok(Self {
            text: table.column(&columns.text)?,
            text_pair: place(&columns.text_pair)?,
            label: place(&columns.label)?,
            id: place(&columns.id)?,
        })
    }

    fn read(&self, row: Row, labels: Labels) -> Result<LabelledText, (usize, Problem)> {
        let Row { line, mut values } = row;
        let mut read = || {
            let label = match self.label {
                Some(column) => label(&values[column], column, labels)?,
                None => None,
            };
            let id = self.id.map(|column| values[column].clone());
            let text_pair = match self.text_pair {
                Some(column) => Some(text(values[column].clone(), column)?),
                None => None,
            };
            let text = text(
                std::mem::replace(&mut values[self.text], Value::Null),
                self.text,
            )?;
            Ok(LabelledText {
                text,
                text_pair,
                label,
                id: id.filter(|id| *id != Value::Null),
                line,
            })
        };
        read().map_err(|problem| (line, problem))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn read(name: &str, content: &str, options: &TextReadOptions) -> Result<LabelledTexts, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let prefix = format!("{}/", folder.path().display());
        read_labelled_texts(&path, options).map_err(|error| error.to_string().replace(&prefix, ""))
    }

    fn labels(texts: &LabelledTexts) -> Vec<Option<&str>> {
        texts.rows.iter().map(|row| row.label.as_deref()).collect()
    }

    #[test]
    fn clue_pairs_load_as_they_are_distributed() {
        let content = concat!(
            r#"{"sentence1": "双十一花呗提额在哪", "sentence2": "里可以提花呗额度", "label": "0"}"#,
            "\n",
            r#"{"sentence1": "花呗支持高铁票支付吗", "sentence2": "为什么友付宝不支持花呗付款", "label": "1"}"#,
            "\n",
        );
        let texts = read("dev.json", content, &TextReadOptions::default()).unwrap();
        assert_eq!(labels(&texts), [Some("0"), Some("1")]);
        assert_eq!(texts.rows[0].text, "双十一花呗提额在哪");
        assert_eq!(texts.rows[0].text_pair.as_deref(), Some("里可以提花呗额度"));
        assert_eq!(texts.rows[1].line, 2);
    }

    #[test]
    fn clue_topics_load_with_descriptions_ignored() {
        let tnews = r#"{"label": "108", "label_desc": "news_edu", "sentence": "上课时学生手机响个不停，老师一怒之下把手机摔了", "keywords": "老师,学生"}"#;
        let iflytek = r#"{"label": 11, "label_des": "薅羊毛", "sentence": "一元夺宝"}"#;
        for (content, label) in [(tnews, "108"), (iflytek, "11")] {
            let texts = read("train.json", content, &TextReadOptions::default()).unwrap();
            assert_eq!(labels(&texts), [Some(label)]);
            assert_eq!(texts.columns.text, "sentence");
            assert_eq!(
                (&texts.rows[0].text_pair, &texts.rows[0].id),
                (&None, &None)
            );
        }
    }

    #[test]
    fn a_clue_test_file_has_ids_and_no_labels() {
        let content = "{\"id\": 0, \"sentence\": \"a\"}\n{\"id\": 1, \"sentence\": \"b\"}\n";
        let options = TextReadOptions {
            columns: TextColumns {
                label: Some("label".into()),
                ..TextColumns::default()
            },
            labels: Labels::IfPresent,
            ..TextReadOptions::default()
        };
        let texts = read("test.json", content, &options).unwrap();
        assert_eq!(labels(&texts), [None, None]);
        assert_eq!(texts.rows[1].id, Some(Value::Integer(1)));
        assert_eq!(
            read("test.json", content, &TextReadOptions::default()).unwrap_err(),
            "test.json: found the columns `id`, `sentence`, wanted the name of the label's column, \
             as none has a usual one (`label`, `target`, `class`, …)"
        );
    }

    #[test]
    fn labels_are_texts_numbers_or_truth_values() {
        let content = r#"[
            {"text": "a", "label": " good "}, {"text": "b", "label": -3}, {"text": "c", "label": true},
            {"text": "d", "label": 2.0}, {"text": "e", "label": 116}
        ]"#;
        let texts = read("a.json", content, &TextReadOptions::default()).unwrap();
        assert_eq!(labels(&texts), ["good", "-3", "true", "2", "116"].map(Some));
    }

    const BAD: &str = r#"{"text": "a", "label": 1}
{"text": " ", "label": 1}
{"text": 5, "label": 1}
{"label": 1}
{"text": "b"}
{"text": "b", "label": ""}
{"text": "b", "label": 0.5}
{"text": "b", "label": [1]}
{"text":
"#;

    #[test]
    fn rows_that_cannot_be_used_stop_the_run_and_are_listed() {
        assert_eq!(
            read("a.json", BAD, &TextReadOptions::default()).unwrap_err(),
            "a.json: 8 of 9 rows cannot be used\n  \
             a.json, line 2, field `text`: found an empty text, wanted a text\n  \
             a.json, line 3, field `text`: found 5, wanted a text\n  \
             a.json, line 4, field `text`: found nothing, wanted a text\n  \
             a.json, line 5, field `label`: found nothing, wanted a label\n  \
             a.json, line 6, field `label`: found an empty cell, wanted a label\n  \
             and 3 more"
        );
    }

    #[test]
    fn rows_that_cannot_be_used_are_skipped_when_told() {
        let options = TextReadOptions {
            bad_rows: BadRows::Skip,
            ..TextReadOptions::default()
        };
        let texts = read("a.json", BAD, &options).unwrap();
        assert_eq!(labels(&texts), [Some("1")]);
        let lines: Vec<_> = texts
            .skipped
            .iter()
            .filter_map(|error| error.line)
            .collect();
        assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9]);
        let wanted: Vec<&str> = texts.skipped[5..]
            .iter()
            .map(|e| e.found.as_str())
            .collect();
        assert_eq!(wanted[..2], ["0.5", "a list of 1"]);
        assert!(wanted[2].starts_with("broken JSON (EOF while parsing a value"));
    }

    #[test]
    fn a_file_of_which_nothing_is_left_is_an_error_even_so() {
        let options = TextReadOptions {
            bad_rows: BadRows::Skip,
            ..TextReadOptions::default()
        };
        assert_eq!(
            read("a.csv", "text,label\n,1\n", &options).unwrap_err(),
            "a.csv: 1 of 1 row cannot be used\n  \
             a.csv, line 2, field `text`: found an empty text, wanted a text"
        );
    }

    #[test]
    fn labels_that_are_not_looked_at_cannot_be_wrong() {
        let options = TextReadOptions {
            labels: Labels::Ignored,
            ..TextReadOptions::default()
        };
        let content = "{\"text\": \"a\", \"label\": [0.5]}";
        assert_eq!(labels(&read("a.json", content, &options).unwrap()), [None]);
    }

    #[test]
    fn plain_lines_are_texts_without_labels() {
        let options = TextReadOptions {
            labels: Labels::IfPresent,
            ..TextReadOptions::default()
        };
        let texts = read("a.txt", "one\ntwo\n", &options).unwrap();
        assert_eq!(texts.rows[1].text, "two");
    }
}
