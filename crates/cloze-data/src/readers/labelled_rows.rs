use std::path::Path;

use cloze_core::InputError;

use super::stream::TableRows;
use super::{
    BadRows, FoundColumns, Label, LabelledText, LabelledTexts, ReadError, Row, RowErrors, Table,
    TextColumns, TextReadOptions, labelled_texts, read_labelled_texts,
};

/// Rows that are looked at together.
const WINDOW: usize = 1024;

/// What is known of a file's texts beside the texts.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledHead {
    /// The columns that were read.
    pub columns: FoundColumns,
    /// The rows that can be used.
    pub rows: usize,
    /// What is wrong with each of the rows that were left out, by line.
    pub skipped: Vec<InputError>,
    /// The names of the classes in the order of their ids, where the file itself has them, or
    /// each has a column.
    pub class_names: Option<Vec<String>>,
}

/// Hands texts, or pairs of texts, with their labels on, one after another, as
/// [`read_labelled_texts`] reads them.
///
/// Memory does not grow with a file in CSV, JSON lines or Parquet, nor with a TSV file without quotes; a
/// JSON list, a TSV file with quotes, and a CSV file with blank lines among its rows are read as a
/// whole.
///
/// # Errors
/// As [`read_labelled_texts`]; rows before one that is wrong may have been handed on. Those of `take`.
pub fn for_each_labelled_text<L: Label, E: From<ReadError>>(
    path: &Path,
    options: &TextReadOptions,
    mut take: impl FnMut(LabelledText<L>) -> Result<(), E>,
) -> Result<LabelledHead, E> {
    let mut rows = TableRows::open(path, options.format)?;
    let mut windows = Windows::<L>::of(&rows.head, options)?;
    loop {
        let mut table = Table::new(path, rows.head.columns.clone());
        for row in rows.by_ref().take(WINDOW) {
            if let Err(error) = windows.sort(&mut table, row) {
                // What is wrong is said of the whole file.
                read_labelled_texts::<L>(path, options)?;
                return Err(error.into());
            }
        }
        if table.rows.is_empty() && table.rejected.is_empty() {
            break;
        }
        let mut found = windows.texts(table)?;
        let bad = !found.skipped.is_empty();
        windows.head.rows += found.rows.len();
        windows.head.skipped.append(&mut found.skipped);
        if bad && options.bad_rows == BadRows::Stop {
            break;
        }
        found.rows.into_iter().try_for_each(&mut take)?;
    }
    let head = windows.head;
    let is_usable = head.skipped.is_empty() || options.bad_rows == BadRows::Skip;
    if is_usable && head.rows > 0 {
        return Ok(head);
    }
    read_labelled_texts::<L>(path, options)?;
    Err(ReadError::from(RowErrors {
        path: path.into(),
        rows: head.rows + head.skipped.len(),
        errors: head.skipped,
    })
    .into())
}

/// Takes texts from tables of some rows.
struct Windows<L> {
    head: LabelledHead,
    /// With the columns that were found.
    options: TextReadOptions,
    label: std::marker::PhantomData<fn() -> L>,
}

impl<L: Label> Windows<L> {
    fn of(head: &Table, options: &TextReadOptions) -> Result<Self, ReadError> {
        let LabelledTexts {
            columns,
            class_names,
            ..
        } = labelled_texts::<L>(head.clone(), options)?;
        let options = TextReadOptions {
            columns: TextColumns {
                text: Some(columns.text.clone()),
                text_pair: columns.text_pair.clone(),
                label: columns.label.clone(),
                id: columns.id.clone(),
            },
            bad_rows: BadRows::Skip,
            ..options.clone()
        };
        Ok(Self {
            head: LabelledHead {
                columns,
                rows: 0,
                skipped: Vec::new(),
                class_names,
            },
            options,
            label: std::marker::PhantomData,
        })
    }

