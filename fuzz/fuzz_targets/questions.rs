//! Any bytes as questions with their answers, in SQuAD's layout and as JSON lines.
#![no_main]

use cloze_data::readers::BadRows;
use cloze_data::readers::questions::{QuestionReadOptions, read_questions};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    for name in ["questions.json", "questions.jsonl"] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a temporary file can be written");
        let options = QuestionReadOptions {
            bad_rows: BadRows::Skip,
            ..QuestionReadOptions::default()
        };
        if let Ok(found) = read_questions(&path, &options) {
            for question in &found.questions {
                for answer in &question.answers {
                    let characters = question.context.chars().skip(answer.start);
                    let text: String = characters.take(answer.end() - answer.start).collect();
                    assert_eq!(text, answer.text);
                }
            }
        }
    }
});
