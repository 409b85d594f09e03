//! A run that is stopped and resumed is, bit for bit, the run that was never stopped.

use std::fs;

use cloze_train::{Environment, Outcome, RunFolder, StopFlag, resume, train};

use crate::fixture::{Fixture, StopAfter, checkpoints, log, traces};

/// Dropout is on in the model; accumulation leaves an epoch's last step with fewer batches.
const SETTINGS: &str = "train.gradient_accumulation=2\ntrain.schedule={kind=\"linear\",warmup=0.2}\n\
                        head.dropout=0.3\nhead.hidden=[8]\nloss.label_smoothing=0.1\n\
                        loss.class_weights=\"balanced\"\noptimizer.head_learning_rate=2e-2";

#[test]
fn a_run_stopped_after_every_few_steps_ends_like_one_that_never_was() {
    let fixture = Fixture::new();
    fixture.train("whole", SETTINGS).unwrap();
    let whole = traces(&fixture.path("whole"));
    assert_eq!(
        whole
            .log
            .iter()
            .filter(|line| line["event"] == "step")
            .count(),
        15
    );
    for (every, stops) in [(1, 15), (2, 7), (4, 3)] {
        let name = format!("every-{every}");
        assert_eq!(fixture.train_in_pieces(&name, SETTINGS, every), stops);
        let pieces = traces(&fixture.path(&name));
        assert_eq!(pieces.log, whole.log, "stopped after every {every} steps");
        assert!(pieces == whole, "stopped after every {every} steps");
    }
}

#[test]
fn so_does_one_with_a_budget_of_tokens_and_a_frozen_encoder() {
    let settings = "train.tokens_per_batch=30\ntrain.length_pool=2\nmodel.freeze=\"all-but-pooler\"\n\
                    train.schedule={kind=\"step\",step_size=1,gamma=0.5}\noptimizer.kind=\"adam\"\n\
                    optimizer.weight_decay=0.1\ntrain.checkpoint_every=2";
    let fixture = Fixture::new();
    fixture.train("whole", settings).unwrap();
    fixture.train_in_pieces("pieces", settings, 5);
    assert!(traces(&fixture.path("whole")) == traces(&fixture.path("pieces")));
}

/// What `kill -9` leaves: files half-written beside their place, a log that ran ahead of the
/// last checkpoint.
#[test]
fn a_killed_run_goes_on_from_its_last_checkpoint() {
    let fixture = Fixture::new();
    fixture.train("whole", SETTINGS).unwrap();
    stop_after(&fixture, "killed", SETTINGS, 4);
    let folder = fixture.path("killed");
    let run = RunFolder::new(&folder);
    let mut text = fs::read_to_string(run.log()).unwrap();
    text += "{\"event\":\"step\",\"step\":99}\n{\"event\":\"st";
    fs::write(run.log(), text).unwrap();
    let leftover = run.checkpoints().join(".writing-abc");
    fs::create_dir(&leftover).unwrap();
    fs::write(leftover.join("model.safetensors"), "half").unwrap();
    fs::write(folder.join(".writing-def"), "half").unwrap();
    fixture.resume("killed").unwrap();
    assert!(!leftover.exists() && !folder.join(".writing-def").exists());
    assert!(traces(&folder) == traces(&fixture.path("whole")));
}

#[test]
fn a_run_killed_before_its_first_checkpoint_starts_again() {
    let fixture = Fixture::new();
    fixture.train("whole", SETTINGS).unwrap();
    stop_after(&fixture, "killed", SETTINGS, 2);
    fs::remove_dir_all(fixture.path("killed").join("checkpoints")).unwrap();
    let mut session = StopAfter::new(0);
    let stop = StopFlag::new();
    resume(
        &fixture.path("killed"),
        &Environment::default(),
        &mut session,
        &stop,
    )
    .unwrap();
    assert!(
        session.warnings.contains(&"NoCheckpoint".to_owned()),
        "{:?}",
        session.warnings
    );
    assert!(traces(&fixture.path("killed")) == traces(&fixture.path("whole")));
}

