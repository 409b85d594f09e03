use std::ops::Range;

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use super::Matrix;
use super::pack::{Members, pack_columns};
use super::tile::panel_width;
use crate::scratch::Buffer;

/// A right factor, `[k, n]`, out of matrices that lie apart in memory.
#[derive(Clone, Copy, Debug)]
pub enum Right<'a> {
    /// One matrix.
    One(Matrix<'a>),
    /// Matrices of the same k side by side: the weights of several linear layers with the same
    /// input.
    Beside(&'a [Matrix<'a>]),
    /// Matrices of the same n one below the other: such weights on the way back.
    Below(&'a [Matrix<'a>]),
}

impl<'a> From<Matrix<'a>> for Right<'a> {
    fn from(matrix: Matrix<'a>) -> Self {
        Self::One(matrix)
    }
}

impl Right<'_> {
    /// k.
    ///
    /// # Panics
    /// If parts side by side differ in it.
    pub fn rows(&self) -> usize {
        match self {
            Self::One(matrix) => matrix.rows(),
            Self::Beside(parts) => same(parts, |part| part.rows()),
            Self::Below(parts) => parts.iter().map(Matrix::rows).sum(),
        }
    }

    /// n.
    ///
    /// # Panics
    /// If parts one below the other differ in it.
    pub fn columns(&self) -> usize {
        match self {
            Self::One(matrix) => matrix.columns(),
            Self::Beside(parts) => parts.iter().map(Matrix::columns).sum(),
            Self::Below(parts) => same(parts, |part| part.columns()),
        }
    }

    /// Only a left factor is activated as it is packed.
    pub(super) fn refuse_activations(&self) {
        let parts = match self {
            Self::One(matrix) => std::slice::from_ref(matrix),
            Self::Beside(parts) | Self::Below(parts) => parts,
        };
        assert!(
            parts.iter().all(|part| part.activation.is_none()),
            "a right factor has no activation"
        );
    }

    /// Packs the columns from `first` on that a panel has room for, over some steps along k.
    #[inline(always)]
    fn pack(&self, first: usize, width: usize, steps: Range<usize>, panel: &mut [f32]) {
        match self {
            Self::One(matrix) => pack_part(*matrix, 0, first, width, steps, panel),
            Self::Beside(parts) => {
                let mut start = 0;
                for part in *parts {
                    pack_part(*part, start, first, width, steps.clone(), panel);
                    start += part.columns();
                }
            }
            Self::Below(parts) => {
                let (mut start, mut rest) = (0, panel);
                for part in *parts {
                    let end = start + part.rows();
                    let (from, to) = (steps.start.max(start), steps.end.min(end));
                    if from < to {
                        let (panel, below) = rest.split_at_mut((to - from) * width);
                        pack_part(*part, 0, first, width, from - start..to - start, panel);
                        rest = below;
                    }
                    start = end;
                }
            }
        }
    }
}

/// What is the same for all parts.
fn same(parts: &[Matrix<'_>], size: impl Fn(&Matrix<'_>) -> usize) -> usize {
    let first = parts.first().map_or(0, &size);
    assert!(
        parts.iter().all(|part| size(part) == first),
        "the parts of a right factor fit together"
    );
    first
}

/// Packs what a part, whose columns begin at `start`, has in the panel that begins at `first`.
#[inline(always)]
fn pack_part(
    part: Matrix<'_>,
    start: usize,
    first: usize,
    width: usize,
    steps: Range<usize>,
    panel: &mut [f32],
) {
    let (from, to) = (
        start.max(first),
        (start + part.columns()).min(first + width),
    );
    if from < to {
        let members = Members {
            first: from - start,
            count: to - from,
            place: from - first,
            width,
        };
        pack_columns(part, members, steps, panel);
    }
}

/// A right factor, or some steps along k of one, packed for products: panels of as many columns
/// as a tile is wide.
///
/// Packing costs one pass over the matrix. Weights that do not change are packed once.
#[derive(Clone, Debug, Default)]
pub struct Panels {
    buffer: Buffer,
    steps: usize,
    columns: usize,
    width: usize,
}

