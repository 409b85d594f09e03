use std::collections::BTreeMap;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::corpus::TokenFileWriter;
use crate::corpus::small_tokenizer::tokenizer;

/// Documents as lists of sentence lengths. Token `position` of sentence `number` has an id that
/// tells both.
fn sentences(folder: &TempDir, documents: &[Vec<usize>]) -> TokenFile {
    let mut writer = TokenFileWriter::create(&folder.path().join("sentences")).unwrap();
    let mut number = 0;
    for document in documents {
        for (place, &length) in document.iter().enumerate() {
            let tokens: Vec<Token> = (0..length)
                .map(|position| token(number, position))
                .collect();
            writer.push(&tokens, place == 0).unwrap();
            number += 1;
        }
    }
    writer.finish().unwrap()
}

const PER_SENTENCE: usize = 1000;

/// Every token continues a word: a pair's texts begin one all the same.
fn token(sentence: usize, position: usize) -> Token {
    Token::continuing((5 + sentence * PER_SENTENCE + position) as u32)
}

fn table(folder: &TempDir) -> PathBuf {
    folder.path().join("pairs")
}

fn pairs(documents: &[Vec<usize>], options: PairOptions) -> Result<SentencePairs, CorpusError> {
    let folder = tempfile::tempdir().unwrap();
    let file = sentences(&folder, documents);
    let special = tokenizer("a").special().clone();
    SentencePairs::create(file, &table(&folder), &special, options)
}

fn neighbours(max_length: usize) -> PairOptions {
    PairOptions {
        rule: PairRule::Neighbours,
        max_length,
        seed: 3,
    }
}

fn runs(max_length: usize) -> PairOptions {
    PairOptions {
        rule: PairRule::Runs { short: 0.1 },
        max_length,
        seed: 3,
    }
}

/// The two texts of a pair as (sentence, position), after a look at what is around them.
fn texts(pair: &SentencePair) -> [Vec<(usize, usize)>; 2] {
    let ids: Vec<u32> = pair.tokens.iter().map(|token| token.id()).collect();
    let first_end = ids.iter().position(|&id| id == 3).unwrap();
    assert_eq!((ids[0], ids.last()), (2, Some(&3)), "[CLS] … [SEP]");
    let types = (0..ids.len()).map(|position| u32::from(position > first_end));
    assert_eq!(pair.type_ids, types.collect::<Vec<_>>());
    let text = |range: Range<usize>| {
        assert!(
            !pair.tokens[range.start].continues_word(),
            "a text begins a word"
        );
        let places = ids[range].iter().map(|&id| id as usize - 5);
        places
            .map(|place| (place / PER_SENTENCE, place % PER_SENTENCE))
            .collect()
    };
    [text(1..first_end), text(first_end + 1..ids.len() - 1)]
}

#[test]
fn every_sentence_has_a_true_and_a_random_pair() {
    let pairs = pairs(&[vec![2, 3], vec![1], vec![2, 2, 1]], neighbours(50)).unwrap();
    assert_eq!(pairs.len(), 6);
    for (row, sentence) in [0, 3, 4].into_iter().enumerate() {
        let index = 2 * row as u64;
        let pair = pairs.pair(index, 0).unwrap();
        let [first, second] = texts(&pair);
        assert_eq!((first[0].0, second[0].0), (sentence, sentence + 1));
        assert_eq!((pair.follows, pair.label()), (true, 0));
        let pair = pairs.pair(index + 1, 0).unwrap();
        let [first, second] = texts(&pair);
        assert_eq!(first[0].0, sentence);
        assert!(second[0].0.abs_diff(sentence) > 1);
        assert_eq!((pair.follows, pair.label()), (false, 1));
    }
}

#[test]
fn random_sentences_are_all_at_a_distance_and_other_ones_in_every_epoch() {
    let pairs = pairs(&[vec![1; 8]], neighbours(50)).unwrap();
    let mut seen = BTreeMap::new();
    for epoch in 0..5000 {
        // The random pair of sentence 2.
        let [_, second] = texts(&pairs.pair(5, epoch).unwrap());
        *seen.entry(second[0].0).or_insert(0_u32) += 1;
    }
    assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [0, 4, 5, 6, 7]);
    // Five standard deviations are 141.
    assert!(
        seen.values().all(|count| count.abs_diff(1000) < 141),
        "{seen:?}"
    );
}

