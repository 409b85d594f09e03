use crate::random::RandomStream;

/// Four rounds would do for a long order ("How to construct pseudorandom permutations from
/// pseudorandom functions", Luby and Rackoff, 1988); the rest are for short ones.
const ROUNDS: usize = 8;

/// A random order of the numbers below `len`, of which any place is computed without the others:
/// it needs no memory, however long it is.
///
/// The generalised Feistel cipher of Black and Rogaway ("Ciphers with arbitrary finite domains",
/// CT-RSA 2002): a number below `side²`, where `side` is `√len` rounded up, is a pair of numbers
/// below `side`; a round adds to the one a hash of the other and swaps them. Numbers from `len` on
/// are sent through again until one below it comes out, as a walk along the cycle must, since it
/// began with one. They are so few that a second time is rare.
///
/// ```
/// use cloze_data::{RandomStream, sampling::Permutation};
///
/// let order = Permutation::new(5, &mut RandomStream::new(42, &[0]));
/// let mut numbers: Vec<usize> = (0..5).map(|place| order.at(place)).collect();
/// numbers.sort();
/// assert_eq!(numbers, [0, 1, 2, 3, 4]);
/// ```
#[derive(Clone, Debug)]
pub struct Permutation {
    len: usize,
    side: usize,
    keys: [u64; ROUNDS],
}

impl Permutation {
    /// The order of the numbers below `len` that `random` decides.
    pub fn new(len: usize, random: &mut RandomStream) -> Self {
        let root = len.isqrt();
        Self {
            len,
            side: if root * root == len { root } else { root + 1 },
            keys: std::array::from_fn(|_| random.bits()),
        }
    }

    /// The number at this place.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn at(&self, place: usize) -> usize {
        assert!(place < self.len, "place {place} of {}", self.len);
        let mut number = self.encipher(place);
        while number >= self.len {
            number = self.encipher(number);
        }
        number
    }

    /// A permutation of the numbers below `side²`.
    fn encipher(&self, number: usize) -> usize {
        let (mut left, mut right) = (number / self.side, number % self.side);
        for key in self.keys {
            let hash = RandomStream::from_state(key.wrapping_add(right as u64)).below(self.side);
            (left, right) = (right, (left + hash) % self.side);
        }
        left * self.side + right
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn order(len: usize, seed: u64) -> Permutation {
        Permutation::new(len, &mut RandomStream::new(seed, &[1]))
    }

    fn all(len: usize, seed: u64) -> Vec<usize> {
        let order = order(len, seed);
        (0..len).map(|place| order.at(place)).collect()
    }

    #[test]
    fn every_number_comes_once() {
        for len in (0..=200).chain([1 << 16, 65_537, 1_000_003]) {
            let mut seen = vec![false; len];
            for number in all(len, len as u64) {
                assert!(
                    !std::mem::replace(&mut seen[number], true),
                    "{len}: {number}"
                );
            }
        }
    }

    #[test]
    fn a_place_of_a_very_long_order_is_found_without_the_others() {
        for len in [1 << 40, usize::MAX] {
            let order = order(len, 3);
            let far = (0..5_000).flat_map(|place| [place, len - 1 - place]);
            let numbers: BTreeSet<usize> = far.map(|place| order.at(place)).collect();
            assert_eq!(numbers.len(), 10_000);
            let mean = numbers.iter().map(|&number| number as f64).sum::<f64>() / 10_000.0;
            // Five standard deviations of the mean of as many uniform numbers.
            let wanted = len as f64 / 2.0;
            assert!(
                (mean / wanted - 1.0).abs() < 5.0 / 3_f64.sqrt() / 100.0,
                "{mean}"
            );
        }
    }

    #[test]
    fn every_order_of_a_few_is_as_likely() {
        for (len, orders) in [(2, 2), (3, 6), (4, 24)] {
            let each = 2_000;
            let mut counts = BTreeMap::new();
            for seed in 0..orders * each {
                *counts.entry(all(len, seed)).or_insert(0_u64) += 1;
            }
            assert_eq!(counts.len() as u64, orders);
            // Five standard deviations are 224.
            assert!(
                counts.values().all(|count| count.abs_diff(each) < 224),
                "{counts:?}"
            );
        }
    }

    /// Whichever of ten numbers stands first, whichever stands second is as likely as any other.
    #[test]
    fn neighbours_tell_nothing_of_each_other() {
        let mut counts = [[0_u32; 10]; 10];
        for seed in 0..90_000 {
            let order = order(10, seed);
            counts[order.at(0)][order.at(1)] += 1;
        }
        for (first, row) in counts.iter().enumerate() {
            for (second, &count) in row.iter().enumerate() {
                let wanted = if first == second { 0 } else { 1_000 };
                // Five standard deviations are 158.
                assert!(count.abs_diff(wanted) < 158, "{first} {second}: {count}");
            }
        }
    }

    /// Of a long order, numbers of every tenth stand in every tenth.
    #[test]
    fn numbers_are_spread_over_a_long_order() {
        let len = 100_000;
        let mut counts = [[0_u32; 10]; 10];
        for (place, number) in all(len, 9).into_iter().enumerate() {
            counts[place * 10 / len][number * 10 / len] += 1;
        }
        // Five standard deviations are less than 158.
        assert!(
            counts
                .iter()
                .flatten()
                .all(|count| count.abs_diff(1_000) < 158),
            "{counts:?}"
        );
    }
}
