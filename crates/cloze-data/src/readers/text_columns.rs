use cloze_core::InputError;
use serde::{Deserialize, Serialize};

use super::{Label, Table};

/// Which columns hold what. What is left out is found by the names that data sets use, in this
/// order, capital letters aside:
///
/// | what | names |
/// |---|---|
/// | a pair | `sentence1` and `sentence2`, `premise` and `hypothesis`, `question1` and `question2`, `text_a` and `text_b`, `text1` and `text2`, `text` and `text_pair`, `question` and `sentence`, `question` and `passage`, `question` and `context` |
/// | a text | `text`, `sentence`, `review`, `content`, `comment`, `question`; or the only column that is no label and no id |
/// | a label | `label`, `labels`, `target`, `class`, `category`, `sentiment` |
/// | several labels | `labels`, `label`, `tags`, `categories`, `classes`, `targets` |
/// | a number | `label`, `score`, `labels`, `target`, `similarity`, `rating` |
/// | an id | `id`, `idx`, `guid` |
///
/// A pair is looked for only where neither text is named: whoever names one text and no second
/// has single texts. Other columns are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextColumns {
    /// The text, the first one of a pair.
    pub text: Option<String>,
    /// The second text of a pair.
    pub text_pair: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// What identifies a row, kept beside its prediction.
    pub id: Option<String>,
}

/// The names of the columns that are read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FoundColumns {
    /// The text, the first one of a pair.
    pub text: String,
    /// The second text of a pair.
    pub text_pair: Option<String>,
    /// The label.
    pub label: Option<String>,
    /// The id.
    pub id: Option<String>,
}

