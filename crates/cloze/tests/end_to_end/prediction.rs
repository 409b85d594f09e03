//! `cloze predict`: texts from arguments, files and standard input.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::place::{Place, json_lines, reviews, stderr, text};

/// The labels and the scores, rounded so that batches of other sizes give equal ones.
fn rounded(line: &Value) -> (String, i64) {
    let score = (line["score"].as_f64().unwrap() * 1e4).round();
    (line["label"].as_str().unwrap().to_owned(), score as i64)
}

#[test]
fn arguments_files_and_standard_input_give_the_same_answers() {
    let place = Place::with_run();
    let texts = [
        "the plot was awful",
        "the soup was lovely , warm and quick",
        "a song",
    ];
    place.write("new.txt", texts.join("\n"));
    place.write(
        "new.csv",
        format!(
            "stars,text\n1,{}\n2,\"{}\"\n3,{}\n",
            texts[0], texts[1], texts[2]
        ),
    );
    place.write(
        "new.tsv",
        format!(
            "stars\ttext\n1\t{}\n2\t{}\n3\t{}\n",
            texts[0], texts[1], texts[2]
        ),
    );
    let objects: Vec<String> = texts
        .iter()
        .map(|text| json!({"text": text}).to_string())
        .collect();
    place.write("new.jsonl", objects.join("\n"));
    place.write("new.json", format!("[{}]", objects.join(",\n")));

    let output = place
        .cloze("predict run --json")
        .args(texts)
        .assert()
        .success();
    let expected: Vec<_> = json_lines(&text(&output.get_output().stdout))
        .iter()
        .map(rounded)
        .collect();
    assert_eq!(expected.len(), 3);
    for file in ["new.txt", "new.csv", "new.tsv", "new.jsonl", "new.json"] {
        let output = place.stdout(&format!("predict run --json --file {file}"));
        let found: Vec<_> = json_lines(&output).iter().map(rounded).collect();
        assert_eq!(found, expected, "{file}");
    }
    for (format, input) in [
        ("txt", "new.txt"),
        ("csv", "new.csv"),
        ("tsv", "new.tsv"),
        ("jsonl", "new.jsonl"),
    ] {
        let mut command = place.cloze(&format!("predict run/model --json --format {format}"));
        let output = command.write_stdin(place.read(input)).assert().success();
        let found: Vec<_> = json_lines(&text(&output.get_output().stdout))
            .iter()
            .map(rounded)
            .collect();
        assert_eq!(found, expected, "{format}");
    }
}

#[test]
fn the_trained_model_tells_the_labels_apart() {
    let place = Place::with_run();
    let output = place.stdout("predict run --json --file reviews.csv --text review");
    let table = String::from_utf8(place.read("reviews.csv")).unwrap();
    let right = json_lines(&output)
        .iter()
        .zip(table.lines().skip(1))
        .filter(|(line, row)| row.ends_with(line["label"].as_str().unwrap()))
        .count();
    assert!(right >= 90, "{right} of 96");
}

#[test]
fn json_has_exactly_the_fields_of_a_pipeline() {
    let place = Place::with_run();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let one = &json_lines(&place.stdout("predict run --json soup"))[0];
    assert_eq!(keys(one), ["label", "score"]);
    assert!(one["score"].as_f64().unwrap() > 0.5);

    let all = &json_lines(&place.stdout("predict run --json --all soup"))[0];
    let scores: Vec<f64> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["score"].as_f64().unwrap())
        .collect();
    assert_eq!(keys(&all[0]), ["label", "score"]);
    assert!(scores[0] >= scores[1] && scores.len() == 2);
    assert!(
        (scores.iter().sum::<f64>() - 1.0).abs() < 1e-6,
        "{scores:?}"
    );

    let top = &json_lines(&place.stdout("predict run --json --top-k 1 soup"))[0];
    assert_eq!(top, &json!([one]));
}

#[test]
fn a_rows_id_comes_back_with_its_prediction() {
    let place = Place::with_run();
    place.write(
        "test.json",
        "{\"id\": 70, \"sentence\": \"cold soup\"}\n{\"id\": \"b\", \"sentence\": \"warm soup\"}\n",
    );
    let lines = json_lines(&place.stdout("predict run --json --file test.json"));
    assert_eq!(
        (&lines[0]["id"], &lines[1]["id"]),
        (&json!(70), &json!("b"))
    );
    assert_eq!(lines[0].as_object().unwrap().len(), 3);
    let lists = json_lines(&place.stdout("predict run --json --all --file test.json"));
    assert_eq!(lists[0][1]["id"], json!(70));
    assert!(
        place
            .stdout("predict run --file test.json")
            .contains("b  warm soup")
    );
}

#[test]
fn people_get_a_line_a_text() {
    let place = Place::with_run();
    let output = place
        .cloze("predict run")
        .args(["awful\nand boring", "lovely"])
        .assert()
        .success();
    let output = text(&output.get_output().stdout);
    let lines: Vec<Vec<&str>> = output
        .lines()
        .map(|line| line.split("  ").collect())
        .collect();
    assert_eq!(lines.len(), 2, "{output}");
    assert_eq!((lines[0][0], lines[0][2]), ("negative", "awful and boring"));
    assert_eq!((lines[1][0], lines[1][2]), ("positive", "lovely"));
    let output = place.stdout("predict run --all lovely");
    assert!(output.starts_with("lovely\n  positive  0."), "{output}");
}

