//! Masked language models: blocks, lines, pairs of sentences.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use cloze_model::checkpoint::Checkpoint;
use cloze_train::config::RunConfig;
use cloze_train::{
    CorpusFacts, Environment, Event, Observer, Outcome, RunResults, Shown, ShownTarget, SplitName,
    StopFlag, show_examples, train,
};
use serde_json::Value;

use crate::fixture::{Fixture, log, traces};

const FORMS: [(&str, &str); 4] = [
    ("blocks", "task=\"masked-lm\"\ndata.chunk_size=12"),
    (
        "lines",
        "task=\"masked-lm\"\ndata.line_by_line=true\ntrain.tokens_per_batch=40\n\
         masking.whole_word=true\nmasking.rate=0.3\nmasking.last_rate=0.1\nmasking.shares=[1,0,0]",
    ),
    ("pairs", "task=\"pretraining\"\ndata.max_length=20"),
    (
        "long",
        "task=\"pretraining\"\ndata.max_length=24\nsentences.pairs=\"long\"",
    ),
];

/// Sentences that follow a rule: each word is followed by the next one of the list.
fn corpus() -> String {
    const WORDS: [&str; 8] = [
        "film", "story", "music", "light", "slow", "loud", "green", "quiet",
    ];
    let mut text = String::new();
    for line in 0..80_usize {
        let sentence = |start: usize| {
            let words: Vec<&str> = (0..4 + line % 3)
                .map(|word| WORDS[(start + word) % WORDS.len()])
                .collect();
            format!("{}.", words.join(" "))
        };
        text += &format!("{} {}\n", sentence(line), sentence(line + 3));
        if line % 5 == 4 {
            text += "\n";
        }
    }
    text
}

fn settings(fixture: &Fixture, form: &str, more: &str) -> String {
    let path = fixture.path("corpus.txt");
    fs::write(&path, corpus()).unwrap();
    format!("data.train={path:?}\n{form}\n{more}")
}

#[derive(Default)]
struct Told {
    corpora: Vec<(SplitName, CorpusFacts)>,
    read: usize,
}

impl Observer for Told {
    fn observe(&mut self, event: &Event<'_>) {
        match event {
            Event::Corpus { split, facts, .. } => self.corpora.push((*split, **facts)),
            Event::ReadingCorpus { .. } => self.read += 1,
            _ => (),
        }
    }
}

fn run(fixture: &Fixture, name: &str, settings: &str, cache: &Path) -> (RunResults, Told) {
    let mut told = Told::default();
    let environment = Environment {
        cache: Some(cache.into()),
        ..Environment::default()
    };
    let config = fixture.config(name, settings);
    match train(config, &environment, &mut told, &StopFlag::new()).unwrap() {
        Outcome::Finished(results) => (*results, told),
        Outcome::Stopped { step, .. } => panic!("stopped at step {step}"),
    }
}

/// The share of tokens that are masked in an epoch of three, of those that can be.
fn masked_share(config: &RunConfig, split: SplitName, epoch: u64) -> f64 {
    let (mut masked, mut tokens) = (0, 0);
    show_examples(
        config.clone(),
        Shown { split, epoch },
        &Environment::default(),
        &mut Told::default(),
        &StopFlag::new(),
        &mut |example| {
            if let ShownTarget::Masked { positions, .. } = &example.target {
                masked += positions.len();
                let never = ["[CLS]", "[SEP]", "[UNK]"];
                let maskable = example.tokens.iter();
                tokens += maskable
                    .filter(|token| !never.contains(&token.as_str()))
                    .count();
            }
            ControlFlow::Continue(())
        },
    )
    .unwrap();
    masked as f64 / tokens as f64
}

