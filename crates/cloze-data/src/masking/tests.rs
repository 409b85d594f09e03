use proptest::prelude::*;

use super::*;

/// Ids 5 to 1004 are ordinary; 0 to 4 are special, 4 is `[MASK]`.
fn vocabulary() -> MaskVocabulary {
    MaskVocabulary::new(4, 5..1005)
}

fn masking(rate: f64, shares: [f64; 3]) -> Masking {
    Masking::new(rate, shares).unwrap()
}

fn single(ids: impl IntoIterator<Item = u32>) -> Vec<Token> {
    ids.into_iter().map(Token::new).collect()
}

fn stream() -> RandomStream {
    Masking::stream(42, 0, 0)
}

#[test]
fn what_is_no_rate_or_share_is_refused() {
    let message = |rate, shares| Masking::new(rate, shares).unwrap_err().to_string();
    let bert = [0.8, 0.1, 0.1];
    for rate in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
        let expected = format!("found the rate {rate}, wanted one above 0 and not above 1");
        assert_eq!(message(rate, bert), expected);
    }
    assert_eq!(
        message(0.15, [1.2, -0.2, 0.0]),
        "found the share 1.2, wanted one from 0 to 1"
    );
    assert!(message(0.15, [f64::NAN, 0.0, 1.0]).starts_with("found the share NaN"));
    assert_eq!(
        message(0.15, [0.5, 0.25, 0.125]),
        "found the shares [0.5, 0.25, 0.125], which add up to 0.875, wanted a sum of 1"
    );
    // Ten tenths are not 1 in binary fractions.
    assert!(Masking::new(1.0, [0.1 + 0.2, 0.3, 0.4]).is_ok());
}

/// Counts, of many sequences: words chosen, targets hidden by `[MASK]`, replaced, kept.
fn counts(masking: &Masking, sequence: &[Token], times: u64) -> [f64; 4] {
    let vocabulary = vocabulary();
    let mut counts = [0_u64; 4];
    for index in 0..times {
        let masked = masking.mask(sequence, &vocabulary, &mut Masking::stream(7, 3, index));
        for target in &masked.targets {
            counts[0] += u64::from(!sequence[target.position].continues_word());
            let shown = masked.ids[target.position];
            let what = match shown {
                4 => 1,
                id if id == target.id => 3,
                _ => 2,
            };
            counts[what] += 1;
        }
    }
    counts.map(|count| count as f64)
}

/// Whether a count of `trials` is within five standard deviations of its probability.
fn close(count: f64, trials: f64, probability: f64) -> bool {
    let deviation = (trials * probability * (1.0 - probability)).sqrt();
    (count - trials * probability).abs() <= 5.0 * deviation
}

#[test]
fn rate_and_shares_are_those_that_are_asked_for() {
    // Token 5 is a random token one time in a thousand and then counts as kept.
    let sequence = single([5; 200]);
    for (rate, shares) in [
        (0.15, [0.8, 0.1, 0.1]),
        (0.5, [0.25, 0.25, 0.5]),
        (0.2, [0.0, 1.0, 0.0]),
    ] {
        let [chosen, mask, random, kept] = counts(&masking(rate, shares), &sequence, 1000);
        assert!(close(chosen, 200_000.0, rate), "{chosen} at {rate}");
        assert!(close(mask, chosen, shares[0]), "{mask} of {chosen}");
        assert!(
            close(random, chosen, shares[1] * 0.999),
            "{random} of {chosen}"
        );
        assert!(
            close(kept, chosen, shares[2] + shares[1] * 0.001),
            "{kept} of {chosen}"
        );
    }
}

#[test]
fn words_are_chosen_whole_at_the_rate_of_words() {
    let word = [Token::new(5), Token::continuing(6), Token::continuing(7)];
    let sequence: Vec<Token> = word.into_iter().cycle().take(300).collect();
    let masking = masking(0.2, [1.0, 0.0, 0.0]);
    let [chosen, mask, random, kept] = counts(&masking, &sequence, 1000);
    assert!(close(chosen, 100_000.0, 0.2), "{chosen}");
    assert_eq!((mask, random, kept), (3.0 * chosen, 0.0, 0.0));
    let masked = masking.mask(&sequence, &vocabulary(), &mut stream());
    for word in masked.ids.chunks(3) {
        assert!(word == [5, 6, 7] || word == [4, 4, 4], "{word:?}");
    }
}

