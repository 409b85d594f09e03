//! Question answering: contexts in windows where they are long, questions without an answer.

use std::fs;

use cloze_model::checkpoint::Checkpoint;
use cloze_train::{
    Environment, Event, Observer, Outcome, RunResults, Shown, ShownTarget, SplitName, StopFlag,
    Warning, show_examples, train,
};
use serde_json::{Value, json};

use crate::fixture::{Fixture, log, traces};

const WORDS: [&str; 8] = [
    "film", "story", "music", "light", "slow", "road", "table", "quiet",
];

/// Rows whose answer is `green` with the word behind it; every third context has no `green`.
fn rows(count: usize, words: usize) -> String {
    let mut text = String::new();
    for row in 0..count {
        let mut context: Vec<&str> = (0..words)
            .map(|word| WORDS[(row * 5 + word * (row % 3 + 1)) % WORDS.len()])
            .collect();
        let place = row * 7 % (words - 1);
        let mut answers = json!({"text": [], "answer_start": []});
        if row % 3 != 0 {
            context[place] = "green";
            let start = context[..place]
                .iter()
                .map(|word| word.len() + 1)
                .sum::<usize>();
            let answer = context[place..place + 2].join(" ");
            answers = json!({"text": [answer], "answer_start": [start]});
        }
        let line = json!({"id": row, "question": "good", "context": context.join(" "),
                          "answers": answers});
        text += &format!("{line}\n");
    }
    text
}

fn settings(fixture: &Fixture, words: usize, more: &str) -> String {
    let path = fixture.path("train.jsonl");
    fs::write(&path, rows(60, words)).unwrap();
    format!("task=\"question-answering\"\ndata.train={path:?}\n{more}")
}

#[derive(Default)]
struct Told {
    windows: Option<(usize, usize)>,
    cut: Option<(usize, usize)>,
}

impl Observer for Told {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Warning(Warning::QuestionWindows {
                questions, total, ..
            }) => self.windows = Some((*questions, *total)),
            Event::Warning(Warning::CutQuestions {
                questions,
                max_length,
                ..
            }) => self.cut = Some((*questions, *max_length)),
            _ => (),
        }
    }
}

fn run(fixture: &Fixture, name: &str, settings: &str) -> (RunResults, Told) {
    let mut told = Told::default();
    let config = fixture.config(name, settings);
    match train(config, &Environment::default(), &mut told, &StopFlag::new()).unwrap() {
        Outcome::Finished(results) => (*results, told),
        Outcome::Stopped { step, .. } => panic!("stopped at step {step}"),
    }
}

fn read_json(fixture: &Fixture, name: &str) -> Value {
    serde_json::from_str(&fs::read_to_string(fixture.path(name)).unwrap()).unwrap()
}

/// How many questions the test split of `run` has: those about a context stay together.
fn test_rows(fixture: &Fixture) -> usize {
    let splits = read_json(fixture, "run/splits.json");
    splits["test"].as_array().unwrap().len()
}

