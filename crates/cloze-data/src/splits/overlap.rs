use std::collections::{HashMap, HashSet};
use std::fmt;

use serde::Serialize;

use crate::readers::{LabelledText, quote};

/// Texts that stand in two splits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overlap {
    /// Name of the split that comes first.
    pub first: String,
    /// Name of the other split.
    pub second: String,
    /// Number of different texts (pairs, where the rows are pairs) in both.
    pub texts: usize,
    /// Rows of the second split that hold one of them.
    pub rows: usize,
    /// The first few of the texts.
    pub examples: Vec<String>,
}

/// How many examples an [`Overlap`] keeps.
const EXAMPLES: usize = 3;

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { first, second, .. } = self;
        match self.texts {
            1 => write!(f, "1 text stands in both {first} and {second}")?,
            texts => write!(f, "{texts} texts stand in both {first} and {second}")?,
        }
        let examples: Vec<String> = self.examples.iter().map(|text| quote(text)).collect();
        write!(f, ": {}", examples.join(", "))?;
        if self.texts > self.examples.len() {
            write!(f, ", …")?;
        }
        Ok(())
    }
}

/// Finds the texts that stand in more than one split: a model that has seen them is not tested
/// by them. Two rows are the same if their text and their second text are; labels do not count.
///
/// ```
/// use cloze_data::readers::LabelledText;
/// use cloze_data::splits::texts_in_two_splits;
///
/// let row = |text: &str| -> LabelledText {
///     LabelledText { text: text.into(), text_pair: None, label: None, id: None, line: 1 }
/// };
/// let (train, test) = ([row("a"), row("b")], [row("b"), row("c")]);
/// let overlaps = texts_in_two_splits([("train", &train[..]), ("test", &test[..])]);
/// assert_eq!(overlaps[0].to_string(), "1 text stands in both train and test: \"b\"");
/// ```
pub fn texts_in_two_splits<'a, Rows, L: 'a>(
    splits: impl IntoIterator<Item = (&'a str, Rows)>,
) -> Vec<Overlap>
where
    Rows: IntoIterator<Item = &'a LabelledText<L>>,
{
    type Key<'a> = (&'a str, Option<&'a str>);
    let mut seen: Vec<(&str, HashSet<Key<'a>>)> = Vec::new();
    let mut overlaps = Vec::new();
    for (second, rows) in splits {
        let mut counts: HashMap<Key<'a>, usize> = HashMap::new();
        let mut order = Vec::new();
        for row in rows {
            let key = (row.text.as_str(), row.text_pair.as_deref());
            let count = counts.entry(key).or_insert_with(|| {
                order.push(key);
                0
            });
            *count += 1;
        }
        for (first, texts) in &seen {
            let shared: Vec<Key<'a>> = order
                .iter()
                .copied()
                .filter(|key| texts.contains(key))
                .collect();
            if !shared.is_empty() {
                overlaps.push(Overlap {
                    first: (*first).into(),
                    second: second.into(),
                    texts: shared.len(),
                    rows: shared.iter().map(|key| counts[key]).sum(),
                    examples: shared.iter().take(EXAMPLES).copied().map(example).collect(),
                });
            }
        }
        seen.push((second, order.into_iter().collect()));
    }
    overlaps
}

fn example((text, text_pair): (&str, Option<&str>)) -> String {
    match text_pair {
        Some(text_pair) => format!("{text} | {text_pair}"),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(text: &str, text_pair: Option<&str>) -> LabelledText {
        LabelledText {
            text: text.into(),
            text_pair: text_pair.map(str::to_owned),
            label: None,
            id: None,
            line: 1,
        }
    }

    #[test]
    fn shared_texts_are_counted_with_examples() {
        let texts = |texts: &[&str]| texts.iter().map(|text| row(text, None)).collect::<Vec<_>>();
        let train = texts(&["a", "b", "c", "d", "e", "a"]);
        let validation = texts(&["x", "y", "y"]);
        let test = texts(&["e", "y", "d", "c", "e", "b"]);
        let overlaps = texts_in_two_splits([
            ("train", &train),
            ("validation", &validation),
            ("test", &test),
        ]);
        assert_eq!(overlaps.len(), 2);
        assert_eq!((overlaps[0].texts, overlaps[0].rows), (4, 5));
        assert_eq!(
            overlaps[0].to_string(),
            "4 texts stand in both train and test: \"e\", \"d\", \"c\", …"
        );
        assert_eq!(
            overlaps[1].to_string(),
            "1 text stands in both validation and test: \"y\""
        );
    }

    #[test]
    fn pairs_are_the_same_only_whole() {
        let train = [row("a", Some("b"))];
        let test = [row("a", Some("c")), row("a", None), row("b", Some("a"))];
        assert_eq!(
            texts_in_two_splits([("train", &train[..]), ("test", &test[..])]),
            []
        );
        let again = [row("a", Some("b"))];
        let overlaps = texts_in_two_splits([("train", &train), ("test", &again)]);
        assert_eq!(overlaps[0].examples, ["a | b"]);
    }
}
