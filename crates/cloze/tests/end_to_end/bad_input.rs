//! What is said about bad input, word for word, and the exit status.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::place::{Place, text};

/// A configuration file as it is usually wrong.
fn with_config(change: impl FnOnce(&str) -> String) -> Place {
    let place = Place::with_reviews();
    place.write("config.toml", change(crate::place::CONFIG));
    place
}

#[test]
fn empty_texts_are_counted_and_listed() {
    let place = Place::with_reviews();
    let mut table = text(&place.read("reviews.csv"));
    table += "96,,positive\n97,a fine song,\n";
    place.write("reviews.csv", table);
    place.fails(
        "train config.toml",
        1,
        "error: reviews.csv: 2 of 98 rows cannot be used\n  \
         reviews.csv, line 98, field `review`: found an empty text, wanted a text\n  \
         reviews.csv, line 99, field `label`: found an empty cell, wanted a label\n\
         hint: `--set data.bad_rows=skip` leaves such rows out",
    );
    assert!(!place.exists("run"));
    place
        .cloze("train config.toml --set data.bad_rows=skip --set train.epochs=1")
        .assert()
        .success();
}

#[test]
fn an_empty_argument_is_no_text() {
    let place = Place::with_run();
    let output = place
        .cloze("predict run")
        .args(["fine", " "])
        .assert()
        .code(2);
    assert_eq!(
        crate::place::stderr(&output),
        "error: argument TEXT, number 2: found an empty text, wanted a text\n"
    );
}

#[test]
fn a_label_that_the_training_rows_lack_is_named() {
    let place = Place::with_reviews();
    place.write(
        "validation.csv",
        "review,label\nfine,positive\nso so,neutral\n",
    );
    place.fails(
        "train config.toml --set data.split.validation=0 --set data.validation=validation.csv",
        1,
        "error: validation.csv, line 3, field `label`: found the label \"neutral\", wanted one of \
         the training rows' labels: \"negative\", \"positive\"",
    );
    let place = Place::with_run();
    place.write("test.csv", "review,label\nso so,neutral\n");
    place.fails(
        "eval run --data test.csv",
        1,
        "error: test.csv, line 2, field `label`: found the label \"neutral\", wanted one of the \
         training rows' labels: \"negative\", \"positive\"",
    );
}

#[test]
fn a_loss_that_is_no_number_stops_the_run() {
    let place = Place::with_reviews();
    let said = place.failure(
        "train config.toml --set train.learning_rate=1e38 --set optimizer.clip=0",
        1,
    );
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("error: step ") && last.contains(": the loss is NaN at learning rate"),
        "{said}"
    );
    assert!(
        last.contains("a lower `train.learning_rate` or `optimizer.clip` may help"),
        "{said}"
    );
}

#[test]
fn a_vocabulary_that_does_not_belong_to_the_model_is_refused() {
    let place = Place::with_run();
    let mut vocabulary = text(&place.read("run/model/vocab.txt"));
    let tokens = vocabulary.lines().count();
    vocabulary += "too\nmany\n";
    place.write("run/model/vocab.txt", vocabulary);
    std::fs::remove_file(place.path("run/model/tokenizer.json")).unwrap();
    place.fails(
        "predict run text",
        1,
        &format!(
            "error: the tokenizer of run/model has {} entries, but the model's embeddings have only \
             {tokens} rows: the vocabulary does not belong to these weights",
            tokens + 2
        ),
    );
}

#[test]
fn text_that_is_not_utf8_is_named_by_line() {
    let place = Place::with_run();
    let mut table = place.read("reviews.csv");
    table.extend(b"96,\xB2\xEE\xC6\xC0,negative\n");
    place.write("reviews.csv", &table);
    let said = place.failure("train config.toml --set output=other", 1);
    assert!(
        said.contains("reviews.csv, line 98: found the byte 0xB2"),
        "{said}"
    );
    assert!(said.contains("`iconv -f GB18030 -t UTF-8`"), "{said}");
    place.write("texts.txt", b"fine\n\xB2\xEE\n");
    place.fails(
        "predict run --file texts.txt",
        1,
        "error: texts.txt, line 2: found byte 0xB2 after 0 bytes, wanted UTF-8 text\n\
         hint: `--bad-rows skip` leaves such rows out",
    );
}

