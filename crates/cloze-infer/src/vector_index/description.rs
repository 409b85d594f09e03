use std::fs;
use std::path::Path;

use cloze_core::InputError;
use serde::{Deserialize, Serialize};

use crate::{EmbedderOptions, InferError, Similarity};

/// What an index is, in the file that says so.
const FORMAT: &str = "cloze-index";
const VERSION: u32 = 1;

/// `index.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    format: String,
    version: u32,
    /// The model as it was called, a folder as a path from the root.
    pub(super) model: String,
    /// [`Embedder::fingerprint`](crate::Embedder::fingerprint).
    pub(super) fingerprint: String,
    /// How the model was opened.
    pub(super) options: EmbedderOptions,
    /// What was put in front of every text.
    pub(super) prompt: String,
    /// How vectors are compared; where by their cosine, they have length 1.
    pub(super) similarity: Similarity,
    pub(super) texts: usize,
    pub(super) dimension: usize,
    /// Hash of the graph's file, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) graph: Option<String>,
}

impl Description {
    /// An index without texts yet.
    pub(super) fn new(model: &str, fingerprint: String, similarity: Similarity) -> Self {
        Self {
            format: FORMAT.into(),
            version: VERSION,
            model: model.into(),
            fingerprint,
            options: EmbedderOptions::default(),
            prompt: String::new(),
            similarity,
            texts: 0,
            dimension: 0,
            graph: None,
        }
    }

    /// Reads `index.json`.
    pub(super) fn read(path: &Path) -> Result<Self, InferError> {
        let text = fs::read_to_string(path).map_err(InferError::read(path))?;
        Ok(Self::parse(path, &text)?)
    }

    fn parse(path: &Path, text: &str) -> Result<Self, InputError> {
        /// What every version has.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let wanted = "the description of an index, as `cloze index` writes it";
        let broken = |error: serde_json::Error| {
            let line = error.line();
            InputError::new(path, format!("what does not fit ({error})"), wanted).at_line(line)
        };
        let head: Head = serde_json::from_str(text).map_err(broken)?;
        if head.format != FORMAT {
            let found = format!("{:?}", head.format);
            return Err(InputError::new(path, found, format!("{FORMAT:?}")).in_field("format"));
        }
        if head.version != VERSION {
            let wanted = format!("{VERSION}, which this cloze reads: make the index again");
            let found = head.version.to_string();
            return Err(InputError::new(path, found, wanted).in_field("version"));
        }
        let description: Self = serde_json::from_str(text).map_err(broken)?;
        if description.dimension == 0 {
            return Err(InputError::new(path, "0", "a number above 0").in_field("dimension"));
        }
        Ok(description)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(change: impl FnOnce(&mut Description)) -> String {
        let mut description = Description::new("m", "f".into(), Similarity::Dot);
        description.dimension = 4;
        change(&mut description);
        serde_json::to_string(&description).unwrap()
    }

    fn error(text: &str) -> String {
        let error = Description::parse(Path::new("i/index.json"), text);
        error.unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_and_another_version_is_named() {
        let path = Path::new("i/index.json");
        let read = Description::parse(path, &text(|_| {})).unwrap();
        assert_eq!((read.model.as_str(), read.dimension), ("m", 4));
        assert_eq!(
            error(&text(|description| description.version = 2)),
            "i/index.json, field `version`: found 2, wanted 1, which this cloze reads: make the \
             index again"
        );
        assert!(error(&text(|d| d.format = "x".into())).contains("wanted \"cloze-index\""));
        assert!(error(&text(|d| d.dimension = 0)).contains("field `dimension`: found 0"));
        assert!(error("{}").starts_with("i/index.json, line 1: found what does not fit"));
        let unknown = text(|_| {}).replace("\"texts\"", "\"rows\"");
        assert!(error(&unknown).contains("unknown field `rows`"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".{0,200}") {
            let _ = Description::parse(Path::new("i"), &text);
        }
    }
}