const PAIRS: &[(&str, &str)] = &[
    ("sentence1", "sentence2"),
    ("premise", "hypothesis"),
    ("question1", "question2"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("text", "text_pair"),
    ("question", "sentence"),
    ("question", "passage"),
    ("question", "context"),
];
const TEXTS: &[&str] = &[
    "text", "sentence", "review", "content", "comment", "question",
];
const IDS: &[&str] = &["id", "idx", "guid"];

impl TextColumns {
    /// Finds the columns of a table. A label and an id that are not named need not be there.
    ///
    /// # Errors
    /// If a named column does not exist, or no column can be taken for the text.
    pub fn find(&self, table: &Table) -> Result<FoundColumns, InputError> {
        self.find_with::<String>(table)
    }

    /// As [`find`](Self::find), with the usual columns of another kind of label.
    ///
    /// # Errors
    /// As there.
    pub fn find_with<L: Label>(&self, table: &Table) -> Result<FoundColumns, InputError> {
        let label = self.named_or(table, self.label.as_deref(), L::USUAL_COLUMNS)?;
        let id = self.named_or(table, self.id.as_deref(), IDS)?;
        let (text, text_pair) = match (&self.text, &self.text_pair) {
            (Some(text), text_pair) => (text.clone(), text_pair.clone()),
            (None, Some(text_pair)) => (
                self.single_text(table, &label, &id)?,
                Some(text_pair.clone()),
            ),
            (None, None) => match self.pair(table) {
                Some((text, text_pair)) => (text, Some(text_pair)),
                None => (self.single_text(table, &label, &id)?, None),
            },
        };
        for name in [Some(&text), text_pair.as_ref()].into_iter().flatten() {
            table.column(name)?;
        }
        Ok(FoundColumns {
            text,
            text_pair,
            label,
            id,
        })
    }

    fn named_or(
        &self,
        table: &Table,
        named: Option<&str>,
        usual: &[&str],
    ) -> Result<Option<String>, InputError> {
        match named {
            Some(name) => table.column(name).map(|_| Some(name.to_owned())),
            None => Ok(usual.iter().find_map(|name| self.existing(table, name))),
        }
    }

    /// A column that exists and that the user did not name for another purpose.
    fn existing(&self, table: &Table, name: &str) -> Option<String> {
        let taken = [&self.text, &self.text_pair, &self.label, &self.id];
        let column = table
            .columns
            .iter()
            .find(|column| column.eq_ignore_ascii_case(name))?;
        let free = taken.into_iter().flatten().all(|taken| taken != column);
        free.then(|| column.clone())
    }

    fn pair(&self, table: &Table) -> Option<(String, String)> {
        PAIRS.iter().find_map(|(first, second)| {
            self.existing(table, first)
                .zip(self.existing(table, second))
        })
    }

    fn single_text(
        &self,
        table: &Table,
        label: &Option<String>,
        id: &Option<String>,
    ) -> Result<String, InputError> {
        if let Some(name) = TEXTS.iter().find_map(|name| self.existing(table, name)) {
            return Ok(name);
        }
        let other = [label, id, &self.text_pair];
        let mut left = table.columns.iter().filter(|column| {
            !column.is_empty() && other.iter().all(|other| other.as_ref() != Some(*column))
        });
        match (left.next(), left.next()) {
            (Some(only), None) => Ok(only.clone()),
            _ => {
                let wanted = "the name of the text's column, as none has a usual one (`text`, \
                              `sentence`, `review`, …)";
                Err(InputError::new(&table.path, table.list_columns(), wanted))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn find(columns: &[&str], given: &TextColumns) -> Result<FoundColumns, String> {
        let columns = columns.iter().map(|&name| name.into()).collect();
        let table = Table::new(Path::new("r.csv"), columns);
        given.find(&table).map_err(|error| error.to_string())
    }

    fn found(columns: &[&str], given: &TextColumns) -> [Option<String>; 4] {
        let found = find(columns, given).unwrap();
        [Some(found.text), found.text_pair, found.label, found.id]
    }

    fn named(text: Option<&str>, text_pair: Option<&str>) -> TextColumns {
        TextColumns {
            text: text.map(str::to_owned),
            text_pair: text_pair.map(str::to_owned),
            ..TextColumns::default()
        }
    }

    #[test]
    fn usual_names_are_found_in_their_order() {
        let none = TextColumns::default();
        let expect = |columns: &[&str], expected: [&str; 4]| {
            let expected = expected.map(|name| (!name.is_empty()).then(|| name.to_owned()));
            assert_eq!(found(columns, &none), expected, "{columns:?}");
        };
        expect(
            &["sentence1", "sentence2", "label"],
            ["sentence1", "sentence2", "label", ""],
        );
        expect(
            &["label", "label_desc", "sentence", "keywords"],
            ["sentence", "", "label", ""],
        );
        expect(
            &["label", "label_des", "sentence"],
            ["sentence", "", "label", ""],
        );
        expect(&["id", "sentence"], ["sentence", "", "", "id"]);
        expect(&["Label", "Review"], ["Review", "", "Label", ""]);
        expect(
            &["text", "sentence1", "sentence2"],
            ["sentence1", "sentence2", "", ""],
        );
        expect(
            &["idx", "tweet", "sentiment", ""],
            ["tweet", "", "sentiment", "idx"],
        );
    }

    #[test]
    fn a_named_text_has_no_second_unless_that_is_named_too() {
        let columns = ["sentence1", "sentence2", "label"];
        let one = found(&columns, &named(Some("sentence2"), None));
        assert_eq!((one[0].as_deref(), &one[1]), (Some("sentence2"), &None));
        let two = found(&["a", "b", "label"], &named(None, Some("b")));
        assert_eq!(
            (two[0].as_deref(), two[1].as_deref()),
            (Some("a"), Some("b"))
        );
    }

    #[test]
    fn a_column_serves_one_purpose() {
        let given = named(Some("category"), None);
        assert_eq!(found(&["category", "text"], &given)[2], None);
    }

    #[test]
    fn what_cannot_be_found_is_an_error() {
        assert_eq!(
            find(&["a", "b", "label"], &TextColumns::default()).unwrap_err(),
            "r.csv: found the columns `a`, `b`, `label`, wanted the name of the text's column, as \
             none has a usual one (`text`, `sentence`, `review`, …)"
        );
        assert_eq!(
            find(&["review", "label"], &named(Some("reviews"), None)).unwrap_err(),
            "r.csv, field `reviews`: found the columns `review`, `label`, wanted a column of that \
             name (did you mean `review`?)"
        );
    }
}
