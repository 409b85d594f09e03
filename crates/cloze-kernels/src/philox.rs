//! Philox4x32-10, a counter-based generator: the numbers at a place follow from the key and the
//! place alone, so they can be drawn again, in any order, on any number of threads.
//!
//! Salmon, Moraes, Dror, Shaw: *Parallel random numbers: as easy as 1, 2, 3*, SC 2011.

use std::f64::consts::TAU;

use pulp::Simd;
use rayon::prelude::*;

const MULTIPLIERS: [u32; 2] = [0xD251_1F53, 0xCD9E_8D57];
const WEYL: [u32; 2] = [0x9E37_79B9, 0xBB67_AE85];
const ROUNDS: usize = 10;
/// The number of every lane of the widest vector.
const NUMBERS: [u32; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// Four random words from a counter and a key.
pub fn philox4x32(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let (mut c, mut k) = (counter, key);
    for round in 0..ROUNDS {
        if round > 0 {
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        let a = u64::from(MULTIPLIERS[0]) * u64::from(c[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(c[2]);
        c = [
            (b >> 32) as u32 ^ c[1] ^ k[0],
            b as u32,
            (a >> 32) as u32 ^ c[3] ^ k[1],
            a as u32,
        ];
    }
    c
}

/// The words of the counters `[first + lane, rest…]`, one for every lane of a vector: word `w` of
/// every lane at `[w]`.
#[inline(always)]
pub fn lanes<S: Simd>(simd: S, first: u32, rest: [u32; 3], key: [u32; 2]) -> [S::u32s; 4] {
    let numbers = S::as_simd_u32s(&NUMBERS).0[0];
    let [r0, r1, r2] = rest.map(|word| simd.splat_u32s(word));
    let mut c = [simd.add_u32s(simd.splat_u32s(first), numbers), r0, r1, r2];
    let multipliers = MULTIPLIERS.map(|multiplier| simd.splat_u32s(multiplier));
    let mut k = key;
    for round in 0..ROUNDS {
        if round > 0 {
            k = [k[0].wrapping_add(WEYL[0]), k[1].wrapping_add(WEYL[1])];
        }
        let (a_low, a_high) = simd.widening_mul_u32s(multipliers[0], c[0]);
        let (b_low, b_high) = simd.widening_mul_u32s(multipliers[1], c[2]);
        let [k0, k1] = k.map(|word| simd.splat_u32s(word));
        c = [
            simd.xor_u32s(simd.xor_u32s(b_high, c[1]), k0),
            b_low,
            simd.xor_u32s(simd.xor_u32s(a_high, c[3]), k1),
            a_low,
        ];
    }
    c
}

/// The two words of a 64-bit number, low first.
pub(crate) fn words(number: u64) -> [u32; 2] {
    [number as u32, (number >> 32) as u32]
}

/// Fills a tensor with normally distributed numbers of mean 0. Element `i` depends on `seed`,
/// `stream` and `i` alone.
pub fn fill_normal(values: &mut [f32], seed: u64, stream: u64, std: f64) {
    const BLOCK: usize = 1 << 14;
    let stream = words(stream);
    values
        .par_chunks_mut(BLOCK)
        .enumerate()
        .for_each(|(block, values)| {
            for (pair, values) in values.chunks_mut(2).enumerate() {
                let index = words((block * (BLOCK / 2) + pair) as u64);
                let counter = [index[0], index[1], stream[0], stream[1]];
                let normals = normal_pair(philox4x32(counter, words(seed)));
                for (value, normal) in values.iter_mut().zip(normals) {
                    *value = (normal * std) as f32;
                }
            }
        });
}

/// Two independent normally distributed numbers from four random words (Box and Muller).
fn normal_pair(random: [u32; 4]) -> [f64; 2] {
    let unit =
        |low, high| ((u64::from(high) << 32 | u64::from(low)) >> 11) as f64 / (1_u64 << 53) as f64;
    // 1 - u lies in (0, 1], where the logarithm is finite.
    let radius = (-2.0 * (1.0 - unit(random[0], random[1])).ln()).sqrt();
    let (sin, cos) = (TAU * unit(random[2], random[3])).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use pulp::WithSimd;

    /// `kat_vectors` of Random123, the authors' implementation.
    #[test]
    fn published_vectors() {
        assert_eq!(
            philox4x32([0; 4], [0; 2]),
            [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]
        );
        assert_eq!(
            philox4x32([u32::MAX; 4], [u32::MAX; 2]),
            [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]
        );
        assert_eq!(
            philox4x32(
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0]
            ),
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1]
        );
    }

    #[test]
    fn normal_numbers_are_normal() {
        let mut values = vec![0.0; 200_001];
        fill_normal(&mut values, 3, 5, 2.0);
        let n = values.len() as f64;
        let moment = |power: i32| {
            values
                .iter()
                .map(|&v| f64::from(v).powi(power))
                .sum::<f64>()
                / n
        };
        assert!(moment(1).abs() < 0.02);
        assert!((moment(2) - 4.0).abs() < 0.05);
        assert!(moment(3).abs() < 0.3);
        assert!((moment(4) - 48.0).abs() < 1.5);
        let within = values.iter().filter(|v| v.abs() < 2.0).count() as f64 / n;
        assert!((within - 0.6827).abs() < 0.005);
    }

    #[test]
    fn a_longer_tensor_begins_like_a_shorter_one() {
        let (mut long, mut short) = (vec![0.0; 40_000], vec![0.0; 17_001]);
        fill_normal(&mut long, 9, 1, 1.0);
        fill_normal(&mut short, 9, 1, 1.0);
        assert_eq!(long[..17_001], short);
    }

    struct Lanes {
        first: u32,
        rest: [u32; 3],
        key: [u32; 2],
    }

    impl WithSimd for Lanes {
        /// `[word][lane]`.
        type Output = [Vec<u32>; 4];

        fn with_simd<S: Simd>(self, simd: S) -> Self::Output {
            lanes(simd, self.first, self.rest, self.key).map(|words| {
                let mut lanes = vec![0; S::U32_LANES];
                S::as_mut_simd_u32s(&mut lanes).0[0] = words;
                lanes
            })
        }
    }

    proptest! {
        #[test]
        fn lanes_equal_the_reference(first: u32, rest: [u32; 3], key: [u32; 2]) {
            for found in [
                pulp::Arch::new().dispatch(Lanes { first, rest, key }),
                Lanes { first, rest, key }.with_simd(pulp::Scalar),
            ] {
                for lane in 0..found[0].len() {
                    let counter = [first.wrapping_add(lane as u32), rest[0], rest[1], rest[2]];
                    let expected = philox4x32(counter, key);
                    prop_assert_eq!(found.each_ref().map(|word| word[lane]), expected);
                }
            }
        }
    }
}
