use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::corpus::small_tokenizer::tokenizer;
use crate::splits::Part;

fn tokens_of(file: &TokenFile) -> Vec<Vec<Token>> {
    let mut all = Vec::new();
    for index in 0..file.sequences() {
        let mut tokens = Vec::new();
        file.read(index, &mut tokens).unwrap();
        all.push(tokens);
    }
    all
}

fn options(layout: Layout) -> BuildOptions {
    BuildOptions {
        layout,
        words: WordRule::None,
        split: None,
        limits: PerPart::default(),
    }
}

fn sentences(documents: Documents) -> Layout {
    Layout::Sentences {
        splitter: SentenceSplitter::default(),
        documents,
    }
}

fn paths(folder: &TempDir, parts: &[Part]) -> PerPart<Option<PathBuf>> {
    let mut paths = PerPart::default();
    for &part in parts {
        *paths.get_mut(part) = Some(folder.path().join(part.name()));
    }
    paths
}

type Built = Result<PerPart<Option<BuiltPart>>, CorpusError>;

const WORDS: &str = "a b c d e . ##x";

fn build_at(folder: &TempDir, texts: &[&str], options: &BuildOptions, parts: &[Part]) -> Built {
    let texts = texts.iter().map(|&text| Ok(text.to_owned()));
    let paths = paths(folder, parts);
    build_corpus(texts, &tokenizer(WORDS), options, &paths, |_| {
        ControlFlow::Continue(())
    })
}

/// The training part of these texts: ids, the flags, the counts.
fn train(texts: &[&str], options: &BuildOptions) -> (Vec<Vec<u32>>, Vec<bool>, Counts) {
    let folder = tempfile::tempdir().unwrap();
    let built = build_at(&folder, texts, options, &[Part::Train]).unwrap();
    let BuiltPart { file, counts } = built.train.unwrap();
    let sequences = tokens_of(&file).into_iter();
    let ids = sequences.map(|tokens| tokens.into_iter().map(Token::id).collect());
    let starts = (0..file.sequences()).map(|index| file.starts_document(index).unwrap());
    assert_eq!(BuiltPart::open(file.path()).unwrap().counts, counts);
    (ids.collect(), starts.collect(), counts)
}

#[test]
fn whole_texts_have_special_tokens_and_are_not_cut() {
    let (ids, starts, counts) = train(&["a b", "", "z", "c z  cx", " "], &options(Layout::Whole));
    assert_eq!(ids, [vec![2, 5, 6, 3], vec![2, 7, 1, 7, 11, 3]]);
    assert_eq!(starts, [true, true]);
    let expected = Counts {
        sequences: 2,
        tokens: 10,
        unknown: 1,
        cut: 0,
        longest: 6,
        dropped: 1,
    };
    assert_eq!(counts, expected);
}

#[test]
fn lines_are_cut_to_a_length_and_counted() {
    let layout = Layout::Lines { max_length: 4 };
    let (ids, _, counts) = train(&["a b c d e", "a b", "a"], &options(layout));
    assert_eq!(ids, [vec![2, 5, 6, 3], vec![2, 5, 6, 3], vec![2, 5, 3]]);
    assert_eq!((counts.cut, counts.longest, counts.tokens), (1, 7, 11));
}

#[test]
fn words_are_marked_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let options = BuildOptions {
        words: WordRule::Spaces,
        ..options(Layout::Whole)
    };
    let built = build_at(&folder, &["ax b. c"], &options, &[Part::Train]).unwrap();
    let tokens = tokens_of(&built.train.unwrap().file);
    assert_eq!(format!("{tokens:?}"), "[[2, 5, ##11, 6, ##10, 7, 3]]");
}

#[test]
fn sentences_of_lines_are_one_document_up_to_a_blank_line() {
    let layout = sentences(Documents::BlankTexts);
    let texts = ["a. b c.", "d", "", "", "z", "e. a\n\nb. c"];
    let (ids, starts, counts) = train(&texts, &options(layout));
    let expected = [
        vec![5, 10],
        vec![6, 7, 10],
        vec![8],
        vec![9, 10],
        vec![5],
        vec![6, 10],
        vec![7],
    ];
    assert_eq!(ids, expected);
    assert_eq!(starts, [true, false, false, true, false, true, false]);
    assert_eq!(
        (counts.sequences, counts.dropped, counts.unknown),
        (7, 1, 0)
    );
}

#[test]
fn a_row_of_a_table_is_a_document() {
    let (_, starts, _) = train(
        &["a. b", "c", "d. e"],
        &options(sentences(Documents::Texts)),
    );
    assert_eq!(starts, [true, false, true, true, false]);
}

