//! Any bytes as a token file: opened, every sequence read.
#![no_main]

use cloze_data::corpus::TokenFile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("corpus.safetensors");
    std::fs::write(&path, bytes).expect("a temporary file can be written");
    let Ok(file) = TokenFile::open(&path) else {
        return;
    };
    let mut tokens = Vec::new();
    for sequence in file.sequences_from(0).map_while(Result::ok) {
        if file.read_span(sequence.span.clone(), &mut tokens).is_ok() {
            assert_eq!(tokens.len() as u64, sequence.tokens());
        }
    }
});