#[test]
fn every_token_of_a_word_draws_its_own_share() {
    let word = [Token::new(5), Token::continuing(6)];
    let masking = masking(1.0, [0.5, 0.0, 0.5]);
    let mixed = (0..1000)
        .map(|index| masking.mask(&word, &vocabulary(), &mut Masking::stream(0, 0, index)))
        .filter(|masked| masked.ids.iter().filter(|&&id| id == 4).count() == 1)
        .count();
    assert!(close(mixed as f64, 1000.0, 0.5), "{mixed}");
}

#[test]
fn random_tokens_are_all_ordinary_ones_and_no_other() {
    let sequence = single([5; 100]);
    let masking = masking(1.0, [0.0, 1.0, 0.0]);
    let vocabulary = MaskVocabulary::new(4, [5, 9, 700]);
    let mut seen = std::collections::BTreeMap::new();
    for index in 0..90 {
        let masked = masking.mask(&sequence, &vocabulary, &mut Masking::stream(1, 1, index));
        for id in masked.ids {
            *seen.entry(id).or_insert(0.0) += 1.0;
        }
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [5, 9, 700]);
    assert!(
        seen.values().all(|&count| close(count, 9000.0, 1.0 / 3.0)),
        "{seen:?}"
    );
}

#[test]
fn special_tokens_are_never_hidden_and_do_not_count() {
    let vocabulary = vocabulary();
    let all = masking(1.0, [1.0, 0.0, 0.0]);
    // 2000 is beyond the vocabulary.
    let masked = all.mask(
        &single([2, 5, 1, 6, 4, 2000, 3, 0]),
        &vocabulary,
        &mut stream(),
    );
    assert_eq!(masked.ids, [2, 4, 1, 4, 4, 2000, 3, 0]);
    let targets = [(1, 5), (3, 6)].map(|(position, id)| Target { position, id });
    assert_eq!(masked.targets, targets);
    let nothing = all.mask(&single([2, 1, 3]), &vocabulary, &mut stream());
    assert_eq!((nothing.ids, nothing.targets), (vec![2, 1, 3], vec![]));
    assert_eq!(
        all.mask(&[], &vocabulary, &mut stream()),
        MaskedSequence::default()
    );
    // Among many special tokens the rate is that of the others.
    let sequence = single([5, 1, 1, 1, 1, 1].into_iter().cycle().take(1200));
    let [chosen, ..] = counts(&Masking::default(), &sequence, 500);
    assert!(close(chosen, 100_000.0, 0.15), "{chosen}");
}

#[test]
fn a_special_token_within_a_word_ends_it() {
    let rare = masking(1e-12, [1.0, 0.0, 0.0]);
    let word = [5, 6, 1, 7, 8].map(Token::continuing);
    let mut seen = std::collections::BTreeSet::new();
    for index in 0..100 {
        let masked = rare.mask(&word, &vocabulary(), &mut Masking::stream(2, 0, index));
        seen.insert(masked.ids);
    }
    let words = [[4, 4, 1, 7, 8], [5, 6, 1, 4, 4]];
    assert!(seen.into_iter().eq(words.map(Vec::from)), "two words");
}

#[test]
fn a_block_may_begin_in_the_middle_of_a_word() {
    let block = [Token::continuing(5), Token::continuing(6), Token::new(7)];
    let masking = masking(0.5, [1.0, 0.0, 0.0]);
    let mut seen = [0; 3];
    for index in 0..300 {
        let masked = masking.mask(&block, &vocabulary(), &mut Masking::stream(2, 0, index));
        let place = match masked.ids[..] {
            [4, 4, 7] => 0,
            [5, 6, 4] => 1,
            [4, 4, 4] => 2,
            _ => panic!("{:?}", masked.ids),
        };
        seen[place] += 1;
    }
    assert!(seen.iter().all(|&count| count > 50), "{seen:?}");
}

