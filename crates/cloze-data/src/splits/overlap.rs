use std::collections::HashSet;
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
    let mut finder = OverlapFinder::default();
    for (name, rows) in splits {
        finder.begin(name);
        for row in rows {
            finder.see(&row.text, row.text_pair.as_deref());
        }
    }
    finder.finish()
}

/// Finds texts that stand in two splits, as [`texts_in_two_splits`] does, while they come one after
/// another.
///
/// Of a text only a hash of 64 bits is kept, so two different ones may be taken for the same: among
/// a million texts with a chance of less than one in ten million.
#[derive(Debug, Default)]
pub struct OverlapFinder {
    done: Vec<Seen>,
    current: Option<Seen>,
    /// For each split that is done what the current one has in common with it.
    common: Vec<Common>,
    overlaps: Vec<Overlap>,
}

/// The texts of a split.
#[derive(Debug)]
struct Seen {
    name: String,
    /// Sorted once the split is done.
    hashes: Vec<u64>,
}

/// What two splits have in common.
#[derive(Debug, Default)]
struct Common {
    texts: HashSet<u64>,
    rows: usize,
    examples: Vec<String>,
}

impl OverlapFinder {
    /// Begins the next split.
    pub fn begin(&mut self, name: &str) {
        self.end();
        self.common.resize_with(self.done.len(), Common::default);
        self.current = Some(Seen {
            name: name.into(),
            hashes: Vec::new(),
        });
    }

    /// Sees a text, or a pair of texts, of the split.
    pub fn see(&mut self, text: &str, text_pair: Option<&str>) {
        let hash = hash(text, text_pair);
        for (seen, common) in self.done.iter().zip(&mut self.common) {
            if seen.hashes.binary_search(&hash).is_err() {
                continue;
            }
            common.rows += 1;
            if common.texts.insert(hash) && common.examples.len() < EXAMPLES {
                common.examples.push(example((text, text_pair)));
            }
        }
        if let Some(current) = &mut self.current {
            current.hashes.push(hash);
        }
    }

    fn end(&mut self) {
        let Some(mut current) = self.current.take() else {
            return;
        };
        current.hashes.sort_unstable();
        current.hashes.dedup();
        current.hashes.shrink_to_fit();
        for (seen, common) in self.done.iter().zip(self.common.drain(..)) {
            if common.rows > 0 {
                self.overlaps.push(Overlap {
                    first: seen.name.clone(),
                    second: current.name.clone(),
                    texts: common.texts.len(),
                    rows: common.rows,
                    examples: common.examples,
                });
            }
        }
        self.done.push(current);
    }

    /// What was found.
    pub fn finish(mut self) -> Vec<Overlap> {
        self.end();
        self.overlaps
    }
}

fn hash(text: &str, text_pair: Option<&str>) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(text.len() as u64).to_le_bytes());
    hasher.update(text.as_bytes());
    if let Some(text_pair) = text_pair {
        hasher.update(text_pair.as_bytes());
        hasher.update(b"|");
    }
    let mut first = [0; 8];
    first.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    u64::from_le_bytes(first)
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
    fn an_empty_second_text_is_not_the_same_as_none() {
        let (train, test) = ([row("a", Some(""))], [row("a", None)]);
        let splits = [("train", &train[..]), ("test", &test[..])];
        assert_eq!(texts_in_two_splits(splits), []);
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
