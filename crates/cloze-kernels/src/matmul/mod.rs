//! Matrix products, `[m, k] · [k, n]`.
//!
//! The right factor is packed into panels (Goto, van de Geijn: *Anatomy of high-performance matrix
//! multiplication*, 2008), of which a tile of rows is multiplied with one at a time, its sums in
//! registers. Every element of a product is one chain of fused multiply-adds over k, in order, that
//! begins with zero, a bias or what was there: its bits depend on its row and its column alone, not on
//! the number of rows beside it, the number of threads or the width of a vector.

mod block;
mod pack;
mod panels;
mod tile;

#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::activation::Activation;
use crate::scratch::Scratch;
use block::{Block, packed_rows, pieces, rows_of_block, step_blocks};
pub(crate) use panels::PanelsView;
pub use panels::{Panels, Right};
pub(crate) use tile::Rectangle;

/// A view of a matrix whose rows, or columns, lie in memory one after the other.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    data: &'a [f32],
    /// Of the rows in memory.
    stride: usize,
    rows: usize,
    columns: usize,
    /// Whether the rows in memory are this matrix's columns.
    transposed: bool,
    /// Applied to every element as it is read.
    activation: Option<Activation>,
}

impl<'a> Matrix<'a> {
    /// A matrix, `[rows, columns]`, row by row without gaps.
    ///
    /// # Panics
    /// If `data` has another length.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert_eq!(data.len(), rows * columns, "a matrix is rows times columns");
        Self::strided(data, rows, columns, columns)
    }

    /// A matrix whose rows begin `stride` elements apart.
    ///
    /// # Panics
    /// If `data` ends before the last row does, or rows overlap.
    pub fn strided(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(columns <= stride, "rows must not overlap");
        let needed = rows
            .checked_sub(1)
            .map_or(0, |last| last * stride + columns);
        assert!(data.len() >= needed, "the last row must be there");
        Self {
            data,
            stride,
            rows,
            columns,
            transposed: false,
            activation: None,
        }
    }

    /// The matrix that an activation makes of this one. It is never stored: a product applies
    /// the activation as it packs its left factor.
    pub fn activated(self, activation: Activation) -> Self {
        Self {
            activation: Some(activation),
            ..self
        }
    }

    /// The same elements, seen as the transposed matrix.
    pub fn transpose(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            transposed: !self.transposed,
            ..self
        }
    }

    /// Some of the columns.
    fn steps(self, columns: Range<usize>) -> Self {
        let first = if self.transposed {
            columns.start * self.stride
        } else {
            columns.start
        };
        Self {
            data: self.data.get(first..).unwrap_or_default(),
            columns: columns.len(),
            ..self
        }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }
}

/// What every sum of a product begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// 0.
    Zero,
    /// An element for each column of the product.
    Bias(&'a [f32]),
    /// What stands in the output: the product is added to it.
    Output,
}

/// Where a product goes: rows that begin `stride` elements apart.
#[derive(Debug)]
pub struct Output<'a> {
    /// The elements.
    pub data: &'a mut [f32],
    /// Elements from one row to the next.
    pub stride: usize,
}

/// Writes `left · right` into the output, on all threads.
///
/// The right factor is packed a piece along k at a time, in memory that stays in the cache.
///
/// # Panics
/// If the shapes do not fit each other, or the right factor has an activation.
pub fn multiply<'a>(
    left: Matrix<'_>,
    right: impl Into<Right<'a>>,
    start: Start<'_>,
    output: Output<'_>,
) {
    multiply_all([(left, output)], right, start);
}

/// Several products with one right factor, which is packed once for all of them.
///
/// # Panics
/// As [`multiply`].
pub fn multiply_all<'a, 'b, const N: usize>(
    products: [(Matrix<'b>, Output<'b>); N],
    right: impl Into<Right<'a>>,
    start: Start<'_>,
) {
    thread_local! {
        static PANELS: Cell<Panels> = Cell::default();
    }
    let right = right.into();
    right.refuse_activations();
    let (rows, columns) = (right.rows(), right.columns());
    let products = products.map(|(left, output)| (left, check(left, rows, columns, start, output)));
    let mut panels = PANELS.take();
    for steps in step_blocks(rows) {
        panels.pack(right, steps.clone());
        let first = steps.start == 0;
        for (left, output) in products {
            let product = Product {
                left: left.steps(steps.clone()),
                right: panels.view(),
                start: if first { start } else { Start::Output },
                output,
            };
            product.run();
        }
    }
    PANELS.set(panels);
}

/// Writes `left · right` into the output, on all threads, with a right factor that is packed.
///
/// # Panics
/// If the shapes do not fit each other.
pub fn multiply_packed(left: Matrix<'_>, right: &Panels, start: Start<'_>, output: Output<'_>) {
    let output = check(left, right.rows(), right.columns(), start, output);
    let product = Product {
        left,
        right: right.view(),
        start,
        output,
    };
    product.run();
}

