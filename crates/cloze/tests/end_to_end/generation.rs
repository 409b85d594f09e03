//! Texts that go on, by a tiny random masked language model.

use std::path::Path;

use serde_json::Value;

use crate::place::{Place, json_lines, stderr, text};

/// A place with the model `tiny`.
fn place() -> Place {
    let place = Place::empty();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"));
    place.copy_folder(
        &golden.join("../cloze-model/tests/golden/masked_lm/bert"),
        "tiny",
    );
    place
}

fn generate(place: &Place, line: &str, prompts: &[&str]) -> String {
    let mut command = place.cloze(&format!("generate tiny {line}"));
    for prompt in prompts {
        command.args(["--prompt", prompt]);
    }
    text(&command.assert().success().get_output().stdout)
}

#[test]
fn a_seed_gives_the_same_text_and_the_prompt_stands_as_it_was_written() {
    let place = place();
    let line = "--max-new-tokens 12 --seed 7";
    let first = generate(&place, line, &["The Cat  sat"]);
    assert!(
        first.starts_with("The Cat  sat") && first.ends_with('\n'),
        "{first:?}"
    );
    assert_eq!(first.lines().count(), 1, "{first:?}");
    assert!(
        !first.contains("##") && !first.contains("[UNK]"),
        "{first:?}"
    );
    assert_eq!(first, generate(&place, line, &["The Cat  sat"]));
    assert_eq!(
        first,
        generate(&place, &format!("{line} --threads 1"), &["The Cat  sat"])
    );
    assert_ne!(
        first,
        generate(&place, "--max-new-tokens 12 --seed 8", &["The Cat  sat"])
    );
}

#[test]
fn several_texts_of_several_prompts_are_those_that_each_has_alone() {
    let place = place();
    let line = "--max-new-tokens 8 --seed 3 --json";
    let lines = json_lines(&generate(
        &place,
        &format!("{line} --count 3"),
        &["the cat", "我爱"],
    ));
    assert_eq!(lines.len(), 2);
    let alone = json_lines(&generate(&place, line, &["我爱"]));
    assert_eq!(lines[1][0], alone[0]);
    assert_eq!(lines[1].as_array().unwrap().len(), 3);
    assert_eq!(alone[0]["tokens"], 8);
    assert_eq!(alone[0]["finish"], "length");
    let whole = alone[0]["generated_text"].as_str().unwrap();
    assert_eq!(
        whole,
        format!("我爱{}", alone[0]["continuation"].as_str().unwrap())
    );

    // The screen has the same texts, one below the other.
    let shown = generate(
        &place,
        "--max-new-tokens 8 --seed 3 --count 3",
        &["the cat", "我爱"],
    );
    let texts: Vec<&str> = shown
        .lines()
        .filter(|line| !line.is_empty() && !line.ends_with("of 3"))
        .collect();
    let wanted: Vec<&str> = lines
        .iter()
        .flat_map(|texts| texts.as_array().unwrap())
        .map(|text| text["generated_text"].as_str().unwrap())
        .collect();
    assert_eq!(texts, wanted);
    assert!(shown.starts_with("1 of 3\nthe cat"), "{shown}");
}

#[test]
fn prompts_come_from_a_file_or_from_standard_input() {
    let place = place();
    place.write(
        "prompts.jsonl",
        "{\"id\": 5, \"text\": \"the dog\"}\n{\"id\": 6, \"text\": \"a film\"}\n",
    );
    let line = "generate tiny --max-new-tokens 3 --greedy --json";
    let rows = json_lines(&place.stdout(&format!("{line} --file prompts.jsonl")));
    assert_eq!(
        (rows[0]["id"].clone(), rows[1]["id"].clone()),
        (5.into(), 6.into())
    );
    let mut command = place.cloze(line);
    let output = command.write_stdin("the dog\na film\n").assert().success();
    let of_lines = json_lines(&text(&output.get_output().stdout));
    let texts = |rows: &[Value]| -> Vec<Value> {
        rows.iter()
            .map(|row| row["generated_text"].clone())
            .collect()
    };
    assert_eq!(texts(&rows), texts(&of_lines));
}

