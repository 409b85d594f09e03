//! Models that say which token comes next: windows and prefixes, and every head.

use std::fs;
use std::ops::ControlFlow;

use cloze_model::checkpoint::{Checkpoint, GENERATION_CONFIG};
use cloze_train::{
    Environment, Event, Observer, Outcome, RunResults, Shown, ShownTarget, SplitName, StopFlag,
    show_examples, train,
};

use crate::fixture::{Fixture, log, traces};

const HEADS: [(&str, &str); 5] = [
    ("windows", "continuation.head=\"linear\""),
    (
        "prefixes",
        "continuation.samples=\"prefixes\"\ncontinuation.activation=\"relu\"",
    ),
    (
        "lstm",
        "continuation.head=\"lstm\"\ncontinuation.layers=2\ncontinuation.hidden_size=12\n\
         continuation.special_rows=false",
    ),
    (
        "lstm-attention",
        "continuation.head=\"lstm-attention\"\ncontinuation.samples=\"prefixes\"\n\
         continuation.dropout=0.3",
    ),
    (
        "masked-lm",
        "continuation.head=\"masked-lm\"\ncontinuation.samples=\"prefixes\"",
    ),
];

/// A text in which every word is followed by the next one of the list, in lines of several lengths.
fn text() -> String {
    const WORDS: [&str; 8] = [
        "film", "story", "music", "light", "slow", "loud", "green", "quiet",
    ];
    let mut text = String::new();
    for word in 0..400_usize {
        text += WORDS[word % WORDS.len()];
        text += if word % 7 == 6 { "\n" } else { " " };
    }
    text
}

fn settings(fixture: &Fixture, head: &str, more: &str) -> String {
    let path = fixture.path("novel.txt");
    fs::write(&path, text()).unwrap();
    format!(
        "task=\"continuation\"\ndata.train={path:?}\ncontinuation.length=6\n{head}\n{more}\n\
         train.batch_size=8"
    )
}

#[derive(Default)]
struct Told(Vec<(SplitName, u64, u64)>);

impl Observer for Told {
    fn observe(&mut self, event: &Event<'_>) {
        if let Event::Corpus { split, facts, .. } = event {
            self.0.push((*split, facts.tokens, facts.examples));
        }
    }
}

fn run(fixture: &Fixture, name: &str, settings: &str) -> (RunResults, Told) {
    let mut told = Told::default();
    let config = fixture.config(name, settings);
    let environment = Environment::default();
    match train(config, &environment, &mut told, &StopFlag::new()).unwrap() {
        Outcome::Finished(results) => (*results, told),
        Outcome::Stopped { step, .. } => panic!("stopped at step {step}"),
    }
}

#[test]
fn every_head_learns_what_comes_next() {
    let fixture = Fixture::new();
    for (name, head) in HEADS {
        let settings = settings(&fixture, head, "train.epochs=20");
        let (results, told) = run(&fixture, name, &settings);
        let test = results.test.as_ref().unwrap();
        let metric = |name: &str| test.metrics.get(name).unwrap();
        // One word in eight by chance.
        let accuracy = metric("next_token_accuracy");
        assert!(accuracy > 0.5, "{name}: {:?}", test.metrics);
        assert!((metric("perplexity") - metric("loss").exp()).abs() < 1e-9);
        assert!(metric("perplexity") < 4.0, "{name}");
        // A fifth of the text each, at its end.
        let tokens: Vec<u64> = told.0.iter().map(|(_, tokens, _)| *tokens).collect();
        assert_eq!(tokens, [240, 80, 80], "{name}");
        let windows = name == "windows" || name == "lstm";
        assert_eq!(told.0[0].2, if windows { 234 } else { 239 }, "{name}");

        let checkpoint = Checkpoint::open(&fixture.path(name).join("model")).unwrap();
        let class = checkpoint.config().get("architectures").unwrap();
        let wanted = match name {
            "masked-lm" => "BertForMaskedLM",
            _ => "ClozeForContinuation",
        };
        assert_eq!(*class, serde_json::json!([wanted]), "{name}");
        let saved = checkpoint.cloze_settings().unwrap();
        assert_eq!(saved.task.as_deref(), Some("continuation"));
        assert_eq!(saved.max_length, Some(8));
        assert_eq!(checkpoint.continuation().unwrap().length, 6);
    }
}

