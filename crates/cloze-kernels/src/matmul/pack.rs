//! Factors in the order in which a tile reads them: groups of `width` rows (of the left factor)
//! or columns (of the right factor), `[k, width]` each, so that every step along k reads
//! neighbouring numbers.

use std::ops::Range;

use super::Matrix;

/// Members of a factor (rows of a left one, columns of a right one) and their place in the packed
/// group.
#[derive(Clone, Copy)]
pub(super) struct Members {
    /// The first of them in the factor.
    pub(super) first: usize,
    pub(super) count: usize,
    /// Where the first of them stands in the group.
    pub(super) place: usize,
    /// Members that the group has room for.
    pub(super) width: usize,
}

/// Packs columns of a right factor, over the given steps along k.
#[inline(always)]
pub(super) fn pack_columns(
    right: Matrix<'_>,
    members: Members,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    if right.transposed {
        transpose_members(right, members, steps, packed);
    } else {
        copy_members(right, members, steps, packed);
    }
}

/// Members stand beside each other in memory.
#[inline(always)]
fn copy_members(matrix: Matrix<'_>, members: Members, steps: Range<usize>, packed: &mut [f32]) {
    // Whole panels of the usual widths are copied without asking for their length.
    match members {
        Members {
            count: 32,
            width: 32,
            ..
        } => copy_whole::<32>(matrix, members, steps, packed),
        Members {
            count: 16,
            width: 16,
            ..
        } => copy_whole::<16>(matrix, members, steps, packed),
        Members {
            first,
            count,
            place,
            width,
        } => {
            for (step, packed) in steps.zip(packed.chunks_exact_mut(width)) {
                let from = &matrix.data[step * matrix.stride + first..][..count];
                packed[place..place + count].copy_from_slice(from);
            }
        }
    }
}

#[inline(always)]
fn copy_whole<const WIDTH: usize>(
    matrix: Matrix<'_>,
    members: Members,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    for (step, packed) in steps.zip(packed.as_chunks_mut::<WIDTH>().0) {
        let from = &matrix.data[step * matrix.stride + members.first..];
        if let Some(from) = from.first_chunk() {
            *packed = *from;
        }
    }
}

/// Every member is a row of memory.
#[inline(always)]
pub(super) fn transpose_members(
    matrix: Matrix<'_>,
    members: Members,
    steps: Range<usize>,
    packed: &mut [f32],
) {
    let Members {
        first,
        count,
        place,
        width,
    } = members;
    if steps.is_empty() {
        return;
    }
    let member = |index: usize| {
        let start = (first + index) * matrix.stride;
        &matrix.data[start + steps.start..start + steps.end]
    };
    let whole = count / 4 * 4;
    for index in (0..whole).step_by(4) {
        let rows = [0, 1, 2, 3].map(|row| member(index + row));
        transpose_four(rows, &mut packed[place + index..], width);
    }
    for index in whole..count {
        let column = packed[place + index..].iter_mut().step_by(width);
        column.zip(member(index)).for_each(|(to, &from)| *to = from);
    }
}

/// Four rows become the first four elements of every `width` of `packed`.
#[inline(always)]
fn transpose_four(rows: [&[f32]; 4], packed: &mut [f32], width: usize) {
    let length = rows[0].len();
    let blocks = rows.map(|row| row[..length].as_chunks::<4>().0);
    for block in 0..length / 4 {
        let square = transposed(blocks.map(|row| row[block]));
        for (step, values) in square.iter().enumerate() {
            packed[(4 * block + step) * width..][..4].copy_from_slice(values);
        }
    }
    for step in length / 4 * 4..length {
        let values = rows.map(|row| row[step]);
        packed[step * width..][..4].copy_from_slice(&values);
    }
}

/// A square of 4 × 4, in shuffles where the processor has them.
#[inline(always)]
fn transposed(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m128, _MM_TRANSPOSE4_PS};
        // SAFETY: SSE, which every x86-64 processor has; both types are four `f32`.
        unsafe {
            let [mut a, mut b, mut c, mut d] =
                std::mem::transmute::<[[f32; 4]; 4], [__m128; 4]>(rows);
            _MM_TRANSPOSE4_PS(&mut a, &mut b, &mut c, &mut d);
            std::mem::transmute::<[__m128; 4], [[f32; 4]; 4]>([a, b, c, d])
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    [0, 1, 2, 3].map(|column| rows.map(|row| row[column]))
}
