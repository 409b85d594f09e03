//! `generation_config.json` beside a model's weights, with the field names of `transformers`.

use std::fs;
use std::path::{Path, PathBuf};

use cloze_core::InputError;
use cloze_core::output::write_file;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::GenerationSettings;
use crate::InferError;

pub use cloze_model::checkpoint::GENERATION_CONFIG;

impl GenerationSettings {
    /// The settings that are saved with a model; the default ones where there are none, and for every
    /// field that is missing or null. Fields that cloze does not know are passed over.
    ///
    /// # Errors
    /// If the file cannot be read, is no JSON object, or a value is of another kind or makes no sense.
    pub fn of_folder(folder: &Path) -> Result<Self, InferError> {
        let path = folder.join(GENERATION_CONFIG);
        let Some(stored) = read(&path)? else {
            return Ok(Self::default());
        };
        let file = File { path, stored };
        let mut settings = Self::default();
        file.number(&mut settings.max_new_tokens, "max_new_tokens")?;
        file.number(&mut settings.min_new_tokens, "min_new_tokens")?;
        file.set(&mut settings.do_sample, "do_sample", "true or false")?;
        file.set(&mut settings.temperature, "temperature", "a number")?;
        file.number(&mut settings.top_k, "top_k")?;
        file.set(&mut settings.top_p, "top_p", "a number")?;
        file.number(&mut settings.num_beams, "num_beams")?;
        file.set(&mut settings.length_penalty, "length_penalty", "a number")?;
        let kinds = "true, false or \"never\"";
        file.set(&mut settings.early_stopping, "early_stopping", kinds)?;
        file.number(&mut settings.num_return_sequences, "num_return_sequences")?;
        file.set(
            &mut settings.repetition_penalty,
            "repetition_penalty",
            "a number",
        )?;
        file.number(&mut settings.no_repeat_ngram_size, "no_repeat_ngram_size")?;
        file.number(&mut settings.no_repeat_last, "no_repeat_last")?;
        file.set(
            &mut settings.bad_words_ids,
            "bad_words_ids",
            "a list of lists of token ids",
        )?;
        file.set(
            &mut settings.suppress_tokens,
            "suppress_tokens",
            "a list of token ids",
        )?;
        let mut marks = StopStrings::Several(Vec::new());
        file.set(&mut marks, "stop_strings", "a string or a list of strings")?;
        settings.stop_strings = match marks {
            StopStrings::One(mark) => vec![mark],
            StopStrings::Several(marks) => marks,
        };
        settings.check().map_err(|error| {
            InputError::new(&file.path, error.found, error.wanted).in_field(error.name)
        })?;
        Ok(settings)
    }

    /// Writes the settings into a model's folder. Fields of a file that is there and that cloze does not
    /// know stay as they are.
    ///
    /// # Errors
    /// If the file cannot be written, or the one that is there is no JSON object.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, InferError> {
        let path = folder.join(GENERATION_CONFIG);
        let mut stored = read(&path)?.unwrap_or_default();
        let own = serde_json::to_value(self).expect("numbers, strings and lists are JSON");
        if let Value::Object(own) = own {
            stored.extend(own);
        }
        let mut text =
            serde_json::to_string_pretty(&stored).expect("it was read from JSON or made of it");
        text.push('\n');
        write_file(&path, |file| file.write_all(text.as_bytes()))
            .map_err(InferError::write(&path))?;
        Ok(path)
    }
}

fn read(path: &Path) -> Result<Option<Map<String, Value>>, InferError> {
    if !path.exists() {
        return Ok(None);
    }
    let text = fs::read_to_string(path).map_err(InferError::read(path))?;
    serde_json::from_str(&text).map(Some).map_err(|error| {
        InputError::new(
            path,
            format!("what is no JSON object ({error})"),
            "an object of settings",
        )
        .into()
    })
}

/// `transformers` takes both.
#[derive(Deserialize)]
#[serde(untagged)]
enum StopStrings {
    One(String),
    Several(Vec<String>),
}

struct File {
    path: PathBuf,
    stored: Map<String, Value>,
}

impl File {
    fn set<T: DeserializeOwned>(
        &self,
        setting: &mut T,
        name: &str,
        wanted: &str,
    ) -> Result<(), InferError> {
        match self.stored.get(name) {
            None | Some(Value::Null) => Ok(()),
            Some(value) => {
                *setting = serde_json::from_value(value.clone()).map_err(|_| {
                    InputError::new(&self.path, value.to_string(), wanted).in_field(name)
                })?;
                Ok(())
            }
        }
    }

    fn number(&self, setting: &mut usize, name: &str) -> Result<(), InferError> {
        self.set(setting, name, "a whole number from 0 on")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generation::EarlyStopping;

    #[test]
    fn settings_are_read_as_they_were_saved_and_the_rest_of_the_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            GenerationSettings::of_folder(folder.path()).unwrap(),
            GenerationSettings::default()
        );
        let path = folder.path().join(GENERATION_CONFIG);
        fs::write(
            &path,
            r#"{"pad_token_id": 0, "top_k": null, "early_stopping": "never"}"#,
        )
        .unwrap();
        let mut settings = GenerationSettings::of_folder(folder.path()).unwrap();
        assert_eq!(settings.top_k, 50);
        assert_eq!(settings.early_stopping, EarlyStopping::Never);
        settings.early_stopping = EarlyStopping::AtOnce;
        settings.temperature = 0.7;
        settings.stop_strings = vec!["。".into()];
        settings.bad_words_ids = vec![vec![7, 8]];
        assert_eq!(settings.save(folder.path()).unwrap(), path);
        assert_eq!(
            GenerationSettings::of_folder(folder.path()).unwrap(),
            settings
        );
        let stored: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(stored["pad_token_id"], 0);
        assert_eq!(stored["early_stopping"], true);
        assert_eq!(stored["stop_strings"][0], "。");
    }

    #[test]
    fn a_value_of_another_kind_is_named_with_its_file_and_field() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(GENERATION_CONFIG);
        let message = |text: &str| {
            fs::write(&path, text).unwrap();
            let error = GenerationSettings::of_folder(folder.path())
                .unwrap_err()
                .to_string();
            error.replace(path.to_str().unwrap(), GENERATION_CONFIG)
        };
        assert_eq!(
            message(r#"{"top_k": -1}"#),
            "generation_config.json, field `top_k`: found -1, wanted a whole number from 0 on"
        );
        assert_eq!(
            message(r#"{"top_p": 2.0}"#),
            "generation_config.json, field `top_p`: found 2, wanted a number above 0, at most 1"
        );
        assert_eq!(
            message(r#"{"early_stopping": "soon"}"#),
            "generation_config.json, field `early_stopping`: found \"soon\", wanted true, false or \"never\""
        );
        assert!(message("[").starts_with("generation_config.json: found what is no JSON object"));
    }
}
