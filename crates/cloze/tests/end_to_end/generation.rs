//! Texts that go on, by a tiny random masked language model.

use std::path::Path;

use serde_json::Value;

use crate::place::{Place, json_lines, stderr, text};

/// A place with the model `tiny`.
pub(crate) fn place() -> Place {
    let place = Place::empty();
    let golden = Path::new(env!("CARGO_MANIFEST_DIR"));
    place.copy_folder(
        &golden.join("../cloze-model/tests/golden/masked_lm/bert"),
        "tiny",
    );
    place
}

pub(crate) fn generate(place: &Place, line: &str, prompts: &[&str]) -> String {
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
        said.contains("--temperature: found 0, wanted a number from 0.000001"),
        "{said}"
    );
    assert!(said.contains("/nonsense is no command"), "{said}");
    assert!(said.contains("there is no text yet"), "{said}");
}

/// The model may write one word alone, which is then banned.
#[test]
fn a_setting_that_leaves_nothing_to_write_does_not_end_a_session() {
    let place = place();
    let vocabulary = text(&place.read("tiny/vocab.txt"));
    let others =
        (0..vocabulary.lines().count()).filter(|&id| vocabulary.lines().nth(id) != Some("cat"));
    let others: Vec<usize> = others.collect();
    place.write(
        "tiny/generation_config.json",
        format!("{{\"suppress_tokens\": {others:?}}}"),
    );
    let mut command = place.cloze("generate tiny --interactive --max-new-tokens 3");
    let output = command
        .write_stdin("the\n/set ban cat\n\n/quit\n")
        .assert()
        .success();
    assert_eq!(
        text(&output.get_output().stdout),
        " cat cat cat\n cat cat cat\n"
    );
    let said = stderr(&output);
    assert!(
        said.starts_with("there is no token to go on with"),
        "{said}"
    );
}

/// A group of fewer texts than a prompt has.
#[test]
fn the_batch_size_changes_no_text() {
    let place = place();
    for line in ["--json", ""] {
        let line = format!("--max-new-tokens 5 --seed 3 --count 5 {line}");
        let together = generate(&place, &line, &["the cat", "我爱"]);
        for batch in [1, 2, 7] {
            let line = format!("{line} --batch-size {batch}");
            assert_eq!(generate(&place, &line, &["the cat", "我爱"]), together);
        }
    }
}

#[test]
fn a_prompt_without_a_token_is_a_bad_row() {
    let place = place();
    place.write("prompts.txt", "the dog\n\u{1}\u{2}\na film\n");
    let line = "generate tiny --max-new-tokens 3 --greedy --json --file prompts.txt";
    let output = place.cloze(line).assert().code(1);
    let message = stderr(&output);
    assert!(
        message.contains(
            "prompts.txt, line 2, field `text`: found a text without a token, wanted a text of one token"
        ),
        "{message}"
    );
    assert!(message.contains("`--bad-rows skip` leaves"), "{message}");
    let before = json_lines(&text(&output.get_output().stdout));
    let rows = json_lines(&place.stdout(&format!("{line} --bad-rows skip")));
    assert_eq!((before.len(), rows.len()), (1, 2));
    assert_eq!(before[0], rows[0]);

    let mut command = place.cloze("generate tiny");
    let output = command
        .args(["--prompt", "the dog", "--prompt", "\u{1}"])
        .assert()
        .code(2);
    assert_eq!(
        stderr(&output),
        "error: --prompt, number 2: found a text without a token, wanted a text of one token or more\n"
    );
    assert!(output.get_output().stdout.is_empty());
}

#[test]
fn a_mark_may_begin_in_the_prompt() {
    let place = place();
    let greedy = "--greedy --max-new-tokens 8 --json";
    let free = &json_lines(&generate(&place, greedy, &["the cat"]))[0];
    let first: String = free["continuation"]
        .as_str()
        .unwrap()
        .chars()
        .take(2)
        .collect();
    let mut command = place.cloze(&format!("generate tiny {greedy}"));
    let output = command
        .args(["--prompt", "the cat", "--stop", &format!("cat{first}")])
        .assert()
        .success();
    let stopped = &json_lines(&text(&output.get_output().stdout))[0];
    assert_eq!(
        (&stopped["continuation"], &stopped["finish"]),
        (&first.into(), &"stop".into())
    );
}

#[test]
fn what_a_session_cannot_do_is_said_and_changes_nothing() {
    let place = place();
    let lines = "/undo\nthe cat\n  \n/undo\n/undo\n/show\n/set\n/set count 3\n/set best 2\n\
                 /set beams 2000\n/again\n\n/quit\n";
    let mut command = place.cloze("generate tiny --interactive --max-new-tokens 5 --greedy");
    let output = command.write_stdin(lines).assert().success();
    let shown = text(&output.get_output().stdout);
    let shown: Vec<&str> = shown.lines().collect();
    // Two continuations, the text before the second one, and that one again.
    assert_eq!(shown.len(), 4, "{shown:?}");
    assert_eq!(shown[2], format!("the cat{}", shown[0]));
    assert_eq!(shown[3], shown[1]);
    assert_eq!(
        stderr(&output).lines().collect::<Vec<_>>(),
        [
            "there is nothing to take back",
            "only the last continuation can be taken back, and it was",
            "/set: found no name, wanted a name and a value, as in /set top-k 40",
            "/set: found count or best, wanted another setting: a session writes one text",
            "/set: found count or best, wanted another setting: a session writes one text",
            "--beams: found 2000, wanted at most 1,000",
            "there is no continuation to write anew",
        ]
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
