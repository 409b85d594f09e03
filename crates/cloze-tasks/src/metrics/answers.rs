//! Exact match and F1 over many questions, with those that have no answer, and the threshold from
//! which on it is best to give none.

use serde::{Deserialize, Serialize};

use super::{Cell, Table, cmrc, squad};

/// How a predicted answer is compared with the right ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerMetric {
    /// As the evaluation script of SQuAD does: by words.
    #[default]
    Squad,
    /// As that of CMRC 2018 does: by Chinese characters and words of other scripts.
    Cmrc,
}

/// How good the answer to a question is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnswerScores {
    /// 1 if it is one of the right ones, otherwise 0.
    pub exact_match: f64,
    /// F1 with the right one that is most like it, from 0 to 1.
    pub f1: f64,
}

impl AnswerMetric {
    /// Compares an answer, empty where there is none, with the right ones; without any of these the
    /// question has no answer. `with_unanswerable` tells whether the data set has such questions:
    /// SQuAD has a script for either case, and they differ where nothing is left of an answer that
    /// is compared.
    pub fn scores(self, gold: &[&str], predicted: &str, with_unanswerable: bool) -> AnswerScores {
        let v2 = with_unanswerable || gold.is_empty();
        let mut gold = gold.to_vec();
        if self == Self::Squad && v2 {
            gold.retain(|answer| !squad::normalized(answer).is_empty());
        }
        if gold.is_empty() {
            gold.push("");
        }
        let mut best = AnswerScores::default();
        for answer in gold {
            let (is_same, f1) = match self {
                Self::Squad => (
                    squad::exact_match(answer, predicted),
                    squad::f1(answer, predicted, v2),
                ),
                Self::Cmrc => (
                    cmrc::exact_match(answer, predicted),
                    cmrc::f1(answer, predicted),
                ),
            };
            // The script for Chinese knows no empty answers.
            let both_empty = answer.is_empty() && predicted.is_empty();
            let f1 = if both_empty { 1.0 } else { f1 };
            best.f1 = best.f1.max(f1);
            best.exact_match = best.exact_match.max(f64::from(u8::from(is_same)));
        }
        best
    }
}

/// F1 of `same` parts that two texts have in common, of so many parts each.
pub(super) fn f1_of(same: usize, predicted: usize, gold: usize) -> f64 {
    if same == 0 {
        return 0.0;
    }
    let precision = same as f64 / predicted as f64;
    let recall = same as f64 / gold as f64;
    2.0 * precision * recall / (precision + recall)
}

/// The best answer to a question, if one has to be given, and how sure the model is that there is
/// none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JudgedAnswer {
    /// Scores of the answer.
    pub scores: AnswerScores,
    /// Whether an answer was found: otherwise it is the empty one.
    pub is_given: bool,
    /// Whether the question has one.
    pub has_answer: bool,
    /// The score of no answer less that of the answer.
    pub null_score_difference: f64,
}

impl JudgedAnswer {
    /// The scores with a threshold: no answer is given where the difference is greater.
    pub fn with_threshold(&self, threshold: f64) -> AnswerScores {
        if self.null_score_difference > threshold {
            return self.without();
        }
        self.scores
    }

    /// The scores of no answer.
    fn without(&self) -> AnswerScores {
        let score = f64::from(u8::from(!self.has_answer));
        AnswerScores {
            exact_match: score,
            f1: score,
        }
    }
}

/// The best mean of a score, and the threshold that has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BestThreshold {
    /// The mean.
    pub score: f64,
    /// No answer is given where [`JudgedAnswer::null_score_difference`] is greater.
    pub threshold: f64,
}

/// The threshold with which a score, of those that `score` picks, is best in the mean, as SQuAD's
/// script finds it: 0 where it is best to give no answers at all.
pub fn best_threshold(answers: &[JudgedAnswer], score: fn(&AnswerScores) -> f64) -> BestThreshold {
    let mut sorted: Vec<&JudgedAnswer> = answers.iter().collect();
    sorted.sort_by(|a, b| a.null_score_difference.total_cmp(&b.null_score_difference));
    let without_answer = answers.iter().filter(|answer| !answer.has_answer).count();
    let mut current = without_answer as f64;
    let mut best = BestThreshold {
        score: current,
        threshold: 0.0,
    };
    for answer in sorted {
        current += match (answer.has_answer, answer.is_given) {
            (true, _) => score(&answer.scores),
            (false, true) => -1.0,
            (false, false) => 0.0,
        };
        if current > best.score {
            best = BestThreshold {
                score: current,
                threshold: answer.null_score_difference,
            };
        }
    }
    best.score /= answers.len().max(1) as f64;
    best
}

/// Means over questions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnswerMeans {
    /// Number of questions.
    pub questions: usize,
    /// Means of their scores; 0 where there are no questions.
    pub means: AnswerScores,
}

/// Scores of questions, added up.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AnswerSums {
    questions: usize,
    sum: AnswerScores,
}

