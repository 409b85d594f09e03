//! Settings of generation: those of the command line, and those that stay with a model.

use serde_json::json;

use crate::generation::{generate, place};
use crate::place::{Place, json_lines, stderr, text};

const FILE: &str = "tiny/generation_config.json";

fn save(place: &Place, line: &str) -> serde_json::Value {
    place.stdout(&format!("generate tiny {line} --save-settings"));
    place.json(FILE)
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
    // What was given, and what it needs to be the same to `transformers`.
    assert_eq!(
        saved,
        json!({
            "max_new_tokens": 4, "temperature": 0.5, "top_k": 7, "no_repeat_last": 5, "do_sample": true
        })
    );
    let output = place
        .cloze("generate tiny --verbose --top-k 3 --ban cat --seed 1 --prompt dog")
        .assert()
        .success();
    let shown = stderr(&output);
    let rules: Vec<&str> = shown.lines().skip(1).map(str::trim).collect();
    assert!(
        rules[0].starts_with("1. ") && rules[0].ends_with("tokens are never written"),
        "{shown}"
    );
    assert_eq!(
        rules[1..4],
        [
            "2. none of the last 5 written tokens comes again",
            "3. temperature 0.5",
            "4. the 3 likeliest tokens (top-k)"
        ]
    );
    assert_eq!(
        rules[4..],
        [
            "then a token is drawn, seed 1",
            "a text ends after 4 tokens"
        ],
        "{shown}"
    );
}

#[test]
fn bans_and_marks_are_saved_once_and_can_be_taken_back() {
    let place = place();
    save(&place, "--ban cat --ban cat --stop . --stop .");
    let saved = save(&place, "--ban cat");
    assert_eq!(saved["bad_words_ids"].as_array().unwrap().len(), 1);
    assert_eq!(saved["stop_strings"], json!(["."]));
    let saved = save(&place, "--no-ban --ban dog");
    assert_eq!(saved["bad_words_ids"].as_array().unwrap().len(), 1);
    // No empty lists are left, which `transformers` refuses.
    assert_eq!(save(&place, "--no-ban --no-stop"), json!({}));
}

#[test]
fn settings_that_transformers_takes_do_not_stand_in_the_way() {
    let place = place();
    let texts = |line: &str| {
        let line = format!("--max-new-tokens 4 --seed 1 --json {line}");
        json_lines(&generate(&place, &line, &["the cat"])).remove(0)
    };
    let greedy = texts("--greedy");
    let beams = texts("--beams 4");
    place.write(FILE, "{\"num_beams\": 4}");
    assert_eq!(texts(""), beams);
    assert_eq!(texts("--greedy"), greedy);
    place.write(FILE, "{\"do_sample\": false, \"temperature\": 0.0}");
    assert_eq!(texts(""), greedy);
    let message = place.failure("generate tiny --prompt cat --top-k 3", 1);
    assert!(
        message
            .contains("generation_config.json, field `temperature`: found 0, wanted a number from"),
        "{message}"
    );
    assert!(texts("--top-k 3 --temperature 1")["tokens"] == 4);
    place.write(
        FILE,
        "{\"do_sample\": false, \"num_return_sequences\": 3, \"min_new_tokens\": 3}",
    );
    assert_eq!(texts("--count 2").as_array().unwrap().len(), 2);
    assert_eq!(texts("--greedy")["continuation"], greedy["continuation"]);
    let message = place.failure("generate tiny --prompt cat", 1);
    assert!(
        message.contains("field `num_return_sequences`: found 3, wanted 1: without sampling"),
        "{message}"
    );
    let message = place.failure("generate tiny --prompt cat --max-new-tokens 2", 1);
    assert!(
        message.contains("field `min_new_tokens`: found 3, wanted at most --max-new-tokens, 2"),
        "{message}"
    );
    // A session writes one text whatever the file says.
    place.stdout("generate tiny --interactive");
}

#[test]
fn whoever_leaves_beam_search_gets_one_text() {
    let place = place();
    save(&place, "--beams 5 --best 3 --max-new-tokens 4");
    let count = |line: &str| {
        let line = format!("{line} --json");
        let texts = json_lines(&generate(&place, &line, &["the cat"])).remove(0);
        texts.as_array().map_or(1, Vec::len)
    };
    assert_eq!(count(""), 3);
    assert_eq!(count("--temperature 0.8"), 1);
    assert_eq!(count("--temperature 0.8 --count 2"), 2);
    assert_eq!(count("--beams 3"), 1);
}

/// Only a terminal means that nobody gives prompts.
#[test]
fn standard_input_is_read_although_settings_are_saved() {
    let place = place();
    let mut command =
        place.cloze("generate tiny --greedy --max-new-tokens 3 --save-settings --json");
    let output = command.write_stdin("the dog\n").assert().success();
    let rows = json_lines(&text(&output.get_output().stdout));
    assert_eq!((rows.len(), &rows[0]["tokens"]), (1, &3.into()));
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
        "--top-p: found 1.5, wanted a number from 0.000001 to 1",
    );
    fails(
        "--temperature 1e-50",
        "--temperature: found 1e-50, wanted a number from 0.000001 to 1,000,000 (the highest score alone is \
         greedy decoding)",
    );
    fails(
        "--count 99999999999999",
        "--count: found 99999999999999, wanted at most 100,000",
    );
    fails(
        "--beams 99999999999999",
        "--beams: found 99999999999999, wanted at most 1,000",
    );
    fails(
        "--beams 2 --length-penalty 300",
        "--length-penalty: found 300, wanted a number from -10 to 10",
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
        "--beams 1 --best 1",
        "--best is for beam search: found --beams 1, wanted --beams 2 or more",
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
