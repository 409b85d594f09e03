//! The innermost product: a few rows of the left factor times one panel of the right factor, with
//! all sums in registers.

use std::ops::Range;

use pulp::{Simd, WithSimd};

/// Vector registers that a panel is wide.
pub(super) const VECTORS: usize = 2;

/// Rows of the tallest tile: as many as leave their sums in the registers of the processor.
#[inline(always)]
pub(super) fn tallest<S: Simd>() -> usize {
    match (S::F32_LANES, S::REGISTER_COUNT) {
        (16.., _) => 14,
        (4.., 32..) => 12,
        (4.., _) => 6,
        _ => 4,
    }
}

/// Columns of a panel.
#[inline(always)]
pub(super) fn panel_width<S: Simd>() -> usize {
    VECTORS * S::F32_LANES
}

/// What the sums of a tile begin with.
#[derive(Clone, Copy)]
pub(super) enum TileStart<'a> {
    Zero,
    /// The same for every row, as many as the panel has columns.
    Row(&'a [f32]),
    /// What stands in the output.
    Output,
}

/// A rectangle of the output that one thread writes alone.
#[derive(Clone, Copy)]
pub(crate) struct Rectangle {
    first: *mut f32,
    stride: usize,
}

// SAFETY: a pointer alone does nothing; whoever makes a `Rectangle` promises that its elements
// are used by the holder alone.
unsafe impl Send for Rectangle {}
// SAFETY: as above.
unsafe impl Sync for Rectangle {}

impl Rectangle {
    /// # Safety
    /// Every row that is asked for must lie within memory that nobody else uses meanwhile.
    pub(crate) unsafe fn new(first: *mut f32, stride: usize) -> Self {
        Self { first, stride }
    }

    /// The rectangle from this row and column on.
    ///
    /// # Safety
    /// Row and column must lie within the memory that [`new`](Self::new) was given.
    #[inline(always)]
    pub(crate) unsafe fn at(self, row: usize, column: usize) -> Self {
        Self {
            // SAFETY: stays within the memory, as the caller promises.
            first: unsafe { self.first.add(row * self.stride + column) },
            stride: self.stride,
        }
    }

    /// Writes elements from this row and column on.
    ///
    /// # Safety
    /// They must lie within the memory that [`new`](Self::new) was given, and no slice of them
    /// may be in use.
    #[inline(always)]
    pub(crate) unsafe fn write(self, row: usize, column: usize, values: &[f32]) {
        // SAFETY: as the caller promises.
        unsafe { self.at(row, column).row(0, values.len()) }.copy_from_slice(values);
    }

    /// Fetches rows that will soon be written into the cache.
    #[inline(always)]
    pub(super) fn prefetch(self, rows: Range<usize>, columns: usize) {
        #[cfg(target_arch = "x86_64")]
        for row in rows {
            use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
            for column in (0..columns).step_by(16) {
                let element = self.first.wrapping_add(row * self.stride + column);
                // SAFETY: a hint, which reads nothing that the program could see.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(element.cast()) };
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = (rows, columns);
    }

    /// # Safety
    /// The row must lie within the memory, and no other slice of it may be in use.
    #[inline(always)]
    unsafe fn row<'a>(self, row: usize, columns: usize) -> &'a mut [f32] {
        // SAFETY: as the caller promises.
        unsafe { std::slice::from_raw_parts_mut(self.first.add(row * self.stride), columns) }
    }
}

/// Memory that will be read soon, one line of the cache for every step along k of a tile.
#[derive(Clone, Copy)]
pub(super) struct Upcoming {
    line: *const f32,
    /// Elements from one line to the next; 0 where there is nothing to fetch.
    stride: usize,
}

impl Upcoming {
    /// Elements of a line of the cache, of every processor that is told to fetch.
    pub(super) const LINE: usize = 16;

    /// Some elements, of which as many lines are fetched as a tile has steps.
    pub(super) fn lines(elements: &[f32]) -> Self {
        Self {
            line: elements.as_ptr(),
            stride: Self::LINE,
        }
    }

    /// Nothing: the line of this element, which is at hand, again and again.
    pub(super) fn nothing(at_hand: &[f32]) -> Self {
        Self {
            line: at_hand.as_ptr(),
            stride: 0,
        }
    }

    /// Asks for the next line, in the second-level cache.
    #[inline(always)]
    fn fetch(&mut self) {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::x86_64::{_MM_HINT_T1, _mm_prefetch};
            // SAFETY: a hint, which reads nothing that the program could see, of any address.
            unsafe { _mm_prefetch::<_MM_HINT_T1>(self.line.cast()) };
        }
        self.line = self.line.wrapping_add(self.stride);
    }
}

/// The product of `height` packed rows and one panel.
pub(super) struct Tile<'a> {
    /// One of the heights of [`rounded_height`].
    pub(super) height: usize,
    /// `[k, height]`.
    pub(super) left: &'a [f32],
    /// `[k, panel width]`.
    pub(super) right: &'a [f32],
    pub(super) start: TileStart<'a>,
    /// What will be read soon: fetched into the cache meanwhile.
    pub(super) upcoming: Upcoming,
    pub(super) output: Rectangle,
    /// Rows and columns of the output; those of the tile beyond them are not written.
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// The height of a tile that holds `rows` rows: 1 or an even number.
pub(super) fn rounded_height(rows: usize) -> usize {
    if rows == 1 {
        1
    } else {
        rows.next_multiple_of(2)
    }
}

impl WithSimd for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if self.rows == self.height && self.columns == panel_width::<S>() {
            self.multiply(simd);
        } else {
            self.multiply_part(simd);
        }
    }
}

