use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

/// A folder that goes with the file in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corpus.safetensors");
    (folder, path)
}

type Written = Vec<(Vec<Token>, bool)>;

fn write(path: &Path, sequences: &Written) -> TokenFile {
    let mut writer = TokenFileWriter::create(path).unwrap();
    for (tokens, starts_document) in sequences {
        writer.push(tokens, *starts_document).unwrap();
    }
    writer.finish().unwrap()
}

fn token() -> impl Strategy<Value = Token> {
    (0..=Token::LAST_ID, any::<bool>()).prop_map(|(id, continues)| {
        if continues {
            Token::continuing(id)
        } else {
            Token::new(id)
        }
    })
}

fn sequences() -> impl Strategy<Value = Written> {
    let lengths = prop_oneof![4 => 0_usize..20, 1 => 1000_usize..2100];
    let tokens = lengths.prop_flat_map(|length| prop::collection::vec(token(), length));
    prop::collection::vec((tokens, any::<bool>()), 0..12)
}

/// Reads all that a file says; for a damaged one, as far as that goes.
fn read_all(file: &TokenFile) -> Result<Written, CorpusError> {
    let mut all = Vec::new();
    for index in 0..file.sequences() {
        let mut tokens = Vec::new();
        file.read(index, &mut tokens)?;
        assert_eq!(tokens.len() as u64, file.length(index)?);
        all.push((tokens, file.starts_document(index)?));
    }
    let listed = file.sequences_from(0).collect::<Result<Vec<_>, _>>()?;
    for (sequence, (tokens, starts_document)) in listed.iter().zip(&all) {
        assert_eq!(sequence.tokens(), tokens.len() as u64);
        assert_eq!(sequence.starts_document, *starts_document);
    }
    assert_eq!(listed.len(), all.len());
    let mut tokens = Vec::new();
    file.read_span(0..file.tokens(), &mut tokens)?;
    Ok(all)
}

#[test]
fn a_file_without_sequences_is_a_file() {
    let (_folder, path) = place();
    let file = write(&path, &vec![]);
    assert_eq!((file.sequences(), file.tokens()), (0, 0));
    assert!(file.sequences_from(0).next().is_none());
}

#[test]
fn notes_are_kept_and_have_their_limit() {
    let (_folder, path) = place();
    let mut writer = TokenFileWriter::create(&path).unwrap();
    writer.note("key", "a \"quoted\" note");
    let file = writer.finish().unwrap();
    assert_eq!(file.metadata("key"), Some("a \"quoted\" note"));
    assert_eq!(file.metadata("other"), None);
    let mut writer = TokenFileWriter::create(&path).unwrap();
    writer.note("key", &"long".repeat(2000));
    let error = writer.finish().unwrap_err();
    assert!(matches!(error, CorpusError::Write { .. }), "{error:?}");
    assert!(TokenFile::open(&path).is_ok(), "the old file stays");
}

#[test]
fn an_unfinished_file_leaves_nothing() {
    let (folder, path) = place();
    let mut writer = TokenFileWriter::create(&path).unwrap();
    writer.push(&[Token::new(1)], true).unwrap();
    drop(writer);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let (_folder, path) = place();
    fs::write(&path, "a file").unwrap();
    let below = path.join("corpus.safetensors");
    let error = TokenFileWriter::create(&below).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot write {}", below.display())
    );
}

#[test]
fn sequences_are_listed_from_any_on() {
    let (_folder, path) = place();
    // More than are looked up at once.
    let written: Written = (0..3000_u32)
        .map(|index| (vec![Token::new(index); index as usize % 3], index % 7 == 0))
        .collect();
    let file = write(&path, &written);
    for first in [0, 1, 1022, 1023, 1024, 2046, 2999, 3000, 3001] {
        let listed: Vec<_> = file.sequences_from(first).map(Result::unwrap).collect();
        assert_eq!(listed.len() as u64, 3000_u64.saturating_sub(first));
        for (sequence, index) in listed.iter().zip(first..) {
            assert_eq!(*sequence, file.sequence(index).unwrap());
            assert_eq!(sequence.tokens(), index % 3);
            assert_eq!(sequence.starts_document, index % 7 == 0);
        }
    }
}

/// What is said of a file with these bytes.
fn message(bytes: &[u8]) -> String {
    let (folder, path) = place();
    fs::write(&path, bytes).unwrap();
    let error = TokenFile::open(&path).unwrap_err().to_string();
    error.replace(&format!("{}/", folder.path().display()), "")
}

