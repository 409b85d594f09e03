//! What a data set looks like before it is trained on: classes, lengths, what will be cut, what
//! the vocabulary does not know.

mod counts;
mod text_table;

use std::fmt;

use serde::Serialize;

use crate::tokenizer::{Encoding, SpecialTokens};
use counts::LengthCounts;
pub use counts::SplitCounts;
use text_table::TextTable;

/// What a report needs to know of an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExampleFacts {
    /// Class id, where the example has one.
    pub label: Option<usize>,
    /// Length in tokens before anything is cut, special tokens included.
    pub length: usize,
    /// Tokens that are left of the text itself; those that several windows have count in each.
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
    /// Length in tokens at which texts are cut, or that of the windows they are read in.
    pub max_length: Option<usize>,
    /// Where longer texts are read in windows, how many tokens a window repeats of the one before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stride: Option<usize>,
    /// Share of the texts, above 0 and up to 1, whose length is reported besides the usual shares.
    pub coverage: Option<f64>,
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
    /// Examples of every class, in the order of the class ids. Together they are more than all
    /// where examples have several labels.
    pub classes: Vec<Share>,
    /// Examples without a label.
    pub unlabelled: Share,
    /// Lengths in tokens before anything is cut.
    pub lengths: LengthPercentiles,
    /// The length that covers [`DatasetReport::coverage`], where that is given.
    pub covering_length: Option<usize>,
    /// Examples that are longer than the maximum length: cut, or read in windows.
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
    pub fn of(lengths: Vec<usize>) -> Self {
        let mut counts = LengthCounts::default();
        lengths.into_iter().for_each(|length| counts.add(length));
        Self::of_counts(&counts)
    }

    fn of_counts(counts: &LengthCounts) -> Self {
        Self {
            p50: counts.covering(0.5),
            p90: counts.covering(0.9),
            p95: counts.covering(0.95),
            p99: counts.covering(0.99),
            max: counts.covering(1.0),
        }
    }
}

impl DatasetReport {
    /// A report without splits yet.
    pub fn new(labels: &[String], max_length: Option<usize>) -> Self {
        Self {
            labels: labels.into(),
            max_length,
            stride: None,
            coverage: None,
            splits: Vec::new(),
        }
    }

    /// Reports texts that are longer as read in windows, each of which repeats so many tokens of the
    /// one before; `None`, as without this, as cut.
    #[must_use]
    pub fn with_windows(mut self, stride: Option<usize>) -> Self {
        self.stride = stride;
        self
    }

    /// Reports the length that covers this share of the texts, above 0 and up to 1, too.
    #[must_use]
    pub fn with_coverage(mut self, share: f64) -> Self {
        self.coverage = Some(share);
        self
    }

    /// Adds a split. A class id beyond the labels counts as no label.
    pub fn add_split(&mut self, name: &str, examples: impl IntoIterator<Item = ExampleFacts>) {
        let examples = examples.into_iter();
        self.add_split_of_several(name, examples.map(|example| (example, example.label)));
    }

    /// Adds a split whose examples have any number of labels, beside their facts.
    pub fn add_split_of_several<Labels: IntoIterator<Item = usize>>(
        &mut self,
        name: &str,
        examples: impl IntoIterator<Item = (ExampleFacts, Labels)>,
    ) {
        let mut counts = SplitCounts::new(self.labels.len());
        for (example, labels) in examples {
            counts.add(example, labels);
        }
        self.add_counts(name, &counts);
    }

    /// Adds a split whose examples were counted, one after another.
    pub fn add_counts(&mut self, name: &str, counts: &SplitCounts) {
        let SplitCounts {
            rows,
            classes,
            unlabelled,
            tokens,
            unknown,
            lengths,
        } = counts;
        let limit = self.max_length.unwrap_or(usize::MAX);
        self.splits.push(SplitReport {
            name: name.into(),
            rows: *rows,
            classes: classes
                .iter()
                .map(|&count| Share::of(count, *rows))
                .collect(),
            unlabelled: Share::of(*unlabelled, *rows),
            covering_length: self.coverage.map(|share| lengths.covering(share)),
            lengths: LengthPercentiles::of_counts(lengths),
            cut: Share::of(lengths.above(limit), *rows),
            unknown: Share::of(*unknown, *tokens),
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

/// Shares whose lengths every report has.
const USUAL_SHARES: [f64; 4] = [0.5, 0.9, 0.95, 0.99];

/// A share as a percentage, without digits that say nothing: `80`, `97.5`.
fn percent_digits(share: f64) -> f64 {
    (share * 1e5).round() / 1e3
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
        let heading = if self.labels.is_empty() {
            "rows"
        } else {
            "class"
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
        let is_unlabelled = |split: &SplitReport| split.unlabelled.count > 0;
        if !self.labels.is_empty() && self.splits.iter().any(is_unlabelled) {
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
        if let Some(share) = self.coverage.filter(|share| !USUAL_SHARES.contains(share)) {
            row(
                &format!("{}% have up to", percent_digits(share)),
                &|split| count(split.covering_length.unwrap_or(0)),
            );
        }
        row("the longest has", &|split| count(split.lengths.max));
        if let Some(max_length) = self.max_length {
            let name = match self.stride {
                Some(_) => format!("in windows of {max_length}"),
                None => format!("texts cut at {max_length}"),
            };
            row(&name, &|split| percent(split.cut, 1));
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
mod tests;
