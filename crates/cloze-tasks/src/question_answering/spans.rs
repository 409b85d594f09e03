//! The best spans of a question over all of its windows. Nothing else is kept of the logits, so
//! memory does not grow with the length of the context.

use std::cmp::Ordering;

use cloze_data::question_windows::QuestionWindow;

/// What can be an answer, and how many of them are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpanLimits {
    /// The most tokens of an answer.
    pub max_answer_length: usize,
    /// As many of the best starts of a window are put together with as many of its best ends, and
    /// as many of the spans of all windows are kept.
    pub n_best: usize,
}

/// A piece of the context, with its logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Its first character, from 0.
    pub start: usize,
    /// The character behind its last one.
    pub end: usize,
    /// The logit of its first token as a start.
    pub start_logit: f32,
    /// The logit of its last token as an end.
    pub end_logit: f32,
}

impl Span {
    /// The sum of both logits, by which spans of all windows are compared.
    pub fn score(&self) -> f64 {
        f64::from(self.start_logit) + f64::from(self.end_logit)
    }
}

/// The best spans of a question, over the windows that were seen so far.
#[derive(Clone, Debug, PartialEq)]
pub struct BestSpans {
    limits: SpanLimits,
    /// The best first; no two of the same characters.
    spans: Vec<Span>,
    null_score: Option<f64>,
    /// Logarithm of the sum of `exp` of the scores of all pairs of start and end.
    log_total: f64,
    windows: usize,
}

impl BestSpans {
    /// Those of no window.
    pub fn new(limits: SpanLimits) -> Self {
        Self {
            limits,
            spans: Vec::new(),
            null_score: None,
            log_total: f64::NEG_INFINITY,
            windows: 0,
        }
    }

    /// Adds a window with the logits of its tokens, start and end of each, `[tokens, 2]`.
    ///
    /// As in the question answering example of `transformers`, the best starts of the window are
    /// put together with its best ends; what is no span of the context, or too long, is left out.
    /// The score of no answer is that of the first token, and the least one of all windows: where
    /// one window has an answer, the others prove nothing.
    ///
    /// # Panics
    /// If there are not two logits for each token of the window.
    pub fn add(&mut self, window: &QuestionWindow, logits: &[f32]) {
        assert_eq!(logits.len(), 2 * window.ids.len());
        let starts: Vec<f32> = logits.iter().copied().step_by(2).collect();
        let ends: Vec<f32> = logits.iter().copied().skip(1).step_by(2).collect();
        self.windows += 1;
        let null = f64::from(starts[0]) + f64::from(ends[0]);
        self.null_score = Some(self.null_score.map_or(null, |other| other.min(null)));
        let context = window.context.clone();
        let total = log_sum(&starts, &context) + log_sum(&ends, &context);
        self.log_total = log_add(self.log_total, total);

        let best_ends = best(&ends, self.limits.n_best);
        for start in best(&starts, self.limits.n_best) {
            for &end in &best_ends {
                let is_span = context.contains(&start) && context.contains(&end) && start <= end;
                if is_span && end - start < self.limits.max_answer_length {
                    let (first, last) = (start - context.start, end - context.start);
                    self.insert(Span {
                        start: window.offsets[first].0 as usize,
                        end: window.offsets[last].1 as usize,
                        start_logit: starts[start],
                        end_logit: ends[end],
                    });
                }
            }
        }
    }

    /// Keeps a span if it is one of the best. One that stands in two windows is kept once, as the
    /// better one of them.
    fn insert(&mut self, span: Span) {
        let full = self.spans.len() == self.limits.n_best;
        if full
            && self
                .spans
                .last()
                .is_some_and(|last| span.score() <= last.score())
        {
            return;
        }
        let is_same = |other: &Span| (other.start, other.end) == (span.start, span.end);
        if let Some(place) = self.spans.iter().position(is_same) {
            if self.spans[place].score() >= span.score() {
                return;
            }
            self.spans.remove(place);
        }
        let is_better = |other: &Span| other.score() >= span.score();
        let place = self.spans.partition_point(is_better);
        self.spans.insert(place, span);
        self.spans.truncate(self.limits.n_best);
    }

    /// How many windows were seen.
    pub fn windows(&self) -> usize {
        self.windows
    }

    /// The best spans, the best first.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// The best span, if there is one.
    pub fn best(&self) -> Option<&Span> {
        self.spans.first()
    }

    /// The score of no answer; `None` before the first window.
    pub fn null_score(&self) -> Option<f64> {
        self.null_score
    }

    /// By how much no answer scores better than the best span; 0 if there is none of either.
    pub fn null_score_difference(&self) -> f64 {
        let best = self.best().map_or(0.0, Span::score);
        self.null_score.map_or(0.0, |null| null - best)
    }

    /// The probability that belongs to a score: that of its start times that of its end, where
    /// starts and ends are the first token and the context's. Those of all windows are 1 together.
    pub fn probability(&self, score: f64) -> f64 {
        (score - self.log_total).exp()
    }
}

/// The positions of the highest numbers, the highest first; of equal ones the first.
fn best(logits: &[f32], count: usize) -> Vec<usize> {
    let mut positions: Vec<usize> = (0..logits.len()).collect();
    let order =
        |a: &usize, b: &usize| -> Ordering { logits[*b].total_cmp(&logits[*a]).then(a.cmp(b)) };
    if count < positions.len() {
        positions.select_nth_unstable_by(count, order);
        positions.truncate(count);
    }
    positions.sort_unstable_by(order);
    positions
}