/// Sees that everything fits, and that all rows lie within the output.
fn check(
    left: Matrix<'_>,
    rows: usize,
    columns: usize,
    start: Start<'_>,
    output: Output<'_>,
) -> Rectangle {
    let Output { data, stride } = output;
    assert_eq!(
        left.columns, rows,
        "columns of the left factor, rows of the right"
    );
    assert!(columns <= stride, "rows of the output must not overlap");
    if let Some(last) = left.rows.checked_sub(1) {
        assert!(
            data.len() >= last * stride + columns,
            "the last row of the output must be there"
        );
    }
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), columns, "a bias for every column");
    }
    // SAFETY: all rows were seen to lie within `data`, which is borrowed exclusively for as long
    // as the product that calls this runs.
    unsafe { Rectangle::new(data.as_mut_ptr(), stride) }
}

/// Elements of a left factor that one thread packs before another one has woken up.
const PACKED_ALONE: usize = 1 << 16;
/// And of one whose elements an activation has to be computed for.
const ACTIVATED_ALONE: usize = PACKED_ALONE / 4;

#[derive(Clone, Copy)]
struct Product<'a> {
    left: Matrix<'a>,
    right: PanelsView<'a>,
    start: Start<'a>,
    output: Rectangle,
}

impl Product<'_> {
    fn run(&self) {
        if self.left.rows == 0 || self.right.columns() == 0 {
            return;
        }
        let threads = rayon::current_num_threads();
        let blocks = self.left.rows.div_ceil(rows_of_block(self.left.rows));
        // Every thread should have several tasks, so that none waits long for the last.
        let wanted = if threads == 1 { 1 } else { 6 * threads };
        let shares = wanted.div_ceil(blocks).min(self.right.count());
        if shares == 1 {
            let blocks = (0..blocks).into_par_iter();
            blocks.for_each(|block| self.block(block, 0..self.right.count(), None));
        } else {
            self.run_shares(blocks, shares);
        }
    }

    /// Few rows: the left factor is packed once, then every share of the right one's columns has
    /// tasks of its own.
    fn run_shares(&self, blocks: usize, shares: usize) {
        let (size, steps) = (rows_of_block(self.left.rows), self.left.columns);
        let mut packed = Scratch::new(packed_rows(self.left.rows) * steps);
        let alone = match self.left.activation {
            Some(_) => ACTIVATED_ALONE,
            None => PACKED_ALONE,
        };
        let is_little = packed.len() <= alone;
        let pieces = pieces(self.left, size, &mut packed);
        if is_little {
            pieces
                .into_iter()
                .for_each(|piece| Arch::new().dispatch(piece));
        } else {
            pieces
                .into_par_iter()
                .for_each(|piece| Arch::new().dispatch(piece));
        }
        let (packed, count) = (&*packed, self.right.count());
        (0..blocks * shares).into_par_iter().for_each(|task| {
            let (share, block) = (task / blocks, task % blocks);
            let packed = packed.get(block * size * steps..).unwrap_or_default();
            let panels = count * share / shares..count * (share + 1) / shares;
            self.block(block, panels, Some(packed));
        });
    }

    fn rows(&self, block: usize) -> Range<usize> {
        let size = rows_of_block(self.left.rows);
        block * size..self.left.rows.min((block + 1) * size)
    }

    /// One block of rows times some panels.
    fn block(&self, block: usize, panels: Range<usize>, packed: Option<&[f32]>) {
        Arch::new().dispatch(Block {
            left: self.left,
            rows: self.rows(block),
            right: self.right,
            panels,
            start: self.start,
            output: self.output,
            packed,
        });
    }
}

/// Writes `left · right` into the output with the processor's token, on this thread alone: for
/// kernels that are themselves one of many tasks.
///
/// # Safety
/// The output must have room for the product, and nobody else may use that meanwhile.
#[inline(always)]
pub(crate) unsafe fn multiply_serial<S: Simd>(
    simd: S,
    left: Matrix<'_>,
    right: PanelsView<'_>,
    start: Start<'_>,
    output: Rectangle,
) {
    assert_eq!(
        left.columns,
        right.rows(),
        "columns of the left factor, rows of the right"
    );
    simd.vectorize(Block {
        left,
        rows: 0..left.rows,
        right,
        panels: 0..right.count(),
        start,
        output,
        packed: None,
    });
}

/// Columns of a panel on this processor.
fn width() -> usize {
    struct Width;
    impl WithSimd for Width {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            tile::panel_width::<S>()
        }
    }
    Arch::new().dispatch(Width)
}
