//! Sums over the rows of a matrix: the gradient of a bias from that of a linear layer's output.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::elementwise::{Add, for_each};

/// Blocks that a matrix is cut into at most.
const MAX_BLOCKS: usize = 128;
/// Rows of a block at least.
const MIN_ROWS: usize = 16;
/// Columns that a thread takes at a time when it adds up the blocks' sums.
const COLUMNS: usize = 256;

/// The sums of the columns of `values`, `[rows, columns]`, where `columns` is the length of
/// `sums`.
///
/// # Panics
/// If the length of `values` is no multiple of the number of columns.
pub fn column_sums(values: &[f32], sums: &mut [f32]) {
    sums.fill(0.0);
    add_column_sums(values, sums);
}

/// Adds the sums of the columns of `values`, `[rows, columns]`, to `sums`, `[columns]`.
///
/// # Panics
/// If the length of `values` is no multiple of the number of columns.
pub fn add_column_sums(values: &[f32], sums: &mut [f32]) {
    let columns = sums.len();
    let rows = rows_of(values, columns);
    let mut partial = PartialSums::new(rows, columns);
    let arch = Arch::new();
    values
        .par_chunks(partial.block_length())
        .zip(partial.blocks_mut())
        .for_each(|(values, sums)| arch.dispatch(Block { values, sums }));
    partial.add_to(sums);
}

/// The number of rows of a matrix.
///
/// # Panics
/// If the length is no multiple of the number of columns.
pub(crate) fn rows_of(values: &[f32], columns: usize) -> usize {
    let rows = values.len().checked_div(columns).unwrap_or(0);
    assert_eq!(
        values.len(),
        rows * columns,
        "the length of a matrix is no multiple of its {columns} columns"
    );
    rows
}

/// The rows that a thread takes at a time, for a matrix of this many: a matter of the shape
/// alone, so that sums are the same for any number of threads.
pub(crate) fn rows_per_block(rows: usize) -> usize {
    rows.div_ceil(MAX_BLOCKS).max(MIN_ROWS)
}

/// The column sums of every block of a matrix: `[blocks, columns]`, zero at first.
pub(crate) struct PartialSums {
    sums: Vec<f32>,
    columns: usize,
    rows_per_block: usize,
}

impl PartialSums {
    /// For a matrix of this shape, cut into blocks of [`rows_per_block`].
    pub(crate) fn new(rows: usize, columns: usize) -> Self {
        let rows_per_block = rows_per_block(rows);
        Self {
            sums: vec![0.0; rows.div_ceil(rows_per_block) * columns],
            columns,
            rows_per_block,
        }
    }

    /// Elements of a block of the matrix; 1 if that has no columns, for `chunks`.
    pub(crate) fn block_length(&self) -> usize {
        (self.rows_per_block * self.columns).max(1)
    }

    /// The sums of every block, `[columns]` each.
    pub(crate) fn blocks_mut(&mut self) -> rayon::slice::ChunksMut<'_, f32> {
        self.sums.par_chunks_mut(self.columns.max(1))
    }

    /// Adds the blocks' sums, first block first, to `sums`, which has an element for every
    /// column.
    pub(crate) fn add_to(&self, sums: &mut [f32]) {
        assert_eq!(sums.len(), self.columns, "one sum for every column");
        self.add_columns_to(0, sums);
    }

    /// The same for as many columns as `sums` has elements, from column `first`.
    pub(crate) fn add_columns_to(&self, first: usize, sums: &mut [f32]) {
        let arch = Arch::new();
        sums.par_chunks_mut(COLUMNS)
            .enumerate()
            .for_each(|(index, sums)| {
                arch.dispatch(Gather {
                    partial: self,
                    first: first + index * COLUMNS,
                    sums,
                });
            });
    }
}

struct Block<'a> {
    values: &'a [f32],
    sums: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for row in self.values.chunks(self.sums.len()) {
            for_each(simd, Add, [row], [&mut *self.sums]);
        }
    }
}

struct Gather<'a> {
    partial: &'a PartialSums,
    first: usize,
    sums: &'a mut [f32],
}

impl WithSimd for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let columns = self.first..self.first + self.sums.len();
        for block in self.partial.sums.chunks(self.partial.columns) {
            for_each(simd, Add, [&block[columns.clone()]], [&mut *self.sums]);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;

    /// The sums in `f64`, and the sums of magnitudes, in which errors are measured.
    pub(crate) fn reference(values: &[f32], columns: usize) -> (Vec<f64>, Vec<f64>) {
        let (mut sums, mut magnitudes) = (vec![0.0; columns], vec![0.0; columns]);
        for (index, &value) in values.iter().enumerate() {
            sums[index % columns] += f64::from(value);
            magnitudes[index % columns] += f64::from(value).abs();
        }
        (sums, magnitudes)
    }

    #[test]
    fn one_thread_sums_what_many_sum() {
        let mut values = vec![0.0; 3001 * 37];
        fill_normal(&mut values, 1, 1, 1.0);
        let sums = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            let mut sums = vec![0.0; 37];
            pool.install(|| column_sums(&values, &mut sums));
            sums
        };
        assert_eq!(sums(1), sums(3));
    }

    #[test]
    fn a_matrix_without_columns_or_rows_has_sums_of_zero() {
        column_sums(&[], &mut []);
        let mut sums = [f32::NAN; 3];
        column_sums(&[], &mut sums);
        assert_eq!(sums, [0.0; 3]);
    }

    #[test]
    #[should_panic(expected = "no multiple of its 3 columns")]
    fn half_a_row_is_refused() {
        column_sums(&[0.0; 7], &mut [0.0; 3]);
    }

    proptest! {
        #[test]
        fn sums_equal_the_reference(
            rows in prop_oneof![0_usize..20, Just(131), Just(2503)],
            columns in prop_oneof![1_usize..20, Just(97), Just(769)],
        ) {
            let mut values = vec![0.0; rows * columns];
            fill_normal(&mut values, 2, rows as u64, 1.0);
            let (mut sums, mut added) = (vec![f32::NAN; columns], vec![100.0; columns]);
            column_sums(&values, &mut sums);
            add_column_sums(&values, &mut added);
            let (wanted, magnitudes) = reference(&values, columns);
            for column in 0..columns {
                let (found, wanted) = (f64::from(sums[column]), wanted[column]);
                prop_assert!((found - wanted).abs() <= 1e-6 * magnitudes[column]);
                let found = f64::from(added[column]);
                prop_assert!((found - 100.0 - wanted).abs() <= 1e-6 * (1e4 + magnitudes[column]));
            }
        }
    }
}
