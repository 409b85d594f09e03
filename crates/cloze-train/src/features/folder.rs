//! Where features are kept.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::FeatureCacheConfig;

/// Sub-folder of cloze's cache.
const FEATURES: &str = "features";

/// cloze's own cache folder: `$CLOZE_CACHE_DIR`, otherwise `$XDG_CACHE_HOME/cloze`, otherwise
/// `~/.cache/cloze`. `None` on a machine that has none of them. What is in it can be deleted at any
/// time.
pub fn cache_folder() -> Option<PathBuf> {
    from_environment(|name| std::env::var_os(name), std::env::home_dir())
}

fn from_environment(
    variable: impl Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    if let Some(own) = set("CLOZE_CACHE_DIR") {
        return Some(own.into());
    }
    // The XDG Base Directory Specification: "all paths must be absolute".
    let shared = set("XDG_CACHE_HOME").map(PathBuf::from);
    let shared = shared.filter(|path| path.is_absolute());
    let shared = shared.or_else(|| {
        let home = home.filter(|home| !home.as_os_str().is_empty())?;
        Some(home.join(".cache"))
    })?;
    Some(shared.join("cloze"))
}

/// Whether and where a run keeps features.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// A frozen encoder runs in every epoch.
    Nothing,
    /// For this run alone.
    InMemory,
    /// In this folder.
    In(PathBuf),
}

impl Keep {
    /// As the configuration says; `cache` is cloze's own folder.
    pub(crate) fn new(config: &FeatureCacheConfig, cache: Option<&Path>) -> Self {
        match (config, cache) {
            (FeatureCacheConfig::Switch(false), _) => Self::Nothing,
            (FeatureCacheConfig::Switch(true), Some(cache)) => Self::In(cache.join(FEATURES)),
            (FeatureCacheConfig::Switch(true), None) => Self::InMemory,
            (FeatureCacheConfig::Folder(folder), _) => Self::In(folder.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_folder_is_the_first_that_is_set() {
        let folder = |set: &[(&str, &str)], home: &str| {
            let variable = |name: &str| {
                let found = set.iter().find(|(other, _)| *other == name);
                found.map(|(_, value)| OsString::from(value))
            };
            from_environment(variable, Some(home.into())).map(|path| path.display().to_string())
        };
        let own = ("CLOZE_CACHE_DIR", "mine");
        let shared = ("XDG_CACHE_HOME", "/shared");
        assert_eq!(folder(&[own, shared], "/me").as_deref(), Some("mine"));
        assert_eq!(folder(&[shared], "/me").as_deref(), Some("/shared/cloze"));
        for set in [
            &[][..],
            &[("XDG_CACHE_HOME", "relative")],
            &[("CLOZE_CACHE_DIR", ""), ("XDG_CACHE_HOME", "")],
        ] {
            assert_eq!(folder(set, "/me").as_deref(), Some("/me/.cache/cloze"));
            assert_eq!(folder(set, ""), None);
        }
    }

    #[test]
    fn the_configuration_decides_what_is_kept() {
        let cache = PathBuf::from("/cache");
        let keep = |config| Keep::new(&config, Some(&cache));
        assert_eq!(keep(FeatureCacheConfig::Switch(false)), Keep::Nothing);
        let own = keep(FeatureCacheConfig::Switch(true));
        assert_eq!(own, Keep::In("/cache/features".into()));
        let other = FeatureCacheConfig::Folder("here".into());
        assert_eq!(keep(other), Keep::In("here".into()));
        let none = Keep::new(&FeatureCacheConfig::Switch(true), None);
        assert_eq!(none, Keep::InMemory);
    }
}
