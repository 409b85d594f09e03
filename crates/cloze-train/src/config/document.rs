//! A TOML file as a tree of values that remembers where each of them came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cloze_core::InputError;
use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

/// Where a value was written.
#[derive(Clone, Debug)]
enum Origin {
    Line(usize),
    /// `--set key=value`, as typed.
    Override(String),
}

/// A configuration file with the overrides of the command line.
#[derive(Clone, Debug)]
pub(super) struct Document {
    file: PathBuf,
    value: Map<String, Value>,
    /// By dotted key.
    origins: BTreeMap<String, Origin>,
}

impl Document {
    pub(super) fn parse(file: &Path, text: &str) -> Result<Self, InputError> {
        let line = |offset: usize| {
            1 + text.as_bytes()[..offset]
                .iter()
                .filter(|&&b| b == b'\n')
                .count()
        };
        let root = DeTable::parse(text).map_err(|error| {
            let wrong = InputError::new(file, error.message().replace('\n', ", "), "valid TOML");
            match error.span() {
                Some(span) => wrong.at_line(line(span.start.min(text.len()))),
                None => wrong,
            }
        })?;
        let mut document = Self {
            file: file.into(),
            value: Map::new(),
            origins: BTreeMap::new(),
        };
        let mut note = |key: &str, offset: usize| {
            document
                .origins
                .insert(key.into(), Origin::Line(line(offset)));
        };
        let value = table(root.get_ref(), "", &mut note);
        document.value = value.map_err(|(key, found)| document.error(&key, found, WANTED_VALUE))?;
        Ok(document)
    }

    /// Applies `key.of.the.file=value`; a value that is no TOML is taken as a text.
    pub(super) fn set(&mut self, assignment: &str) -> Result<(), InputError> {
        let origin = format!("--set {assignment}");
        let refuse = |found: &str, wanted: &str| InputError::new(&origin, found, wanted);
        let (key, text) = assignment
            .split_once('=')
            .ok_or_else(|| refuse("no `=`", "`key=value`, such as `train.epochs=1`"))?;
        let keys: Vec<&str> = key.trim().split('.').map(str::trim).collect();
        if keys.iter().any(|key| key.is_empty()) {
            return Err(refuse("an empty key", "a key such as `train.epochs`"));
        }
        let value = override_value(text.trim())
            .map_err(|found| refuse(&found, WANTED_VALUE).in_field(key))?;
        let mut holder = &mut self.value;
        for (depth, key) in keys[..keys.len() - 1].iter().enumerate() {
            let entry = holder
                .entry(*key)
                .or_insert_with(|| Value::Object(Map::new()));
            holder = entry.as_object_mut().ok_or_else(|| {
                refuse("a key below a value", "a key below a table")
                    .in_field(keys[..=depth].join("."))
            })?;
        }
        holder.insert(keys[keys.len() - 1].into(), value);
        let key = keys.join(".");
        self.give_way(&key);
        let below = format!("{key}.");
        self.origins
            .retain(|other, _| *other != key && !other.starts_with(&below));
        self.origins.insert(key, Origin::Override(origin));
        Ok(())
    }

    /// Removes the key that `key` excludes, so that an override can replace it.
    fn give_way(&mut self, key: &str) {
        let Some((_, other)) = EXCLUSIVE.iter().find(|(name, _)| *name == key) else {
            return;
        };
        let (table, name) = other.split_once('.').unwrap_or(("", other));
        if let Some(Value::Object(table)) = self.value.get_mut(table) {
            table.shift_remove(name);
        }
        self.origins.remove(*other);
    }

    pub(super) fn value(&self) -> Value {
        Value::Object(self.value.clone())
    }

    /// An error about a dotted key, with the place where it, or the table it belongs to, stands.
    pub(super) fn error(
        &self,
        key: &str,
        found: impl Into<String>,
        wanted: impl Into<String>,
    ) -> InputError {
        let mut place = key;
        let origin = loop {
            if let Some(origin) = self.origins.get(place) {
                break Some(origin);
            }
            match place.rsplit_once('.') {
                Some((table, _)) => place = table,
                None => break None,
            }
        };
        let error = match origin {
            Some(Origin::Line(line)) => InputError::new(&self.file, found, wanted).at_line(*line),
            Some(Origin::Override(text)) => InputError::new(text, found, wanted),
            None => InputError::new(&self.file, found, wanted),
        };
        if key.is_empty() {
            error
        } else {
            error.in_field(key)
        }
    }
}

/// A key, and the one that cannot stand beside it.
const EXCLUSIVE: [(&str, &str); 2] = [
    ("train.batch_size", "train.tokens_per_batch"),
    ("train.tokens_per_batch", "train.batch_size"),
];

