//! The product of a block of rows, which stay in the second-level cache, with panels that pass
//! by one after the other.

use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};

use super::pack::{Members, transpose_members};
use super::panels::PanelsView;
use super::tile::{Rectangle, Tile, TileStart, Upcoming, panel_width, rounded_height, tallest};
use super::{Matrix, Start};
use crate::scratch::Scratch;

/// Steps along k that are multiplied before the next are packed: a panel of so many and a block of
/// rows fit into the second-level cache together.
const STEPS: usize = 768;
/// Tiles of the greatest height in a block.
const TILES: usize = 8;

/// Rows of a block of a left factor with so many, on this processor.
pub(super) fn rows_of_block(rows: usize) -> usize {
    let size = TILES * tallest_here();
    // A little more than one block is one, so that the panels pass by once.
    if rows <= size + size / 2 {
        rows.max(1)
    } else {
        size
    }
}

/// Rows of the tallest tile on this processor.
fn tallest_here() -> usize {
    struct Tallest;
    impl WithSimd for Tallest {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, _: S) -> usize {
            tallest::<S>()
        }
    }
    Arch::new().dispatch(Tallest)
}

/// Rows that a packed left factor has, those included that fill up the last tiles.
pub(super) fn packed_rows(rows: usize) -> usize {
    rows + 2
}

/// One task of a product.
pub(super) struct Block<'a> {
    pub(super) left: Matrix<'a>,
    pub(super) rows: Range<usize>,
    pub(super) right: PanelsView<'a>,
    pub(super) panels: Range<usize>,
    pub(super) start: Start<'a>,
    pub(super) output: Rectangle,
    /// What [`pieces`] made of the rows, if that is done.
    pub(super) packed: Option<&'a [f32]>,
}

impl WithSimd for Block<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = packed_rows(self.rows.len());
        match self.packed {
            Some(packed) => {
                let mut from = 0;
                for steps in step_blocks(self.left.columns) {
                    self.multiply(simd, steps.clone(), &packed[from..]);
                    from += steps.len() * padded(tallest::<S>(), self.rows.len());
                }
            }
            None => {
                let mut scratch = Scratch::new(rows * STEPS);
                let packed = &mut *scratch;

                for steps in step_blocks(self.left.columns) {
                    pack_tiles(simd, self.left, self.rows.clone(), steps.clone(), packed);
                    self.multiply(simd, steps, packed);
                }
            }
        }
    }
}

impl Block<'_> {
    /// Adds the products of some steps along k.
    #[inline(always)]
    fn multiply<S: Simd>(&self, simd: S, steps: Range<usize>, packed: &[f32]) {
        let width = panel_width::<S>();
        for index in self.panels.clone() {
            let first = index * width;
            let columns = width.min(self.right.columns() - first);
            let start = match self.start {
                _ if steps.start > 0 => TileStart::Output,
                Start::Zero => TileStart::Zero,
                Start::Bias(bias) => TileStart::Row(&bias[first..first + columns]),
                Start::Output => TileStart::Output,
            };
            let right = &self.right.panel(index)[steps.start * width..steps.end * width];
            let mut left = packed;
            let mut upcoming = self.upcoming(index, width, &steps);
            for TileRows {
                first: row,
                rows,
                height,
            } in tiles(tallest::<S>(), self.rows.len())
            {
                let (soon, later) =
                    upcoming.split_at(upcoming.len().min(steps.len() * Upcoming::LINE));
                upcoming = later;
                // SAFETY: row and column lie within the output, see `check`.
                let output = unsafe { self.output.at(self.rows.start + row, first) };
                output.prefetch(height..(2 * height).min(self.rows.len() - row), width);
                let (tile, rest) = left.split_at(height * steps.len());
                left = rest;
                simd.vectorize(Tile {
                    height,
                    left: tile,
                    right,
                    start,
                    upcoming: match soon {
                        [] => Upcoming::nothing(right),
                        _ => Upcoming::lines(soon),
                    },
                    output,
                    rows,
                    columns,
                });
            }
        }
    }
}

impl Block<'_> {
    /// What is read of the right factor after some steps of a panel: the same steps of the next
    /// one, or the next steps of the first one, or what the next task will most likely begin with.
    /// While all tiles but the first read a panel from the cache, memory would have nothing to do.
    #[inline(always)]
    fn upcoming(&self, index: usize, width: usize, steps: &Range<usize>) -> &[f32] {
        let (next, length) = (index + 1, steps.len());
        let (panel, first) = if next < self.panels.end {
            (next, steps.start)
        } else if steps.end < self.right.rows() {
            (self.panels.start, steps.end)
        } else if next < self.right.count() {
            (next, 0)
        } else {
            return &[];
        };
        let panel = self.right.panel(panel);
        &panel[first * width..(first + length).min(self.right.rows()) * width]
    }
}

/// k, cut into pieces of about equal length.
pub(super) fn step_blocks(steps: usize) -> impl Iterator<Item = Range<usize>> {
    let count = steps.div_ceil(STEPS).max(1);
    (0..count).map(move |block| steps * block / count..steps * (block + 1) / count)
}