impl Panels {
    /// Panels of a right factor.
    pub fn of<'a>(right: impl Into<Right<'a>>) -> Self {
        let mut panels = Self::default();
        panels.repack(right);
        panels
    }

    /// Packs another right factor into the memory that it has.
    pub(crate) fn repack<'a>(&mut self, right: impl Into<Right<'a>>) {
        let right = right.into();
        right.refuse_activations();
        self.pack(right, 0..right.rows());
    }

    /// Packs some steps along k, on all threads, into the memory that it has.
    pub(super) fn pack(&mut self, right: Right<'_>, steps: Range<usize>) {
        let width = super::width();
        let columns = right.columns();
        (self.steps, self.columns, self.width) = (steps.len(), columns, width);
        if steps.is_empty() {
            return;
        }
        let buffer = self
            .buffer
            .first(columns.div_ceil(width) * width * steps.len());
        buffer
            .par_chunks_mut(steps.len() * width)
            .enumerate()
            .for_each(|(index, panel)| {
                let first = index * width;
                if first + width > columns {
                    panel.fill(0.0);
                }
                Arch::new().dispatch(PackPanel {
                    right,
                    first,
                    width,
                    steps: steps.clone(),
                    panel,
                });
            });
    }

    /// k.
    pub fn rows(&self) -> usize {
        self.steps
    }

    /// n.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// All panels.
    pub(super) fn view(&self) -> PanelsView<'_> {
        let Self {
            buffer,
            steps,
            columns,
            width,
        } = self;
        let length = columns.div_ceil((*width).max(1)) * width * steps;
        PanelsView {
            data: buffer.filled(length),
            steps: *steps,
            columns: *columns,
            width: *width,
        }
    }
}

struct PackPanel<'a> {
    right: Right<'a>,
    first: usize,
    width: usize,
    steps: Range<usize>,
    panel: &'a mut [f32],
}

// A closure would not be inlined into the function that turns vector instructions on.
impl WithSimd for PackPanel<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self {
            right,
            first,
            width,
            steps,
            panel,
        } = self;
        right.pack(first, width, steps, panel);
    }
}

/// Panels in memory of somebody else.
#[derive(Clone, Copy)]
pub(crate) struct PanelsView<'a> {
    data: &'a [f32],
    steps: usize,
    columns: usize,
    width: usize,
}

impl<'a> PanelsView<'a> {
    /// Elements that the panels of a matrix need.
    #[inline(always)]
    pub(crate) fn elements<S: Simd>(_: S, right: Matrix<'_>) -> usize {
        let width = panel_width::<S>();
        right.columns().div_ceil(width) * width * right.rows()
    }

    /// Packs a matrix with the processor's token, on this thread alone.
    #[inline(always)]
    pub(crate) fn pack<S: Simd>(simd: S, right: Matrix<'_>, packed: &'a mut [f32]) -> Self {
        let (steps, columns, width) = (right.rows(), right.columns(), panel_width::<S>());
        let data = &mut packed[..Self::elements(simd, right)];
        for (index, panel) in data.chunks_exact_mut((steps * width).max(1)).enumerate() {
            let first = index * width;
            if first + width > columns {
                panel.fill(0.0);
            }
            pack_part(right, 0, first, width, 0..steps, panel);
        }
        Self {
            data,
            steps,
            columns,
            width,
        }
    }

    /// k.
    pub(super) fn rows(&self) -> usize {
        self.steps
    }

    /// n.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Number of panels.
    pub(super) fn count(&self) -> usize {
        self.columns.div_ceil(self.width.max(1))
    }

    /// A panel, `[k, width]`.
    #[inline(always)]
    pub(super) fn panel(&self, index: usize) -> &'a [f32] {
        let length = self.steps * self.width;
        &self.data[index * length..(index + 1) * length]
    }
}