#[test]
fn a_second_text_changes_the_answer() {
    let place = Place::with_run();
    let score = |line: &str| {
        json_lines(&place.stdout(line))[0]["score"]
            .as_f64()
            .unwrap()
    };
    let alone = score("predict run --json soup");
    let pair = score("predict run --json soup --pair awful");
    assert!((alone - pair).abs() > 1e-4);
    place.write(
        "pairs.jsonl",
        r#"{"sentence1": "soup", "sentence2": "awful"}"#,
    );
    assert!((score("predict run --json --file pairs.jsonl") - pair).abs() < 1e-6);
}

/// A conversation: each answer comes before the next question.
#[test]
fn answers_appear_as_questions_arrive() {
    let place = Place::with_run();
    let mut child = Command::new(env!("CARGO_BIN_EXE_cloze"))
        .args(["predict", "run", "--json"])
        .current_dir(place.path("."))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut questions = child.stdin.take().unwrap();
    let mut answers = BufReader::new(child.stdout.take().unwrap()).lines();
    for (question, label) in [
        ("lovely", "positive"),
        ("awful", "negative"),
        ("clever", "positive"),
    ] {
        writeln!(questions, "{question}").unwrap();
        let answer: Value = serde_json::from_str(&answers.next().unwrap().unwrap()).unwrap();
        assert_eq!(answer["label"], label);
    }
    drop(questions);
    assert!(answers.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn order_is_kept_over_many_batches() {
    let place = Place::with_run();
    let mut lines = String::new();
    for number in 0..300 {
        let word = if number % 3 == 0 { "awful" } else { "lovely" };
        let text = format!("the plot was {word} ").repeat(1 + number % 4);
        lines += &json!({"id": number, "text": text}).to_string();
        lines.push('\n');
    }
    place.write("many.jsonl", lines);
    let output = json_lines(&place.stdout("predict run --json --file many.jsonl --batch-size 4"));
    assert_eq!(output.len(), 300);
    for (number, line) in output.iter().enumerate() {
        assert_eq!(line["id"], json!(number));
        let label = if number % 3 == 0 {
            "negative"
        } else {
            "positive"
        };
        assert_eq!(line["label"], label, "{line}");
    }
}

#[test]
fn a_reader_that_leaves_early_is_no_failure() {
    let place = Place::with_run();
    place.write("many.txt", "the plot was awful\n".repeat(3000));
    let program = env!("CARGO_BIN_EXE_cloze");
    let line = format!("{program} predict run --file many.txt --batch-size 8; echo status $? >&2");
    let output = Command::new("sh")
        .args(["-c", &format!("({line}) | head -n 1")])
        .current_dir(place.path("."))
        .output()
        .unwrap();
    assert_eq!(text(&output.stdout).lines().count(), 1);
    assert_eq!(text(&output.stderr), "status 0\n");
}

#[test]
fn texts_that_were_cut_are_counted() {
    let place = Place::with_run();
    let long = ", ".repeat(40);
    let output = place
        .cloze("predict run --json")
        .args([long.as_str(), "soup"])
        .assert()
        .success();
    assert_eq!(
        stderr(&output),
        "warning: 1 of 2 texts is longer than the 24 tokens that are read (the longest has 42, the \
         first is number 1)\n"
    );
}

#[test]
fn bad_rows_stop_or_are_left_out() {
    let place = Place::with_run();
    place.write("new.csv", "id,text\n1,lovely\n2, \n3,awful\n4\n5,warm\n");
    let failed = place
        .cloze("predict run --json --file new.csv")
        .assert()
        .code(1);
    assert_eq!(json_lines(&text(&failed.get_output().stdout)).len(), 1);
    assert_eq!(
        stderr(&failed),
        "error: new.csv, line 3, field `text`: found an empty text, wanted a text\n\
         hint: `--bad-rows skip` leaves such rows out\n"
    );
    let skipped = place
        .cloze("predict run --json --file new.csv --bad-rows skip")
        .assert()
        .success();
    let ids: Vec<Value> = json_lines(&text(&skipped.get_output().stdout))
        .iter()
        .map(|line| line["id"].clone())
        .collect();
    assert_eq!(ids, [json!("1"), json!("3"), json!("5")]);
    assert_eq!(
        stderr(&skipped),
        "warning: new.csv, line 3, field `text`: found an empty text, wanted a text\n\
         warning: new.csv, line 5: found 1 field, wanted 2 fields, as in the header\n\
         2 rows left out\n"
    );
}

/// A file ten times as long takes no more memory.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_flat_however_long_the_input_is() {
    let place = Place::with_run();
    let peak = |texts: usize| {
        place.write(
            "many.txt",
            format!("{}\n", "cold ".repeat(12)).repeat(texts),
        );
        let mut child = Command::new(env!("CARGO_BIN_EXE_cloze"))
            .args(["tokenize", "run", "--file", "many.txt", "--show", "ids"])
            .current_dir(place.path("."))
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let status = format!("/proc/{}/status", child.id());
        let mut peak = 0;
        while child.try_wait().unwrap().is_none() {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let value = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse().ok());
            peak = peak.max(value.unwrap_or(0_usize));
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        peak
    };
    // The 360,000 lines more are 21 MB of text, and some 150 MB of encodings. How far the thread that reads
    // is ahead, and what the allocator keeps for its threads, differ from run to run by 10 MB.
    let (short, long) = (peak(40_000), peak(400_000));
    assert!(
        long < short + 20_000,
        "{short} kB for 40,000 lines, {long} kB for 400,000"
    );
}

#[test]
fn reviews_without_labels_are_predicted() {
    let place = Place::with_run();
    let unlabelled: String = reviews(4)
        .lines()
        .map(|line| line.rsplit_once(',').unwrap().0.to_owned() + "\n")
        .collect();
    place.write("unlabelled.csv", unlabelled);
    assert_eq!(
        place
            .stdout("predict run --file unlabelled.csv")
            .lines()
            .count(),
        4
    );
}
