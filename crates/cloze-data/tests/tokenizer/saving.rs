//! A saved tokenizer is the tokenizer that was saved.

use std::fs;

use cloze_data::tokenizer::{EncodeOptions, TextInput, Tokenizer};
use serde_json::Value;

use crate::{chinese, uncased};

const TEXTS: [&str; 5] = [
    "I love China, naïvely.",
    "BERT模型在多项NLP任务中表现出色。",
    "Covid-19 and 新冠病毒 [MASK] [E]",
    "",
    "😀 e\u{301}",
];

fn ids(tokenizer: &Tokenizer) -> Vec<Vec<u32>> {
    let encodings =
        tokenizer.encode_batch(&TEXTS.map(TextInput::Single), &EncodeOptions::default());
    encodings.unwrap().into_iter().map(|one| one.ids).collect()
}

#[test]
fn it_loads_again_with_the_same_ids() {
    for mut tokenizer in [uncased(), chinese()] {
        tokenizer.add_tokens(&["COVID-19", "新冠病毒"]).unwrap();
        tokenizer.set_model_max_length(300);
        let folder = tempfile::tempdir().unwrap();
        tokenizer.save(folder.path()).unwrap();
        let again = Tokenizer::from_folder(folder.path()).unwrap();
        assert_eq!(ids(&again), ids(&tokenizer));
        assert_eq!(again.fingerprint(), tokenizer.fingerprint());
        assert_eq!(again.vocabulary(), tokenizer.vocabulary());
        assert_eq!(again.model_max_length(), Some(300));
        assert_eq!(again.base_vocab_size(), tokenizer.base_vocab_size());

        // The older files alone say the same.
        fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
        let older = Tokenizer::from_folder(folder.path()).unwrap();
        assert_eq!(ids(&older), ids(&tokenizer));
        assert_eq!(older.vocabulary(), tokenizer.vocabulary());
    }
}

#[test]
fn the_files_hold_what_transformers_reads() {
    let mut tokenizer = chinese();
    tokenizer.add_tokens(&["新冠病毒"]).unwrap();
    tokenizer.set_model_type("distilbert");
    let folder = tempfile::tempdir().unwrap();
    tokenizer.save(folder.path()).unwrap();
    let json = |name: &str| -> Value {
        serde_json::from_slice(&fs::read(folder.path().join(name)).unwrap()).unwrap()
    };
    let config = json("tokenizer_config.json");
    assert_eq!(config["tokenizer_class"], "DistilBertTokenizer");
    assert_eq!(config["do_lower_case"], false);
    assert_eq!(config["tokenize_chinese_chars"], true);
    assert_eq!(config["strip_accents"], Value::Null);
    assert_eq!(config["model_max_length"], 512);
    assert_eq!(config["added_tokens_decoder"]["101"]["special"], true);
    assert_eq!(
        config["added_tokens_decoder"]["21128"]["content"],
        "新冠病毒"
    );
    assert_eq!(json("special_tokens_map.json")["mask_token"], "[MASK]");
    assert_eq!(
        json("added_tokens.json"),
        serde_json::json!({"新冠病毒": 21128})
    );
    assert_eq!(
        json("tokenizer.json")["post_processor"]["type"],
        "BertProcessing"
    );
    let vocab = fs::read_to_string(folder.path().join("vocab.txt")).unwrap();
    assert_eq!(vocab.split('\n').count(), 21_129);
    assert_eq!(
        vocab,
        fs::read_to_string(crate::asset("vocab-zh/vocab.txt")).unwrap()
    );
}

#[test]
fn tokens_that_an_earlier_tokenizer_left_in_the_folder_are_not_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut extended = uncased();
    extended.add_tokens(&["covid"]).unwrap();
    extended.save(folder.path()).unwrap();
    uncased().save(folder.path()).unwrap();
    assert_eq!(Tokenizer::from_folder(folder.path()).unwrap().len(), 30_522);
    assert!(!folder.path().join("added_tokens.json").exists());
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = uncased().save(&file.join("below")).unwrap_err();
    assert!(error.to_string().starts_with("cannot write "), "{error}");
}