#[test]
fn beams_have_scores_and_marks_end_texts() {
    let place = place();
    let line = "--beams 4 --best 2 --max-new-tokens 6 --json";
    let best = &json_lines(&generate(&place, line, &["the cat"]))[0];
    let score = |index: usize| best[index]["score"].as_f64().unwrap();
    assert!(score(0) >= score(1), "{best}");
    let free = &json_lines(&generate(
        &place,
        "--greedy --max-new-tokens 20 --json",
        &["the cat"],
    ))[0];
    let continuation = free["continuation"].as_str().unwrap();
    let mark: String = continuation.chars().skip(9).take(4).collect();
    let mut command = place.cloze("generate tiny --greedy --max-new-tokens 20 --json");
    let output = command
        .args(["--prompt", "the cat", "--stop", &mark])
        .assert()
        .success();
    let stopped = &json_lines(&text(&output.get_output().stdout))[0];
    assert_eq!(stopped["finish"], "stop");
    let end = continuation.find(&mark).unwrap() + mark.len();
    assert_eq!(stopped["continuation"], continuation[..end]);
}

#[test]
fn settings_stay_with_the_model_and_options_go_before_them() {
    let place = place();
    let output = place
        .cloze("generate tiny --temperature 0.5 --top-k 7 --no-repeat 5 --max-new-tokens 4 --save-settings")
        .assert()
        .success();
    assert!(
        stderr(&output).contains("settings saved in tiny"),
        "{}",
        stderr(&output)
    );
    let saved = place.json("tiny/generation_config.json");
    assert_eq!(saved["temperature"], 0.5);
    assert_eq!(saved["no_repeat_last"], 5);
    let output = place
        .cloze("generate tiny --verbose --top-k 3 --ban cat --seed 1 --prompt dog")
        .assert()
        .success();
    let shown = stderr(&output);
    let rules: Vec<&str> = shown.lines().skip(1).map(str::trim).collect();
    assert!(
        rules[0].starts_with("1. ") && rules[0].ends_with("tokens never"),
        "{shown}"
    );
    assert_eq!(
        rules[1..4],
        [
            "2. none of the last 5 generated tokens",
            "3. temperature 0.5",
            "4. top 3"
        ]
    );
    assert_eq!(
        rules[4..],
        ["then a token is drawn, seed 1", "until 4 tokens"],
        "{shown}"
    );
}

#[test]
fn a_banned_word_is_never_written() {
    let place = place();
    let free = generate(&place, "--greedy --max-new-tokens 20 --json", &["the"]);
    let free = json_lines(&free)[0]["continuation"]
        .as_str()
        .unwrap()
        .to_lowercase();
    let word = free
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .find(|word| word.len() > 2);
    let word = word.unwrap();
    let banned = generate(
        &place,
        &format!("--greedy --max-new-tokens 20 --ban {word} --json"),
        &["the"],
    );
    let banned = json_lines(&banned)[0]["continuation"]
        .as_str()
        .unwrap()
        .to_lowercase();
    let words: Vec<&str> = banned
        .split(|letter: char| !letter.is_ascii_alphabetic())
        .collect();
    assert!(!words.contains(&word), "{word}: {banned}");
}

#[test]
fn a_session_goes_on_from_what_was_written() {
    let place = place();
    let lines = "the cat\n\n/again\n/undo\n/show\n/set top-k 1\n/set temperature 0\n/nonsense\n/new\n\n/quit\nno more\n";
    let mut command = place.cloze("generate tiny --interactive --max-new-tokens 5 --seed 2");
    let output = command.write_stdin(lines).assert().success();
    let shown = text(&output.get_output().stdout);
    let lines: Vec<&str> = shown.lines().collect();
    // Three continuations and the text before the last two.
    assert_eq!(lines.len(), 4, "{shown}");
    assert_ne!(lines[1], lines[2]);
    assert_eq!(lines[3], format!("the cat{}", lines[0]));
    let said = stderr(&output);
    assert!(
        said.contains("--temperature: found 0, wanted a number above 0"),
        "{said}"
    );
    assert!(said.contains("/nonsense is no command"), "{said}");
    assert!(said.contains("there is no text yet"), "{said}");
}

