//! Token classification: sentences of tagged words, in windows where they are long.

use std::fs;

use cloze_model::checkpoint::Checkpoint;
use cloze_train::{
    Environment, Event, Observer, Outcome, RunResults, Shown, ShownTarget, SplitName, StopFlag,
    Warning, show_examples, train,
};
use serde_json::Value;

use crate::fixture::{Fixture, log, traces};

const WORDS: [&str; 8] = [
    "film", "story", "music", "light", "slow", "loud", "green", "quiet",
];

/// Sentences in columns: `green` and `loud` begin an entity that goes on for as long as words of
/// two kinds follow; all else is outside.
fn sentences(count: usize, words: usize) -> String {
    let mut text = String::new();
    for sentence in 0..count {
        let mut open = false;
        for word in 0..words {
            let word = WORDS[(sentence * 5 + word * (sentence % 3 + 1)) % WORDS.len()];
            let tag = match word {
                "green" | "loud" => "B-X",
                "film" | "story" if open => "I-X",
                _ => "O",
            };
            open = tag != "O";
            text += &format!("{word}\t{tag}\n");
        }
        text += "\n";
    }
    text
}

fn settings(fixture: &Fixture, words: usize, more: &str) -> String {
    let path = fixture.path("train.conll");
    fs::write(&path, sentences(60, words)).unwrap();
    format!("task=\"token-classification\"\ndata.train={path:?}\n{more}")
}

#[derive(Default)]
struct Told {
    windows: Option<(usize, usize)>,
}

impl Observer for Told {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::Warning(Warning::Windows {
            sentences, total, ..
        }) = event
        {
            self.windows = Some((*sentences, *total));
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

#[test]
fn a_model_learns_entities_and_is_saved_with_its_labels() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, 7, "train.epochs=20");
    let (results, told) = run(&fixture, "run", &settings);
    assert_eq!(told.windows, None);
    let test = results.test.as_ref().unwrap();
    assert!(test.metrics.get("f1").unwrap() > 0.8, "{:?}", test.metrics);
    assert_eq!(test.tables[0].rows[0].0, "X");
    let checkpoint = Checkpoint::open(&fixture.path("run/model")).unwrap();
    let class = checkpoint.config().get("architectures").unwrap();
    assert_eq!(*class, serde_json::json!(["BertForTokenClassification"]));
    let labels = checkpoint.labels().unwrap().unwrap();
    assert_eq!(labels.names(), ["O", "B-X", "I-X"]);
    let metrics = fs::read_to_string(fixture.path("run/metrics.json")).unwrap();
    let metrics: Value = serde_json::from_str(&metrics).unwrap();
    assert!(metrics["per_entity"]["test"]["micro avg"]["f1"].is_number());
    // One line for each test sentence, with a tag for each of its words.
    let lines = fs::read_to_string(fixture.path("run/predictions-test.jsonl")).unwrap();
    assert_eq!(lines.lines().count(), 12);
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["predicted"].as_array().unwrap().len(), 7);
    }
}

#[test]
fn long_sentences_are_trained_on_and_judged_whole() {
    let fixture = Fixture::new();
    let settings = settings(
        &fixture,
        31,
        "train.epochs=4\ndata.max_length=12\ntags.overlap=4",
    );
    let (results, told) = run(&fixture, "run", &settings);
    assert_eq!(told.windows, Some((60, 60)));
    let test = &results.test.as_ref().unwrap().tables[0];
    let splits = fs::read_to_string(fixture.path("run/splits.json")).unwrap();
    let splits: Value = serde_json::from_str(&splits).unwrap();
    let rows: Vec<usize> = serde_json::from_value(splits["test"].clone()).unwrap();
    assert_eq!(rows.len(), 12);
    // Every entity of the test sentences is counted once.
    let text = sentences(60, 31);
    let blocks: Vec<&str> = text.split("\n\n").collect();
    let entities: usize = rows
        .iter()
        .map(|&row| blocks[row].matches("B-X").count())
        .sum();
    let support = serde_json::to_value(test.rows[0].1[3]).unwrap();
    assert_eq!(support, entities);
    let lines = fs::read_to_string(fixture.path("run/predictions-test.jsonl")).unwrap();
    for (line, row) in lines.lines().zip(rows) {
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["row"], row);
        assert_eq!(line["tags"].as_array().unwrap().len(), 31);
    }
}

