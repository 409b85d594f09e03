use tokenizers::{Encoding as RawEncoding, TruncationDirection};

use super::{EncodeOptions, Side, TokenizerError, Truncation};

/// Cuts one text, or a pair, to `room` tokens without special ones. What is cut off becomes the
/// encodings' overflow if the options ask for it.
pub(super) fn truncate(
    first: &mut RawEncoding,
    mut second: Option<&mut RawEncoding>,
    room: usize,
    side: Side,
    options: &EncodeOptions,
) -> Result<(), TokenizerError> {
    let lengths = (first.len(), second.as_ref().map(|second| second.len()));
    let (keep_first, keep_second) = kept(lengths, room, options.truncation)?;
    cut(first, keep_first, side, options)?;
    if let (Some(second), Some(keep)) = (second.as_mut(), keep_second) {
        cut(second, keep, side, options)?;
    }
    Ok(())
}

/// How many tokens of each text stay.
fn kept(
    (first, second): (usize, Option<usize>),
    room: usize,
    truncation: Truncation,
) -> Result<(usize, Option<usize>), TokenizerError> {
    let total = first + second.unwrap_or(0);
    let Some(excess) = total.checked_sub(room).filter(|&excess| excess > 0) else {
        return Ok((first, second));
    };
    let shorten = |which, length: usize| match length.checked_sub(excess) {
        Some(rest) if rest > 0 => Ok(rest),
        _ => Err(TokenizerError::TooShortToCut {
            which,
            length,
            excess,
        }),
    };
    match (truncation, second) {
        (Truncation::None, _) => Ok((first, second)),
        (Truncation::LongestFirst, None) => Ok((room, None)),
        (Truncation::LongestFirst, Some(second)) => {
            let (keep_first, keep_second) = share(first, second, room);
            Ok((keep_first, Some(keep_second)))
        }
        (Truncation::OnlyFirst, _) => Ok((shorten("first", first)?, second)),
        (Truncation::OnlySecond, _) => {
            let keep = shorten("second", second.unwrap_or(0))?;
            Ok((first, Some(keep)))
        }
    }
}

/// Shares `room` among two texts that are too long together: the shorter one stays whole if it
/// takes no more than half, and of two long ones the longer gets the odd token.
pub(crate) fn share(first: usize, second: usize, room: usize) -> (usize, usize) {
    let half = room / 2;
    let rest = room - half;
    if first <= second {
        if first <= half {
            (first, room - first)
        } else {
            (half, rest)
        }
    } else if second <= half {
        (room - second, second)
    } else {
        (rest, half)
    }
}

fn cut(
    encoding: &mut RawEncoding,
    keep: usize,
    side: Side,
    options: &EncodeOptions,
) -> Result<(), TokenizerError> {
    if keep >= encoding.len() {
        return Ok(());
    }
    let stride = if options.overflowing {
        options.stride
    } else {
        0
    };
    if keep > 0 && stride >= keep {
        let window = keep;
        return Err(TokenizerError::Stride { window, stride });
    }
    let direction = match side {
        Side::Left => TruncationDirection::Left,
        Side::Right => TruncationDirection::Right,
    };
    encoding.truncate(keep, stride, direction);
    if !options.overflowing || keep == 0 {
        encoding.take_overflowing();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_longer_text_gives_way_first() {
        let longest = |first, second, room| {
            let kept = kept((first, Some(second)), room, Truncation::LongestFirst).unwrap();
            (kept.0, kept.1.unwrap())
        };
        // The cases that the `tokenizers` crate tests its own truncation with.
        assert_eq!(longest(2, 4, 7), (2, 4));
        assert_eq!(longest(2, 8, 7), (2, 5));
        assert_eq!(longest(4, 4, 7), (3, 4));
        assert_eq!(longest(4, 8, 7), (3, 4));
        assert_eq!(longest(8, 2, 7), (5, 2));
        assert_eq!(longest(8, 4, 7), (4, 3));
        assert_eq!(longest(8, 8, 7), (3, 4));
        assert_eq!(longest(0, 8, 7), (0, 7));
    }

    #[test]
    fn one_text_alone_must_be_long_enough() {
        assert_eq!(
            kept((9, Some(4)), 10, Truncation::OnlyFirst).unwrap(),
            (6, Some(4))
        );
        let error = kept((9, Some(4)), 3, Truncation::OnlySecond).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot cut 10 tokens from the second text alone, it has 4: \
             allow a greater length, or cut the longest text first"
        );
        assert!(kept((9, None), 3, Truncation::OnlySecond).is_err());
    }

    proptest! {
        #[test]
        fn what_stays_fills_the_room_and_no_more(
            first in 0_usize..50, second in 0_usize..50, room in 0_usize..60,
        ) {
            let lengths = (first, Some(second));
            let (a, b) = kept(lengths, room, Truncation::LongestFirst).unwrap();
            let b = b.unwrap();
            prop_assert!(a <= first && b <= second);
            prop_assert_eq!(a + b, room.min(first + second));
        }
    }
}