#[test]
fn impossible_settings_name_the_flag_what_was_found_and_what_is_wanted() {
    let place = place();
    let fails = |line: &str, message: &str| {
        place.fails(
            &format!("generate tiny --prompt dog {line}"),
            2,
            &format!("error: {message}"),
        );
    };
    fails(
        "--top-p 1.5",
        "--top-p: found 1.5, wanted a number above 0, at most 1",
    );
    fails(
        "--max-new-tokens 0",
        "--max-new-tokens: found 0, wanted 1 or more",
    );
    fails(
        "--min-new-tokens 200",
        "--min-new-tokens: found 200, wanted at most --max-new-tokens, 100",
    );
    fails(
        "--beams 2 --best 3",
        "--best: found 3, wanted at most --beams, 2",
    );
    fails(
        "--best 2",
        "--best is for beam search: found no --beams, wanted --beams 2 or more",
    );
    fails(
        "--ban Zürich",
        "--ban: found \"Zürich\", which the model's vocabulary has no tokens for, wanted a word that it can \
         write",
    );
    assert!(
        place
            .failure("generate tiny --greedy --top-k 3 --prompt dog", 2)
            .contains("--top-k")
    );
    place.write("tiny/generation_config.json", "{\"top_k\": \"many\"}");
    let message = place.failure("generate tiny --prompt dog", 1);
    assert!(
        message.contains("field `top_k`: found \"many\", wanted a whole number from 0 on"),
        "{message}"
    );
}

#[test]
fn a_model_that_does_not_continue_texts_says_what_does() {
    let place = Place::with_run();
    let message = place.failure("generate run --prompt dog", 1);
    assert!(
        message.contains("does not continue texts: it is a BertForSequenceClassification"),
        "{message}"
    );
    assert!(
        message.contains("hint: a masked language model does"),
        "{message}"
    );
}

/// A model that learns a text in which every word is followed by the next one of a short list writes
/// that list, from wherever it is asked to go on.
#[test]
fn a_continuation_model_writes_what_it_has_learnt() {
    const WORDS: [&str; 6] = ["plot", "soup", "service", "acting", "song", "awful"];
    let place = Place::with_reviews();
    let novel: Vec<&str> = (0..600).map(|at| WORDS[at % WORDS.len()]).collect();
    place.write("novel.txt", novel.join(" "));
    place.write(
        "novel.toml",
        "task = \"continuation\"\noutput = \"novel\"\nseed = 1\n[model]\npath = \"fresh\"\n\
         [data]\ntrain = \"novel.txt\"\nsplit = { validation = 0.1 }\n\
         [continuation]\nlength = 6\n\
         [train]\nepochs = 2\nbatch_size = 8\nlearning_rate = 5e-3\n",
    );
    place.stdout("train novel.toml");
    let output = place
        .cloze("generate novel --greedy --max-new-tokens 12 --json --keep-case --verbose")
        .args(["--prompt", "plot soup service acting song awful"])
        .args(["--prompt", "song awful plot soup service acting"])
        .assert()
        .success();
    let lines = json_lines(&text(&output.get_output().stdout));
    for (line, first) in lines.iter().zip([0, 4]) {
        let written = line["continuation"].as_str().unwrap();
        let wanted = (first..).map(|at| WORDS[at % WORDS.len()]);
        let mut words: Vec<&str> = written.split_whitespace().collect();
        // The last one may lack its end.
        words.pop();
        let right = words
            .iter()
            .zip(wanted)
            .filter(|(word, wanted)| *word == wanted)
            .count();
        assert_eq!(right, words.len(), "{written}");
        assert!(words.len() >= 3, "{written}");
    }
    assert!(
        stderr(&output).contains("reads the last 6 tokens of a text"),
        "{}",
        stderr(&output)
    );
}
