use std::path::PathBuf;

use hf_hub::HFError;
use thiserror::Error;

use super::HubId;

/// Why a Hub id cannot be turned into a folder.
#[derive(Debug, Error)]
pub enum HubError {
    /// The name is neither a folder nor possible as a Hub id.
    #[error(
        "{name:?} is neither a folder that exists nor a Hub id \
         (owner/name, or owner/name@revision)"
    )]
    Name {
        /// What was given.
        name: String,
    },
    /// The server has no such model.
    #[error(
        "there is no folder {id:?}, and {endpoint} has no model of that name \
         (for a private one, set HF_TOKEN)"
    )]
    NotFound {
        /// The id.
        id: String,
        /// The server.
        endpoint: String,
    },
    /// The model has no such revision.
    #[error("{endpoint}/{id} has no revision {revision:?}, or there is no such model")]
    Revision {
        /// The id.
        id: String,
        /// The server.
        endpoint: String,
        /// The branch, tag or commit.
        revision: String,
    },
    /// The model's owner restricts who may have it.
    #[error(
        "{endpoint}/{id} is restricted: ask for access on that page, then set HF_TOKEN \
         (or log in with `hf auth login`)"
    )]
    Restricted {
        /// The id.
        id: String,
        /// The server.
        endpoint: String,
    },
    /// The model lacks files that cloze needs.
    #[error("{endpoint}/{id} has no {missing}")]
    Incomplete {
        /// The id.
        id: String,
        /// The server.
        endpoint: String,
        /// What is not there.
        missing: String,
    },
    /// The server cannot be reached, and the cache does not have the model.
    #[error(
        "there is no folder {id:?}; {endpoint} cannot be reached to look for a model of that name, \
         and the cache {cache} does not have it"
    )]
    Network {
        /// The id.
        id: String,
        /// The server.
        endpoint: String,
        /// The cache folder.
        cache: PathBuf,
        /// What the network says.
        source: Box<HFError>,
    },
    /// The cache does not have the model, and going online is forbidden.
    #[error(
        "there is no folder {id:?}; the cache {cache} does not have a model of that name \
         (revision {revision:?}), and asking the Hub is forbidden (HF_HUB_OFFLINE)"
    )]
    NotCached {
        /// The id.
        id: String,
        /// The branch, tag or commit.
        revision: String,
        /// The cache folder.
        cache: PathBuf,
    },
    /// Anything else that goes wrong between here and the server.
    #[error("cannot get {id} from {endpoint}")]
    Other {
        /// The id.
        id: String,
        /// The server.
        endpoint: String,
        /// What went wrong.
        source: Box<HFError>,
    },
}

impl HubError {
    /// Puts what the client reports into the user's terms.
    pub(super) fn of(
        source: HFError,
        id: &HubId,
        revision: &str,
        endpoint: &str,
        cache: PathBuf,
    ) -> Self {
        let (id, endpoint) = (id.path(), endpoint.to_owned());
        // Without a token the Hub answers 401 for a model that does not exist, and says so only in
        // this code.
        let context = match &source {
            HFError::Http { context }
            | HFError::AuthRequired { context }
            | HFError::Forbidden { context } => Some(context),
            HFError::RepoNotFound { context, .. } | HFError::RevisionNotFound { context, .. } => {
                context.as_ref()
            }
            _ => None,
        };
        let code = context.and_then(|context| context.error_code.as_deref());
        let status = context.map_or(0, |context| context.status.as_u16());
        match (code, status) {
            (Some("RepoNotFound"), _) => Self::NotFound { id, endpoint },
            (Some("GatedRepo"), _) => Self::Restricted { id, endpoint },
            (Some("RevisionNotFound"), _) => Self::Revision {
                id,
                endpoint,
                revision: revision.into(),
            },
            (_, 401) => Self::NotFound { id, endpoint },
            (_, 403) => Self::Restricted { id, endpoint },
            (_, 404) if revision == "main" => Self::NotFound { id, endpoint },
            (_, 404) => Self::Revision {
                id,
                endpoint,
                revision: revision.into(),
            },
            _ if unreachable(&source) => Self::Network {
                id,
                endpoint,
                cache,
                source: Box::new(source),
            },
            _ => Self::Other {
                id,
                endpoint,
                source: Box::new(source),
            },
        }
    }
}

/// Whether the error speaks of the network or the server's state rather than of the model.
pub(super) fn unreachable(error: &HFError) -> bool {
    match error {
        HFError::Request { source, .. } => source.is_connect() || source.is_timeout(),
        HFError::Http { context } => context.status.is_server_error(),
        HFError::RateLimited { .. } => true,
        _ => false,
    }
}