#[test]
fn the_rate_changes_from_epoch_to_epoch_and_other_splits_have_the_last_one() {
    let fixture = Fixture::new();
    let form = "task=\"masked-lm\"\ndata.line_by_line=true\ntrain.epochs=3\n\
                masking.rate=0.9\nmasking.last_rate=0.1";
    let config = fixture.config("run", &settings(&fixture, form, ""));
    for (split, epoch, rate) in [
        (SplitName::Train, 0, 0.9),
        (SplitName::Train, 1, 0.5),
        (SplitName::Train, 2, 0.1),
        (SplitName::Validation, 0, 0.1),
        (SplitName::Test, 0, 0.1),
    ] {
        let share = masked_share(&config, split, epoch);
        assert!((share - rate).abs() < 0.1, "{split:?} {epoch}: {share}");
    }
}

#[test]
fn a_model_learns_to_fill_masks_and_says_how_much() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, FORMS[0].1, "train.epochs=30\ntrain.batch_size=8");
    let (results, told) = run(&fixture, "run", &settings, &fixture.path("cache"));
    let perplexity = |evaluation: &cloze_tasks::metrics::Evaluation| {
        evaluation.metrics.get("perplexity").unwrap()
    };
    let after = perplexity(results.validation.as_ref().unwrap());
    let metrics = fs::read_to_string(fixture.path("run/metrics.json")).unwrap();
    let metrics: Value = serde_json::from_str(&metrics).unwrap();
    let before = metrics["before"]["perplexity"].as_f64().unwrap();
    assert!(before > 10.0 && after < before / 2.0, "{before} {after}");
    assert!(metrics["test"]["perplexity"].as_f64().unwrap() < before / 2.0);

    let splits: Vec<&str> = told.corpora.iter().map(|(split, _)| split.name()).collect();
    assert_eq!(splits, ["train", "validation", "test"]);
    let facts = told.corpora[0].1;
    assert_eq!(facts.examples, facts.tokens / 12);
    let checkpoint = Checkpoint::open(&fixture.path("run/model")).unwrap();
    let class = checkpoint.config().get("architectures").unwrap();
    assert_eq!(*class, serde_json::json!(["BertForMaskedLM"]));
    assert_eq!(
        checkpoint.cloze_settings().unwrap().task.as_deref(),
        Some("masked-lm")
    );
}

#[test]
fn a_second_run_finds_the_tokens_and_ends_the_same() {
    let fixture = Fixture::new();
    for (name, form) in FORMS {
        let settings = settings(&fixture, form, "train.epochs=1");
        let cache = fixture.path(&format!("cache-{name}"));
        let [first, second] = ["first", "second"].map(|part| format!("{name}-{part}"));
        let (_, told) = run(&fixture, &first, &settings, &cache);
        assert!(told.read > 0);
        let (_, again) = run(&fixture, &second, &settings, &cache);
        assert_eq!((again.read, again.corpora), (0, told.corpora));
        let [first, second] = [first, second].map(|name| traces(&fixture.path(&name)));
        assert!(first == second, "{name}");
    }
}

#[test]
fn a_run_stopped_after_every_few_steps_ends_like_one_that_never_was() {
    let fixture = Fixture::new();
    for (name, form) in FORMS {
        let settings = settings(&fixture, form, "train.epochs=2\ntrain.checkpoint_every=3");
        let [whole, pieces] = ["whole", "pieces"].map(|part| format!("{name}-{part}"));
        fixture.train(&whole, &settings).unwrap();
        assert!(fixture.train_in_pieces(&pieces, &settings, 5) > 2, "{name}");
        let [whole, pieces] = [whole, pieces].map(|name| traces(&fixture.path(&name)));
        assert_eq!(whole.log, pieces.log, "{name}");
        assert!(whole == pieces, "{name}");
    }
}

