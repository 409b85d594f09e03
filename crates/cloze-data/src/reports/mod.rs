//! What a data set looks like before it is trained on: classes, lengths, what will be cut, what
//! the vocabulary does not know.

mod text_table;

use std::fmt;

use serde::Serialize;

use crate::tokenizer::{Encoding, SpecialTokens};
use text_table::TextTable;

/// What a report needs to know of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExampleFacts {
    /// Class id, where the example has one.
    pub label: Option<usize>,
    /// Length in tokens before anything is cut, special tokens included.
    pub length: usize,
    /// Tokens that are left of the text itself.
    pub tokens: usize,
    /// How many of these the vocabulary does not know.
    pub unknown: usize,
}

impl ExampleFacts {
    /// The facts of an encoded text.
    pub fn new(encoding: &Encoding, label: Option<usize>, special: &SpecialTokens) -> Self {
        let added = [special.cls.id, special.sep.id];
        let text = || {
            let attended = encoding.ids.iter().zip(&encoding.attention_mask);
            attended.filter(|(id, mask)| **mask != 0 && !added.contains(id))
        };
        Self {
            label,
            length: encoding.untruncated_length,
            tokens: text().count(),
            unknown: text().filter(|(id, _)| **id == special.unk.id).count(),
        }
    }
}

/// A report over the splits of a data set; printed, an aligned table.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DatasetReport {
    /// Class names in the order of their ids; none where examples have no class as a whole.
    pub labels: Vec<String>,
    /// Length in tokens at which texts are cut.
    pub max_length: Option<usize>,
    /// One report a split.
    pub splits: Vec<SplitReport>,
}

/// A report over one split.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitReport {
    /// `train`, `validation`, `test`.
    pub name: String,
    /// Number of examples.
    pub rows: usize,
    /// Examples of every class, in the order of the class ids.
    pub classes: Vec<Share>,
    /// Examples without a label.
    pub unlabelled: Share,
    /// Lengths in tokens before anything is cut.
    pub lengths: LengthPercentiles,
    /// Examples that are longer than the maximum length.
    pub cut: Share,
    /// Unknown tokens among those of the texts.
    pub unknown: Share,
}

/// A number, and the part of the whole that it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// The number.
    pub count: usize,
    /// The part, from 0 to 1; 0 where there is no whole.
    pub share: f64,
}

impl Share {
    fn of(count: usize, whole: usize) -> Self {
        let share = count as f64 / whole.max(1) as f64;
        Self { count, share }
    }
}

/// The lengths that cover shares of the texts: `p90` is the smallest length that at least 90% of
/// them do not exceed. All are 0 where there are no texts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LengthPercentiles {
    /// Covers half of the texts.
    pub p50: usize,
    /// Covers 90%.
    pub p90: usize,
    /// Covers 95%.
    pub p95: usize,
    /// Covers 99%.
    pub p99: usize,
    /// The longest.
    pub max: usize,
}

impl LengthPercentiles {
    /// The percentiles of lengths in any order.
    pub fn of(mut lengths: Vec<usize>) -> Self {
        lengths.sort_unstable();
        let covering = |percent: usize| {
            let rank = (lengths.len() * percent).div_ceil(100);
            rank.checked_sub(1).map_or(0, |index| lengths[index])
        };
        Self {
            p50: covering(50),
            p90: covering(90),
            p95: covering(95),
            p99: covering(99),
            max: covering(100),
        }
    }
}

impl DatasetReport {
    /// A report without splits yet.
    pub fn new(labels: &[String], max_length: Option<usize>) -> Self {
        Self {
            labels: labels.into(),
            max_length,
            splits: Vec::new(),
        }
    }

    /// Adds a split. A class id beyond the labels counts as no label.
    pub fn add_split(&mut self, name: &str, examples: impl IntoIterator<Item = ExampleFacts>) {
        let mut counts = vec![0; self.labels.len()];
        let (mut lengths, mut unlabelled, mut tokens, mut unknown) = (Vec::new(), 0, 0, 0);
        for example in examples {
            match example.label.and_then(|label| counts.get_mut(label)) {
                Some(count) => *count += 1,
                None => unlabelled += 1,
            }
            lengths.push(example.length);
            tokens += example.tokens;
            unknown += example.unknown;
        }
        let rows = lengths.len();
        let limit = self.max_length.unwrap_or(usize::MAX);
        let cut = lengths.iter().filter(|&&length| length > limit).count();
        self.splits.push(SplitReport {
            name: name.into(),
            rows,
            classes: counts
                .into_iter()
                .map(|count| Share::of(count, rows))
                .collect(),
            unlabelled: Share::of(unlabelled, rows),
            lengths: LengthPercentiles::of(lengths),
            cut: Share::of(cut, rows),
            unknown: Share::of(unknown, tokens),
        });
    }

    /// Classes that a split, if there is one of that name, has no example of.
    pub fn classes_missing_from(&self, split: &str) -> Vec<&str> {
        let split = self.splits.iter().find(|report| report.name == split);
        let classes = split.map_or(&[][..], |report| &report.classes);
        self.labels
            .iter()
            .zip(classes)
            .filter(|(_, class)| class.count == 0)
            .map(|(label, _)| label.as_str())
            .collect()
    }

    /// Class ids as the table lists them, and how many it leaves out: of very many, those with
    /// the most examples in the first split.
    fn listed_classes(&self) -> (Vec<usize>, usize) {
        let mut classes: Vec<usize> = (0..self.labels.len()).collect();
        let Some(first) = self.splits.first().filter(|_| classes.len() > LISTED) else {
            return (classes, 0);
        };
        classes.sort_by_key(|&class| std::cmp::Reverse(first.classes[class].count));
        let left_out = classes.split_off(LISTED).len();
        (classes, left_out)
    }
}