/// Elements of the largest tile there is.
const LARGEST: usize = 14 * VECTORS * 16;

impl Tile<'_> {
    /// A tile that is not filled: it is computed apart, and what counts of it copied.
    #[inline(always)]
    fn multiply_part<S: Simd>(self, simd: S) {
        let mut whole = [0.0; LARGEST];
        let width = panel_width::<S>();
        let Self {
            rows,
            columns,
            output,
            ..
        } = self;
        // SAFETY: the rows lie within the tile's rectangle, and `whole` is another.
        let parts = |row| unsafe { output.row(row, columns) };
        let mut start = self.start;
        match start {
            TileStart::Zero => {}
            TileStart::Row(bias) => {
                for row in whole.chunks_exact_mut(width).take(rows) {
                    row[..columns].copy_from_slice(bias);
                }
                start = TileStart::Output;
            }
            TileStart::Output => {
                for (row, whole) in whole.chunks_exact_mut(width).take(rows).enumerate() {
                    whole[..columns].copy_from_slice(parts(row));
                }
            }
        }
        Tile {
            start,
            // SAFETY: `LARGEST` elements hold `height` rows of `width`.
            output: unsafe { Rectangle::new(whole.as_mut_ptr(), width) },
            ..self
        }
        .multiply(simd);
        for (row, whole) in whole.chunks_exact(width).take(rows).enumerate() {
            parts(row).copy_from_slice(&whole[..columns]);
        }
    }

    #[inline(always)]
    fn multiply<S: Simd>(self, simd: S) {
        match self.height {
            1 => simd.vectorize(FullTile::<1>(self)),
            2 => simd.vectorize(FullTile::<2>(self)),
            4 => simd.vectorize(FullTile::<4>(self)),
            6 => simd.vectorize(FullTile::<6>(self)),
            8 => simd.vectorize(FullTile::<8>(self)),
            10 => simd.vectorize(FullTile::<10>(self)),
            12 => simd.vectorize(FullTile::<12>(self)),
            14 => simd.vectorize(FullTile::<14>(self)),
            height => unreachable!("no tile is {height} rows high"),
        }
    }
}

/// A tile all of whose rows and columns are in the output.
struct FullTile<'a, const HEIGHT: usize>(Tile<'a>);

impl<const HEIGHT: usize> WithSimd for FullTile<'_, HEIGHT> {
    type Output = ();

    /// Every sum is one chain of fused multiply-adds over k, in order: its bits depend neither on
    /// the height of the tile nor on the width of a vector.
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let mut sums = self.start(simd);
        let mut upcoming = self.0.upcoming;
        let (left, _) = self.0.left.as_chunks::<HEIGHT>();
        let (right, _) = S::as_simd_f32s(self.0.right).0.as_chunks::<VECTORS>();
        for (left, right) in left.iter().zip(right) {
            upcoming.fetch();
            for (sums, &left) in sums.iter_mut().zip(left) {
                let left = simd.splat_f32s(left);
                for (sum, &right) in sums.iter_mut().zip(right) {
                    *sum = simd.mul_add_f32s(left, right, *sum);
                }
            }
        }
        for (row, sums) in sums.iter().enumerate() {
            // SAFETY: this is the only slice of the output in use.
            unsafe { self.vectors::<S>(row) }.copy_from_slice(sums);
        }
    }
}

impl<const HEIGHT: usize> FullTile<'_, HEIGHT> {
    #[inline(always)]
    fn start<S: Simd>(&self, simd: S) -> [[S::f32s; VECTORS]; HEIGHT] {
        let mut sums = [[simd.splat_f32s(0.0); VECTORS]; HEIGHT];
        match self.0.start {
            TileStart::Zero => {}
            TileStart::Row(row) => {
                let (row, _) = S::as_simd_f32s(row);
                sums = [[row[0], row[1]]; HEIGHT];
            }
            TileStart::Output => {
                for (row, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: this is the only slice of the output in use.
                    sums.copy_from_slice(unsafe { self.vectors::<S>(row) });
                }
            }
        }
        sums
    }

    /// A row of the output.
    ///
    /// # Safety
    /// No other slice of the row may be in use.
    #[inline(always)]
    unsafe fn vectors<'b, S: Simd>(&self, row: usize) -> &'b mut [S::f32s] {
        // SAFETY: the tile is full, so its rows lie within its rectangle, which nobody else uses;
        // the caller promises the rest.
        let row = unsafe { self.0.output.row(row, panel_width::<S>()) };
        S::as_mut_simd_f32s(row).0
    }
}
