use std::collections::BTreeMap;
use std::path::Path;

use cloze_core::{ConfigJson, InputError};
use serde_json::Value;
use tokenizers::AddedToken;

use super::special_tokens::SpecialTokenNames;
use super::{Side, TokenizerError};

/// The small JSON files that stand beside a vocabulary in a checkpoint folder. Where two of them
/// state the same thing, `tokenizer_config.json` is believed.
#[derive(Debug, Default)]
pub(super) struct FolderSettings {
    /// `tokenizer_config.json`.
    config: Option<ConfigJson>,
    /// `special_tokens_map.json`.
    special_tokens_map: Option<ConfigJson>,
    /// `added_tokens.json`.
    added_tokens: Option<ConfigJson>,
    /// `config.json`, the model's own.
    model: Option<ConfigJson>,
}

fn read_if_there(path: &Path) -> Result<Option<ConfigJson>, TokenizerError> {
    if path.exists() {
        Ok(Some(ConfigJson::read(path)?))
    } else {
        Ok(None)
    }
}

/// A token is written as a text or as an object with its `content`.
fn content(value: &Value) -> Option<&str> {
    value
        .as_str()
        .or_else(|| value.get("content").and_then(Value::as_str))
}

impl FolderSettings {
    pub(super) fn read(folder: &Path) -> Result<Self, TokenizerError> {
        Ok(Self {
            config: read_if_there(&folder.join("tokenizer_config.json"))?,
            special_tokens_map: read_if_there(&folder.join("special_tokens_map.json"))?,
            added_tokens: read_if_there(&folder.join("added_tokens.json"))?,
            model: read_if_there(&folder.join("config.json"))?,
        })
    }

    /// All of `tokenizer_config.json`.
    pub(super) fn config(&self) -> serde_json::Map<String, Value> {
        let config = self.config.as_ref();
        config.map_or_else(Default::default, |config| config.as_map().clone())
    }

    fn setting<T>(
        &self,
        key: &str,
        wanted: &str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Result<Option<T>, InputError> {
        let Some(config) = &self.config else {
            return Ok(None);
        };
        let parse = |value| parse(value).ok_or_else(|| config.error(key, wanted));
        config.get(key).map(parse).transpose()
    }

    /// A value that is true or false.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, InputError> {
        self.setting(key, "true or false", Value::as_bool)
    }

    /// Whether `tokenizer_config.json` has the key, be it null.
    pub(super) fn states(&self, key: &str) -> bool {
        let config = self.config.as_ref();
        config.is_some_and(|config| config.as_map().contains_key(key))
    }

    pub(super) fn side(&self, key: &str) -> Result<Side, InputError> {
        let parse = |value: &Value| match value.as_str()? {
            "left" => Some(Side::Left),
            "right" => Some(Side::Right),
            _ => None,
        };
        let side = self.setting(key, "\"left\" or \"right\"", parse)?;
        Ok(side.unwrap_or(Side::Right))
    }

    /// `model_max_length`. `transformers` writes 1e30 where there is no limit.
    pub(super) fn model_max_length(&self) -> Result<Option<usize>, InputError> {
        let key = "model_max_length";
        let length = self.setting(key, "a whole number above 0", |value| {
            value
                .as_f64()
                .filter(|length| *length >= 1.0 && length.fract() == 0.0)
        })?;
        let length = length.filter(|length| *length < f64::from(u32::MAX));
        Ok(length.map(|length| length as usize))
    }

    /// The class that `transformers` loads the tokenizer with.
    pub(super) fn tokenizer_class(&self) -> Result<Option<String>, InputError> {
        self.setting("tokenizer_class", "a text", |value| {
            value.as_str().map(str::to_owned)
        })
    }

    /// Refuses XLM-RoBERTa's tokenizer without a space before the first word.
    pub(super) fn refuse_unprefixed_pieces(&self) -> Result<(), InputError> {
        let class = self.tokenizer_class()?.unwrap_or_default();
        match &self.config {
            Some(config)
                if class.starts_with("XLMRoberta")
                    && self.flag("add_prefix_space")? == Some(false) =>
            {
                let wanted = "true: cloze puts a space before the first word of XLM-RoBERTa's, \
                              as its training did";
                Err(config.error("add_prefix_space", wanted))
            }
            _ => Ok(()),
        }
    }

