//! From encodings to packed batches.

use cloze_core::{PackedBatch, PackedBatchError};

use crate::tokenizer::Encoding;

/// Lays encodings end to end, their padding left out.
///
/// ```
/// use cloze_data::{packing::pack, tokenizer::Encoding};
///
/// let encoding = |ids: &[u32], attention_mask: &[u8]| Encoding {
///     ids: ids.to_vec(),
///     type_ids: vec![0; ids.len()],
///     attention_mask: attention_mask.to_vec(),
///     ..Encoding::default()
/// };
/// let (long, short) = (encoding(&[101, 7, 102], &[1, 1, 1]), encoding(&[101, 102, 0], &[1, 1, 0]));
/// let batch = pack(&[&long, &short])?;
/// assert_eq!(batch.input_ids(), [101, 7, 102, 101, 102]);
/// assert_eq!(batch.offsets(), [0, 3, 5]);
/// # Ok::<(), cloze_core::PackedBatchError>(())
/// ```
///
/// # Errors
/// If there is no encoding, or one has no token but padding.
pub fn pack(encodings: &[&Encoding]) -> Result<PackedBatch, PackedBatchError> {
    let tokens = encodings.iter().map(|encoding| encoding.ids.len()).sum();
    let mut ids = Vec::with_capacity(tokens);
    let mut type_ids = Vec::with_capacity(tokens);
    let mut offsets = Vec::with_capacity(encodings.len() + 1);
    offsets.push(0);
    for encoding in encodings {
        ids.extend(without_padding(encoding, &encoding.ids));
        type_ids.extend(without_padding(encoding, &encoding.type_ids));
        offsets.push(ids.len());
    }
    PackedBatch::new(ids, type_ids, offsets)
}

fn without_padding(encoding: &Encoding, values: &[u32]) -> impl Iterator<Item = u32> {
    values
        .iter()
        .zip(&encoding.attention_mask)
        .filter(|&(_, &attended)| attended != 0)
        .map(|(&value, _)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoding(ids: &[u32], before: usize, after: usize) -> Encoding {
        let padded = |values: Vec<u32>| {
            let mut all = vec![0; before];
            all.extend(values);
            all.resize(before + ids.len() + after, 0);
            all
        };
        Encoding {
            ids: padded(ids.to_vec()),
            type_ids: padded(ids.iter().map(|id| id % 2).collect()),
            attention_mask: padded(vec![1; ids.len()])
                .into_iter()
                .map(|bit| bit as u8)
                .collect(),
            ..Encoding::default()
        }
    }

    #[test]
    fn padding_alone_is_no_sequence() {
        let error = pack(&[&encoding(&[5], 0, 0), &encoding(&[], 0, 3)]).unwrap_err();
        assert_eq!(error, PackedBatchError::EmptySequence { index: 1 });
        assert_eq!(pack(&[]), Err(PackedBatchError::NoSequences));
    }

    proptest! {
        #[test]
        fn padding_on_either_side_changes_nothing(
            sequences in prop::collection::vec(
                (prop::collection::vec(1_u32..1_000, 1..9), 0_usize..4, 0_usize..4),
                1..9,
            ),
        ) {
            let padded: Vec<Encoding> =
                sequences.iter().map(|(ids, before, after)| encoding(ids, *before, *after)).collect();
            let plain: Vec<Encoding> =
                sequences.iter().map(|(ids, ..)| encoding(ids, 0, 0)).collect();
            let batch = pack(&padded.iter().collect::<Vec<_>>()).unwrap();
            prop_assert_eq!(&batch, &pack(&plain.iter().collect::<Vec<_>>()).unwrap());
            let ids: Vec<u32> = sequences.iter().flat_map(|(ids, ..)| ids.clone()).collect();
            prop_assert_eq!(batch.input_ids(), &ids[..]);
            let types: Vec<u32> = ids.iter().map(|id| id % 2).collect();
            prop_assert_eq!(batch.token_type_ids(), &types[..]);
        }
    }
}