const WANTED_VALUE: &str = "a text, a number, true, false, a list or a table";

/// The dotted key of something that is no JSON value, and what it is.
type Unusable = (String, String);

fn table(
    table: &DeTable<'_>,
    prefix: &str,
    note: &mut impl FnMut(&str, usize),
) -> Result<Map<String, Value>, Unusable> {
    let mut map = Map::new();
    // Tables are sorted by key; errors should come in the order of the file.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, item) in entries {
        let name = key.get_ref().as_ref();
        let path = match prefix {
            "" => name.to_owned(),
            _ => format!("{prefix}.{name}"),
        };
        note(&path, key.span().start);
        let item = value(item.get_ref(), &path, note)?;
        map.insert(name.to_owned(), item);
    }
    Ok(map)
}

fn value(
    item: &DeValue<'_>,
    path: &str,
    note: &mut impl FnMut(&str, usize),
) -> Result<Value, Unusable> {
    let unusable = |found: &str| (path.to_owned(), found.to_owned());
    Ok(match item {
        DeValue::String(text) => Value::String(text.clone().into_owned()),
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Integer(number) => {
            let parsed = i64::from_str_radix(number.as_str(), number.radix()).ok();
            Value::Number(parsed.ok_or_else(|| unusable(number.as_str()))?.into())
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse().ok().and_then(Number::from_f64);
            Value::Number(parsed.ok_or_else(|| unusable(number.as_str()))?)
        }
        DeValue::Datetime(date) => return Err(unusable(&date.to_string())),
        DeValue::Array(items) => items
            .iter()
            .map(|item| value(item.get_ref(), path, note))
            .collect::<Result<_, _>>()?,
        DeValue::Table(entries) => Value::Object(table(entries, path, note)?),
    })
}

fn override_value(text: &str) -> Result<Value, String> {
    let line = format!("value = {text}");
    match DeTable::parse(&line) {
        Ok(parsed) if parsed.get_ref().len() == 1 => table(parsed.get_ref(), "", &mut |_, _| ())
            .map_err(|(_, found)| found)
            .map(|mut map| map.remove("value").unwrap_or(Value::Null)),
        _ => Ok(Value::String(text.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(text: &str) -> Document {
        Document::parse(Path::new("run.toml"), text).unwrap()
    }

    #[test]
    fn every_value_knows_its_line() {
        let document = document("seed = 1\n[train]\nepochs = 2\nschedule = { kind = \"step\" }\n");
        let line = |key: &str| document.error(key, "", "").line;
        assert_eq!(line("seed"), Some(1));
        assert_eq!(line("train.epochs"), Some(3));
        assert_eq!(line("train.schedule.kind"), Some(4));
        assert_eq!(line("train.absent"), Some(2));
        assert_eq!(line("absent"), None);
    }

    #[test]
    fn overrides_replace_and_add() {
        let mut document = document("[train]\nschedule = { kind = \"step\", step_size = 3 }\n");
        for assignment in [
            "train.epochs=1",
            "output = runs/x",
            "train.schedule={kind=\"linear\"}",
            "data.split.test=0.1",
            "model.path=\"1\"",
        ] {
            document.set(assignment).unwrap();
        }
        assert_eq!(
            document.value(),
            json!({
                "train": {"schedule": {"kind": "linear"}, "epochs": 1},
                "output": "runs/x", "data": {"split": {"test": 0.1}}, "model": {"path": "1"}
            })
        );
        assert_eq!(
            document.error("train.epochs", "1", "2").to_string(),
            "--set train.epochs=1, field `train.epochs`: found 1, wanted 2"
        );
    }

    #[test]
    fn what_is_no_override_is_refused() {
        let mut document = document("seed = 1");
        let mut refuse = |text: &str| document.set(text).unwrap_err().to_string();
        assert_eq!(
            refuse("seed"),
            "--set seed: found no `=`, wanted `key=value`, such as `train.epochs=1`"
        );
        assert_eq!(
            refuse("train.=1"),
            "--set train.=1: found an empty key, wanted a key such as `train.epochs`"
        );
        assert_eq!(
            refuse("seed.low=1"),
            "--set seed.low=1, field `seed`: found a key below a value, wanted a key below a table"
        );
        assert_eq!(
            refuse("seed=inf"),
            "--set seed=inf, field `seed`: found inf, wanted a text, a number, true, false, a list or a table"
        );
    }

    #[test]
    fn broken_toml_is_placed() {
        let error = Document::parse(Path::new("run.toml"), "seed = 1\n[train\n").unwrap_err();
        assert_eq!((error.line, error.wanted.as_str()), (Some(2), "valid TOML"));
    }
}
