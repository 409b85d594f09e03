use std::fs;
use std::path::Path;

use cloze_core::output::write_file;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper};

use super::{Side, Tokenizer, TokenizerError};

/// Paths of whoever saved the tokenizer before; they mean nothing elsewhere.
const PATHS: [&str; 4] = [
    "name_or_path",
    "special_tokens_map_file",
    "tokenizer_file",
    "vocab_file",
];

impl Tokenizer {
    /// Writes the files that `transformers` loads a tokenizer from: `tokenizer.json`,
    /// `tokenizer_config.json`, `special_tokens_map.json`, for WordPiece also `vocab.txt`, and
    /// `added_tokens.json` where tokens were added. Each file appears whole or not at all;
    /// for a folder that does, write into a [`cloze_core::output::OutputFolder`].
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TokenizerError> {
        write_json(&folder.join("tokenizer.json"), &self.whole_pipeline())?;
        write_json(&folder.join("tokenizer_config.json"), &self.config_json())?;
        let map = self.special_tokens_map();
        write_json(&folder.join("special_tokens_map.json"), &map)?;
        self.save_added_tokens(&folder.join("added_tokens.json"))?;
        self.save_vocab(&folder.join("vocab.txt"))
    }

    fn config_json(&self) -> Map<String, Value> {
        let mut config = self.inner.config.clone();
        for key in PATHS {
            config.shift_remove(key);
        }
        let pipeline = &self.inner.pipeline;
        let class = match pipeline.get_model() {
            ModelWrapper::WordPiece(_) => "BertTokenizer",
            _ => "PreTrainedTokenizerFast",
        };
        let stated = config.entry("tokenizer_class");
        stated.or_insert_with(|| class.into());
        if let Some(NormalizerWrapper::BertNormalizer(normalizer)) = pipeline.get_normalizer() {
            config.insert("do_lower_case".into(), normalizer.lowercase.into());
            config.insert("strip_accents".into(), normalizer.strip_accents.into());
            let chinese_chars = normalizer.handle_chinese_chars;
            config.insert("tokenize_chinese_chars".into(), chinese_chars.into());
        }
        if let Some(PreTokenizerWrapper::ByteLevel(splitter)) = pipeline.get_pre_tokenizer() {
            let add_prefix_space = splitter.add_prefix_space;
            config.insert("add_prefix_space".into(), add_prefix_space.into());
        }
        match self.inner.model_max_length {
            Some(length) => config.insert("model_max_length".into(), length.into()),
            None => config.shift_remove("model_max_length"),
        };
        for (key, special) in self.inner.special.by_key() {
            config.insert(key.into(), special.token.as_str().into());
        }
        for (key, side) in [
            ("padding_side", self.inner.padding_side),
            ("truncation_side", self.inner.truncation_side),
        ] {
            if side == Side::Left {
                config.insert(key.into(), "left".into());
            }
        }
        config.insert("added_tokens_decoder".into(), self.added_tokens_decoder());
        config
    }

    /// Every special or added token with its id and how it is found in a text.
    fn added_tokens_decoder(&self) -> Value {
        let added = self.inner.pipeline.get_added_vocabulary();
        let mut tokens: Vec<_> = added.get_added_tokens_decoder().iter().collect();
        tokens.sort_unstable_by_key(|(id, _)| **id);
        let entries = tokens.into_iter().map(|(id, token)| {
            let properties = json!({
                "content": token.content,
                "lstrip": token.lstrip,
                "normalized": token.normalized,
                "rstrip": token.rstrip,
                "single_word": token.single_word,
                "special": token.special,
            });
            (id.to_string(), properties)
        });
        Value::Object(entries.collect())
    }

    fn special_tokens_map(&self) -> Map<String, Value> {
        let by_key = self.inner.special.by_key();
        let mut map: Map<String, Value> = by_key
            .iter()
            .map(|(key, special)| ((*key).into(), special.token.as_str().into()))
            .collect();
        let added = self.inner.pipeline.get_added_vocabulary();
        let mut extra: Vec<_> = added
            .get_added_tokens_decoder()
            .iter()
            .filter(|(id, token)| {
                token.special && by_key.iter().all(|(_, special)| special.id != **id)
            })
            .collect();
        extra.sort_unstable_by_key(|(id, _)| **id);
        if !extra.is_empty() {
            let names = extra.into_iter().map(|(_, token)| token.content.as_str());
            map.insert("additional_special_tokens".into(), names.collect());
        }
        map
    }

    fn save_added_tokens(&self, path: &Path) -> Result<(), TokenizerError> {
        let added = self.added_tokens();
        if !added.is_empty() {
            let map: Map<String, Value> = added
                .into_iter()
                .map(|(token, id)| (token, id.into()))
                .collect();
            return write_json(path, &map);
        }
        // One that an earlier tokenizer left in this folder would add its tokens to this one.
        if path.exists() {
            fs::remove_file(path).map_err(written(path))?;
        }
        Ok(())
    }

    /// Writes `vocab.txt`, unless line numbers cannot stand for the ids: another model than
    /// WordPiece, ids with gaps, or a token with a line end in it.
    fn save_vocab(&self, path: &Path) -> Result<(), TokenizerError> {
        if !matches!(self.inner.pipeline.get_model(), ModelWrapper::WordPiece(_)) {
            return Ok(());
        }
        let mut tokens: Vec<_> = self.inner.pipeline.get_vocab(false).into_iter().collect();
        tokens.sort_unstable_by_key(|(_, id)| *id);
        let lines = tokens.iter().enumerate();
        let fits = |(line, (token, id)): (usize, &(String, u32))| {
            line == *id as usize && !token.is_empty() && !token.contains(['\n', '\r'])
        };
        if !lines.into_iter().all(fits) {
            return Ok(());
        }
        write_file(path, |out| {
            for (token, _) in &tokens {
                writeln!(out, "{token}")?;
            }
            Ok(())
        })
        .map_err(written(path))
    }
}

fn written(path: &Path) -> impl Fn(std::io::Error) -> TokenizerError + '_ {
    move |source| TokenizerError::Write {
        path: path.into(),
        source,
    }
}

fn write_json(path: &Path, value: &impl Serialize) -> Result<(), TokenizerError> {
    write_file(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
    .map_err(written(path))
}
