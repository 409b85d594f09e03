use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::readers::questions::{Answer, Question};
use crate::readers::tagged::TaggedSentence;
use crate::readers::{LabelledText, Value};

/// Kept with room for so many bytes in memory.
fn kept<R: Record>(records: &[R], memory: usize) -> Records<R> {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = RecordsWriter::with_memory(folder.path(), memory);
    records
        .iter()
        .for_each(|record| writer.push(record).unwrap());
    assert_eq!(writer.len(), records.len());
    // The file has no name, so nothing is left of it in its folder.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    writer.finish().unwrap()
}

fn come_back<R: Record + PartialEq + fmt::Debug>(records: &[R]) {
    for memory in [0, 100, usize::MAX] {
        let kept = kept(records, memory);
        let found: Vec<R> = kept.iter().map(Result::unwrap).collect();
        assert_eq!(found, records);
        for (index, record) in records.iter().enumerate().rev() {
            assert_eq!(&kept.get(index).unwrap(), record);
        }
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Integer),
        (-1e9_f64..1e9).prop_map(Value::Float),
        any::<String>().prop_map(Value::Text),
        prop::collection::vec(any::<u8>(), 0..9).prop_map(Value::Bytes),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        let entry = (any::<String>(), inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..3).prop_map(Value::List),
            prop::collection::vec(entry, 0..3).prop_map(Value::Object),
        ]
    })
}

fn text() -> impl Strategy<Value = LabelledText<Vec<String>>> {
    let label = prop::option::of(prop::collection::vec(any::<String>(), 0..3));
    let pair = any::<Option<String>>();
    let id = prop::option::of(value());
    (any::<String>(), pair, label, id, any::<usize>()).prop_map(
        |(text, text_pair, label, id, line)| LabelledText {
            text,
            text_pair,
            label,
            id,
            line,
        },
    )
}

fn sentence() -> impl Strategy<Value = TaggedSentence> {
    let words = prop::collection::vec((any::<String>(), any::<String>(), any::<usize>()), 0..9);
    (words, prop::option::of(value()), any::<usize>()).prop_map(|(words, id, line)| {
        TaggedSentence {
            words: words.iter().map(|word| word.0.clone()).collect(),
            tags: words.iter().map(|word| word.1.clone()).collect(),
            id,
            line,
            word_lines: words.iter().map(|word| word.2).collect(),
        }
    })
}

fn question() -> impl Strategy<Value = Question> {
    let answers = prop::collection::vec((any::<String>(), any::<usize>()), 0..3);
    let answer = |(text, start)| Answer { text, start };
    (any::<String>(), 0_usize..3, answers, any::<[usize; 3]>()).prop_map(
        move |(question, context, answers, [article, line, number])| Question {
            question,
            // Few different ones, of which neighbours have the same.
            context: ["", "a context", "另一个"][context].into(),
            article,
            answers: answers.into_iter().map(answer).collect(),
            id: None,
            line,
            number,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn texts_come_back(rows in prop::collection::vec(text(), 0..80)) {
        come_back(&rows);
    }

    #[test]
    fn sentences_come_back(rows in prop::collection::vec(sentence(), 0..40)) {
        come_back(&rows);
    }

    #[test]
    fn questions_come_back(rows in prop::collection::vec(question(), 0..40)) {
        come_back(&rows);
    }

    #[test]
    fn numbers_come_back_and_are_found_without_the_rest(
        numbers in prop::collection::vec((any::<u64>(), 0_u32..64, any::<String>()), 1..100),
    ) {
        let records: Vec<(usize, String)> = numbers
            .into_iter()
            .map(|(number, shift, text)| ((number >> shift) as usize, text))
            .collect();
        come_back(&records);
        let kept = kept(&records, 0);
        for (index, (number, _)) in records.iter().enumerate() {
            prop_assert_eq!(kept.first_number(index).unwrap(), *number as u64);
        }
    }

    /// Whatever bytes there are, reading them ends, with a record or without.
    #[test]
    fn damaged_bytes_are_no_record(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let decode = |bytes: &[u8]| LabelledText::<String>::decode(&mut Decoder::new(bytes, None)).is_ok();
        let whole = decode(&bytes);
        // What ends too early never is one, if the whole needed all of it.
        let mut decoder = Decoder::new(&bytes, None);
        if whole && LabelledText::<String>::decode(&mut decoder).is_ok() && decoder.is_at_end() {
            prop_assert!(!decode(&bytes[..bytes.len() - 1]));
        }
        let _ = Question::decode(&mut Decoder::new(&bytes, None));
        let _ = Value::decode(&mut Decoder::new(&bytes, None));
    }
}

#[test]
fn a_text_that_neighbours_share_is_kept_once() {
    let context: Arc<str> = "a context".repeat(1000).into();
    let question = |number: usize| Question {
        question: format!("question {number}"),
        context: Arc::clone(&context),
        article: 0,
        answers: Vec::new(),
        id: None,
        line: number,
        number,
    };
    let questions: Vec<Question> = (0..50).map(question).collect();
    let kept = kept(&questions, usize::MAX);
    assert_eq!(kept.texts.spool.len(), 1);
    let (first, last) = (kept.get(0).unwrap(), kept.get(49).unwrap());
    assert!(Arc::ptr_eq(&first.context, &last.context));
    assert_eq!(last, questions[49]);
}

#[test]
fn few_records_need_no_file_and_many_do() {
    let few = kept(&vec![String::from("a"); 100], IN_MEMORY);
    assert!(!few.is_on_disk());
    let many = kept(&vec!["a".repeat(1 << 12); 1100], IN_MEMORY);
    assert!(many.is_on_disk() && many.len() == 1100);
    assert_eq!(many.get(1099).unwrap().len(), 1 << 12);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut writer = RecordsWriter::with_memory(&file, 0);
    let error = writer.push(&String::from("a")).unwrap_err();
    let expected = format!("cannot write data into {}", file.display());
    assert_eq!(error.to_string(), expected);
}
