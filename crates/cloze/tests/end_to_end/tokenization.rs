//! `cloze tokenize`.

use serde_json::{Value, json};

use crate::place::{Place, json_lines, stderr, text};

/// A folder with nothing but a vocabulary; letters become small, as without any settings.
fn with_vocabulary() -> Place {
    let place = Place::empty();
    std::fs::create_dir(place.path("v")).unwrap();
    let tokens = "[PAD] [UNK] [CLS] [SEP] [MASK] i love china , ##n 我 爱 中 国 lamb ##s";
    place.write("v/vocab.txt", tokens.replace(' ', "\n"));
    place
}

fn encoded(place: &Place, line: &str) -> Value {
    json_lines(&place.stdout(line)).remove(0)
}

#[test]
fn json_has_the_fields_of_a_transformers_tokenizer() {
    let place = with_vocabulary();
    let output = place
        .cloze("tokenize v --json")
        .arg("I love lambs")
        .assert()
        .success();
    assert_eq!(
        json_lines(&text(&output.get_output().stdout))[0],
        json!({
            "input_ids": [2, 5, 6, 14, 15, 3],
            "token_type_ids": [0, 0, 0, 0, 0, 0],
            "attention_mask": [1, 1, 1, 1, 1, 1],
            "offset_mapping": [[0, 0], [0, 1], [2, 6], [7, 11], [11, 12], [0, 0]],
            "word_ids": [null, 0, 1, 2, 2, null],
            "special_tokens_mask": [1, 0, 0, 0, 0, 1],
            "tokens": ["[CLS]", "i", "love", "lamb", "##s", "[SEP]"],
            "untruncated_length": 6,
            "length": 6
        })
    );
}

#[test]
fn a_pair_is_cut_and_padded() {
    let place = with_vocabulary();
    let line = "tokenize v 我爱中国 中国 --max-length 8 --padding max-length --truncation only-first --json";
    let pair = encoded(&place, line);
    assert_eq!(pair["input_ids"], json!([2, 10, 11, 12, 3, 12, 13, 3]));
    assert_eq!(pair["token_type_ids"], json!([0, 0, 0, 0, 0, 1, 1, 1]));
    let padded = encoded(
        &place,
        "tokenize v 我 --max-length 5 --padding max-length --json",
    );
    assert_eq!(padded["input_ids"], json!([2, 10, 3, 0, 0]));
    assert_eq!(padded["attention_mask"], json!([1, 1, 1, 0, 0]));
    assert_eq!(padded["length"], 3);
    let rounded = encoded(
        &place,
        "tokenize v 我 --padding longest --pad-to-multiple-of 4 --json",
    );
    assert_eq!(rounded["input_ids"], json!([2, 10, 3, 0]));
}

#[test]
fn what_is_cut_comes_in_overlapping_windows() {
    let place = with_vocabulary();
    let text = encoded(
        &place,
        "tokenize v 我爱中国 --max-length 4 --stride 1 --json",
    );
    assert_eq!(text["input_ids"], json!([2, 10, 11, 3]));
    let windows: Vec<&Value> = text["overflowing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|window| &window["input_ids"])
        .collect();
    assert_eq!(windows, [&json!([2, 11, 12, 3]), &json!([2, 12, 13, 3])]);
    place.fails(
        "tokenize v 我 --stride 1",
        2,
        "error: --stride needs --max-length, the length of a window",
    );
}

#[test]
fn words_are_kept_apart_and_numbered() {
    let place = with_vocabulary();
    let output = place
        .cloze("tokenize v --words --json")
        .arg("love lambs , china")
        .assert()
        .success();
    let words = &json_lines(&text(&output.get_output().stdout))[0]["word_ids"];
    assert_eq!(words, &json!([null, 0, 1, 1, 2, 3, null]));
}

#[test]
fn ids_become_text_again() {
    let place = with_vocabulary();
    assert_eq!(
        place.stdout("tokenize v --decode 2 5 6 7 3"),
        "[CLS] i love china [SEP]\n"
    );
    assert_eq!(
        place.stdout("tokenize v --decode 2 10 11 3 --skip-special-tokens"),
        "我 爱\n"
    );
    let joined = "tokenize v --decode 2 10 11 3 --skip-special-tokens --join-chinese";
    assert_eq!(place.stdout(joined), "我爱\n");
    place.fails(
        "tokenize v --decode 99",
        1,
        "error: the vocabulary has no id 99, its ids end at 15",
    );
}

#[test]
fn a_file_is_tokenized_in_order_line_by_line() {
    let place = with_vocabulary();
    let lines: String = (0..20_000)
        .map(|number| {
            format!(
                "{}\n",
                ["i", "love", "china"][..number % 4 % 3 + 1].join(" ")
            )
        })
        .collect();
    place.write("corpus.txt", &lines);
    let tokens = place.stdout("tokenize v --file corpus.txt --no-special-tokens");
    assert!(tokens == lines);
    let ids = place.stdout("tokenize v --file corpus.txt --show ids");
    let lengths = ids.lines().map(|line| line.split(' ').count());
    assert!(lengths.eq(lines.lines().map(|line| line.split(' ').count() + 2)));
    let piped = place
        .cloze("tokenize v --no-special-tokens")
        .write_stdin(lines.as_str())
        .assert()
        .success();
    assert!(text(&piped.get_output().stdout) == lines);
}

#[test]
fn pairs_stand_in_a_file_or_share_their_first_text() {
    let place = with_vocabulary();
    place.write("pairs.txt", "我\t爱\n中\t国\n");
    assert_eq!(
        place.stdout("tokenize v --file pairs.txt --show ids"),
        "2 10 3 11 3\n2 12 3 13 3\n"
    );
    place.write("candidates.txt", "爱\n国\n");
    assert_eq!(
        place.stdout("tokenize v 我 --file candidates.txt --show ids"),
        "2 10 3 11 3\n2 10 3 13 3\n"
    );
}

#[test]
fn texts_that_are_too_long_are_counted() {
    let place = with_vocabulary();
    place.write("texts.txt", "我 爱 中 国\n我\n我 爱 国\n");
    let output = place
        .cloze("tokenize v --file texts.txt --max-length 4")
        .assert()
        .success();
    assert_eq!(
        stderr(&output),
        "warning: 2 of 3 texts are longer than the 4 tokens that are read (the longest has 6, the \
         first is number 1)\n"
    );
}

#[test]
fn people_get_a_table() {
    let place = with_vocabulary();
    let table = place.stdout("tokenize v 我 lamb");
    let lines: Vec<Vec<&str>> = table
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        lines[0],
        [
            "position",
            "token",
            "id",
            "type",
            "mask",
            "word",
            "characters"
        ]
    );
    assert_eq!(lines[2], ["1", "我", "10", "0", "1", "0", "0–1"]);
    assert_eq!(lines[4], ["3", "lamb", "14", "1", "1", "0", "0–4"]);
}