    /// Whether the model is told which of two texts a token belongs to: `model_input_names`, if it
    /// is there, otherwise what the class for the tokenizer says.
    pub(super) fn has_token_types(&self) -> Result<bool, InputError> {
        let names = self.setting("model_input_names", "a list of names", |value| {
            let names = value.as_array()?.iter();
            names
                .map(|name| name.as_str().map(str::to_owned))
                .collect::<Option<Vec<_>>>()
        })?;
        let class = self.tokenizer_class()?.unwrap_or_default();
        Ok(match names {
            Some(names) => names.iter().any(|name| name == "token_type_ids"),
            None => !class.starts_with("Roberta") && !class.starts_with("XLMRoberta"),
        })
    }

    /// `model_type` of the model's own `config.json`.
    pub(super) fn model_type(&self) -> Option<&str> {
        self.model.as_ref()?.get("model_type")?.as_str()
    }

    /// What the special tokens are called. Where nothing is stated, the first of the usual names
    /// that `is_known` accepts.
    pub(super) fn special_names(
        &self,
        is_known: impl Fn(&str) -> bool,
    ) -> Result<SpecialTokenNames, InputError> {
        let name = |key: &str, usual: [&str; 2]| -> Result<String, InputError> {
            for file in [&self.config, &self.special_tokens_map]
                .into_iter()
                .flatten()
            {
                if let Some(value) = file.get(key) {
                    let name = content(value);
                    let name = name.ok_or_else(|| file.error(key, "a token"))?;
                    return Ok(name.to_owned());
                }
            }
            let known = usual.into_iter().find(|name| is_known(name));
            Ok(known.unwrap_or(usual[0]).to_owned())
        };
        Ok(SpecialTokenNames {
            cls: name("cls_token", ["[CLS]", "<s>"])?,
            sep: name("sep_token", ["[SEP]", "</s>"])?,
            pad: name("pad_token", ["[PAD]", "<pad>"])?,
            mask: name("mask_token", ["[MASK]", "<mask>"])?,
            unk: name("unk_token", ["[UNK]", "<unk>"])?,
        })
    }

    /// Special tokens beyond the five.
    pub(super) fn extra_special_tokens(&self) -> Result<Vec<String>, InputError> {
        let mut tokens = Vec::new();
        let files = [&self.config, &self.special_tokens_map];
        for file in files.into_iter().flatten() {
            for key in ["additional_special_tokens", "extra_special_tokens"] {
                let error = || file.error(key, "a list of tokens");
                let listed: Vec<&Value> = match file.get(key) {
                    None => continue,
                    Some(Value::Array(list)) => list.iter().collect(),
                    Some(Value::Object(named)) => named.values().collect(),
                    Some(_) => return Err(error()),
                };
                for value in listed {
                    let token = content(value).ok_or_else(error)?;
                    if !tokens.iter().any(|known| known == token) {
                        tokens.push(token.to_owned());
                    }
                }
            }
        }
        Ok(tokens)
    }

    /// Tokens that were added, by id, with the file that states them: `added_tokens_decoder` of
    /// `tokenizer_config.json`, or else `added_tokens.json`, where those named in `special` are.
    pub(super) fn added_tokens(
        &self,
        special: &[String],
    ) -> Result<BTreeMap<u32, (AddedToken, &ConfigJson)>, InputError> {
        let mut tokens = BTreeMap::new();
        if let Some(config) = &self.config
            && let Some(decoder) = config.get("added_tokens_decoder")
        {
            let key = "added_tokens_decoder";
            let error = || config.error(key, "an object: id to token");
            for (id, token) in decoder.as_object().ok_or_else(error)? {
                let id = id.parse().map_err(|_| error())?;
                let token = decoded_token(token).ok_or_else(error)?;
                tokens.insert(id, (token, config));
            }
        } else if let Some(file) = &self.added_tokens {
            for (token, id) in file.as_map() {
                let id = id.as_u64().and_then(|id| u32::try_from(id).ok());
                let id = id.ok_or_else(|| file.error(token, "an id"))?;
                let special = special.contains(token);
                tokens.insert(id, (AddedToken::from(token.as_str(), special), file));
            }
        }
        Ok(tokens)
    }
}

/// One entry of `added_tokens_decoder`.
fn decoded_token(value: &Value) -> Option<AddedToken> {
    let flag = |key: &str| value.get(key).and_then(Value::as_bool);
    let special = flag("special").unwrap_or(false);
    Some(
        AddedToken::from(content(value)?, special)
            .single_word(flag("single_word").unwrap_or(false))
            .lstrip(flag("lstrip").unwrap_or(false))
            .rstrip(flag("rstrip").unwrap_or(false))
            .normalized(flag("normalized").unwrap_or(!special)),
    )
}
