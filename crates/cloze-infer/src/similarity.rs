use serde::{Deserialize, Serialize};

/// Numbers that are added side by side: as many as the widest registers hold.
const LANES: usize = 16;

/// How two vectors are compared; the more alike, the larger the score. The names are those of
/// `sentence-transformers`.
///
/// ```
/// use cloze_infer::Similarity;
/// let (mut a, mut b) = ([3.0, 4.0], [8.0, 0.0]);
/// Similarity::Cosine.prepare(&mut a);
/// Similarity::Cosine.prepare(&mut b);
/// assert!((Similarity::Cosine.score(&a, &b) - 0.6).abs() < 1e-6);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Similarity {
    /// The cosine of their angle, from -1 to 1; 0 where a vector is all zeros.
    #[default]
    Cosine,
    /// Their dot product.
    Dot,
    /// Their Euclidean distance, below zero.
    Euclidean,
    /// The sum of the distances in every dimension, below zero.
    Manhattan,
}

impl Similarity {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Cosine, Self::Dot, Self::Euclidean, Self::Manhattan];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::Euclidean => "euclidean",
            Self::Manhattan => "manhattan",
        }
    }

    /// The one of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// Makes a vector ready for [`score`](Self::score): where angles are compared, it gets length 1,
    /// once instead of in every comparison.
    pub fn prepare(self, vector: &mut [f32]) {
        if self != Self::Cosine {
            return;
        }
        let length = dot(vector, vector).sqrt();
        if length > 0.0 {
            vector.iter_mut().for_each(|number| *number /= length);
        }
    }

    /// The score of two vectors that are both [prepared](Self::prepare).
    pub fn score(self, a: &[f32], b: &[f32]) -> f32 {
        match self {
            Self::Cosine | Self::Dot => dot(a, b),
            Self::Euclidean => -sum(a, b, |a, b| (a - b) * (a - b)).sqrt(),
            Self::Manhattan => -sum(a, b, |a, b| (a - b).abs()),
        }
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    sum(a, b, |a, b| a * b)
}

/// The sum of a function of each pair of numbers, always added in the same order.
fn sum(a: &[f32], b: &[f32], function: impl Fn(f32, f32) -> f32) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for ((lane, &a), &b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += function(a, b);
        }
    }
    let rest = a_rest.iter().zip(b_rest);
    let rest: f32 = rest.map(|(&a, &b)| function(a, b)).sum();
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn score(similarity: Similarity, a: &[f32], b: &[f32]) -> f32 {
        let (mut a, mut b) = (a.to_vec(), b.to_vec());
        similarity.prepare(&mut a);
        similarity.prepare(&mut b);
        similarity.score(&a, &b)
    }

    #[test]
    fn scores_are_the_formulas_of_a_small_example() {
        let (a, b) = ([3.0, 4.0], [4.0, 0.0]);
        assert!((score(Similarity::Cosine, &a, &b) - 0.6).abs() < 1e-6);
        assert_eq!(score(Similarity::Dot, &a, &b), 12.0);
        assert!((score(Similarity::Euclidean, &a, &b) + 17.0_f32.sqrt()).abs() < 1e-6);
        assert_eq!(score(Similarity::Manhattan, &a, &b), -5.0);
        assert_eq!(score(Similarity::Cosine, &[0.0; 2], &b), 0.0);
        for similarity in Similarity::ALL {
            assert_eq!(Similarity::from_name(similarity.name()), Some(similarity));
        }
    }

    proptest! {
        #[test]
        fn vectors_of_any_width_are_compared_as_their_formulas_say(
            pairs in prop::collection::vec((-10.0_f32..10.0, -10.0_f32..10.0), 1..70)
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.iter().copied().unzip();
            let exact = |function: fn(f64, f64) -> f64| {
                pairs.iter().map(|&(a, b)| function(a.into(), b.into())).sum::<f64>()
            };
            let lengths = exact(|a, _| a * a).sqrt() * exact(|_, b| b * b).sqrt();
            let near = |similarity, wanted: f64, scale: f64| {
                (f64::from(score(similarity, &a, &b)) - wanted).abs() <= 1e-5 * scale.max(1.0)
            };
            let dot = exact(|a, b| a * b);
            prop_assert!(near(Similarity::Dot, dot, lengths));
            prop_assume!(lengths > 1e-3);
            prop_assert!(near(Similarity::Cosine, dot / lengths, 1.0));
            let euclidean = exact(|a, b| (a - b) * (a - b)).sqrt();
            prop_assert!(near(Similarity::Euclidean, -euclidean, euclidean));
            let manhattan = exact(|a, b| (a - b).abs());
            prop_assert!(near(Similarity::Manhattan, -manhattan, manhattan));
        }
    }
}
