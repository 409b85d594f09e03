//! What a user may get wrong, and what is said about it.

use std::fs;

use crate::fixture::{Fixture, checkpoints};

fn refusal(fixture: &Fixture, name: &str, more: &str) -> String {
    fixture.train(name, more).unwrap_err().to_string()
}

#[test]
fn a_label_that_training_rows_lack_is_named() {
    let fixture = Fixture::new();
    let file = fixture.path("other.csv");
    fs::write(&file, "text,label\na good film,good\na film,neutral\n").unwrap();
    let more = format!("data.split={{}}\ndata.validation={file:?}");
    assert_eq!(
        refusal(&fixture, "run", &more),
        format!(
            "{}, line 3, field `label`: found the label \"neutral\", wanted one of the training \
             rows' labels: \"bad\", \"good\"",
            file.display()
        )
    );
    assert!(!fixture.path("run").exists(), "nothing is left behind");
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_with_its_place() {
    let fixture = Fixture::new();
    let more = "train.learning_rate=1e30\ntrain.schedule={kind=\"constant\"}\noptimizer.clip=0\ntrain.checkpoint_every=1";
    let message = refusal(&fixture, "run", more);
    assert!(
        message
            .starts_with("step 2: the loss is NaN at learning rate 1e30, in the batch of lines "),
        "{message}"
    );
    let kept = checkpoints(&fixture.path("run")).pop().unwrap();
    assert!(kept.ends_with("step-00000001"));
    let place = format!("; the last good checkpoint is {}", kept.display());
    assert!(message.ends_with(&place), "{message}");
    assert!(
        message.contains(fixture.path("train.csv").to_str().unwrap()),
        "{message}"
    );
}

#[test]
fn a_folder_in_use_is_left_alone() {
    let fixture = Fixture::new();
    fixture.train("run", "train.epochs=1").unwrap();
    let place = fixture.path("run");
    assert_eq!(
        refusal(&fixture, "run", ""),
        format!(
            "{0} holds a run already: choose another `output`, or go on with it by `cloze train --resume {0}`",
            place.display()
        )
    );
    fs::create_dir(fixture.path("notes")).unwrap();
    fs::write(fixture.path("notes/a.txt"), "mine").unwrap();
    let expected = format!(
        "{} is not empty: choose another `output`",
        fixture.path("notes").display()
    );
    assert_eq!(refusal(&fixture, "notes", ""), expected);
}

#[test]
fn settings_that_do_not_fit_the_model_or_the_data_are_refused() {
    let fixture = Fixture::new();
    let cases = [
        (
            "data.max_length=25",
            "field `data.max_length`: found 25, wanted at most 24, which is what the model reads",
        ),
        (
            "model.freeze=\"*\"",
            "every weight of the model is frozen: there is nothing to train",
        ),
        (
            "loss.class_weights={neutral=2}",
            "there is a class weight for \"neutral\", but the labels are \"bad\", \"good\"",
        ),
        (
            "model.freeze=\"layers:3\"",
            "freeze = \"layers:3\": the model has 2 layers",
        ),
    ];
    for (more, expected) in cases {
        assert_eq!(refusal(&fixture, "run", more), expected);
    }
}

#[test]
fn what_is_no_run_cannot_be_resumed() {
    let fixture = Fixture::new();
    let message = fixture.resume("nothing").unwrap_err().to_string();
    let config = fixture.path("nothing/config.toml");
    assert_eq!(message, format!("cannot read {}", config.display()));
}

#[test]
fn skipped_rows_are_counted_in_row_numbers() {
    let fixture = Fixture::new();
    let file = fixture.path("train.csv");
    let rows = fs::read_to_string(&file).unwrap();
    let (header, rows) = rows.split_once('\n').unwrap();
    fs::write(&file, format!("{header}\n,good\n{rows}")).unwrap();
    assert!(refusal(&fixture, "stop", "").contains("line 2, field `text`: found an empty text"));
    fixture
        .train("skip", "data.bad_rows=\"skip\"\ntrain.epochs=1")
        .unwrap();
    let splits = fs::read_to_string(fixture.path("skip/splits.json")).unwrap();
    let splits: serde_json::Value = serde_json::from_str(&splits).unwrap();
    let mut all: Vec<u64> = ["train", "validation", "test"]
        .iter()
        .flat_map(|name| splits[name].as_array().unwrap())
        .map(|row| row.as_u64().unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all, (1..61).collect::<Vec<u64>>());
}