#[test]
fn a_damaged_checkpoint_is_left_for_the_one_before_it() {
    let settings = format!("{SETTINGS}\ntrain.checkpoint_every=1");
    let fixture = Fixture::new();
    fixture.train("whole", &settings).unwrap();
    for file in [
        "model.safetensors",
        "optimizer.safetensors",
        "run_state.json",
        "manifest.json",
    ] {
        let name = format!("damaged-{file}");
        stop_after(&fixture, &name, &settings, 7);
        let folder = fixture.path(&name);
        let newest = checkpoints(&folder).pop().unwrap();
        let mut bytes = fs::read(newest.join(file)).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(newest.join(file), bytes).unwrap();
        let mut session = StopAfter::new(0);
        resume(
            &folder,
            &Environment::default(),
            &mut session,
            &StopFlag::new(),
        )
        .unwrap();
        let told = session
            .warnings
            .iter()
            .any(|text| text.starts_with("DamagedCheckpoint"));
        assert!(told, "{file}: {:?}", session.warnings);
        assert!(traces(&folder) == traces(&fixture.path("whole")), "{file}");
    }
}

#[test]
fn a_run_stopped_between_training_and_validation_goes_on_there() {
    let fixture = Fixture::new();
    fixture.train("whole", "").unwrap();
    // 36 training rows in batches of 4: the epoch's last step is the 9th.
    let step = stop_after(&fixture, "stopped", "", 9);
    assert_eq!(step, 9);
    assert!(
        log(&fixture.path("stopped"))
            .iter()
            .all(|line| line["event"] == "step")
    );
    fixture.resume("stopped").unwrap();
    assert!(traces(&fixture.path("stopped")) == traces(&fixture.path("whole")));
}

#[test]
fn a_finished_run_is_finished_again() {
    let fixture = Fixture::new();
    fixture.train("run", "train.epochs=1").unwrap();
    let before = traces(&fixture.path("run"));
    fixture.resume("run").unwrap();
    assert!(traces(&fixture.path("run")) == before);
}

#[test]
fn a_run_is_not_resumed_with_other_data_or_another_configuration() {
    let fixture = Fixture::new();
    stop_after(&fixture, "run", SETTINGS, 3);
    let folder = fixture.path("run");
    let refusal = || fixture.resume("run").unwrap_err().to_string();

    let config = RunFolder::new(&folder).config();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(
        &config,
        text.replace("epochs = 3", "epochs = 4")
            .replace("seed = 7", "seed = 8"),
    )
    .unwrap();
    assert_eq!(
        refusal(),
        format!(
            "the run in {} cannot go on: seed, data.split.seed, train.epochs changed since it began; \
             put back what it was, or start a new run",
            folder.display()
        )
    );
    fs::write(&config, text).unwrap();

    let data = fixture.path("train.csv");
    let rows = fs::read_to_string(&data).unwrap();
    fs::write(&data, format!("{rows}a good film,good\n")).unwrap();
    assert_eq!(
        refusal(),
        format!(
            "the run in {} cannot go on: data.train ({}) changed since it began; put back what it \
             was, or start a new run",
            folder.display(),
            data.display()
        )
    );
    fs::write(&data, rows).unwrap();
    fixture.resume("run").unwrap();
}

#[test]
fn a_run_that_was_moved_goes_on() {
    let fixture = Fixture::new();
    fixture.train("whole", SETTINGS).unwrap();
    stop_after(&fixture, "run", SETTINGS, 3);
    fs::rename(fixture.path("run"), fixture.path("elsewhere")).unwrap();
    fixture.resume("elsewhere").unwrap();
    assert!(traces(&fixture.path("elsewhere")) == traces(&fixture.path("whole")));
}

fn stop_after(fixture: &Fixture, name: &str, more: &str, steps: usize) -> u64 {
    let mut session = StopAfter::new(steps);
    let stop = session.stop.clone();
    let config = fixture.config(name, more);
    match train(config, &Environment::default(), &mut session, &stop).unwrap() {
        Outcome::Stopped { step, .. } => step,
        Outcome::Finished(_) => panic!("the run was to be stopped"),
    }
}
