//! Exact match and F1 of answers, as the evaluation script of CMRC 2018 computes them
//! (Cui et al. 2019).
//!
//! Two answers are the same if they are so in lower case and without the punctuation of a list.
//! For F1 an answer is a row of parts, each a Chinese character or a word of another script, and
//! what two answers have in common is the longest row of parts that stands in both without a gap.

mod words;

use super::squad;
use words::push_words;

/// The punctuation that does not count. An ellipsis does: the script has two of them as one mark,
/// which no single character is.
const PUNCTUATION: &str = "-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』";

/// An answer without what does not count.
fn normalized(answer: &str) -> String {
    let lower = answer.to_lowercase();
    let kept = lower.trim_matches(squad::is_space).chars();
    kept.filter(|character| !PUNCTUATION.contains(*character))
        .collect()
}

/// The Chinese characters and the words of other scripts.
///
/// ```
/// use cloze_tasks::metrics::cmrc::parts;
/// assert_eq!(parts("《Windows 10》于2015年"), ["windows", "10", "于", "2015", "年"]);
/// ```
pub fn parts(answer: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut other = String::new();
    for character in normalized(answer).chars() {
        if ('\u{4e00}'..='\u{9fa5}').contains(&character) {
            push_words(&other, &mut parts);
            other.clear();
            parts.push(character.to_string());
        } else {
            other.push(character);
        }
    }
    push_words(&other, &mut parts);
    parts
}

/// Whether two answers are the same.
pub fn exact_match(gold: &str, predicted: &str) -> bool {
    normalized(gold) == normalized(predicted)
}

/// F1 of the longest row of parts that both answers have, from 0 to 1.
pub fn f1(gold: &str, predicted: &str) -> f64 {
    let (gold, predicted) = (parts(gold), parts(predicted));
    let same = longest_common_run(&gold, &predicted);
    super::answers::f1_of(same, predicted.len(), gold.len())
}

/// The length of the longest run of items that stands in both lists.
fn longest_common_run(first: &[String], second: &[String]) -> usize {
    let mut longest = 0;
    // How long the runs are that end with the item before, by the second list's items.
    let mut before = vec![0; second.len() + 1];
    for item in first {
        let mut here = vec![0; second.len() + 1];
        for (place, other) in second.iter().enumerate() {
            if item == other {
                here[place + 1] = before[place] + 1;
                longest = longest.max(here[place + 1]);
            }
        }
        before = here;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn punctuation_of_the_list_does_not_count() {
        assert!(exact_match("《红楼梦》", "红楼梦"));
        assert!(exact_match(" A-B ", "ab"));
        assert!(!exact_match("红楼梦…", "红楼梦"));
        assert!(!exact_match("3.5", "35"));
    }

    #[test]
    fn what_is_common_has_no_gap() {
        // Of five and four characters three stand side by side in both.
        let score = f1("北京人民大", "北京人大");
        assert!((score - 6.0 / 9.0).abs() < 1e-12, "{score}");
        assert_eq!(f1("北京", "上海"), 0.0);
        assert_eq!(f1("", "上海"), 0.0);
        assert_eq!(f1("。", "，"), 0.0);
        assert_eq!(f1("windows 10", "Windows-10"), 0.0);
    }
}
