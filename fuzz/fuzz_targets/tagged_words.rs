//! Any bytes as sentences of tagged words, in columns and as `word/tag` text.
#![no_main]

use cloze_data::readers::BadRows;
use cloze_data::readers::tagged::{TagReadOptions, read_tagged_sentences};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["words.conll", "words.tagged"] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file can be written");
        let options = TagReadOptions {
            bad_rows: BadRows::Skip,
            ..TagReadOptions::default()
        };
        if let Ok(found) = read_tagged_sentences(&path, &options) {
            for sentence in &found.sentences {
                assert_eq!(sentence.words.len(), sentence.tags.len());
                assert!(found.scheme.validate(&sentence.tags).is_ok());
            }
        }
    }
});