/// What one task packs of a left factor.
pub(super) struct Piece<'a> {
    left: Matrix<'a>,
    rows: Range<usize>,
    steps: Range<usize>,
    packed: &'a mut [f32],
}

/// Cuts the packed left factor into pieces: block after block of `size` rows, their steps, their
/// tiles.
pub(super) fn pieces<'a>(
    left: Matrix<'a>,
    size: usize,
    mut packed: &'a mut [f32],
) -> Vec<Piece<'a>> {
    let tallest = tallest_here();
    let mut pieces = Vec::new();
    for block in (0..left.rows).step_by(size) {
        let end = left.rows.min(block + size);
        for steps in step_blocks(left.columns) {
            let mut add = |rows: Range<usize>| {
                let elements = padded(tallest, rows.len()) * steps.len();
                let (piece, rest) = std::mem::take(&mut packed).split_at_mut(elements);
                packed = rest;
                pieces.push(Piece {
                    left,
                    rows,
                    steps: steps.clone(),
                    packed: piece,
                });
            };
            if left.transposed {
                // Rows that stand beside each other in memory are packed together, see
                // `copy_tiles`.
                add(block..end);
            } else {
                tiles(tallest, end - block)
                    .map(|tile| block + tile.first..block + tile.first + tile.rows)
                    .for_each(add);
            }
        }
    }
    pieces
}

impl WithSimd for Piece<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        pack_tiles(simd, self.left, self.rows, self.steps, self.packed);
    }
}

/// Packs some steps of a block of rows.
#[inline(always)]
fn pack_tiles<S: Simd>(
    simd: S,
    left: Matrix<'_>,
    rows: Range<usize>,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    let packed = &mut packed[..padded(tallest::<S>(), rows.len()) * steps.len()];
    if left.transposed {
        copy_tiles(simd, left, rows, steps, packed);
    } else {
        transpose_tiles(simd, left, rows, steps, packed);
    }
    if let Some(activation) = left.activation {
        activation.forward_block_in_place(simd, packed);
    }
}

/// Packs rows of memory.
#[inline(always)]
fn transpose_tiles<S: Simd>(
    _: S,
    left: Matrix<'_>,
    rows: Range<usize>,
    steps: Range<usize>,
    mut packed: &mut [f32],
) {
    for tile in tiles(tallest::<S>(), rows.len()) {
        let (piece, rest) = packed.split_at_mut(tile.height * steps.len());
        if tile.rows < tile.height {
            piece.fill(0.0);
        }
        let members = Members {
            first: rows.start + tile.first,
            count: tile.rows,
            place: 0,
            width: tile.height,
        };
        transpose_members(left, members, steps.clone(), piece);
        packed = rest;
    }
}

/// Elements that are copied at once: no tile is higher.
const CHUNK: usize = 16;

/// Packs rows that stand beside each other in memory. All tiles take their share of a step at a
/// time: a step may be on a page of its own.
#[inline(always)]
fn copy_tiles<S: Simd>(
    _: S,
    left: Matrix<'_>,
    rows: Range<usize>,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    for (index, step) in steps.clone().enumerate() {
        let from = &left.data[step * left.stride + rows.start..];
        let mut start = 0;
        for tile in tiles(tallest::<S>(), rows.len()) {
            let to = &mut packed[start + index * tile.height..start + tile.height * steps.len()];
            let from = &from[tile.first..];
            match (to.first_chunk_mut::<CHUNK>(), from.first_chunk::<CHUNK>()) {
                // What is copied too much belongs to the next step, which writes over it.
                (Some(to), Some(from)) if tile.rows == tile.height => *to = *from,
                _ => {
                    let (values, rest) = to.split_at_mut(tile.rows);
                    values.copy_from_slice(&from[..tile.rows]);
                    rest[..tile.height - tile.rows].fill(0.0);
                }
            }
            start += tile.height * steps.len();
        }
    }
}

/// The rows of one tile.
#[derive(Clone, Copy)]
struct TileRows {
    first: usize,
    rows: usize,
    height: usize,
}

/// Rows, cut into tiles: the tallest ones, and at the end two of about equal height instead of
/// a tall one and a low one, which would leave the multipliers waiting.
#[inline(always)]
fn tiles(tallest: usize, rows: usize) -> impl Iterator<Item = TileRows> {
    let rest = rows % tallest;
    let full = match rest {
        0 => rows / tallest,
        _ => (rows / tallest).saturating_sub(1),
    };
    let last = rows - full * tallest;
    let half = (last.div_ceil(2)).next_multiple_of(2).min(last);
    let ends = match last {
        0 => [0, 0],
        _ if last <= tallest => [last, 0],
        _ => [half, last - half],
    };
    let heights = std::iter::repeat_n(tallest, full).chain(ends.into_iter().filter(|&end| end > 0));
    heights.scan(0, |next, rows| {
        let first = *next;
        *next += rows;
        Some(TileRows {
            first,
            rows,
            height: rounded_height(rows),
        })
    })
}

/// Rows of all tiles together, those included that hold nothing.
#[inline(always)]
fn padded(tallest: usize, rows: usize) -> usize {
    tiles(tallest, rows).map(|tile| tile.height).sum()
}