/// How many classes the printed table lists.
const LISTED: usize = 40;

impl fmt::Display for DatasetReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = TextTable::default();
        let count = |number: usize| [number.to_string(), String::new()];
        let mut row = |name: &str, cells: &dyn Fn(&SplitReport) -> [String; 2]| {
            table.push(name, self.splits.iter().flat_map(cells));
        };
        let heading = match self.labels[..] {
            [] => "",
            _ => "class",
        };
        row(heading, &|split| [split.name.clone(), String::new()]);
        let (classes, left_out) = self.listed_classes();
        for class in classes {
            row(&self.labels[class], &|split| {
                percent(split.classes[class], 1)
            });
        }
        if left_out > 0 {
            row(&format!("… {left_out} more classes"), &|_| {
                Default::default()
            });
        }
        let unlabelled = self.splits.iter().any(|split| split.unlabelled.count > 0);
        if unlabelled && !self.labels.is_empty() {
            row("without label", &|split| percent(split.unlabelled, 1));
        }
        row("all", &|split| count(split.rows));
        row("", &|_| Default::default());
        row("tokens in a text", &|split| {
            [split.name.clone(), String::new()]
        });
        row("50% have up to", &|split| count(split.lengths.p50));
        row("90% have up to", &|split| count(split.lengths.p90));
        row("95% have up to", &|split| count(split.lengths.p95));
        row("99% have up to", &|split| count(split.lengths.p99));
        row("the longest has", &|split| count(split.lengths.max));
        if let Some(max_length) = self.max_length {
            row(&format!("texts cut at {max_length}"), &|split| {
                percent(split.cut, 1)
            });
        }
        row("unknown tokens", &|split| percent(split.unknown, 2));
        write!(f, "{table}")
    }
}

fn percent(share: Share, digits: usize) -> [String; 2] {
    let percent = 100.0 * share.share;
    [share.count.to_string(), format!("{percent:.digits$}%")]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tokenizer::SpecialToken;

    fn example(label: usize, length: usize, unknown: usize) -> ExampleFacts {
        ExampleFacts {
            label: Some(label),
            length,
            tokens: length - 2,
            unknown,
        }
    }

    fn report() -> DatasetReport {
        let mut report = DatasetReport::new(&["negative".into(), "好评".into()], Some(8));
        let train = [
            example(0, 5, 0),
            example(1, 12, 3),
            example(1, 8, 0),
            example(1, 7, 0),
        ];
        report.add_split("train", train);
        report.add_split("test", [example(0, 4, 0)]);
        report
    }

    #[test]
    fn the_table_is_aligned_also_where_characters_are_wide() {
        let expected = "\
class             train          test
negative              1   25.0%     1  100.0%
好评                  3   75.0%     0    0.0%
all                   4             1

tokens in a text  train          test
50% have up to        7             4
90% have up to       12             4
95% have up to       12             4
99% have up to       12             4
the longest has      12             4
texts cut at 8        1   25.0%     0    0.0%
unknown tokens        3  12.50%     0   0.00%
";
        assert_eq!(report().to_string(), expected);
    }

    #[test]
    fn classes_that_a_split_lacks_are_named() {
        assert_eq!(report().classes_missing_from("test"), ["好评"]);
        assert!(report().classes_missing_from("train").is_empty());
        assert!(report().classes_missing_from("validation").is_empty());
    }

    #[test]
    fn the_numbers_are_there_as_json_too() {
        let json = serde_json::to_value(report()).unwrap();
        assert_eq!(json["splits"][0]["lengths"]["p90"], 12);
        assert_eq!(
            json["splits"][0]["cut"],
            serde_json::json!({"count": 1, "share": 0.25})
        );
        assert_eq!(json["splits"][1]["classes"][1]["count"], 0);
    }

    #[test]
    fn a_percentile_is_the_least_length_that_covers_the_share() {
        let of = |lengths: std::ops::RangeInclusive<usize>| {
            LengthPercentiles::of(lengths.rev().collect())
        };
        let hundred = of(1..=100);
        assert_eq!((hundred.p50, hundred.p90, hundred.p95), (50, 90, 95));
        assert_eq!((hundred.p99, hundred.max), (99, 100));
        assert_eq!(of(1..=11).p90, 10);
        assert_eq!(LengthPercentiles::of(vec![]), LengthPercentiles::default());
    }

    #[test]
    fn many_classes_are_listed_by_size() {
        let labels: Vec<String> = (0..119).map(|label| format!("label {label}")).collect();
        let mut report = DatasetReport::new(&labels, None);
        report.add_split(
            "train",
            [example(118, 5, 0), example(7, 5, 0), example(118, 5, 0)],
        );
        let text = report.to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("label 118") && lines[2].starts_with("label 7 "));
        assert_eq!(lines[41].trim_end(), "… 79 more classes");
        assert!(!text.contains("cut"));
    }

    #[test]
    fn added_tokens_and_padding_are_no_part_of_the_text() {
        let token = |id| SpecialToken {
            token: String::new(),
            id,
        };
        let special = SpecialTokens {
            cls: token(101),
            sep: token(102),
            pad: token(0),
            mask: token(103),
            unk: token(100),
        };
        let encoding = Encoding {
            ids: vec![101, 7, 100, 8, 102, 0, 0],
            type_ids: vec![0; 7],
            attention_mask: vec![1, 1, 1, 1, 1, 0, 0],
            untruncated_length: 9,
            ..Encoding::default()
        };
        let expected = ExampleFacts {
            label: Some(1),
            length: 9,
            tokens: 3,
            unknown: 1,
        };
        assert_eq!(ExampleFacts::new(&encoding, Some(1), &special), expected);
    }
}
