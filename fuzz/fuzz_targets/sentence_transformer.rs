//! Any bytes as a file of a folder of `sentence-transformers`: the first one says which, the others
//! are whole.
#![no_main]

use std::fs;

use cloze_model::checkpoint::SentenceTransformer;
use libfuzzer_sys::fuzz_target;

const FILES: [(&str, &str); 5] = [
    (
        "modules.json",
        r#"[{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling",
             "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Dense",
             "type": "sentence_transformers.models.Dense"}]"#,
    ),
    ("sentence_bert_config.json", r#"{"max_seq_length": 8}"#),
    (
        "1_Pooling/config.json",
        r#"{"word_embedding_dimension": 4, "pooling_mode_mean_tokens": true}"#,
    ),
    (
        "2_Dense/config.json",
        r#"{"in_features": 4, "out_features": 2, "bias": true,
            "activation_function": "torch.nn.modules.activation.Tanh"}"#,
    ),
    (
        "config_sentence_transformers.json",
        r#"{"prompts": {"query": "q: "}, "similarity_fn_name": "dot"}"#,
    ),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["1_Pooling", "2_Dense"] {
        fs::create_dir(folder.path().join(name)).expect("a folder can be made");
    }
    for (index, (name, whole)) in FILES.into_iter().enumerate() {
        let content = match index == usize::from(which) % FILES.len() {
            true => bytes,
            false => whole.as_bytes(),
        };
        fs::write(folder.path().join(name), content).expect("a file can be written");
    }
    let _ = SentenceTransformer::read(folder.path());
});
