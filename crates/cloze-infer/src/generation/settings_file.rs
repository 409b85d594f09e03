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
    /// field that is missing or null. A missing `do_sample` beside several `num_beams` is false, as it
    /// is in `transformers`. Fields that cloze does not know are passed over.
    ///
    /// Whether the values make sense is for [`check`](Self::check): others may take their place first.
    ///
    /// # Errors
    /// If the file cannot be read, is no JSON object, or a value is of another kind.
    pub fn of_folder(folder: &Path) -> Result<Self, InferError> {
        let path = folder.join(GENERATION_CONFIG);
        let stored = read(&path)?.unwrap_or_default();
        File { path, stored }.settings()
    }

    /// Writes the settings into a model's folder: those that differ from what the file there says
    /// already. The rest of it stays as it is, but for lists of nothing, which `transformers` refuses.
    ///
    /// Where tokens are drawn with a setting of drawing that is written, `do_sample` is written too:
    /// it is false to `transformers` where it is missing.
    ///
    /// # Errors
    /// If the file cannot be written, or the one that is there cannot be read.
    pub fn save(&self, folder: &Path) -> Result<PathBuf, InferError> {
        let path = folder.join(GENERATION_CONFIG);
        let stored = read(&path)?.unwrap_or_default();
        let mut file = File { path, stored };
        let before = file.settings()?.fields();
        let mut of_drawing = false;
        for (name, value) in self.fields() {
            if value.as_array().is_some_and(Vec::is_empty) {
                file.stored.shift_remove(&name);
            } else if before.get(&name) != Some(&value) {
                of_drawing |= matches!(&*name, "temperature" | "top_k" | "top_p");
                file.stored.insert(name, value);
            }
        }
        // What a missing `do_sample` means depends on the beams, which may be others now.
        if of_drawing && self.samples() || file.settings()?.do_sample != self.do_sample {
            file.stored
                .insert("do_sample".into(), self.do_sample.into());
        }
        let File { path, stored } = file;
        let mut text =
            serde_json::to_string_pretty(&stored).expect("it was read from JSON or made of it");
        text.push('\n');
        write_file(&path, |file| file.write_all(text.as_bytes()))
            .map_err(InferError::write(&path))?;
        Ok(path)
    }

    /// The settings under their names in the file.
    fn fields(&self) -> Map<String, Value> {
        match serde_json::to_value(self).expect("numbers, strings and lists are JSON") {
            Value::Object(fields) => fields,
            _ => Map::new(),
        }
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
    fn settings(&self) -> Result<GenerationSettings, InferError> {
        let mut settings = GenerationSettings::default();
        self.number(&mut settings.max_new_tokens, "max_new_tokens")?;
        self.number(&mut settings.min_new_tokens, "min_new_tokens")?;
        self.set(&mut settings.temperature, "temperature", "a number")?;
        self.number(&mut settings.top_k, "top_k")?;
        self.set(&mut settings.top_p, "top_p", "a number")?;
        self.number(&mut settings.num_beams, "num_beams")?;
        settings.do_sample = settings.num_beams <= 1;
        self.set(&mut settings.do_sample, "do_sample", "true or false")?;
        self.set(&mut settings.length_penalty, "length_penalty", "a number")?;
        let kinds = "true, false or \"never\"";
        self.set(&mut settings.early_stopping, "early_stopping", kinds)?;
        self.number(&mut settings.num_return_sequences, "num_return_sequences")?;
        self.set(
            &mut settings.repetition_penalty,
            "repetition_penalty",
            "a number",
        )?;
        self.number(&mut settings.no_repeat_ngram_size, "no_repeat_ngram_size")?;
        self.number(&mut settings.no_repeat_last, "no_repeat_last")?;
        self.set(
            &mut settings.bad_words_ids,
            "bad_words_ids",
            "a list of lists of token ids",
        )?;
        self.set(
            &mut settings.suppress_tokens,
            "suppress_tokens",
            "a list of token ids",
        )?;
        let mut marks = StopStrings::Several(Vec::new());
        self.set(&mut marks, "stop_strings", "a string or a list of strings")?;
        settings.stop_strings = match marks {
            StopStrings::One(mark) => vec![mark],
            StopStrings::Several(marks) => marks,
        };
        Ok(settings)
    }

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
    use serde_json::json;

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
            message(r#"{"early_stopping": "soon"}"#),
            "generation_config.json, field `early_stopping`: found \"soon\", wanted true, false or \"never\""
        );
        assert!(message("[").starts_with("generation_config.json: found what is no JSON object"));
    }

    fn stored(text: &str) -> (tempfile::TempDir, GenerationSettings) {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(GENERATION_CONFIG), text).unwrap();
        let settings = GenerationSettings::of_folder(folder.path()).unwrap();
        (folder, settings)
    }

    fn saved(settings: &GenerationSettings, folder: &Path) -> Value {
        let path = settings.save(folder).unwrap();
        assert_eq!(&GenerationSettings::of_folder(folder).unwrap(), settings);
        serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
    }

    #[test]
    fn only_what_changes_is_written_and_never_a_list_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let changed = GenerationSettings {
            max_new_tokens: 7,
            ..GenerationSettings::default()
        };
        assert_eq!(saved(&changed, folder.path()), json!({"max_new_tokens": 7}));
        // Back to the default: what stands there is set.
        assert_eq!(
            saved(&GenerationSettings::default(), folder.path()),
            json!({"max_new_tokens": 100})
        );

        let (folder, mut settings) = stored(
            r#"{"bad_words_ids": [[4]], "suppress_tokens": [], "stop_strings": "。", "top_k": null}"#,
        );
        settings.bad_words_ids.clear();
        assert_eq!(
            saved(&settings, folder.path()),
            json!({"stop_strings": "。", "top_k": null})
        );
    }

    #[test]
    fn sampling_is_saved_where_it_would_be_read_otherwise() {
        // For `transformers` a temperature is nothing without it.
        let folder = tempfile::tempdir().unwrap();
        let drawn = GenerationSettings {
            temperature: 0.5,
            ..GenerationSettings::default()
        };
        assert_eq!(
            saved(&drawn, folder.path()),
            json!({"temperature": 0.5, "do_sample": true})
        );

        let (folder, settings) = stored(r#"{"num_beams": 4}"#);
        assert_eq!((settings.do_sample, settings.num_beams), (false, 4));
        settings.check().unwrap();
        let greedy = GenerationSettings {
            num_beams: 1,
            ..settings
        };
        assert_eq!(
            saved(&greedy, folder.path()),
            json!({"num_beams": 1, "do_sample": false})
        );
        assert_eq!(
            saved(&GenerationSettings::default(), folder.path()),
            json!({"num_beams": 1, "do_sample": true})
        );
    }

    #[test]
    fn what_makes_no_sense_is_read_and_told_when_it_is_used() {
        let (_, settings) = stored(r#"{"do_sample": false, "temperature": 0.0}"#);
        settings.check().unwrap();
        let (_, settings) = stored(r#"{"do_sample": false, "num_return_sequences": 3}"#);
        assert_eq!(settings.check().unwrap_err().name, "num_return_sequences");
        let (_, settings) = stored(r#"{"top_p": 2.0}"#);
        assert_eq!(settings.check().unwrap_err().name, "top_p");
    }
}