    /// Puts a row where it belongs.
    fn sort(&self, table: &mut Table, row: Result<Row, ReadError>) -> Result<(), ReadError> {
        match row {
            Ok(row) => table.rows.push(row),
            Err(ReadError::Input(error)) => table.rejected.push(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn texts(&self, table: Table) -> Result<LabelledTexts<L>, ReadError> {
        match labelled_texts(table, &self.options) {
            // No row of them can be used.
            Err(ReadError::Rows(errors)) => Ok(LabelledTexts {
                columns: self.head.columns.clone(),
                rows: Vec::new(),
                skipped: errors.errors,
                class_names: None,
            }),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// What both ways of reading make of a file.
    fn same(name: &str, content: &str, options: &TextReadOptions) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let whole = read_labelled_texts::<String>(&path, options);
        let mut rows = Vec::new();
        let head = for_each_labelled_text::<String, ReadError>(&path, options, |row| {
            rows.push(row);
            Ok(())
        });
        match (whole, head) {
            (Ok(whole), Ok(head)) => {
                assert_eq!(rows, whole.rows, "{content:?}");
                assert_eq!(head.rows, rows.len());
                assert_eq!(
                    (head.columns, head.skipped, head.class_names),
                    (whole.columns, whole.skipped, whole.class_names)
                );
            }
            (Err(whole), Err(head)) => assert_eq!(whole.to_string(), head.to_string()),
            (whole, head) => panic!("{content:?}: {whole:?} {head:?}"),
        }
    }

    fn options(bad_rows: BadRows) -> TextReadOptions {
        TextReadOptions {
            bad_rows,
            ..TextReadOptions::default()
        }
    }

    proptest! {
        #[test]
        fn a_stream_is_what_the_whole_is(
            cells in prop::collection::vec(("[a \"\n\r]{0,4}", "[xy\"]{0,2}"), 0..9),
            name in prop::sample::select(vec!["a.csv", "a.tsv"]),
            end in prop::sample::select(vec!["\n", "\r\n"]),
            skip in any::<bool>(),
        ) {
            let separator = if name == "a.csv" { "," } else { "\t" };
            let mut content = format!("text{separator}label{end}");
            for (text, label) in cells {
                content.push_str(&format!("{text}{separator}{label}{end}"));
            }
            let bad_rows = if skip { BadRows::Skip } else { BadRows::Stop };
            same(name, &content, &options(bad_rows));
        }

        #[test]
        fn objects_may_have_other_keys_than_those_before(
            rows in prop::collection::vec(prop::sample::select(vec![
                r#"{"text": "a", "label": 1}"#,
                r#"{"label": true, "text": "b", "id": 7}"#,
                r#"{"text": "", "label": "x"}"#,
                r#"{"sentence": "c"}"#,
                "[1]",
                "{",
                "",
            ]), 0..9),
            skip in any::<bool>(),
        ) {
            let bad_rows = if skip { BadRows::Skip } else { BadRows::Stop };
            same("a.jsonl", &rows.join("\n"), &options(bad_rows));
        }
    }

    #[test]
    fn more_rows_than_are_looked_at_together_stay_in_order() {
        let rows: String = (0..3 * WINDOW + 5)
            .map(|row| format!("text {row},{}\n", row % 3))
            .collect();
        let content = format!("text,label\n{rows}");
        same("a.csv", &content, &options(BadRows::Stop));
        let bad = content.replace("text 2000,", ",");
        same("a.csv", &bad, &options(BadRows::Stop));
        same("a.csv", &bad, &options(BadRows::Skip));
    }

    #[test]
    fn lists_blank_lines_and_other_text_are_read_as_before() {
        for (name, content) in [
            (
                "a.json",
                r#"[{"text": "a", "label": 1}, {"text": "b", "label": 2}]"#,
            ),
            ("a.csv", "text,label\na,1\n\nb,2\n"),
            ("a.csv", "text,label\n\"a,1\nb,2\n"),
            ("a.tsv", "text\tlabel\n\"a\"\t1\nb\t2\n"),
            ("a.tsv", "text\tlabel\n\"a\t\"\"\n\n\t1\n\"b\t2\n"),
            ("a.csv", ""),
            ("a.csv", "text,label\n"),
            ("a.csv", "\u{feff}text,label\na,1\n"),
            ("a.csv", "one,two,three\na,1,2\n"),
            ("a.xlsx", "text,label\n"),
        ] {
            same(name, content, &options(BadRows::Stop));
            same(name, content, &options(BadRows::Skip));
        }
    }
}
