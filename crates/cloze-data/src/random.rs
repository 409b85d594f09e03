/// A stream of random numbers that stays the same for ever: SplitMix64 (Steele, Lea and Flood,
/// "Fast splittable pseudorandom number generators", OOPSLA 2014).
///
/// Number `i` of a stream is a hash of `key + i · γ`, so that a stream depends on its key and on
/// nothing else: no library's version, no number of threads. The order of a run's examples, its
/// splits and its masks are drawn from such streams, each keyed by the seed, what is drawn, and
/// the epoch.
#[derive(Clone, Debug)]
pub struct RandomStream {
    state: u64,
}

const GAMMA: u64 = 0x9E37_79B9_7F4A_7C15;

impl RandomStream {
    /// The stream whose first number is the hash of `state + γ`: the published generator.
    pub fn from_state(state: u64) -> Self {
        Self { state }
    }

    /// The stream of a seed and a path: what is drawn (a number of the caller's choice), and
    /// which one of them (the epoch, say). Different paths give unrelated streams.
    pub fn new(seed: u64, path: &[u64]) -> Self {
        let absorb = |state: u64, &step: &u64| mix((state ^ step).wrapping_add(GAMMA));
        let state = path.iter().fold(mix(seed.wrapping_add(GAMMA)), absorb);
        Self { state }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GAMMA);
        mix(self.state)
    }

    /// A whole number below `bound`, every one as likely as any other (Lemire, "Fast random
    /// integer generation in an interval", 2019).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "there is no number below 0");
        let bound = bound as u64;
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            // The low half of the product is below this in the draws that make some numbers
            // more likely.
            if product as u64 >= bound.wrapping_neg() % bound {
                return (product >> 64) as usize;
            }
        }
    }

    /// A number from 0 to below 1, a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Brings values into a random order, every order as likely as any other (Fisher and Yates).
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            values.swap(last, self.below(last + 1));
        }
    }
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_published_ones() {
        let mut stream = RandomStream::from_state(1_234_567);
        let numbers: Vec<u64> = (0..5).map(|_| stream.bits()).collect();
        let published = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, published);
    }

    #[test]
    fn a_bounded_number_is_as_likely_as_any_other() {
        let mut stream = RandomStream::new(7, &[1]);
        let mut counts = [0_u32; 6];
        for _ in 0..60_000 {
            counts[stream.below(6)] += 1;
        }
        // Five standard deviations of a binomial count are 456.
        assert!(
            counts.iter().all(|count| count.abs_diff(10_000) < 456),
            "{counts:?}"
        );
    }

    #[test]
    fn every_order_of_three_is_as_likely() {
        let mut counts = std::collections::BTreeMap::new();
        for seed in 0..6_000 {
            let mut values = [0, 1, 2];
            RandomStream::new(seed, &[0]).shuffle(&mut values);
            *counts.entry(values).or_insert(0_u32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(
            counts.values().all(|count| count.abs_diff(1_000) < 145),
            "{counts:?}"
        );
    }

    #[test]
    fn paths_give_unrelated_streams() {
        let first = |seed, path: &[u64]| RandomStream::new(seed, path).bits();
        let all = [
            first(0, &[]),
            first(0, &[0]),
            first(0, &[1]),
            first(1, &[0]),
            first(0, &[0, 1]),
            first(0, &[1, 0]),
        ];
        for (index, number) in all.iter().enumerate() {
            assert!(!all[..index].contains(number), "{all:?}");
        }
        let unit = RandomStream::new(3, &[]).unit();
        assert!((0.0..1.0).contains(&unit));
    }
}
