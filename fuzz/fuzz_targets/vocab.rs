//! Any bytes as a `vocab.txt`.
#![no_main]

use cloze_data::tokenizer::{DecodeOptions, EncodeOptions, Tokenizer, WordPieceOptions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("vocab.txt");
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    let Ok(tokenizer) = Tokenizer::from_vocab(&path, &WordPieceOptions::default()) else {
        return;
    };
    let text = String::from_utf8_lossy(bytes);
    let encoding = tokenizer
        .encode(&text.as_ref().into(), &EncodeOptions::default())
        .expect("a vocabulary with its special tokens encodes any text");
    tokenizer
        .decode(&encoding.ids, &DecodeOptions::default())
        .expect("ids of the vocabulary are decoded");
});