/// Logarithm of the sum of `exp` of the first logit and those of the context.
fn log_sum(logits: &[f32], context: &std::ops::Range<usize>) -> f64 {
    let all = || {
        let own = logits[context.clone()].iter();
        std::iter::once(&logits[0])
            .chain(own)
            .map(|&logit| f64::from(logit))
    };
    let highest = all().fold(f64::NEG_INFINITY, f64::max);
    highest + all().map(|logit| (logit - highest).exp()).sum::<f64>().ln()
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    match high.is_finite() {
        true => high + (low - high).exp().ln_1p(),
        false => high,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LIMITS: SpanLimits = SpanLimits {
        max_answer_length: 3,
        n_best: 4,
    };

    /// A window whose context begins with the third token, and in the text with character `from`;
    /// every token is two characters long.
    fn window(tokens: usize, from: usize) -> QuestionWindow {
        let offset = |token: usize| {
            let start = from + 2 * token;
            (start as u32, start as u32 + 2)
        };
        QuestionWindow {
            ids: vec![5; tokens + 3],
            type_ids: vec![0; tokens + 3],
            context: 2..tokens + 2,
            offsets: (0..tokens).map(offset).collect(),
        }
    }

    /// Logits from starts and ends.
    fn logits(starts: &[f32], ends: &[f32]) -> Vec<f32> {
        starts
            .iter()
            .zip(ends)
            .flat_map(|(a, b)| [*a, *b])
            .collect()
    }

    fn places(spans: &BestSpans) -> Vec<(usize, usize)> {
        spans
            .spans()
            .iter()
            .map(|span| (span.start, span.end))
            .collect()
    }

    #[test]
    fn spans_end_behind_their_start_in_the_context_and_are_not_too_long() {
        let mut spans = BestSpans::new(LIMITS);
        // first token, question, four of the context, last token
        let starts = [1.0, 9.0, 3.0, 0.0, 2.0, 0.0, 0.0];
        let ends = [0.5, 0.0, 0.0, 1.0, 0.0, 4.0, 8.0];
        spans.add(&window(4, 10), &logits(&starts, &ends));
        // Starts 1, 2, 4, 0 and ends 6, 5, 3, 0 are the best: 2..5 is too long.
        assert_eq!(places(&spans), [(14, 18), (10, 14)]);
        assert_eq!(spans.best().unwrap().score(), 6.0);
        assert_eq!(spans.null_score(), Some(1.5));
        assert_eq!(spans.null_score_difference(), -4.5);
    }

    #[test]
    fn all_windows_are_compared_and_a_span_in_two_of_them_counts_once() {
        let mut spans = BestSpans::new(LIMITS);
        let low = [0.0, 0.0, 1.0, 0.0, 0.0];
        spans.add(&window(2, 0), &logits(&low, &low));
        let high = [-1.0, 0.0, 5.0, 0.0, 0.0];
        // Its first token is the second one of the window before.
        spans.add(&window(2, 2), &logits(&high, &high));
        assert_eq!(places(&spans)[0], (2, 4));
        let mut unique = places(&spans);
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), spans.spans().len());
        assert_eq!((spans.null_score(), spans.windows()), (Some(-2.0), 2));
        assert!(spans.spans().is_sorted_by(|a, b| a.score() >= b.score()));
    }

    #[test]
    fn a_context_without_tokens_has_no_span() {
        let mut spans = BestSpans::new(LIMITS);
        assert_eq!(spans.null_score_difference(), 0.0);
        spans.add(&window(0, 0), &logits(&[1.0, 0.0, 0.0], &[2.0, 0.0, 0.0]));
        assert_eq!((spans.best(), spans.null_score_difference()), (None, 3.0));
        assert!((spans.probability(3.0) - 1.0).abs() < 1e-12);
    }

    proptest! {
        /// With everything kept, the spans are those of every pair, and their probabilities with
        /// that of no answer are at most 1 together.
        #[test]
        fn nothing_is_better_than_the_best(
            windows in prop::collection::vec(prop::collection::vec((-4_f32..4.0, -4_f32..4.0), 5..9), 1..4)
        ) {
            let limits = SpanLimits { max_answer_length: 3, n_best: 100 };
            let mut spans = BestSpans::new(limits);
            let mut expected: Vec<(usize, usize, f64)> = Vec::new();
            for (index, rows) in windows.iter().enumerate() {
                let tokens = rows.len() - 3;
                let window = window(tokens, 100 * index);
                let flat: Vec<f32> = rows.iter().flat_map(|&(start, end)| [start, end]).collect();
                spans.add(&window, &flat);
                for start in 0..tokens {
                    for end in start..tokens.min(start + 3) {
                        let score = f64::from(rows[start + 2].0) + f64::from(rows[end + 2].1);
                        expected.push((100 * index + 2 * start, 100 * index + 2 * end + 2, score));
                    }
                }
            }
            expected.sort_by(|a, b| b.2.total_cmp(&a.2));
            let scores: Vec<f64> = expected.iter().map(|row| row.2).collect();
            let found: Vec<f64> = spans.spans().iter().map(Span::score).collect();
            prop_assert_eq!(found, scores);
            let all: f64 = spans.spans().iter().map(|span| spans.probability(span.score())).sum();
            prop_assert!(all > 0.0 && all <= 1.0 + 1e-9);
        }
    }
}
