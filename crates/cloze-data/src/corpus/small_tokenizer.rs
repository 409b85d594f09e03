//! A tokenizer for tests that says in a line which words it knows.

use crate::tokenizer::{Tokenizer, WordPieceOptions};

/// A tokenizer of BERT's kind: `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]`, `[MASK]` are 0 to 4, then come
/// these words in their order.
pub(crate) fn tokenizer(words: &str) -> Tokenizer {
    let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];
    let tokens: Vec<&str> = special.into_iter().chain(words.split(' ')).collect();
    let folder = tempfile::tempdir().unwrap();
    let vocab = folder.path().join("vocab.txt");
    std::fs::write(&vocab, tokens.join("\n")).unwrap();
    Tokenizer::from_vocab(&vocab, &WordPieceOptions::default()).unwrap()
}