#[test]
fn every_sequence_has_a_target_and_any_word_may_be_it() {
    let rare = masking(1e-12, [1.0, 0.0, 0.0]);
    let sequence = [2, 5, 6, 1, 7].map(Token::new);
    let sequence = [&sequence[..], &[Token::continuing(8), Token::new(3)]].concat();
    let mut seen = std::collections::BTreeMap::new();
    for index in 0..3000 {
        let masked = rare.mask(&sequence, &vocabulary(), &mut Masking::stream(2, 0, index));
        *seen.entry(masked.ids).or_insert(0.0) += 1.0;
    }
    let words = [
        vec![2, 4, 6, 1, 7, 8, 3],
        vec![2, 5, 4, 1, 7, 8, 3],
        vec![2, 5, 6, 1, 4, 4, 3],
    ];
    for word in &words {
        assert!(close(seen[word], 3000.0, 1.0 / 3.0), "{seen:?}");
    }
    assert_eq!(seen.len(), 3);
}

#[test]
fn masks_follow_from_seed_epoch_and_index() {
    let sequence = single(5..105);
    let mask = |seed, epoch, index| {
        let mut random = Masking::stream(seed, epoch, index);
        Masking::default().mask(&sequence, &vocabulary(), &mut random)
    };
    assert_eq!(mask(1, 2, 3), mask(1, 2, 3));
    for other in [mask(2, 2, 3), mask(1, 3, 3), mask(1, 2, 4), mask(1, 3, 2)] {
        assert_ne!(other, mask(1, 2, 3));
    }
}

#[test]
fn the_masks_of_a_seed_stay_what_they_are() {
    let masking = masking(0.3, [0.5, 0.3, 0.2]);
    let masked = masking.mask(&single(5..65), &vocabulary(), &mut stream());
    let places = masked.targets.iter().map(|target| target.position);
    let shown: Vec<_> = places.map(|place| (place, masked.ids[place])).collect();
    // The token at place 21 and the last one are random choices to keep what is there.
    let expected = [
        (4, 4),
        (10, 489),
        (14, 198),
        (21, 26),
        (27, 4),
        (35, 4),
        (39, 4),
        (41, 4),
        (42, 947),
        (44, 451),
        (45, 640),
        (46, 714),
        (47, 4),
        (53, 4),
        (54, 4),
        (56, 4),
        (57, 62),
    ];
    assert_eq!(shown, expected);
}

proptest! {
    #[test]
    fn targets_restore_the_sequence(
        tokens in prop::collection::vec((0_u32..1010, any::<bool>()), 0..80),
        rate in prop_oneof![Just(1e-9), 0.01_f64..=1.0],
        shares in prop_oneof![
            Just([0.8, 0.1, 0.1]), Just([1.0, 0.0, 0.0]), Just([0.0, 1.0, 0.0]), Just([0.0, 0.0, 1.0]),
        ],
        seed in any::<u64>(),
    ) {
        let vocabulary = vocabulary();
        let tokens: Vec<Token> = tokens
            .into_iter()
            .map(|(id, continues)| if continues { Token::continuing(id) } else { Token::new(id) })
            .collect();
        let ids: Vec<u32> = tokens.iter().map(|token| token.id()).collect();
        let masked = masking(rate, shares).mask(&tokens, &vocabulary, &mut Masking::stream(seed, 0, 0));
        prop_assert_eq!(masked.restored(), &ids[..]);
        let hideable = ids.iter().any(|&id| vocabulary.hides(id));
        prop_assert_eq!(masked.targets.is_empty(), !hideable);
        let positions: Vec<usize> = masked.targets.iter().map(|target| target.position).collect();
        prop_assert!(positions.is_sorted_by(|a, b| a < b));
        for (position, (&before, &after)) in ids.iter().zip(&masked.ids).enumerate() {
            let is_target = positions.binary_search(&position).is_ok();
            prop_assert!(vocabulary.hides(before) || !is_target);
            prop_assert!(before == after || is_target && (after == 4 || vocabulary.hides(after)));
            // Of a word all or none.
            if position > 0 && tokens[position].continues_word() {
                let neighbour = ids[position - 1];
                if vocabulary.hides(before) && vocabulary.hides(neighbour) {
                    prop_assert_eq!(is_target, positions.binary_search(&(position - 1)).is_ok());
                }
            }
        }
    }
}
