//! `modules.json`.

use std::fs;
use std::path::{Component, Path, PathBuf};

use cloze_core::InputError;
use serde_json::Value;

use crate::checkpoint::CheckpointError;

/// A part of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Module {
    pub(super) kind: Kind,
    /// Its folder within the model's; empty for that folder itself.
    path: PathBuf,
}

impl Module {
    /// Its folder, given the model's.
    pub(super) fn folder(&self, model: &Path) -> PathBuf {
        match self.path.as_os_str().is_empty() {
            true => model.into(),
            false => model.join(&self.path),
        }
    }
}

/// What a part does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Transformer,
    Pooling,
    Dense,
    Normalize,
    /// Only training drops anything.
    Dropout,
}

const KINDS: [(&str, Kind); 5] = [
    ("Transformer", Kind::Transformer),
    ("Pooling", Kind::Pooling),
    ("Dense", Kind::Dense),
    ("Normalize", Kind::Normalize),
    ("Dropout", Kind::Dropout),
];

/// Reads the parts in their order.
pub(super) fn read(path: &Path) -> Result<Vec<Module>, CheckpointError> {
    let text = fs::read_to_string(path).map_err(|source| CheckpointError::Read {
        path: path.into(),
        source,
    })?;
    Ok(parse(path, &text)?)
}

fn parse(path: &Path, text: &str) -> Result<Vec<Module>, InputError> {
    let wanted = "a list of modules";
    let list: Value = serde_json::from_str(text)
        .map_err(|error| InputError::new(path, format!("no JSON ({error})"), wanted))?;
    let list = list
        .as_array()
        .ok_or_else(|| InputError::new(path, "something else", wanted))?;
    let modules = list.iter().enumerate();
    modules
        .map(|(index, entry)| module(path, index, entry))
        .collect()
}

fn module(path: &Path, index: usize, entry: &Value) -> Result<Module, InputError> {
    let error = |key: &str, wanted: &str| {
        let found = entry.get(key).map_or("nothing".into(), Value::to_string);
        InputError::new(path, found, wanted).in_field(format!("[{index}].{key}"))
    };
    let class = entry.get("type").and_then(Value::as_str);
    let known = class
        .and_then(|class| class.strip_prefix("sentence_transformers."))
        .and_then(|class| class.rsplit('.').next());
    let kind = KINDS
        .iter()
        .find(|(name, _)| known == Some(name))
        .map(|&(_, kind)| kind)
        .ok_or_else(|| {
            error(
                "type",
                "a module that cloze computes: Transformer, Pooling, Dense, Normalize or Dropout of \
                 sentence_transformers",
            )
        })?;
    let has_arguments = |arguments: &Value| match arguments {
        Value::Null => false,
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    if entry.get("kwargs").is_some_and(has_arguments) {
        return Err(error("kwargs", "none: cloze knows no arguments of modules"));
    }
    let folder = entry.get("path").and_then(Value::as_str).map(PathBuf::from);
    let inside = |folder: &PathBuf| {
        folder
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
    };
    let path = folder
        .filter(inside)
        .ok_or_else(|| error("path", "a folder within the model's"))?;
    Ok(Module { kind, path })
}

/// An error about a module that stands where cloze wants another one.
pub(super) fn misplaced(
    path: &Path,
    found: Option<&Module>,
    index: usize,
    wanted: &str,
) -> InputError {
    let found = found.map_or("nothing".into(), |module| format!("{:?}", module.kind));
    InputError::new(path, found, wanted).in_field(format!("[{index}].type"))
}
