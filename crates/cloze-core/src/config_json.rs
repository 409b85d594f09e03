use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use thiserror::Error;

use crate::{Activation, InputError};

/// A `config.json` with its path, so that whatever is wrong in it can be named.
#[derive(Clone, Debug)]
pub struct ConfigJson {
    path: PathBuf,
    map: Map<String, Value>,
}

/// Why a `config.json` cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not JSON.
    #[error("{path} is not valid JSON")]
    Json {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// A value is missing, of another type, or one that cloze does not compute.
    #[error(transparent)]
    Value(#[from] InputError),
}

impl ConfigJson {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// If the file cannot be read or is no JSON object.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read {
            path: path.into(),
            source,
        })?;
        Self::parse(path, &text)
    }

    /// Parses the text of a `config.json`; `path` is for error messages.
    ///
    /// # Errors
    /// If the text is no JSON object.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let map = serde_json::from_str(text).map_err(|source| ConfigError::Json {
            path: path.into(),
            source,
        })?;
        Ok(Self {
            path: path.into(),
            map,
        })
    }

    /// The file this came from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every key and value, as in the file.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.map
    }

    /// A key's value, unless it is absent or null.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// An error about one key of this file.
    pub fn error(&self, key: &str, wanted: impl Into<String>) -> InputError {
        let found = match self.map.get(key) {
            Some(value) => value.to_string(),
            None => "nothing".into(),
        };
        InputError::new(&self.path, found, wanted).in_field(key)
    }

    /// A positive whole number.
    ///
    /// # Errors
    /// If the key is missing, zero, or something else.
    pub fn size(&self, key: &str) -> Result<usize, InputError> {
        self.count(key)?
            .filter(|&size| size > 0)
            .ok_or_else(|| self.error(key, "a whole number above 0"))
    }

    /// A whole number, zero allowed, or `default` where the key is missing.
    ///
    /// # Errors
    /// If the value is something else.
    pub fn count_or(&self, key: &str, default: usize) -> Result<usize, InputError> {
        Ok(self.count(key)?.unwrap_or(default))
    }

    fn count(&self, key: &str) -> Result<Option<usize>, InputError> {
        self.get(key)
            .map(|value| {
                value
                    .as_u64()
                    .and_then(|number| u32::try_from(number).ok())
                    .map(|number| number as usize)
                    .ok_or_else(|| self.error(key, "a whole number below 2^32"))
            })
            .transpose()
    }

    /// A number, or `default` where the key is missing.
    ///
    /// # Errors
    /// If the value is something else.
    pub fn number_or(&self, key: &str, default: f64) -> Result<f64, InputError> {
        self.get(key).map_or(Ok(default), |value| {
            value.as_f64().ok_or_else(|| self.error(key, "a number"))
        })
    }

    /// A dropout probability, or `default` where the key is missing.
    ///
    /// # Errors
    /// If the value is not in `[0, 1)`.
    pub fn probability_or(&self, key: &str, default: f64) -> Result<f64, InputError> {
        let number = self.number_or(key, default)?;
        if (0.0..1.0).contains(&number) {
            Ok(number)
        } else {
            Err(self.error(key, "a probability from 0 to below 1"))
        }
    }

    /// A text, or `default` where the key is missing.
    ///
    /// # Errors
    /// If the value is something else.
    pub fn text_or<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str, InputError> {
        self.get(key).map_or(Ok(default), |value| {
            value.as_str().ok_or_else(|| self.error(key, "a text"))
        })
    }

    /// Whether something holds, or `default` where the key is missing.
    ///
    /// # Errors
    /// If the value is something else.
    pub fn flag_or(&self, key: &str, default: bool) -> Result<bool, InputError> {
        self.get(key).map_or(Ok(default), |value| {
            value
                .as_bool()
                .ok_or_else(|| self.error(key, "true or false"))
        })
    }

    /// An activation that cloze computes exactly, or `default` where the key is missing.
    ///
    /// # Errors
    /// If the value names another one: nothing is approximated silently.
    pub fn activation_or(&self, key: &str, default: Activation) -> Result<Activation, InputError> {
        let name = self.text_or(key, default.name())?;
        Activation::from_name(name).ok_or_else(|| {
            self.error(
                key,
                "one of \"gelu\", \"gelu_new\", \"gelu_pytorch_tanh\", \"relu\", \"tanh\"",
            )
        })
    }

    /// Refuses any value but the one that cloze computes; a missing key is fine.
    ///
    /// # Errors
    /// If the key is there with another value.
    pub fn refuse_unless(&self, key: &str, supported: &Value) -> Result<(), InputError> {
        match self.get(key) {
            Some(value) if value != supported => Err(self.error(key, supported.to_string())),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> ConfigJson {
        ConfigJson::parse(Path::new("m/config.json"), text).unwrap()
    }

    #[test]
    fn a_wrong_value_is_named_with_what_was_wanted() {
        let config = config(r#"{"hidden_size": "big", "hidden_act": "swish", "is_decoder": true}"#);
        assert_eq!(
            config.size("hidden_size").unwrap_err().to_string(),
            "m/config.json, field `hidden_size`: found \"big\", wanted a whole number below 2^32"
        );
        assert_eq!(
            config.size("vocab_size").unwrap_err().to_string(),
            "m/config.json, field `vocab_size`: found nothing, wanted a whole number above 0"
        );
        assert!(
            config
                .activation_or("hidden_act", Activation::Gelu)
                .is_err()
        );
        assert_eq!(
            config
                .refuse_unless("is_decoder", &Value::Bool(false))
                .unwrap_err()
                .to_string(),
            "m/config.json, field `is_decoder`: found true, wanted false"
        );
    }

    #[test]
    fn an_exact_gelu_is_never_taken_for_the_approximation() {
        let config = config(r#"{"a": "gelu", "b": "gelu_new"}"#);
        let read = |key| config.activation_or(key, Activation::Relu).unwrap();
        assert_eq!(
            (read("a"), read("b")),
            (Activation::Gelu, Activation::GeluTanh)
        );
        assert_eq!(read("absent"), Activation::Relu);
    }
}
