//! Any bytes as a `tokenizer.json`.
#![no_main]

use cloze_data::tokenizer::{DecodeOptions, EncodeOptions, Tokenizer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    std::fs::write(folder.path().join("tokenizer.json"), bytes)
        .expect("a temporary file can be written");
    let Ok(tokenizer) = Tokenizer::from_folder(folder.path()) else {
        return;
    };
    // Such a file may lack what some texts need; that is an error, not a panic.
    if let Ok(encoding) = tokenizer.encode(&"naïve 中国 [MASK]".into(), &EncodeOptions::default())
    {
        let _text = tokenizer.decode(&encoding.ids, &DecodeOptions::default());
    }
});