#[test]
fn pairs_follow_from_the_seed() {
    let documents = [vec![3; 30], vec![3; 30]];
    let of_seed = |options: PairOptions, seed| {
        let pairs = pairs(&documents, PairOptions { seed, ..options }).unwrap();
        let all = (0..pairs.len()).map(|index| pairs.pair(index, 1).unwrap());
        all.collect::<Vec<_>>()
    };
    for options in [neighbours(20), runs(20)] {
        assert_eq!(of_seed(options, 1), of_seed(options, 1));
        assert_ne!(of_seed(options, 1), of_seed(options, 2));
    }
}

#[test]
fn too_long_a_pair_is_cut_at_its_ends_the_longer_text_first() {
    let lengths = |first, second, max_length| {
        let documents = [vec![first, second], vec![1, 1]];
        let pairs = pairs(&documents, neighbours(max_length)).unwrap();
        let pair = pairs.pair(0, 0).unwrap();
        assert_eq!(pairs.length(0, 0).unwrap(), pair.tokens.len());
        let texts = texts(&pair);
        for (number, text) in texts.iter().enumerate() {
            let start: Vec<_> = (0..text.len()).map(|position| (number, position)).collect();
            assert_eq!(text, &start, "the start of the sentence");
        }
        texts.map(|text| text.len())
    };
    assert_eq!(lengths(4, 5, 12), [4, 5]);
    assert_eq!(lengths(10, 2, 12), [7, 2]);
    assert_eq!(lengths(2, 10, 12), [2, 7]);
    assert_eq!(lengths(10, 11, 13), [5, 5]);
    assert_eq!(lengths(900, 900, 5), [1, 1]);
}

#[test]
fn what_cannot_be_paired_is_an_error() {
    let message = |documents: &[Vec<usize>], options| {
        let error = pairs(documents, options).unwrap_err().to_string();
        error.rsplit('/').next().unwrap().to_owned()
    };
    for options in [neighbours(20), runs(20)] {
        assert_eq!(
            message(&[vec![1, 1, 1]], options),
            "sentences: found 3 sentences, wanted at least 4"
        );
    }
    assert_eq!(
        message(&[vec![1], vec![1], vec![1], vec![1]], neighbours(20)),
        "sentences: found 4 documents of one sentence each, wanted at least one sentence that \
         another one follows"
    );
    assert_eq!(
        message(&[vec![1; 4]], neighbours(4)),
        "found a length of 4 tokens, wanted at least 5: three special tokens and two sentences of \
         one token"
    );
}

#[test]
fn a_table_belongs_to_its_sentences_and_options() {
    let folder = tempfile::tempdir().unwrap();
    let special = tokenizer("a").special().clone();
    let write = |documents: &[Vec<usize>]| sentences(&folder, documents);
    let path = table(&folder);
    let documents = [vec![1; 5]];
    SentencePairs::create(write(&documents), &path, &special, runs(20)).unwrap();
    let open = |file, options| SentencePairs::open(file, &path, &special, options);
    assert!(open(write(&documents), runs(20)).is_ok());
    for (file, options, field) in [
        (write(&documents), neighbours(20), "rule"),
        (write(&documents), runs(21), "rule"),
        (write(&[vec![1; 6]]), runs(20), "sentences"),
        (write(&[vec![1, 1, 1, 1, 2]]), runs(20), "tokens"),
    ] {
        let error = open(file, options).unwrap_err().to_string();
        assert!(
            error.contains(&format!("field `{field}`: found")),
            "{error}"
        );
    }
}

#[test]
fn half_of_the_runs_follow_and_one_in_ten_is_short() {
    let documents: Vec<Vec<usize>> = (0..200).map(|_| vec![4; 100]).collect();
    let pairs = pairs(&documents, runs(67)).unwrap();
    let (mut follow, mut short) = (0.0, 0.0);
    for index in 0..pairs.len() {
        let pair = pairs.pair(index, 0).unwrap();
        follow += f64::from(u8::from(pair.follows));
        short += f64::from(u8::from(pair.tokens.len() < 60));
    }
    let count = pairs.len() as f64;
    assert!(count > 1000.0, "{count}");
    assert!((follow / count - 0.5).abs() < 0.06, "{follow} of {count}");
    // The rests of documents are short, too: 200 of them.
    assert!(
        (0.05..0.25).contains(&(short / count)),
        "{short} of {count}"
    );
}

fn documents() -> impl Strategy<Value = Vec<Vec<usize>>> {
    let lengths = prop_oneof![4 => 1_usize..12, 1 => 30_usize..90];
    prop::collection::vec(prop::collection::vec(lengths, 1..12), 1..8)
}