#[test]
fn one_pass_writes_every_part_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let texts: Vec<String> = (0..9000)
        .map(|number| ["a", "b c", "d e a"][number % 3].to_owned())
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let split = SplitByText::new(0.2, 0.1, 5).unwrap();
    let options = BuildOptions {
        split: Some(split),
        ..options(Layout::Whole)
    };
    let built = build_at(&folder, &texts, &options, &Part::ALL).unwrap();
    let mut sequences = Part::ALL.map(|part| {
        let file = &built.get(part).as_ref().unwrap().file;
        tokens_of(file).into_iter()
    });
    for (number, text) in texts.iter().enumerate() {
        let part = split.part(number as u64) as usize;
        let tokens = sequences[part].next().unwrap();
        assert_eq!(tokens.len(), text.split(' ').count() + 2);
    }
    assert!(sequences.iter_mut().all(|rest| rest.next().is_none()));
}

#[test]
fn neighbours_in_a_file_were_neighbours_in_the_text() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["a", "b", "c", "d", "e"];
    let text: Vec<&str> = (0..2000).map(|number| words[number % 5]).collect();
    let options = BuildOptions {
        split: Some(SplitByText::new(0.3, 0.0, 5).unwrap()),
        ..options(sentences(Documents::BlankTexts))
    };
    let parts = [Part::Train, Part::Validation];
    let built = build_at(&folder, &text, &options, &parts).unwrap();
    let mut total = 0;
    for part in parts {
        let file = &built.get(part).as_ref().unwrap().file;
        let ids: Vec<u32> = tokens_of(file)
            .iter()
            .map(|tokens| tokens[0].id())
            .collect();
        for (index, pair) in (1..).zip(ids.windows(2)) {
            let follows = (pair[0] - 5 + 1) % 5 == pair[1] - 5;
            assert!(follows || file.starts_document(index).unwrap(), "{index}");
        }
        total += ids.len();
    }
    assert_eq!(total, 2000);
}

#[test]
fn a_part_takes_no_more_than_its_limit_and_no_text_is_read_beyond_the_last() {
    let folder = tempfile::tempdir().unwrap();
    let mut read = 0;
    let endless = (0_u64..).map(|_| {
        read += 1;
        Ok("a b".to_owned())
    });
    let options = BuildOptions {
        split: Some(SplitByText::new(0.5, 0.0, 1).unwrap()),
        limits: PerPart {
            train: Some(100),
            validation: Some(10),
            test: None,
        },
        ..options(Layout::Whole)
    };
    let paths = paths(&folder, &[Part::Train, Part::Validation]);
    let go_on = |_: &Progress| ControlFlow::Continue(());
    let built = build_corpus(endless, &tokenizer(WORDS), &options, &paths, go_on).unwrap();
    assert_eq!(built.train.unwrap().file.sequences(), 100);
    assert_eq!(built.validation.unwrap().file.sequences(), 10);
    assert_eq!(read, WINDOW_TEXTS);
}

/// The files of a folder.
fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_part_without_texts_is_an_error_and_leaves_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let parts = [Part::Train, Part::Validation];
    let error = build_at(&folder, &["a", "b", ""], &options(Layout::Whole), &parts).unwrap_err();
    assert_eq!(
        error.of_texts(Path::new("texts.txt")).to_string(),
        "texts.txt, validation split: found none among 3 texts, wanted at least one text that is \
         not blank and not of unknown tokens alone"
    );
    assert_eq!(files(folder.path()), 0);
}

#[test]
fn building_stops_when_it_is_asked_to() {
    let folder = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    let texts = (0..10_000).map(|_| Ok("a b".to_owned()));
    let paths = paths(&folder, &[Part::Train]);
    let built = build_corpus(
        texts,
        &tokenizer(WORDS),
        &options(Layout::Whole),
        &paths,
        |done| {
            seen.push(*done);
            match done.texts {
                8192.. => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        },
    );
    assert!(matches!(built, Err(CorpusError::Stopped)));
    let expected = [4096, 8192].map(|texts| Progress {
        texts,
        bytes: 4 * texts,
    });
    assert_eq!(seen, expected);
    assert_eq!(files(folder.path()), 0);
}

#[test]
fn an_error_of_the_reader_or_the_tokenizer_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::Lines { max_length: 1 };
    let error = build_at(&folder, &["", "a"], &options(layout), &[Part::Train]).unwrap_err();
    assert_eq!(error.to_string(), "text 2 of the corpus");
    let bad = cloze_core::InputError::new("t.csv", "1 field", "2 fields").at_line(7);
    let texts = [Ok("a".to_owned()), Err(ReadError::from(bad))];
    let paths = paths(&folder, &[Part::Train]);
    let go_on = |_: &Progress| ControlFlow::Continue(());
    let error = build_corpus(
        texts,
        &tokenizer(WORDS),
        &options(Layout::Whole),
        &paths,
        go_on,
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "t.csv, line 7: found 1 field, wanted 2 fields"
    );
    assert_eq!(files(folder.path()), 0);
}
