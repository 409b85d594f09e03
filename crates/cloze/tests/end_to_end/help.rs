//! Help, completions, the schema: what a newcomer asks first.

use crate::place::Place;

const COMMANDS: [&str; 17] = [
    "train",
    "eval",
    "predict",
    "generate",
    "embed",
    "similarity",
    "index",
    "search",
    "inspect",
    "tokenize",
    "vocab train",
    "vocab add",
    "vocab list",
    "vocab show",
    "init",
    "schema",
    "completions",
];

#[test]
fn every_help_text_shows_an_example_of_its_command() {
    let place = Place::empty();
    for command in COMMANDS {
        let help = place.stdout(&format!("{command} --help"));
        let (_, example) = help.split_once("Example").unwrap();
        assert!(
            example.contains(&format!("cloze {command} ")) || command == "schema",
            "{help}"
        );
    }
    assert!(
        place
            .stdout("--help")
            .contains("cloze predict runs/reviews \"")
    );
}

#[test]
fn wrong_usage_has_status_2_and_names_what_was_meant() {
    let place = Place::empty();
    let message = place.failure("predct model", 2);
    assert!(message.contains("predict"), "{message}");
    let message = place.failure("predict model --topk 3 text", 2);
    assert!(message.contains("--top-k"), "{message}");
    place.failure("", 2);
    place.failure("train", 2);
}

#[test]
fn completions_know_the_commands() {
    let place = Place::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = place.stdout(&format!("completions {shell}"));
        assert!(
            script.contains("predict") && script.contains("top-k"),
            "{shell}"
        );
    }
}

#[test]
fn output_that_is_no_terminal_has_no_colours() {
    let place = Place::empty();
    assert!(!place.stdout("--help").contains('\u{1b}'));
    assert!(
        !place
            .failure("inspect nowhere/at/all", 1)
            .contains('\u{1b}')
    );
    let mut forced = place.cloze("inspect nowhere/at/all");
    let forced = forced.env("CLICOLOR_FORCE", "1").assert().code(1);
    assert!(crate::place::stderr(&forced).contains('\u{1b}'));
}

/// Every key of the schema stands in the documentation, and in its own table.
#[test]
fn every_key_of_the_configuration_is_documented() {
    let place = Place::empty();
    let schema: serde_json::Value = serde_json::from_str(&place.stdout("schema")).unwrap();
    let page = include_str!("../../../../docs/configuration.md");
    let mut keys = Vec::new();
    collect_keys(&schema, &mut keys);
    assert!(keys.len() > 40, "{keys:?}");
    for key in keys {
        let documented =
            page.contains(&format!("| `{key}` |")) || page.contains(&format!("## `[{key}]`"));
        assert!(documented, "docs/configuration.md lacks `{key}`");
    }
}

fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(object) => {
            if let Some(properties) = object.get("properties").and_then(|value| value.as_object()) {
                keys.extend(properties.keys().cloned());
            }
            object.values().for_each(|value| collect_keys(value, keys));
        }
        serde_json::Value::Array(values) => {
            values.iter().for_each(|value| collect_keys(value, keys));
        }
        _ => {}
    }
}