#[test]
fn pretraining_reports_its_two_losses_apart() {
    let fixture = Fixture::new();
    let settings = settings(&fixture, FORMS[2].1, "train.epochs=1");
    fixture.train("run", &settings).unwrap();
    let lines = log(&fixture.path("run"));
    let epoch = lines.iter().find(|line| line["event"] == "epoch").unwrap();
    let metric = |name: &str| epoch["validation"][name].as_f64().unwrap();
    let sum = metric("masked_loss") + metric("next_sentence_loss");
    assert!((metric("loss") - sum).abs() < 1e-9);
    assert!((metric("perplexity") - metric("masked_loss").exp()).abs() < 1e-9);
    assert!((0.0..=1.0).contains(&metric("next_sentence_accuracy")));
    for step in lines.iter().filter(|line| line["event"] == "step") {
        let part = |name: &str| step["parts"][name].as_f64().unwrap();
        let sum = part("masked_loss") + part("next_sentence_loss");
        assert!((step["loss"].as_f64().unwrap() - sum).abs() < 1e-5);
    }
    let checkpoint = Checkpoint::open(&fixture.path("run/model")).unwrap();
    let class = checkpoint.config().get("architectures").unwrap();
    assert_eq!(*class, serde_json::json!(["BertForPreTraining"]));
}

#[test]
fn limits_take_some_of_the_examples() {
    let fixture = Fixture::new();
    let settings = settings(
        &fixture,
        FORMS[0].1,
        "train.epochs=1\ndata.limit={train=9,validation=2}",
    );
    let (_, told) = run(&fixture, "run", &settings, &fixture.path("cache"));
    let examples: Vec<u64> = told
        .corpora
        .iter()
        .map(|(_, facts)| facts.examples)
        .collect();
    assert_eq!(examples[..2], [9, 2]);
    assert!(examples[2] > 2);
}

#[test]
fn what_cannot_be_learnt_from_is_refused() {
    let fixture = Fixture::new();
    let refuse = |text: &str, more: &str| {
        let settings = settings(&fixture, more, "train.epochs=1");
        fs::write(fixture.path("corpus.txt"), text).unwrap();
        fixture.train("refused", &settings).unwrap_err().to_string()
    };
    let few = "film story. music light.\n";
    let message = refuse(few, "task=\"pretraining\"\ndata.split={validation=0}");
    assert!(
        message.ends_with("corpus.txt: found 2 sentences, wanted at least 4"),
        "{message}"
    );
    let message = refuse("zzz\nyyy\n", FORMS[0].1);
    assert!(
        message.contains("corpus.txt, train split: found none among 2 texts, wanted at least one"),
        "{message}"
    );
    let long = format!("{}\ndata.chunk_size=400", FORMS[0].1);
    assert_eq!(
        refuse(few, &long),
        "field `data.chunk_size`: found 400, wanted at most 24, which is what the model reads"
    );
}

#[test]
fn smoothing_is_in_the_loss_of_training_and_not_in_perplexities() {
    let fixture = Fixture::new();
    let lines = |name: &str, loss: &str| {
        let more = format!("train.epochs=1\n{loss}");
        fixture
            .train(name, &settings(&fixture, FORMS[0].1, &more))
            .unwrap();
        log(&fixture.path(name))
    };
    let (plain, smooth) = (
        lines("plain", ""),
        lines("smooth", "loss.label_smoothing=0.2"),
    );
    // The evaluation before the first step, and the first step.
    assert_eq!(plain[0], smooth[0]);
    assert_ne!(plain[1]["loss"], smooth[1]["loss"]);
}

/// The word embeddings are the first weights and the last ones, of which there is one average.
#[test]
fn a_run_with_averaged_and_tied_embeddings_that_is_stopped_ends_the_same() {
    let fixture = Fixture::new();
    let more = "train.epochs=2\ntrain.ema={decay=0.9,ramp=false,start=3}\ntrain.tensorboard=true\n\
                train.early_stopping={patience=1,metric=\"masked_accuracy\"}\n\
                optimizer.layer_decay=0.9\nloss.label_smoothing=0.1\n\
                train.schedule={kind=\"polynomial\",power=2,end_learning_rate=1e-4}";
    let settings = settings(&fixture, FORMS[0].1, more);
    fixture.train("whole", &settings).unwrap();
    assert!(fixture.train_in_pieces("pieces", &settings, 5) > 1);
    assert!(traces(&fixture.path("pieces")) == traces(&fixture.path("whole")));
}
