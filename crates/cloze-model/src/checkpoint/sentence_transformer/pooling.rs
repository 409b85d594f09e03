//! `1_Pooling/config.json`.

use std::path::Path;

use cloze_core::{ConfigJson, InputError};
use serde_json::Value;

use crate::checkpoint::CheckpointError;
use crate::heads::Pooling;

/// The flags that versions before 6 wrote, in the order in which their vectors follow each other.
const FLAGS: [(&str, Pooling); 6] = [
    ("pooling_mode_cls_token", Pooling::Cls),
    ("pooling_mode_max_tokens", Pooling::Max),
    ("pooling_mode_mean_tokens", Pooling::Mean),
    ("pooling_mode_mean_sqrt_len_tokens", Pooling::MeanSqrtLength),
    ("pooling_mode_weightedmean_tokens", Pooling::WeightedMean),
    ("pooling_mode_lasttoken", Pooling::LastToken),
];

const MODE: &str = "pooling_mode";

/// How tokens are pooled, and whether those of a prompt are.
pub(super) fn read(path: &Path) -> Result<(Vec<Pooling>, bool), CheckpointError> {
    let config = ConfigJson::read(path)?;
    let poolings = match config.get(MODE) {
        Some(mode) => named(&config, mode)?,
        None => flagged(&config)?,
    };
    Ok((poolings, config.flag_or("include_prompt", true)?))
}

/// A name or a list of names.
fn named(config: &ConfigJson, mode: &Value) -> Result<Vec<Pooling>, InputError> {
    let names = match mode {
        Value::Array(names) => names.as_slice(),
        name => std::slice::from_ref(name),
    };
    let pooling = |name: &Value| {
        let pooling = name.as_str().and_then(Pooling::from_name);
        pooling.filter(|&pooling| pooling != Pooling::Pooled)
    };
    let poolings: Option<Vec<Pooling>> = names.iter().map(pooling).collect();
    poolings
        .filter(|poolings| !poolings.is_empty())
        .ok_or_else(|| {
            let names = FLAGS.map(|(_, pooling)| pooling.name()).join(", ");
            config.error(MODE, format!("one or several of {names}"))
        })
}

/// What is flagged; the mean where nothing is. A flag of this form that cloze does not know may
/// not be set.
fn flagged(config: &ConfigJson) -> Result<Vec<Pooling>, InputError> {
    let mut poolings = Vec::new();
    for (flag, pooling) in FLAGS {
        if config.flag_or(flag, false)? {
            poolings.push(pooling);
        }
    }
    let known = |key: &str| FLAGS.iter().any(|(flag, _)| *flag == key);
    let mut others = config
        .as_map()
        .keys()
        .filter(|key| key.starts_with("pooling_mode_") && !known(key.as_str()));
    if let Some(key) = others.find(|key| config.get(key).is_some_and(|value| value != false)) {
        return Err(config.error(key, "false: cloze does not know this pooling"));
    }
    if poolings.is_empty() {
        poolings.push(Pooling::Mean);
    }
    Ok(poolings)
}
