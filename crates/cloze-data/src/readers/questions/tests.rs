use std::path::Path;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn with_file<T>(name: &str, content: &str, check: impl FnOnce(&Path) -> T) -> T {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    check(&path)
}

fn read(name: &str, content: &str, bad_rows: BadRows) -> Result<Questions, String> {
    let options = QuestionReadOptions {
        bad_rows,
        ..QuestionReadOptions::default()
    };
    with_file(name, content, |path| {
        let folder = format!("{}/", path.parent().unwrap().display());
        read_questions(path, &options).map_err(|error| error.to_string().replace(&folder, ""))
    })
}

fn answer(text: &str, start: usize) -> Answer {
    Answer {
        text: text.into(),
        start,
    }
}

const CONTEXT: &str = "新华社👍🏽北京 cafe\u{301} 天气";

fn squad(qas: &Json) -> Json {
    json!({"version": "v2.0", "data": [{"title": "t", "paragraphs": [
        {"context": CONTEXT, "qas": qas}
    ]}]})
}

#[test]
fn squad_files_are_read_with_offsets_in_characters() {
    let qas = json!([
        {"id": "a", "question": "哪里?", "answers": [
            {"text": "北京", "answer_start": 5}, {"text": "北京 cafe\u{301}", "answer_start": 5}]},
        {"id": "b", "question": "谁?", "answers": [], "is_impossible": true,
         "plausible_answers": [{"text": "新华社", "answer_start": 0}]},
        {"id": 3, "question": "c?", "answers": [{"text": "天气", "answer_start": 14}],
         "is_impossible": false},
    ]);
    let found = read("a.json", &squad(&qas).to_string(), BadRows::Stop).unwrap();
    assert_eq!(found.questions.len(), 3);
    let [first, second, third] = &found.questions[..] else {
        panic!("{found:?}");
    };
    assert_eq!(
        first.answers,
        [answer("北京", 5), answer("北京 cafe\u{301}", 5)]
    );
    assert_eq!(first.answers[1].end(), 13);
    assert_eq!((second.answers.len(), second.number), (0, 1));
    assert_eq!(third.id, Some(Value::Integer(3)));
    assert!(Arc::ptr_eq(&first.context, &third.context));
}

/// The layout of `cmrc2018_train.json` as it was first published.
#[test]
fn answers_of_the_first_cmrc_files_are_searched_in_their_contexts() {
    let context = "范廷颂于1919年生于宁平省；1949年他在宁平省。";
    let file = json!([
        {"context_id": "TRAIN_0", "context_text": context, "title": "范廷颂", "qas": [
            {"query_id": "TRAIN_0_QUERY_0", "query_text": "生于何处？", "answers": ["宁平省"]},
            {"query_id": "TRAIN_0_QUERY_1", "query_text": "何时？",
             "answers": ["1919年", "1949年", "1919年"]},
            {"query_id": "TRAIN_0_QUERY_2", "query_text": "谁？", "answers": ["范"]},
        ]},
        {"context_id": "TRAIN_1", "context_text": "天气", "qas": [
            {"query_id": "TRAIN_1_QUERY_0", "query_text": "何？", "answers": ["天"]},
        ]},
    ]);
    let found = read("a.json", &file.to_string(), BadRows::Stop).unwrap();
    let answers: Vec<&[Answer]> = found.questions.iter().map(|row| &row.answers[..]).collect();
    assert_eq!(answers[0], [answer("宁平省", 11)]);
    assert_eq!(
        answers[1],
        [
            answer("1919年", 4),
            answer("1949年", 15),
            answer("1919年", 4)
        ]
    );
    assert_eq!((found.repeated_answers, found.questions.len()), (1, 4));
    let last = &found.questions[3];
    assert_eq!((last.article, &*last.context), (1, "天气"));
    assert_eq!(last.id, Some(Value::Text("TRAIN_1_QUERY_0".into())));
}

#[test]
fn what_is_wrong_with_the_first_cmrc_files_is_named() {
    let file = "[{\"context_text\": \"天气很好\", \"qas\": [\n\
                {\"query_text\": \"q\", \"answers\": [\"天\", \"坏\"]},\n\
                {\"query_text\": \"q\", \"answers\": []},\n\
                {\"query_text\": \"q\", \"answers\": {\"text\": []}},\n\
                {\"query_text\": \"\", \"answers\": [\"天\"]},\n\
                {\"query_text\": \"q\", \"answers\": [\"天\"]}]}]";
    let found = read("a.json", file, BadRows::Skip).unwrap();
    assert_eq!(found.questions.len(), 1);
    let messages: Vec<String> = found.skipped.iter().map(ToString::to_string).collect();
    let ends = [
        "line 2, field `[0].qas[0].answers[1]`: found \"坏\", wanted a text that the context holds",
        "line 3, field `[0].qas[1].answers`: found none, wanted at least one",
        "line 4, field `[0].qas[2].answers`: found an object, wanted a list of texts",
        "line 5, field `[0].qas[3].query_text`: found an empty text, wanted a text",
    ];
    for (message, end) in messages.iter().zip(ends) {
        assert!(message.ends_with(end), "{message}");
    }
    assert_eq!(messages.len(), ends.len());
}