#[test]
fn a_run_that_was_stopped_ends_the_same_and_so_does_one_with_kept_features() {
    let fixture = Fixture::new();
    let plain = settings(&fixture, 9, "train.epochs=2\ndata.max_length=8");
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
fn examples_are_shown_with_a_tag_for_each_token() {
    let fixture = Fixture::new();
    let config = fixture.config("shown", &settings(&fixture, 5, "tags.convert=\"bioes\""));
    let shown = Shown {
        split: SplitName::Train,
        epoch: 0,
    };
    let mut count = 0;
    let mut show = |example: &cloze_train::ShownExample| {
        let ShownTarget::Tags { tags, labels } = &example.target else {
            panic!("{example:?}");
        };
        assert_eq!((tags.len(), labels.len()), (7, 7));
        assert_eq!((&tags[0], labels[0], labels[6]), (&None, -100, -100));
        assert!(tags[1..6].iter().all(Option::is_some));
        count += 1;
        std::ops::ControlFlow::Continue(())
    };
    let environment = Environment::default();
    show_examples(
        config,
        shown,
        &environment,
        &mut (),
        &StopFlag::new(),
        &mut show,
    )
    .unwrap();
    assert_eq!(count, 36);
}

#[test]
fn wrong_tags_are_placed_before_anything_is_computed() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, 4, "data.split={}");
    let dev = fixture.path("dev.conll");
    fs::write(&dev, "film\tO\nmusic\tB-Y\n").unwrap();
    let settings = format!("{settings}\ndata.validation={dev:?}");
    let error = fixture.train("run", &settings).unwrap_err().to_string();
    let wanted = format!(
        "{}, line 2, field `tags`: found the tag \"B-Y\", wanted one of the labels O, B-X, I-X",
        dev.display()
    );
    assert_eq!(error, wanted);
}

#[test]
fn a_metric_that_the_tags_do_not_have_cannot_choose_an_epoch() {
    let fixture = Fixture::new();
    for (key, setting) in [
        ("train.best", "train.best=\"strict_f1\""),
        (
            "train.early_stopping.metric",
            "train.early_stopping={patience=2,metric=\"strict_f1\"}",
        ),
    ] {
        let settings = settings(&fixture, 4, &format!("tags.convert=\"io\"\n{setting}"));
        let error = fixture.train("run", &settings).unwrap_err().to_string();
        let wanted = format!(
            "field `{key}`: found tags of the scheme io, wanted bio or bioes, which alone have \
             \"strict_f1\", or another metric"
        );
        assert!(error.ends_with(&wanted), "{error}");
    }
}

/// A tag that counts nothing but for the one with all the weight: the loss of the first step is that
/// of the words with that tag, and smoothing adds to it.
#[test]
fn weights_and_smoothing_of_tags_are_in_the_loss() {
    let fixture = Fixture::new();
    let first_loss = |name: &str, loss: &str| {
        let more = format!("train.epochs=1\n{loss}");
        run(&fixture, name, &settings(&fixture, 5, &more));
        log(&fixture.path(name))[0]["loss"].as_f64().unwrap()
    };
    let plain = first_loss("plain", "");
    let balanced = first_loss("balanced", "loss.class_weights=\"balanced\"");
    let same = first_loss("same", "loss.class_weights={O=2,B-X=2,I-X=2}");
    let smooth = first_loss("smooth", "loss.label_smoothing=0.2");
    assert!((plain - same).abs() < 1e-6, "{plain} {same}");
    assert!((plain - balanced).abs() > 1e-3, "{plain} {balanced}");
    assert!((plain - smooth).abs() > 1e-3, "{plain} {smooth}");
    let config = fixture.config(
        "wrong",
        &settings(&fixture, 5, "loss.class_weights={B-Y=2}"),
    );
    let refused = train(config, &Environment::default(), &mut (), &StopFlag::new());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "there is a class weight for \"B-Y\", but the labels are \"O\", \"B-X\", \"I-X\""
    );
}
