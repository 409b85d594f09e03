//! From a model's name to a folder: a local folder as it is, or a Hub id by way of the same
//! cache that Python's `huggingface_hub` uses.
//!
//! The environment variables are the Hub's own: `HF_HOME` and `HF_HUB_CACHE` (where the cache
//! is), `HF_ENDPOINT` (another server), `HF_TOKEN` (private and gated models), `HF_HUB_OFFLINE`
//! (only the cache).

mod download;
mod error;
mod id;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use error::HubError;
pub use id::HubId;

use super::CheckpointError;

/// How a Hub id becomes a folder. The default is what the environment says.
#[derive(Clone, Default)]
pub struct HubOptions {
    /// Branch, tag or commit; a revision in the name itself (`owner/name@v1`) goes first.
    pub revision: Option<String>,
    /// Use the cache alone. `HF_HUB_OFFLINE=1` has the same effect.
    pub offline: bool,
    /// Access token instead of `HF_TOKEN` or the one that `hf auth login` stored.
    pub token: Option<String>,
    /// Server instead of `HF_ENDPOINT` or <https://huggingface.co>.
    pub endpoint: Option<String>,
    /// Cache folder instead of `HF_HUB_CACHE` or `$HF_HOME/hub`.
    pub cache: Option<PathBuf>,
    /// Called now and then while files arrive.
    pub progress: Option<DownloadObserver>,
}

impl fmt::Debug for HubOptions {
    // A token must not turn up in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubOptions")
            .field("revision", &self.revision)
            .field("offline", &self.offline)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .field("endpoint", &self.endpoint)
            .field("cache", &self.cache)
            .finish_non_exhaustive()
    }
}

/// Is told how far a download is.
pub type DownloadObserver = Arc<dyn Fn(DownloadProgress) + Send + Sync>;

/// How far a download is, all of its files together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DownloadProgress {
    /// Bytes that have arrived.
    pub bytes: u64,
    /// Bytes that are to arrive.
    pub total: u64,
}

/// The folder of a model: `name` itself where that is a folder, otherwise a snapshot in the Hub's
/// cache, downloaded if need be. Of a model on the Hub, only its `config.json`, its tokenizer
/// files and one format of its weights (safetensors where there is one) are fetched.
///
/// A model that is in the cache is used from there when the network cannot be reached.
///
/// # Errors
/// If the name is neither a folder nor a Hub id; if the Hub has no such model or revision, or
/// restricts it; if neither network nor cache has it.
pub fn resolve_model(name: &str, options: &HubOptions) -> Result<PathBuf, CheckpointError> {
    let path = Path::new(name);
    if path.is_dir() {
        return Ok(path.into());
    }
    if path.exists() {
        return Err(CheckpointError::NotAFolder { path: path.into() });
    }
    let id = HubId::parse(name).ok_or_else(|| HubError::Name { name: name.into() })?;
    let revision = id.revision.clone().or_else(|| options.revision.clone());
    let offline = options.offline || offline_by_environment();
    Ok(download::snapshot(
        &id,
        revision.as_deref().unwrap_or("main"),
        offline,
        options,
    )?)
}

fn offline_by_environment() -> bool {
    // The spellings that huggingface_hub takes for true.
    std::env::var("HF_HUB_OFFLINE")
        .is_ok_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
}
