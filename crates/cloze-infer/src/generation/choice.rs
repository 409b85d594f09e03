//! Which token it is, of the scores that the chain has left.

use cloze_data::RandomStream;

/// The token with the highest score, the first of equal ones; none where every token is excluded.
pub(super) fn highest(scores: &[f32]) -> Option<u32> {
    let mut best: Option<(u32, f32)> = None;
    for (id, &score) in scores.iter().enumerate() {
        if score > best.map_or(f32::NEG_INFINITY, |(_, highest)| highest) {
            best = Some((id as u32, score));
        }
    }
    best.map(|(id, _)| id)
}

/// A token drawn with the probabilities that the scores are the logarithms of, but for a constant;
/// none where every token is excluded. One number of the stream is used.
pub(super) fn draw(scores: &[f32], random: &mut RandomStream) -> Option<u32> {
    let highest = scores[highest(scores)? as usize];
    let weight = |score: f32| likelihood(score, highest);
    let total: f64 = scores.iter().map(|&score| weight(score)).sum();
    let mut left = random.unit() * total;
    let mut last = None;
    for (id, &score) in scores.iter().enumerate() {
        let weight = weight(score);
        if weight == 0.0 {
            continue;
        }
        last = Some(id as u32);
        left -= weight;
        if left < 0.0 {
            break;
        }
    }
    // Rounding may leave a little behind the last one.
    last
}

/// How much likelier than the token with the highest score another one is, from 0 to 1. Of a score
/// beyond all numbers, which a model may give, nothing but such a score is left.
pub(super) fn likelihood(score: f32, highest: f32) -> f64 {
    if score == highest {
        return 1.0;
    }
    match score > f32::NEG_INFINITY {
        true => f64::from(score - highest).exp(),
        false => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const OUT: f32 = f32::NEG_INFINITY;

    #[test]
    fn the_highest_score_is_the_first_of_equal_ones() {
        assert_eq!(highest(&[1.0, 3.0, OUT, 3.0]), Some(1));
        assert_eq!(highest(&[OUT, OUT]), None);
        assert_eq!(highest(&[OUT, -1e30]), Some(1));
        assert_eq!(highest(&[]), None);
    }

    #[test]
    fn scores_beyond_all_numbers_are_drawn_alike_and_no_number_never_is() {
        let scores = [1.0, f32::INFINITY, f32::NAN, f32::INFINITY, OUT, 3.0];
        let mut random = RandomStream::new(3, &[]);
        let drawn: BTreeSet<_> = (0..50).map(|_| draw(&scores, &mut random)).collect();
        assert_eq!(drawn, BTreeSet::from([Some(1), Some(3)]));
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_likely() {
        let scores = [0.0, OUT, 1.0_f32.exp().ln() + 3.0_f32.ln(), 0.0];
        let mut counts = [0_u32; 4];
        let mut random = RandomStream::new(3, &[]);
        for _ in 0..20_000 {
            counts[draw(&scores, &mut random).unwrap() as usize] += 1;
        }
        let likely = 3.0 * 1.0_f64.exp();
        let wanted = 20_000.0 * likely / (likely + 2.0);
        assert_eq!(counts[1], 0);
        // Five standard deviations of a binomial count are under 300.
        assert!((f64::from(counts[2]) - wanted).abs() < 300.0, "{counts:?}");
        assert!(counts[0].abs_diff(counts[3]) < 300, "{counts:?}");
    }

    proptest! {
        /// What is excluded is never drawn, and something is drawn whenever there is something.
        #[test]
        fn what_is_excluded_is_never_drawn(
            scores in prop::collection::vec(prop_oneof![Just(OUT), -80.0_f32..80.0], 1..200),
            seed: u64,
        ) {
            let mut random = RandomStream::new(seed, &[]);
            match draw(&scores, &mut random) {
                Some(id) => prop_assert!(scores[id as usize] > OUT),
                None => prop_assert!(scores.iter().all(|&score| score == OUT)),
            }
        }
    }
}
