//! The index of a checkpoint in several files: `{"weight_map": {tensor: file}}`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use cloze_core::InputError;
use serde_json::Value;

use super::WeightsFile;
use crate::checkpoint::CheckpointError;

/// Opens every shard that the index names.
///
/// # Errors
/// If the index is broken, a shard is missing or broken, or a shard lacks a tensor that the
/// index says it has.
pub(crate) fn open_shards(index: &Path) -> Result<Vec<WeightsFile>, CheckpointError> {
    let folder = index.parent().unwrap_or(Path::new("."));
    let mut shards = BTreeMap::<String, Vec<String>>::new();
    for (tensor, shard) in weight_map(index)? {
        shards.entry(shard).or_default().push(tensor);
    }
    let mut files = Vec::with_capacity(shards.len());
    for (shard, tensors) in shards {
        let path = folder.join(&shard);
        if !path.is_file() {
            return Err(CheckpointError::MissingShard {
                index: index.into(),
                shard,
            });
        }
        let file = WeightsFile::open(&path)?;
        let mut present: Vec<&str> = file.entries().iter().map(|e| e.name.as_str()).collect();
        present.sort_unstable();
        let missing = |tensor: &&String| present.binary_search(&tensor.as_str()).is_err();
        if let Some(tensor) = tensors.iter().find(missing) {
            let wanted = format!("what {} says is there", index.display());
            return Err(InputError::new(path, "no such tensor", wanted)
                .in_field(tensor.as_str())
                .into());
        }
        files.push(file);
    }
    Ok(files)
}

fn weight_map(index: &Path) -> Result<Vec<(String, String)>, CheckpointError> {
    let text = fs::read_to_string(index).map_err(|source| CheckpointError::Read {
        path: index.into(),
        source,
    })?;
    let json: Value = serde_json::from_str(&text)
        .map_err(|error| InputError::new(index, error.to_string(), "JSON"))?;
    let wanted = "an object of tensor names and file names";
    let Some(map) = json.get("weight_map").and_then(Value::as_object) else {
        return Err(InputError::new(index, "no such object", wanted)
            .in_field("weight_map")
            .into());
    };
    map.iter()
        .map(|(tensor, file)| match file.as_str() {
            // A plain name: an index never reaches outside its folder.
            Some(name)
                if Path::new(name)
                    .file_name()
                    .is_some_and(|plain| plain == name) =>
            {
                Ok((tensor.clone(), name.to_owned()))
            }
            _ => Err(
                InputError::new(index, file.to_string(), "the name of a file beside it")
                    .in_field(tensor.as_str())
                    .into(),
            ),
        })
        .collect()
}
