//! Loops over rows of one length, a vector at a time.

use pulp::Simd;

/// What a loop does at one place of `R` rows that it reads and `W` rows that it writes.
pub(crate) trait Elementwise<const R: usize, const W: usize>: Copy {
    /// The new elements of the written rows, from the elements of the read rows and the old
    /// ones of the written rows.
    fn apply<S: Simd>(self, simd: S, read: [S::f32s; R], written: [S::f32s; W]) -> [S::f32s; W];
}

/// Applies a function at every place. All rows have one length.
#[inline(always)]
pub(crate) fn for_each<S: Simd, const R: usize, const W: usize>(
    simd: S,
    function: impl Elementwise<R, W>,
    read: [&[f32]; R],
    written: [&mut [f32]; W],
) {
    let read = read.map(|row| S::as_simd_f32s(row));
    let mut written = written.map(|row| S::as_mut_simd_f32s(row));
    let vectors = written[0].0.len();
    {
        // Equal lengths, said once, let the loop run without checks.
        let read = read.map(|(row, _)| &row[..vectors]);
        let mut written = written.each_mut().map(|(row, _)| &mut row[..vectors]);
        for index in 0..vectors {
            let old = written.each_ref().map(|row| row[index]);
            let new = function.apply(simd, read.map(|row| row[index]), old);
            for (row, new) in written.iter_mut().zip(new) {
                row[index] = new;
            }
        }
    }
    if !written[0].1.is_empty() {
        // A vector that the row does not fill: the rest of it is 0 and is not stored.
        let mut tails = [simd.splat_f32s(0.0); R];
        for (vector, (_, tail)) in tails.iter_mut().zip(read) {
            *vector = simd.partial_load_f32s(tail);
        }
        let mut old = [simd.splat_f32s(0.0); W];
        for (vector, (_, tail)) in old.iter_mut().zip(&written) {
            *vector = simd.partial_load_f32s(tail);
        }
        let new = function.apply(simd, tails, old);
        for ((_, tail), new) in written.iter_mut().zip(new) {
            simd.partial_store_f32s(tail, new);
        }
    }
}

/// Adds the read row to the written one.
#[derive(Clone, Copy)]
pub(crate) struct Add;

impl Elementwise<1, 1> for Add {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, [a]: [S::f32s; 1], [b]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.add_f32s(b, a)]
    }
}

/// Multiplies the written row with the read one.
#[derive(Clone, Copy)]
pub(crate) struct Multiply;

impl Elementwise<1, 1> for Multiply {
    #[inline(always)]
    fn apply<S: Simd>(self, simd: S, [a]: [S::f32s; 1], [b]: [S::f32s; 1]) -> [S::f32s; 1] {
        [simd.mul_f32s(b, a)]
    }
}