#[test]
fn a_run_stopped_after_every_few_steps_ends_like_one_that_never_was() {
    let fixture = Fixture::new();
    for (name, head) in HEADS {
        let more = "train.epochs=2\ntrain.checkpoint_every=7\ndata.limit={train=100,validation=20}\n\
                    train.gradient_accumulation=2";
        let settings = settings(&fixture, head, more);
        let [whole, pieces] = ["whole", "pieces"].map(|part| format!("{name}-{part}"));
        fixture.train(&whole, &settings).unwrap();
        assert!(
            fixture.train_in_pieces(&pieces, &settings, 5) >= 2,
            "{name}"
        );
        let [whole, pieces] = [whole, pieces].map(|name| traces(&fixture.path(&name)));
        assert_eq!(whole.log, pieces.log, "{name}");
        assert!(whole == pieces, "{name}");
    }
    fixture.stop_with_every_part(&settings(&fixture, HEADS[2].1, "train.epochs=2"));
}

#[test]
fn smoothing_is_in_the_loss_and_not_in_what_is_measured() {
    let fixture = Fixture::new();
    let first = |name: &str, more: &str| {
        let more = format!("train.epochs=1\ntrain.evaluate_first=true\n{more}");
        run(&fixture, name, &settings(&fixture, HEADS[0].1, &more));
        let lines = log(&fixture.path(name));
        let step = lines.iter().find(|line| line["event"] == "step").unwrap();
        (lines[0]["validation"].clone(), step["loss"].clone())
    };
    let (plain, smooth) = (
        first("plain", "loss.label_smoothing=0.0"),
        first("smooth", "loss.label_smoothing=0.3"),
    );
    assert_eq!(plain.0, smooth.0);
    assert_ne!(plain.1, smooth.1);
}

#[test]
fn how_a_model_is_to_write_stays_when_a_better_one_takes_its_place() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, HEADS[0].1, "train.epochs=2");
    let model = fixture.path("run").join("model");
    let (weights, said) = (
        model.join("model.safetensors"),
        model.join(GENERATION_CONFIG),
    );
    let mut earlier = Vec::new();
    fixture.train_in_pieces_with("run", &settings, 60, || {
        earlier = fs::read(&weights).unwrap();
        fs::write(&said, "{\"top_k\": 7}").unwrap();
    });
    assert!(!earlier.is_empty() && fs::read(&weights).unwrap() != earlier);
    assert_eq!(fs::read_to_string(&said).unwrap(), "{\"top_k\": 7}");
}

#[test]
fn a_frozen_encoder_stays_as_it_is() {
    let fixture = Fixture::new();
    let settings = settings(
        &fixture,
        HEADS[2].1,
        "train.epochs=1\nmodel.freeze=\"encoder\"",
    );
    run(&fixture, "run", &settings);
    let words = |folder: &str| {
        let checkpoint = Checkpoint::open(&fixture.path(folder)).unwrap();
        let store = checkpoint.tensors().unwrap();
        let mut names = store.names().into_iter();
        let name = names.find(|name| name.ends_with("word_embeddings.weight"));
        let name = name.unwrap().to_owned();
        let data = store.read(&name, &[17, 16]).unwrap().unwrap();
        data.try_to_vec::<f32>().unwrap()
    };
    assert_eq!(words("run/model"), words("model"));
}

#[test]
fn examples_are_shown_with_the_token_that_comes_next() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, HEADS[1].1, "data.limit={train=5}");
    let mut shown = Vec::new();
    show_examples(
        fixture.config("run", &settings),
        Shown {
            split: SplitName::Train,
            epoch: 1,
        },
        &Environment::default(),
        &mut (),
        &StopFlag::new(),
        &mut |example| {
            shown.push(example.clone());
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    assert_eq!(shown.len(), 5);
    for example in &shown {
        let last = example.tokens.len() - 1;
        assert_eq!(example.tokens[last - 1..], ["[MASK]", "[SEP]"]);
        assert!(matches!(example.target, ShownTarget::Next { next_id } if next_id > 4));
    }
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let fixture = Fixture::new();
    let refuse = |text: &str, more: &str| {
        let settings = settings(&fixture, HEADS[0].1, more);
        fs::write(fixture.path("novel.txt"), text).unwrap();
        let message = fixture.train("refused", &settings).unwrap_err().to_string();
        message.replace(&format!("{}/", fixture.path("").display()), "")
    };
    let few = "film story music light slow loud green quiet";
    let message = refuse(few, "train.epochs=1");
    assert!(
        message.ends_with("novel.txt, train split: found 4 tokens, wanted 7 at least"),
        "{message}"
    );
    assert_eq!(
        refuse(few, "continuation.length=23"),
        "field `continuation.length`: found 23, wanted at most 22, which is what the model reads"
    );
}