#[test]
fn a_model_learns_answers_and_when_there_is_none() {
    let fixture = Fixture::new();
    let more = "train.epochs=30\nquestions.null_threshold=\"tuned\"";
    let (results, told) = run(&fixture, "run", &settings(&fixture, 7, more));
    assert_eq!((told.windows, told.cut), (None, None));
    let test = results.test.as_ref().unwrap();
    assert!(test.metrics.get("f1").unwrap() > 0.8, "{:?}", test.metrics);
    assert_eq!(test.tables[0].name, "per_kind");
    let checkpoint = Checkpoint::open(&fixture.path("run/model")).unwrap();
    let class = checkpoint.config().get("architectures").unwrap();
    assert_eq!(*class, json!(["BertForQuestionAnswering"]));
    assert!(checkpoint.config().get("id2label").is_none());

    // What was found is saved: in the configuration, and with the model the threshold.
    let saved = read_json(&fixture, "run/model/question_answering.json");
    assert_eq!(saved["unanswerable"], true);
    let metrics = read_json(&fixture, "run/metrics.json");
    assert_eq!(
        saved["null_threshold"],
        metrics["validation"]["best_f1_threshold"]
    );
    assert_eq!(
        metrics["validation"]["f1"],
        metrics["validation"]["best_f1"]
    );
    assert!(metrics["per_kind"]["test"]["without one"]["f1"].is_number());
    let config = fs::read_to_string(fixture.path("run/config.toml")).unwrap();
    for line in [
        "unanswerable = true",
        "doc_stride = 8",
        "max_question_length = 6",
    ] {
        assert!(config.contains(line), "{config}");
    }

    let lines = fs::read_to_string(fixture.path("run/predictions-test.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), test_rows(&fixture));
    let text = rows(60, 7);
    let rows: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let row = &rows[line["row"].as_u64().unwrap() as usize];
        assert_eq!(
            (&line["id"], &line["answers"]),
            (&row["id"], &row["answers"]["text"])
        );
        let place =
            line["start"].as_u64().unwrap() as usize..line["end"].as_u64().unwrap() as usize;
        assert_eq!(line["predicted"], row["context"].as_str().unwrap()[place]);
    }
}

#[test]
fn long_contexts_are_read_in_windows_and_each_question_is_judged_once() {
    let fixture = Fixture::new();
    let more = "train.epochs=2\ndata.max_length=12\nquestions.doc_stride=3\n\
                questions.max_question_length=1";
    let settings = settings(&fixture, 31, more);
    let text = rows(60, 31).replace("\"good\"", "\"good bad\"");
    fs::write(fixture.path("train.jsonl"), text).unwrap();
    let (results, told) = run(&fixture, "run", &settings);
    assert_eq!((told.windows, told.cut), (Some((60, 60)), Some((60, 1))));
    let table = serde_json::to_value(&results.test.as_ref().unwrap().tables[0]).unwrap();
    let number = |row: usize| table["rows"][row][1][0].as_u64().unwrap();
    assert_eq!(number(0) + number(1), test_rows(&fixture) as u64);
    let lines = fs::read_to_string(fixture.path("run/predictions-test.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), test_rows(&fixture));
}

#[test]
fn a_run_that_was_stopped_ends_the_same_and_so_does_one_with_kept_features() {
    let fixture = Fixture::new();
    let plain = settings(&fixture, 15, "train.epochs=2\ndata.max_length=12");
    fixture.train("whole", &plain).unwrap();
    assert!(fixture.train_in_pieces("pieces", &plain, 9) > 1);
    assert!(traces(&fixture.path("pieces")) == traces(&fixture.path("whole")));
    fixture.stop_with_every_part(&plain);
    let losses = |name: &str| {
        let losses = log(&fixture.path(name));
        losses
            .iter()
            .filter_map(|line| line["loss"].as_f64())
            .collect::<Vec<_>>()
    };
    assert_eq!(losses("whole"), losses("pieces"));

    let frozen = format!("{plain}\nmodel.freeze=\"encoder\"");
    fixture.train("kept", &frozen).unwrap();
    let again = format!("{frozen}\nmodel.feature_cache=false");
    fixture.train("again", &again).unwrap();
    let (kept, again) = (losses("kept"), losses("again"));
    assert_eq!(kept.len(), again.len());
    for (kept, again) in kept.iter().zip(&again) {
        assert!((kept - again).abs() < 1e-5, "{kept} {again}");
    }
}

#[test]
fn examples_are_shown_with_the_answer_that_their_tokens_have() {
    let fixture = Fixture::new();
    let config = fixture.config("shown", &settings(&fixture, 7, "data.split={}"));
    let shown = Shown {
        split: SplitName::Train,
        epoch: 0,
    };
    let mut answers = Vec::new();
    let mut show = |example: &cloze_train::ShownExample| {
        let ShownTarget::Span {
            start_position,
            end_position,
            answer,
        } = &example.target
        else {
            panic!("{example:?}");
        };
        let (start, end) = (start_position.unwrap(), end_position.unwrap());
        match answer {
            Some(answer) => assert_eq!(example.tokens[start..=end].join(" "), *answer),
            None => assert_eq!((start, end), (0, 0)),
        }
        answers.push(answer.clone());
        std::ops::ControlFlow::Continue(())
    };
    let environment = Environment::default();
    let stop = StopFlag::new();
    show_examples(config, shown, &environment, &mut (), &stop, &mut show).unwrap();
    assert_eq!(answers.len(), 60);
    assert_eq!(answers.iter().filter(|answer| answer.is_none()).count(), 20);
    assert!(answers[1].as_ref().unwrap().starts_with("green "));
}

/// Articles with two paragraphs each, about which there are two questions.
fn squad(articles: usize) -> String {
    let article = |article: usize| {
        let paragraph = |paragraph: usize| {
            let context = format!("green {} {}", WORDS[article % 8], WORDS[paragraph]);
            let answers = json!([{"text": "green", "answer_start": 0}]);
            json!({"context": context, "qas": [
                {"id": 1, "question": "good", "answers": answers},
                {"id": 2, "question": "bad", "answers": answers},
            ]})
        };
        json!({"paragraphs": [paragraph(0), paragraph(1)]})
    };
    let articles: Vec<Value> = (0..articles).map(article).collect();
    json!({"data": articles}).to_string()
}

#[test]
fn questions_about_an_article_are_not_divided() {
    let fixture = Fixture::new();
    let path = fixture.path("squad.json");
    let settings = format!(
        "task=\"question-answering\"\ndata.train={path:?}\ntrain.epochs=1\n\
         data.split={{validation=0.2, test=0.2}}"
    );
    for (name, articles, together) in [("articles", 20, 4), ("contexts", 8, 2)] {
        fs::write(&path, squad(articles)).unwrap();
        run(&fixture, name, &settings);
        let splits = read_json(&fixture, &format!("{name}/splits.json"));
        let mut rows = 0;
        for split in ["train", "validation", "test"] {
            let own: Vec<usize> = serde_json::from_value(splits[split].clone()).unwrap();
            assert!(!own.is_empty());
            for group in own.chunks(together) {
                assert_eq!(group[0] % together, 0);
                assert_eq!(group[together - 1], group[0] + together - 1);
            }
            rows += own.len();
        }
        assert_eq!(rows, 4 * articles);
    }
}

#[test]
fn a_misplaced_answer_stops_the_run_unless_it_is_skipped() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, 7, "train.epochs=1");
    let path = fixture.path("train.jsonl");
    let bad = json!({"question": "good", "context": "green road",
                     "answers": {"text": ["road"], "answer_start": [5]}});
    fs::write(&path, format!("{bad}\n{}", rows(60, 7))).unwrap();
    let error = fixture.train("run", &settings).unwrap_err().to_string();
    let wanted = format!(
        "{}, line 1, field `answers.answer_start[0]`: found 5, where the context has \" roa\", \
         wanted where \"road\" starts, as at 6",
        path.display()
    );
    assert!(
        error.contains("1 of 61 rows cannot be used") && error.contains(&wanted),
        "{error}"
    );
    let settings = format!("{settings}\ndata.bad_rows=\"skip\"");
    fixture.train("run", &settings).unwrap();
}