#[test]
fn a_truncated_weights_file_is_recognised() {
    let place = Place::with_run();
    let weights = place.read("run/model/model.safetensors");
    place.write("run/model/model.safetensors", &weights[..weights.len() / 2]);
    for line in [
        "predict run text",
        "inspect run",
        "eval run --data reviews.csv --text review",
    ] {
        let said = place.failure(line, 1);
        assert!(
            said.starts_with("error: run/model/model.safetensors"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    place.write("run/model/model.safetensors", &weights[..5]);
    let said = place.failure("predict run text", 1);
    assert!(
        said.starts_with("error: run/model/model.safetensors"),
        "{said}"
    );
}

/// A file size limit does to the process what a full disk does: writing fails half-way.
#[test]
fn a_full_disk_leaves_nothing_half_written() {
    let place = Place::with_reviews();
    let limited = |line: &str| {
        let program = env!("CARGO_BIN_EXE_cloze");
        // 20 blocks of 512 bytes; without the trap the signal would end the program.
        let script = format!("trap '' XFSZ; ulimit -f 20; exec {program} {line}");
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(place.path("."))
            .output()
            .unwrap();
        (output.status.code(), text(&output.stderr))
    };
    let (status, said) = limited("vocab add fresh china --output extended");
    assert_eq!(status, Some(1), "{said}");
    let last = said.lines().last().unwrap();
    assert!(
        last.starts_with("error: cannot write ") && last.ends_with("File too large (os error 27)"),
        "{said}"
    );
    assert_eq!(place.names("."), ["config.toml", "fresh", "reviews.csv"]);

    let (status, said) = limited("train config.toml");
    assert_eq!(status, Some(1), "{said}");
    assert!(
        said.lines()
            .last()
            .unwrap()
            .ends_with("File too large (os error 27)"),
        "{said}"
    );
    assert!(
        !place.exists("run/model") && place.names("run/checkpoints").is_empty(),
        "{said}"
    );
    place.stdout("train --resume run");
    assert!(place.exists("run/metrics.json"));
}

#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_written_are_a_failure() {
    let place = Place::with_run();
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_cloze"))
        .args(["predict", "run", "text"])
        .current_dir(place.path("."))
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(
        text(&output.stderr),
        "error: cannot write to standard output: No space left on device (os error 28)\n"
    );
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_the_nearest() {
    let place = with_config(|config| config.replace("batch_size", "batchsize"));
    let said = place.failure("train config.toml", 2);
    assert!(
        said.starts_with("error: config.toml, line 15, field `train.batchsize`: "),
        "{said}"
    );
    assert!(said.contains("`batch_size`"), "{said}");
    let place = Place::with_reviews();
    let said = place.failure("train config.toml --set train.epoch=1", 2);
    assert!(
        said.contains("train.epoch") && said.contains("`epochs`"),
        "{said}"
    );
    let place = with_config(|config| config.replace("epochs = 3", "epochs = three"));
    let said = place.failure("train config.toml", 2);
    assert!(said.starts_with("error: config.toml, line 14"), "{said}");
}

#[test]
fn a_value_that_makes_no_sense_is_wrong_usage() {
    let place = Place::with_reviews();
    let said = place.failure("train config.toml --set train.learning_rate=-1", 2);
    assert!(said.contains("learning_rate"), "{said}");
    let said = place.failure("train config.toml --set model.freeze=layers:9", 2);
    assert_eq!(
        said.lines().last().unwrap(),
        "error: freeze = \"layers:9\": the model has 2 layers"
    );
    let said = place.failure("train config.toml --set data.max_length=1000", 2);
    assert_eq!(
        said.lines().last().unwrap(),
        "error: config.toml, field `data.max_length`: found 1000, wanted at most 64, which is what \
         the model reads"
    );
}

#[test]
fn a_missing_column_is_named_with_those_there_are() {
    let place = Place::with_reviews();
    place.fails(
        "train config.toml --set data.text=reveiw",
        1,
        "error: reviews.csv, field `reveiw`: found the columns `id`, `review`, `label`, wanted a \
         column of that name (did you mean `review`?)",
    );
    let place = Place::with_run();
    place.fails(
        "predict run --file reviews.csv --text txt",
        1,
        "error: reviews.csv, field `txt`: found the columns `id`, `review`, `label`, wanted a column \
         of that name",
    );
}

#[test]
fn unknown_missing_and_unreadable_files_are_named() {
    let place = Place::with_run();
    place.write("table.xlsx", "x");
    let known =
        "wanted one of `.csv`, `.tsv`, `.tab`, `.json`, `.jsonl`, `.ndjson`, `.parquet`, `.txt`";
    place.fails(
        "predict run --file table.xlsx",
        1,
        &format!("error: table.xlsx: found the extension `.xlsx`, {known}"),
    );
    place.fails(
        "eval run --data table.xlsx",
        1,
        &format!("error: table.xlsx: found the extension `.xlsx`, {known}"),
    );
    let missing = "No such file or directory (os error 2)";
    for line in [
        "predict run --file none.csv",
        "eval run --data none.csv",
        "tokenize run --file none.csv",
    ] {
        place.fails(line, 1, &format!("error: cannot read none.csv: {missing}"));
    }
    place.fails(
        "train none.toml",
        1,
        &format!("error: cannot read none.toml: {missing}"),
    );
    place.fails(
        "predict run --file run",
        1,
        "error: run: found a name without extension, \
         wanted one of `.csv`, `.tsv`, `.tab`, `.json`, `.jsonl`, `.ndjson`, `.parquet`, `.txt`",
    );

    std::fs::set_permissions(place.path("reviews.csv"), PermissionsExt::from_mode(0o000)).unwrap();
    // The superuser reads everything; then there is nothing to see.
    if std::fs::File::open(place.path("reviews.csv")).is_err() {
        place.fails(
            "predict run --file reviews.csv",
            1,
            "error: cannot read reviews.csv: Permission denied (os error 13)",
        );
    }
}

#[test]
fn empty_files_are_refused() {
    let place = Place::with_run();
    for name in ["empty.csv", "empty.txt", "empty.jsonl", "empty.json"] {
        place.write(name, "");
        let message = format!("error: {name}: found an empty file, wanted rows of data");
        place.fails(&format!("predict run --file {name}"), 1, &message);
        place.fails(&format!("eval run --data {name}"), 1, &message);
    }
}

#[test]
fn a_model_that_is_not_there_is_named() {
    let place = Place::with_run();
    place.fails(
        "predict no/such/folder text",
        1,
        "error: \"no/such/folder\" is neither a folder that exists nor a Hub id (owner/name, or \
         owner/name@revision)\n\
         hint: MODEL is a folder with config.json, a run folder, or a name on the Hub",
    );
    place.fails(
        "inspect reviews.csv",
        1,
        "error: reviews.csv is not a folder; a checkpoint is a folder with config.json and its weights",
    );
    let said = place.failure("inspect --offline owner/name", 1);
    assert!(said.contains("owner/name"), "{said}");
    place.write("run/model/config.json", "{\"model_type\": \"gpt2\"}");
    place.fails(
        "predict run text",
        1,
        "error: run/model/config.json, field `model_type`: found \"gpt2\", wanted one of bert, \
         distilbert, electra, roberta, xlm-roberta",
    );
}

#[test]
fn a_model_without_classification_head_says_what_it_is() {
    let place = Place::with_reviews();
    place.fails(
        "predict fresh text",
        1,
        "error: fresh is no text classifier: it is a BertModel, and lacks classifier.weight, \
         classifier.bias\n\
         hint: `cloze train` makes a classifier of it: give it as `model.path` of a configuration",
    );
}

#[test]
fn outputs_never_replace_what_is_there() {
    let place = Place::with_reviews();
    for line in [
        "vocab train reviews.csv --size 100 --output fresh",
        "vocab add fresh x --output fresh",
        "init --config fresh/config.json --tokenizer fresh fresh",
    ] {
        place.fails(
            line,
            1,
            "error: fresh exists already\nhint: choose another folder, or remove this one",
        );
    }
}