/// The bytes of a file with a header of its own length.
fn with_header(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

#[test]
fn what_is_no_token_file_is_named() {
    assert_eq!(
        message(b"short"),
        "corpus.safetensors: found a file of 5 bytes, wanted a file of cloze-tokens"
    );
    assert_eq!(
        message(b"a text of more than eight bytes"),
        "corpus.safetensors: found a header of 8007528197911748705 bytes, wanted a file of \
         cloze-tokens"
    );
    assert_eq!(
        message(&with_header("{}", &[])),
        "corpus.safetensors, field `format`: found nothing, wanted \"cloze-tokens\""
    );
    let other = r#"{"__metadata__": {"format": "pt"}}"#;
    assert_eq!(
        message(&with_header(other, &[])),
        "corpus.safetensors, field `format`: found \"pt\", wanted \"cloze-tokens\""
    );
    let newer = r#"{"__metadata__": {"format": "cloze-tokens", "version": "2"}}"#;
    assert_eq!(
        message(&with_header(newer, &[])),
        "corpus.safetensors, field `version`: found \"2\", wanted \"1\""
    );
}

#[test]
fn what_is_wrong_with_a_token_file_is_named() {
    let file = |tokens: &str, offsets: &str, data: &[u8]| {
        let metadata = r#""__metadata__": {"format": "cloze-tokens", "version": "1"}"#;
        let header = format!(r#"{{{metadata}, "tokens": {tokens}, "offsets": {offsets}}}"#);
        message(&with_header(&header, data))
    };
    let tokens = r#"{"dtype": "U32", "shape": [1], "data_offsets": [0, 4]}"#;
    let offsets = r#"{"dtype": "U64", "shape": [2], "data_offsets": [4, 20]}"#;
    assert_eq!(
        file(tokens, offsets, &[0; 19]),
        "corpus.safetensors, field `offsets`: found only 19 bytes of data: the file is cut short, \
         wanted its bytes 4 to 20"
    );
    assert_eq!(
        file(tokens, offsets, &[0; 21]),
        "corpus.safetensors: found 1 bytes behind its last tensor, wanted none"
    );
    assert_eq!(
        file(tokens, offsets, &[0; 20]),
        "corpus.safetensors, field `offsets`: found 0, wanted 1, the number of tokens, as the last"
    );
    let floats = r#"{"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}"#;
    assert_eq!(
        file(floats, offsets, &[0; 20]),
        "corpus.safetensors, field `tokens`: found F32 numbers of shape [1], wanted U32 numbers of \
         shape [n]"
    );
    let larger = r#"{"dtype": "U32", "shape": [4611686018427387905], "data_offsets": [0, 4]}"#;
    assert!(file(larger, offsets, &[0; 20]).contains("field `tokens`: found 4 bytes, wanted"));
}

#[test]
fn offsets_that_do_not_ascend_are_found_when_they_are_read() {
    let (_folder, path) = place();
    let written = vec![
        (vec![Token::new(1); 3], true),
        (vec![Token::new(2); 3], false),
    ];
    write(&path, &written);
    let mut bytes = fs::read(&path).unwrap();
    let second = bytes.len() - 16;
    bytes[second] = 7;
    fs::write(&path, bytes).unwrap();
    let file = TokenFile::open(&path).unwrap();
    let error = file.read(0, &mut Vec::new()).unwrap_err().to_string();
    assert!(
        error.ends_with(
            "field `offsets`: found tokens 0 to 7 as sequence 0, wanted offsets that ascend to 6"
        ),
        "{error}"
    );
    let listed: Vec<_> = file.sequences_from(0).collect();
    assert_eq!(listed.len(), 1, "an error ends the list");
    assert!(listed[0].is_err());
}

#[test]
fn any_reader_of_the_format_finds_the_tensors() {
    let (_folder, path) = place();
    write(
        &path,
        &vec![(
            vec![Token::new(1), Token::continuing(2), Token::new(3)],
            true,
        )],
    );
    let bytes = fs::read(&path).unwrap();
    // The header as any reader of the format takes it: its length, and JSON that may end in spaces.
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
    assert_eq!(header["tokens"]["dtype"], "U32");
    assert_eq!(header["tokens"]["data_offsets"], serde_json::json!([0, 12]));
    assert_eq!(header["offsets"]["dtype"], "U64");
    assert_eq!(
        header["offsets"]["data_offsets"],
        serde_json::json!([12, 28])
    );
    assert_eq!(bytes.len(), 8 + length + 28);
}

proptest! {
    #[test]
    fn what_was_written_is_read(written in sequences()) {
        let (_folder, path) = place();
        let file = write(&path, &written);
        prop_assert_eq!(file.sequences(), written.len() as u64);
        prop_assert_eq!(&read_all(&file).unwrap(), &written);
        prop_assert_eq!(&read_all(&TokenFile::open(&path).unwrap()).unwrap(), &written);
    }

    #[test]
    fn any_span_is_that_part_of_all_tokens(
        written in sequences(),
        ends in (any::<prop::sample::Index>(), any::<prop::sample::Index>()),
    ) {
        let (_folder, path) = place();
        let file = write(&path, &written);
        let all: Vec<Token> = written.into_iter().flat_map(|(tokens, _)| tokens).collect();
        let [a, b] = [ends.0, ends.1].map(|end| end.index(all.len() + 1));
        let (begin, end) = (a.min(b), a.max(b));
        let mut read = vec![Token::new(9)];
        file.read_span(begin as u64..end as u64, &mut read).unwrap();
        prop_assert_eq!(&read, &all[begin..end]);
    }

    /// Whatever happens to the bytes: a value or an error, never a panic.
    #[test]
    fn a_damaged_file_is_an_error_or_read(
        written in sequences(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        near_the_front in any::<bool>(),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let (_folder, path) = place();
        write(&path, &written);
        let mut bytes = fs::read(&path).unwrap();
        // The header is mostly spaces: damage is looked for where something stands.
        let reach = if near_the_front { bytes.len().min(330) } else { bytes.len() };
        for (place, byte) in damage {
            let place = if near_the_front {
                place.index(reach)
            } else {
                bytes.len() - 1 - place.index((bytes.len() - 4096).max(1))
            };
            bytes[place] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        fs::write(&path, bytes).unwrap();
        if let Ok(file) = TokenFile::open(&path) {
            let _ = read_all(&file);
        }
    }
}
