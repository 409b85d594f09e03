use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use hf_hub::progress::{DownloadEvent, Progress, ProgressEvent, ProgressHandler};
use hf_hub::{HFClient, HFError, HFRepositorySync, RepoTypeModel};

use super::error::unreachable;
use super::{DownloadObserver, DownloadProgress, HubError, HubId, HubOptions};

/// Everything besides weights that cloze reads of a model.
const SMALL_FILES: [&str; 10] = [
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "sentence_distilbert_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.txt",
];

/// Formats of weights: the whole file, and what the names of shards begin and end with. The
/// first that a model has is fetched.
const WEIGHTS: [(&str, &str, &str); 2] = [
    ("model.safetensors", "model-", ".safetensors"),
    ("pytorch_model.bin", "pytorch_model-", ".bin"),
];

const NO_WEIGHTS: &str = "weights that cloze reads (model.safetensors or pytorch_model.bin)";

/// The snapshot folder of a model in the cache, filled from the server unless `offline`.
pub(super) fn snapshot(
    id: &HubId,
    revision: &str,
    offline: bool,
    options: &HubOptions,
) -> Result<PathBuf, HubError> {
    let client = client(id, options)?;
    let endpoint = client.endpoint().to_owned();
    let cache = client.cache_dir().to_owned();
    let describe = |source| HubError::of(source, id, revision, &endpoint, cache.clone());
    let client = hf_hub::HFClientSync::from_inner(client).map_err(describe)?;
    let repository = client.model(&id.owner, &id.name);
    if offline {
        return cached(&repository, revision).ok_or_else(|| HubError::NotCached {
            id: id.path(),
            revision: revision.into(),
            cache,
        });
    }
    let download = || {
        let files = match wanted_files(&repository, revision)? {
            Ok(files) => files,
            Err(missing) => return Ok(Err(missing)),
        };
        let request = repository
            .snapshot_download()
            .revision(revision)
            .allow_patterns(files);
        let progress = options.progress.clone().map(Observer::progress);
        request.maybe_progress(progress).send().map(Ok)
    };
    match download() {
        Ok(Ok(folder)) => Ok(folder),
        Ok(Err(missing)) => Err(HubError::Incomplete {
            id: id.path(),
            endpoint,
            missing: missing.into(),
        }),
        Err(error) => match cached(&repository, revision).filter(|_| unreachable(&error)) {
            Some(folder) => Ok(folder),
            None => Err(describe(error)),
        },
    }
}

fn client(id: &HubId, options: &HubOptions) -> Result<HFClient, HubError> {
    let mut builder = HFClient::builder();
    if let Some(endpoint) = &options.endpoint {
        builder = builder.endpoint(endpoint);
    }
    if let Some(cache) = &options.cache {
        builder = builder.cache_dir(cache);
    }
    if let Some(token) = &options.token {
        builder = builder.token(token);
    }
    builder.build().map_err(|source| HubError::Other {
        id: id.path(),
        endpoint: options.endpoint.clone().unwrap_or_else(|| "the Hub".into()),
        source: Box::new(source),
    })
}

/// The files of the model that cloze reads, or what it lacks.
fn wanted_files(
    repository: &HFRepositorySync<RepoTypeModel>,
    revision: &str,
) -> Result<Result<Vec<String>, &'static str>, HFError> {
    let info = repository.info().revision(revision).send()?;
    let present: Vec<String> = info
        .siblings
        .unwrap_or_default()
        .into_iter()
        .map(|file| file.rfilename)
        .collect();
    let has = |name: &str| present.iter().any(|file| file == name);
    if !has("config.json") {
        return Ok(Err("config.json"));
    }
    let Some(mut files) = weight_files(&present) else {
        return Ok(Err(NO_WEIGHTS));
    };
    files.extend(
        SMALL_FILES
            .iter()
            .filter(|name| has(name))
            .map(|&name| name.to_owned()),
    );
    files.extend(module_files(&present));
    Ok(Ok(files))
}