#[test]
fn rows_are_read_from_tables_of_either_kind_of_answers() {
    let rows = [
        json!({"id": "a", "question": "哪里?", "context": CONTEXT,
               "answers": {"text": ["北京"], "answer_start": [5]}}),
        json!({"id": "b", "question": "谁?", "context": CONTEXT,
               "answers": [{"text": "新华社", "answer_start": 0}]}),
        json!({"id": "c", "question": "d?", "context": CONTEXT,
               "answers": {"text": [], "answer_start": []}}),
    ];
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    for (name, content) in [
        ("a.jsonl", lines),
        ("a.json", Json::from(rows.to_vec()).to_string()),
    ] {
        let found = read(name, &content, BadRows::Stop).unwrap().questions;
        let answers: Vec<&[Answer]> = found.iter().map(|row| row.answers.as_slice()).collect();
        assert_eq!(
            answers,
            [&[answer("北京", 5)][..], &[answer("新华社", 0)], &[]]
        );
        assert_eq!(found[2].id, Some(Value::Text("c".into())));
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line_and_its_path() {
    let question = |more: &str| format!("{{\"id\": 1, \"question\": \"q\"{more}}}");
    let questions = [
        question(", \"answers\": [{\"text\": \"北京\", \"answer_start\": 6}]"),
        question(", \"answers\": [{\"text\": \"上海\", \"answer_start\": 99}]"),
        question(", \"answers\": [{\"text\": \"\", \"answer_start\": 1}]"),
        question(", \"answers\": [{\"answer_start\": 1}]"),
        question(", \"answers\": [{\"text\": \"北京\", \"answer_start\": \"5\"}]"),
        question(", \"answers\": [{\"text\": \"北京\", \"answer_start\": -1}]"),
        question(", \"answers\": \"北京\""),
        question(", \"answers\": [3]"),
        question(""),
        question(", \"answers\": [], \"is_impossible\": false"),
        question(
            ", \"answers\": [{\"text\": \"北京\", \"answer_start\": 5}], \"is_impossible\": true",
        ),
        question(", \"answers\": [], \"is_impossible\": 1"),
        "7".to_owned(),
        "{\"question\": 2, \"answers\": []}".to_owned(),
        question(", \"answers\": []"),
    ];
    let content = format!(
        "{{\"data\": [{{\"paragraphs\": [{{\"context\": \"{CONTEXT}\", \"qas\": [\n{}]}}]}}]}}",
        questions.join(",\n")
    );
    let read = read("a.json", &content, BadRows::Skip).unwrap();
    assert_eq!((read.questions.len(), read.questions[0].number), (1, 14));
    let messages: Vec<String> = read
        .skipped
        .iter()
        .map(|error| {
            let message = error.to_string();
            message
                .split_once("a.json, ")
                .unwrap()
                .1
                .replace("data[0].paragraphs[0].", "")
        })
        .collect();
    let start = "wanted the number of a character, from 0";
    let expected = [
        "line 2, field `qas[0].answers[0].answer_start`: found 6, where the context has \"京 \", wanted where \"北京\" starts, as at 5".to_owned(),
        "line 3, field `qas[1].answers[0].answer_start`: found 99 in a context of 16 characters, wanted where \"上海\" starts, which the context does not hold".to_owned(),
        "line 4, field `qas[2].answers[0].text`: found an empty text, wanted a text".to_owned(),
        "line 5, field `qas[3].answers[0].text`: found nothing, wanted a text".to_owned(),
        format!("line 6, field `qas[4].answers[0].answer_start`: found \"5\", {start}"),
        format!("line 7, field `qas[5].answers[0].answer_start`: found -1, {start}"),
        "line 8, field `qas[6].answers`: found \"北京\", wanted a list of answers".to_owned(),
        "line 9, field `qas[7].answers[0]`: found 3, wanted an object with `text` and `answer_start`".to_owned(),
        "line 10, field `qas[8].answers`: found nothing, wanted a list of answers, empty where there is none".to_owned(),
        "line 11, field `qas[9].answers`: found none beside `is_impossible: false`, wanted at least one".to_owned(),
        "line 12, field `qas[10].answers`: found 1 answer beside `is_impossible: true`, wanted none".to_owned(),
        "line 13, field `qas[11].is_impossible`: found 1, wanted true or false".to_owned(),
        "line 1, field `qas[12]`: found 7, wanted an object `{…}`".to_owned(),
        "line 15, field `qas[13].question`: found 2, wanted a text".to_owned(),
    ];
    assert_eq!(messages, expected);
}

#[test]
fn a_file_that_is_built_otherwise_is_refused() {
    let message = |content: &str| read("a.json", content, BadRows::Skip).unwrap_err();
    assert_eq!(
        message("{\"data\":\n {\"paragraphs\": []}}"),
        "a.json, line 1, field `data`: found an object, wanted a list `[…]`"
    );
    assert_eq!(
        message("{\"data\": [\n{\"paragraphs\": [{\"context\": \"a\"}]}]}"),
        "a.json, line 2, field `data[0].paragraphs[0].qas`: found nothing, wanted a list `[…]`"
    );
    assert_eq!(
        message("{\"data\": [{\"paragraphs\": []}]}"),
        "a.json: found no questions, wanted at least one question"
    );
    assert_eq!(
        message("{\"data\": [{\"paragraphs\": [\n{]}"),
        "a.json, line 2: found broken JSON (key must be a string at column 2), wanted one JSON object"
    );
    assert_eq!(
        message(
            "{\"data\": [{\"paragraphs\": [{\"context\": \" \", \"qas\": [{\"question\": \"a\"}]}]}]}"
        ),
        "a.json: 1 of 1 row cannot be used\n  a.json, line 1, field \
         `data[0].paragraphs[0].context`: found an empty text, wanted a text"
    );
    let found = read(
        "a.jsonl",
        "{\"question\": \"a\", \"text\": \"b\"}",
        BadRows::Stop,
    );
    let error = found.unwrap_err();
    assert!(
        error.starts_with("a.jsonl, field `context`: found the columns"),
        "{error}"
    );
}

#[test]
fn answers_are_not_looked_at_where_nobody_wants_them() {
    let options = QuestionReadOptions {
        answers: Answers::Ignored,
        ..QuestionReadOptions::default()
    };
    let qas = json!([{"id": "a", "question": "哪里?"}]);
    for (name, content) in [
        ("a.json", squad(&qas).to_string()),
        ("a.csv", format!("question,context\nq?,{CONTEXT}\n")),
    ] {
        let found = with_file(name, &content, |path| read_questions(path, &options)).unwrap();
        assert!(found.questions[0].answers.is_empty());
        assert_eq!(&*found.questions[0].context, CONTEXT);
    }
}

proptest! {
    /// Any piece of any text is found again, whichever layout it is written in.
    #[test]
    fn whatever_is_written_is_read_again(
        contexts in prop::collection::vec("[a天👍\u{301} \\n\"]{1,12}", 1..5),
        pieces in prop::collection::vec((0_usize..12, 1_usize..6), 1..6),
        pretty in any::<bool>(),
    ) {
        let mut expected = Vec::new();
        let mut paragraphs = Vec::new();
        let mut lines = String::new();
        for context in &contexts {
            let characters: Vec<char> = context.chars().collect();
            let mut qas = Vec::new();
            for (index, &(start, length)) in pieces.iter().enumerate() {
                let end = characters.len().min(start + length);
                let text: String = characters.get(start..end).unwrap_or_default().iter().collect();
                let answers = match text.trim().is_empty() {
                    true => json!([]),
                    false => json!([{"text": text, "answer_start": start}]),
                };
                let question = format!("q{index}");
                qas.push(json!({"question": question, "answers": answers}));
                if context.trim().is_empty() {
                    continue;
                }
                let row = json!({"question": question, "context": context, "answers": answers});
                lines.push_str(&format!("{row}\n"));
                let given = (!text.trim().is_empty()).then(|| answer(&text, start));
                expected.push((context.clone(), question, given));
            }
            paragraphs.push(json!({"context": context, "qas": qas}));
        }
        prop_assume!(!expected.is_empty());
        let file = json!({"data": [{"paragraphs": paragraphs}]});
        let nested = match pretty {
            true => serde_json::to_string_pretty(&file).unwrap(),
            false => file.to_string(),
        };
        for (name, content) in [("a.json", nested), ("a.jsonl", lines)] {
            let found = read(name, &content, BadRows::Skip).unwrap();
            let found: Vec<_> = found
                .questions
                .into_iter()
                .map(|row| (row.context.to_string(), row.question, row.answers.into_iter().next()))
                .collect();
            prop_assert_eq!(&found, &expected);
        }
    }
}
