//! Sums of rows that have the same id: the gradient of an embedding table from that of what was
//! looked up in it.
//!
//! One thread adds up all rows of an id, in their order, so that a sum is the same for any number
//! of threads, and no two threads write to one row.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::elementwise::{Add, for_each};

/// Columns of a row that a thread takes at a time, so that a few ids keep many threads busy.
const COLUMNS: usize = 256;

/// Some rows of a table whose other rows are zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseRows {
    /// The numbers of the rows, each once, in ascending order.
    pub ids: Vec<u32>,
    /// `[ids, size]`.
    pub rows: Vec<f32>,
}

/// Adds every row of `rows`, `[ids, size]`, to the row of `table`, `[table rows, size]`, that its id
/// names, on all threads.
///
/// # Panics
/// If `rows` does not have `size` elements for every id, or an id is beyond the table.
pub fn scatter_add_rows(ids: &[u32], rows: &[f32], size: usize, table: &mut [f32]) {
    assert_lengths(ids, rows, size);
    let by_id = RowsById::new(ids);
    let (mut rest, mut next) = (table, 0);
    let mut sums = Vec::with_capacity(by_id.groups.len());
    for group in &by_id.groups {
        let id = group.id as usize;
        let skipped = (id - next) * size;
        assert!(skipped + size <= rest.len(), "id {id} is beyond the table");
        let (row, after) = rest.split_at_mut(skipped).1.split_at_mut(size);
        sums.push(row);
        (rest, next) = (after, id + 1);
    }
    by_id.add_up(rows, size, sums);
}

/// The sum of the rows of every id, of `rows`, `[ids, size]`, on all threads.
///
/// # Panics
/// If `rows` does not have `size` elements for every id.
pub fn sum_rows_by_id(ids: &[u32], rows: &[f32], size: usize) -> SparseRows {
    assert_lengths(ids, rows, size);
    let by_id = RowsById::new(ids);
    let mut sparse = SparseRows {
        ids: by_id.groups.iter().map(|group| group.id).collect(),
        rows: vec![0.0; by_id.groups.len() * size],
    };
    let sums = sparse.rows.chunks_mut(size.max(1)).collect();
    by_id.add_up(rows, size, sums);
    sparse
}

fn assert_lengths(ids: &[u32], rows: &[f32], size: usize) {
    assert_eq!(
        rows.len(),
        ids.len() * size,
        "one row of {size} for every id"
    );
}

/// Which rows have which id.
struct RowsById {
    /// The numbers of the rows, ordered by their ids, and for one id in ascending order.
    order: Vec<u32>,
    /// In ascending order of the ids.
    groups: Vec<Group>,
}

/// The rows of one id.
struct Group {
    id: u32,
    /// Its part of the order.
    range: std::ops::Range<usize>,
}

impl RowsById {
    fn new(ids: &[u32]) -> Self {
        let mut keys: Vec<u64> = ids
            .iter()
            .enumerate()
            .map(|(row, &id)| u64::from(id) << 32 | row as u64)
            .collect();
        keys.sort_unstable();
        let id = |key: &u64| (key >> 32) as u32;
        let mut groups = Vec::new();
        let mut start = 0;
        for keys in keys.chunk_by(|a, b| id(a) == id(b)) {
            groups.push(Group {
                id: id(&keys[0]),
                range: start..start + keys.len(),
            });
            start += keys.len();
        }
        Self {
            order: keys.into_iter().map(|key| key as u32).collect(),
            groups,
        }
    }

    /// Adds the rows of every group to its sum.
    fn add_up(&self, rows: &[f32], size: usize, sums: Vec<&mut [f32]>) {
        let arch = Arch::new();
        self.groups.par_iter().zip(sums).for_each(|(group, sums)| {
            let order = &self.order[group.range.clone()];
            sums.par_chunks_mut(COLUMNS)
                .enumerate()
                .for_each(|(index, sums)| {
                    arch.dispatch(GroupSum {
                        rows,
                        size,
                        order,
                        first: index * COLUMNS,
                        sums,
                    });
                });
        });
    }
}

/// Some columns of the sum of one group.
struct GroupSum<'a> {
    rows: &'a [f32],
    size: usize,
    order: &'a [u32],
    first: usize,
    sums: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for GroupSum<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for &row in self.order {
            let start = row as usize * self.size + self.first;
            let row = &self.rows[start..start + self.sums.len()];
            for_each(simd, Add, [row], [&mut *self.sums]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::philox::fill_normal;
    use proptest::prelude::*;

    fn random(length: usize) -> Vec<f32> {
        let mut values = vec![0.0; length];
        fill_normal(&mut values, 1, 1, 1.0);
        values
    }

    #[test]
    fn rows_of_one_id_are_added() {
        let ids = [7, 2, 7];
        let rows = [1.0, 2.0, 10.0, 20.0, 100.0, 200.0];
        let sparse = sum_rows_by_id(&ids, &rows, 2);
        assert_eq!(sparse.ids, [2, 7]);
        assert_eq!(sparse.rows, [10.0, 20.0, 101.0, 202.0]);
        let mut table = [0.5; 16];
        scatter_add_rows(&ids, &rows, 2, &mut table);
        assert_eq!(table[4..6], [10.5, 20.5]);
        assert_eq!(table[14..], [101.5, 202.5]);
        assert_eq!(table[6..14], [0.5; 8]);
    }

    #[test]
    fn one_thread_sums_what_many_sum() {
        let rows = random(3001 * 300);
        let ids: Vec<u32> = (0..3001).map(|row| row * row % 13).collect();
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| sum_rows_by_id(&ids, &rows, 300))
        };
        assert!(run(1) == run(3));
    }

    #[test]
    #[should_panic(expected = "id 3 is beyond the table")]
    fn an_id_beyond_the_table_is_refused() {
        scatter_add_rows(&[1, 3], &[0.0; 4], 2, &mut [0.0; 6]);
    }

    #[test]
    #[should_panic(expected = "one row of 2 for every id")]
    fn half_a_row_is_refused() {
        sum_rows_by_id(&[1, 3], &[0.0; 3], 2);
    }

    proptest! {
        #[test]
        fn both_forms_equal_the_loop(
            ids in prop::collection::vec(0_u32..40, 0..60),
            size in prop_oneof![0_usize..20, Just(257), Just(521)],
        ) {
            let rows = random(ids.len() * size);
            let mut wanted = vec![0.0_f32; 40 * size];
            for (row, &id) in ids.iter().enumerate() {
                for column in 0..size {
                    wanted[id as usize * size + column] += rows[row * size + column];
                }
            }
            let mut table = vec![0.0; 40 * size];
            scatter_add_rows(&ids, &rows, size, &mut table);
            prop_assert_eq!(&table, &wanted);
            let sparse = sum_rows_by_id(&ids, &rows, size);
            prop_assert!(sparse.ids.is_sorted_by(|a, b| a < b));
            table.fill(0.0);
            scatter_add_rows(&sparse.ids, &sparse.rows, size, &mut table);
            prop_assert_eq!(table, wanted);
        }
    }
}
