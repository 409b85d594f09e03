//! Labels in `config.json`: `id2label` and `label2id`.

use cloze_core::{ConfigJson, InputError, LabelSet};
use serde_json::{Map, Value};

use super::CheckpointError;

const WANTED: &str = "an object that gives every id from 0 on one label";

/// The names of the labels, in the order of their ids; nothing where `id2label` is missing.
///
/// # Errors
/// If ids are missing or are no numbers, or a label is no text.
pub(crate) fn read(json: &ConfigJson) -> Result<Option<Vec<String>>, InputError> {
    let Some(value) = json.get("id2label") else {
        return read_inverse(json);
    };
    let Some(map) = value.as_object() else {
        return Err(json.error("id2label", WANTED));
    };
    let mut names = vec![None; map.len()];
    for (id, label) in map {
        let place = id.parse::<usize>().ok().and_then(|id| names.get_mut(id));
        match (place, label.as_str()) {
            (Some(place), Some(label)) => *place = Some(label.to_owned()),
            _ => return Err(json.error("id2label", WANTED)),
        }
    }
    let names: Option<Vec<String>> = names.into_iter().collect();
    names
        .map(Some)
        .ok_or_else(|| json.error("id2label", WANTED))
}

fn read_inverse(json: &ConfigJson) -> Result<Option<Vec<String>>, InputError> {
    let wanted = "an object that gives every label one id from 0 on";
    let Some(value) = json.get("label2id") else {
        return Ok(None);
    };
    let Some(map) = value.as_object() else {
        return Err(json.error("label2id", wanted));
    };
    let mut names = vec![None; map.len()];
    for (label, id) in map {
        let id = id.as_u64().and_then(|id| usize::try_from(id).ok());
        match id.and_then(|id| names.get_mut(id)) {
            Some(place) => *place = Some(label.clone()),
            None => return Err(json.error("label2id", wanted)),
        }
    }
    let names: Option<Vec<String>> = names.into_iter().collect();
    names
        .map(Some)
        .ok_or_else(|| json.error("label2id", wanted))
}

/// The labels, unless they are only the placeholders `LABEL_0`, `LABEL_1`, … that `transformers`
/// puts where nobody named them.
///
/// # Errors
/// As [`read`], or if one name stands for two ids.
pub(crate) fn named(json: &ConfigJson) -> Result<Option<LabelSet>, CheckpointError> {
    let Some(names) = read(json)? else {
        return Ok(None);
    };
    let is_placeholder = |(id, name): (usize, &String)| *name == placeholder(id);
    if names.iter().enumerate().all(is_placeholder) {
        return Ok(None);
    }
    Ok(Some(LabelSet::from_names(names)?))
}

/// What `transformers` calls a label that nobody named.
pub(crate) fn placeholder(id: usize) -> String {
    format!("LABEL_{id}")
}

/// Writes both directions.
pub(crate) fn write(labels: &LabelSet, json: &mut Map<String, Value>) {
    let names = labels.names().iter().enumerate();
    let id2label: Map<_, _> = names
        .clone()
        .map(|(id, name)| (id.to_string(), name.as_str().into()))
        .collect();
    let label2id: Map<_, _> = names.map(|(id, name)| (name.clone(), id.into())).collect();
    json.insert("id2label".into(), id2label.into());
    json.insert("label2id".into(), label2id.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(text: &str) -> ConfigJson {
        ConfigJson::parse(Path::new("m/config.json"), text).unwrap()
    }

    #[test]
    fn labels_are_in_the_order_of_their_ids_and_come_back() {
        let json = config(r#"{"id2label": {"1": "good", "0": "bad"}}"#);
        let labels = named(&json).unwrap().unwrap();
        assert_eq!(labels.names(), ["bad", "good"]);
        let mut written = Map::new();
        write(&labels, &mut written);
        assert_eq!(
            Value::Object(written.clone()).to_string(),
            r#"{"id2label":{"0":"bad","1":"good"},"label2id":{"bad":0,"good":1}}"#
        );
        written.remove("id2label");
        let inverse = config(&Value::Object(written).to_string());
        assert_eq!(named(&inverse).unwrap(), Some(labels));
    }

    #[test]
    fn placeholders_are_no_names() {
        let json = config(r#"{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#);
        assert_eq!(named(&json).unwrap(), None);
        assert_eq!(read(&json).unwrap().unwrap().len(), 2);
        assert_eq!(named(&config("{}")).unwrap(), None);
    }

    #[test]
    fn gaps_and_repeated_names_are_refused() {
        let gap = named(&config(r#"{"id2label": {"0": "a", "2": "b"}}"#)).unwrap_err();
        assert_eq!(
            gap.to_string(),
            "m/config.json, field `id2label`: found {\"0\":\"a\",\"2\":\"b\"}, \
             wanted an object that gives every id from 0 on one label"
        );
        let twice = named(&config(r#"{"id2label": {"0": "a", "1": "a"}}"#)).unwrap_err();
        assert_eq!(twice.to_string(), "label \"a\" has two ids, 0 and 1");
    }
}