/// The files of the parts that `sentence-transformers` keeps in folders: `1_Pooling/config.json`.
fn module_files(present: &[String]) -> Vec<String> {
    let is_plain = |name: &str| {
        let mut characters = name.chars();
        characters
            .next()
            .is_some_and(|first| first.is_ascii_digit())
            && characters.all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    let wanted = |file: &&String| match file.split_once('/') {
        Some((folder, "config.json" | "model.safetensors")) => is_plain(folder),
        Some((folder, "pytorch_model.bin")) => {
            is_plain(folder) && !present.contains(&format!("{folder}/model.safetensors"))
        }
        _ => false,
    };
    present.iter().filter(wanted).cloned().collect()
}

/// One format's files among those that are present.
fn weight_files(present: &[String]) -> Option<Vec<String>> {
    WEIGHTS.iter().find_map(|(whole, prefix, suffix)| {
        let has = |name: &str| present.iter().any(|file| file == name);
        if has(whole) {
            return Some(vec![(*whole).to_owned()]);
        }
        let index = format!("{whole}.index.json");
        let shard = |file: &&String| {
            file.starts_with(prefix)
                && file.ends_with(suffix)
                && !file.contains(['/', '*', '?', '[', '{'])
        };
        has(&index).then(|| {
            let shards = present.iter().filter(shard).cloned();
            std::iter::once(index.clone()).chain(shards).collect()
        })
    })
}

/// The snapshot that the cache has, if it is whole.
fn cached(repository: &HFRepositorySync<RepoTypeModel>, revision: &str) -> Option<PathBuf> {
    let request = repository.snapshot_download().revision(revision);
    let folder = request.local_files_only(true).send().ok()?;
    whole(&folder).then_some(folder)
}

fn whole(folder: &Path) -> bool {
    let has_weights = WEIGHTS.iter().any(|(whole, _, _)| {
        folder.join(whole).exists() || folder.join(format!("{whole}.index.json")).exists()
    });
    has_weights && folder.join("config.json").exists()
}

/// Adds up what the client reports file by file.
struct Observer {
    tell: DownloadObserver,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    total: u64,
    files: HashMap<String, u64>,
    /// What is fetched by way of Xet is reported for all of its files together.
    together: u64,
}

impl Observer {
    fn progress(tell: DownloadObserver) -> Progress {
        Progress::new(Self {
            tell,
            state: Mutex::default(),
        })
    }
}

impl ProgressHandler for Observer {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else {
            return;
        };
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            // The first one is about all files; each file then has its own.
            DownloadEvent::Start { total_bytes, .. } => state.total = state.total.max(*total_bytes),
            DownloadEvent::Progress { files } => {
                for file in files {
                    state
                        .files
                        .insert(file.filename.clone(), file.bytes_completed);
                }
            }
            DownloadEvent::AggregateProgress {
                bytes_completed, ..
            } => {
                state.together = *bytes_completed;
            }
            DownloadEvent::Complete => return,
        }
        let (alone, total) = (state.files.values().sum::<u64>(), state.total);
        let bytes = alone.max(state.together).min(total);
        drop(state);
        (self.tell)(DownloadProgress { bytes, total });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(present: &[&str]) -> Option<Vec<String>> {
        weight_files(
            &present
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>(),
        )
    }

    #[test]
    fn parts_of_sentence_transformers_are_fetched_and_nothing_else() {
        let present = [
            "modules.json",
            "1_Pooling/config.json",
            "2_Dense/config.json",
            "2_Dense/model.safetensors",
            "2_Dense/pytorch_model.bin",
            "3_Dense/pytorch_model.bin",
            "onnx/model.safetensors",
            "2_Dense/onnx/model.safetensors",
            "1*/config.json",
            "1_Pooling/README.md",
        ];
        assert_eq!(
            module_files(&present.map(str::to_owned)),
            [
                "1_Pooling/config.json",
                "2_Dense/config.json",
                "2_Dense/model.safetensors",
                "3_Dense/pytorch_model.bin",
            ]
        );
    }

    #[test]
    fn one_format_of_weights_is_chosen() {
        let both = chosen(&["pytorch_model.bin", "model.safetensors", "tf_model.h5"]);
        assert_eq!(both.unwrap(), ["model.safetensors"]);
        let sharded = chosen(&[
            "pytorch_model.bin",
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors",
            "onnx/model-00001.safetensors",
        ]);
        assert_eq!(sharded.unwrap().len(), 3);
        assert_eq!(
            chosen(&["pytorch_model.bin"]).unwrap(),
            ["pytorch_model.bin"]
        );
        assert_eq!(chosen(&["tf_model.h5", "onnx/model.safetensors"]), None);
    }
}