proptest! {
    #[test]
    fn neighbours_are_all_pairs_of_a_document_and_keep_their_distance(
        documents in documents(),
        max_length in 5_usize..60,
        epoch in 0_u64..3,
    ) {
        let count: usize = documents.iter().map(Vec::len).sum();
        let wanted = count - documents.len();
        let Ok(pairs) = pairs(&documents, neighbours(max_length)) else {
            prop_assert!(count < 4 || wanted == 0);
            return Ok(());
        };
        prop_assert_eq!(pairs.len(), 2 * wanted as u64);
        let document_of: Vec<usize> = documents
            .iter()
            .enumerate()
            .flat_map(|(number, document)| vec![number; document.len()])
            .collect();
        for index in 0..pairs.len() {
            let pair = pairs.pair(index, epoch).unwrap();
            prop_assert!(pair.tokens.len() <= max_length);
            prop_assert_eq!(pair.tokens.len(), pairs.length(index, epoch).unwrap());
            let [first, second] = texts(&pair).map(|text| text[0].0);
            if pair.follows {
                prop_assert_eq!(first + 1, second);
                prop_assert_eq!(document_of[first], document_of[second]);
            } else {
                prop_assert!(first.abs_diff(second) > 1);
            }
        }
    }

    #[test]
    fn runs_are_whole_sentences_in_order_and_lose_none(
        documents in documents(),
        max_length in 5_usize..120,
        epoch in 0_u64..3,
    ) {
        let count: usize = documents.iter().map(Vec::len).sum();
        let Ok(pairs) = pairs(&documents, runs(max_length)) else {
            prop_assert!(count < 4);
            return Ok(());
        };
        let lengths = documents.concat();
        let document_of: Vec<usize> = documents
            .iter()
            .enumerate()
            .flat_map(|(number, document)| vec![number; document.len()])
            .collect();
        let mut next = 0;
        for index in 0..pairs.len() {
            let pair = pairs.pair(index, epoch).unwrap();
            prop_assert!(pair.tokens.len() <= max_length);
            prop_assert_eq!(pair.tokens.len(), pairs.length(index, epoch).unwrap());
            let row = pairs.table.run(index).unwrap();
            let [first, second] = texts(&pair);
            // The texts begin where they should and go on without a gap.
            for text in [&first, &second] {
                prop_assert_eq!(text[0].1, 0);
                for pair in text.windows(2) {
                    let ((sentence, position), after) = (pair[0], pair[1]);
                    let ends = position + 1 == lengths[sentence];
                    let expected = if ends { (sentence + 1, 0) } else { (sentence, position + 1) };
                    prop_assert_eq!(after, expected);
                    prop_assert_eq!(document_of[sentence], document_of[after.0]);
                }
            }
            // Pairs take the sentences one after the other.
            prop_assert_eq!(first[0].0, next);
            prop_assert_eq!(row.first.start, next as u64);
            let (a, b) = (&row.first, second[0].0 as u64);
            if pair.follows {
                prop_assert_eq!(b, a.end);
                next = row.next_end as usize;
            } else {
                let last = second[second.len() - 1].0 as u64;
                if documents.len() > 1 {
                    prop_assert_ne!(document_of[b as usize], document_of[a.start as usize]);
                } else {
                    prop_assert!(b + 1 < a.start || b > a.end);
                }
                prop_assert!(last < a.start || b >= a.end, "the texts do not overlap");
                next = a.end as usize;
            }
        }
        prop_assert_eq!(next, count);
    }

    /// Whatever happens to the bytes: a value or an error, never a panic.
    #[test]
    fn a_damaged_table_is_an_error_or_read(
        documents in documents(),
        options in prop::sample::select(vec![neighbours(20), runs(20)]),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let special = tokenizer("a").special().clone();
        let path = table(&folder);
        let file = sentences(&folder, &documents);
        if SentencePairs::create(file, &path, &special, options).is_err() {
            return Ok(());
        }
        let mut bytes = std::fs::read(&path).unwrap();
        for (place, byte) in damage {
            // Behind the header: that of a token file is damaged elsewhere.
            let place = bytes.len() - 1 - place.index(bytes.len() - 4096);
            bytes[place] = byte;
        }
        std::fs::write(&path, bytes).unwrap();
        let file = TokenFile::open(&folder.path().join("sentences")).unwrap();
        let pairs = SentencePairs::open(file, &path, &special, options).unwrap();
        for index in 0..pairs.len() {
            let _ = pairs.pair(index, 0);
            let _ = pairs.length(index, 0);
        }
    }
}