impl AnswerSums {
    /// Adds the scores of a question.
    pub fn add(&mut self, scores: AnswerScores) {
        self.sum.exact_match += scores.exact_match;
        self.sum.f1 += scores.f1;
        self.questions += 1;
    }

    /// The means of what was added.
    pub fn means(&self) -> AnswerMeans {
        let count = self.questions.max(1) as f64;
        AnswerMeans {
            questions: self.questions,
            means: AnswerScores {
                exact_match: self.sum.exact_match / count,
                f1: self.sum.f1 / count,
            },
        }
    }
}

/// The means of scores.
pub fn means(scores: impl IntoIterator<Item = AnswerScores>) -> AnswerMeans {
    let mut sums = AnswerSums::default();
    scores.into_iter().for_each(|scores| sums.add(scores));
    sums.means()
}

/// A row for the questions that have an answer, and one for those that have none.
pub fn table(with_answer: &AnswerMeans, without_answer: &AnswerMeans) -> Table {
    let row = |name: &str, means: &AnswerMeans| {
        let cells = vec![
            Cell::Count(means.questions as u64),
            Cell::Score(means.means.exact_match),
            Cell::Score(means.means.f1),
        ];
        (name.to_owned(), cells)
    };
    Table {
        name: "per_kind".into(),
        row_header: "questions".into(),
        columns: ["number", "exact_match", "f1"].map(Into::into).into(),
        rows: vec![
            row("with an answer", with_answer),
            row("without one", without_answer),
        ],
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn judged(f1: f64, has_answer: bool, difference: f64) -> JudgedAnswer {
        JudgedAnswer {
            scores: AnswerScores {
                exact_match: f1.floor(),
                f1: if has_answer { f1 } else { 0.0 },
            },
            is_given: true,
            has_answer,
            null_score_difference: difference,
        }
    }

    #[test]
    fn the_right_answer_that_is_most_like_the_given_one_counts() {
        let scores = AnswerMetric::Squad.scores(&["cat", "the black cat"], "black cat", false);
        assert_eq!((scores.exact_match, scores.f1), (1.0, 1.0));
        let scores = AnswerMetric::Cmrc.scores(&["北京市", "上海"], "北京", false);
        assert_eq!((scores.exact_match, scores.f1), (0.0, 0.8));
    }

    #[test]
    fn no_answer_is_right_where_there_is_none() {
        for metric in [AnswerMetric::Squad, AnswerMetric::Cmrc] {
            let of = |gold: &[&str], predicted| metric.scores(gold, predicted, true);
            let right = AnswerScores {
                exact_match: 1.0,
                f1: 1.0,
            };
            assert_eq!(of(&[], ""), right);
            assert_eq!(of(&[], "北京"), AnswerScores::default());
            assert_eq!(of(&["北京"], ""), AnswerScores::default());
        }
        // What is left of "the" is nothing: version 2.0 takes the question for one without answer.
        let the = |v2| AnswerMetric::Squad.scores(&["the"], "a", v2);
        assert_eq!((the(false).exact_match, the(false).f1), (1.0, 0.0));
        assert_eq!((the(true).exact_match, the(true).f1), (1.0, 1.0));
    }

    #[test]
    fn a_threshold_trades_one_kind_of_question_for_the_other() {
        let answers = [
            judged(1.0, true, -2.0),
            judged(0.5, true, 0.5),
            judged(0.0, false, 1.0),
            judged(1.0, true, 3.0),
        ];
        let best = best_threshold(&answers, |scores| scores.f1);
        assert_eq!((best.score, best.threshold), (2.5 / 4.0, 0.5));
        let found = means(
            answers
                .iter()
                .map(|answer| answer.with_threshold(best.threshold)),
        );
        assert_eq!((found.questions, found.means.f1), (4, best.score));
        assert_eq!(best_threshold(&[], |scores| scores.f1).threshold, 0.0);
    }

    proptest! {
        /// No other threshold does better, and this one does as well as it says.
        #[test]
        fn no_threshold_is_better_than_the_best(
            rows in prop::collection::vec((0.0_f64..1.0, any::<bool>(), -50_i32..50), 1..20)
        ) {
            // Differences are all different, as the script stops in the middle of equal ones.
            let answers: Vec<JudgedAnswer> = rows
                .iter()
                .enumerate()
                .map(|(i, &(f1, has, at))| judged(f1, has, f64::from(at) + i as f64 / 100.0))
                .collect();
            let best = best_threshold(&answers, |scores| scores.f1);
            let mean = |threshold: f64| {
                means(answers.iter().map(|answer| answer.with_threshold(threshold))).means.f1
            };
            for answer in &answers {
                prop_assert!(mean(answer.null_score_difference) <= best.score + 1e-9);
            }
            prop_assert!(mean(f64::NEG_INFINITY) <= best.score + 1e-9);
            if best.threshold != 0.0 {
                prop_assert!((mean(best.threshold) - best.score).abs() < 1e-9);
            }
        }
    }
}
