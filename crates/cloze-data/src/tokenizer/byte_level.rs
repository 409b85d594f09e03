//! Byte-level BPE as RoBERTa has it: its files, and what `transformers` makes of their settings.

use std::path::Path;
use std::sync::Arc;

use cloze_core::InputError;
use tokenizers::decoders::byte_level::ByteLevel;
use tokenizers::models::bpe::BPE;
use tokenizers::processors::roberta::RobertaProcessing;
use tokenizers::{ModelWrapper, PostProcessorWrapper, PreTokenizerWrapper};

use super::folder_settings::FolderSettings;
use super::{SpecialTokenNames, Tokenizer, TokenizerError, json_check, text_lines};

/// A pipeline without special tokens, from a vocabulary (an object: token to id) and the merges
/// (two parts a line, the first learnt first).
pub(super) fn from_files(
    vocab: &Path,
    merges: &Path,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let (vocab_path, text) = readable(vocab)?;
    let (merges_path, _) = readable(merges)?;
    json_check::check_vocabulary(&text).map_err(|error| {
        let found = format!("what does not fit ({error})");
        InputError::new(vocab, found, "an object that gives every token an id")
    })?;
    let model = BPE::from_file(vocab_path, merges_path)
        .continuing_subword_prefix(String::new())
        .end_of_word_suffix(String::new())
        .build()
        .map_err(|error| {
            let found = format!("what does not fit {} ({error})", vocab.display());
            InputError::new(merges, found, "merges of tokens of this vocabulary")
        })?;
    let mut pipeline = tokenizers::Tokenizer::new(model);
    pipeline.with_decoder(Some(ByteLevel::default()));
    Ok(pipeline)
}

/// The path of a UTF-8 file as the library wants it, and what is in the file.
fn readable(path: &Path) -> Result<(&str, String), TokenizerError> {
    let bytes = std::fs::read(path).map_err(TokenizerError::read(path))?;
    let text = text_lines::utf8(path, &bytes)?.to_owned();
    let name = path.to_str();
    let name =
        name.ok_or_else(|| InputError::new(path, "a path that is not UTF-8", "another path"))?;
    Ok((name, text))
}

/// Sets word splitter and post-processor as `transformers`' `RobertaTokenizer` does, which takes
/// vocabulary and merges of a `tokenizer.json`, and of `tokenizer_config.json`
/// `add_prefix_space` (false where it says nothing) and `trim_offsets` (true).
pub(super) fn apply_settings(
    pipeline: &mut tokenizers::Tokenizer,
    settings: &FolderSettings,
    names: &SpecialTokenNames,
) -> Result<(), TokenizerError> {
    let add_prefix_space = settings.flag("add_prefix_space")?.unwrap_or(false);
    let trim_offsets = settings.flag("trim_offsets")?.unwrap_or(true);
    pipeline.with_pre_tokenizer(Some(ByteLevel::new(add_prefix_space, true, true)));
    let token = |name: &String| Some((name.clone(), pipeline.token_to_id(name)?));
    // One that is missing is an error of its own.
    if let (Some(sep), Some(cls)) = (token(&names.sep), token(&names.cls)) {
        let processing = RobertaProcessing::new(sep, cls)
            .trim_offsets(trim_offsets)
            .add_prefix_space(add_prefix_space);
        pipeline.with_post_processor(Some(processing));
    }
    Ok(())
}

/// Whether `transformers` makes a `RobertaTokenizer` of a pipeline that was read from `file`: by
/// the class that is stated, otherwise by the architecture. Without either, a `vocab.json` is
/// taken for one.
pub(super) fn is_robertas(
    pipeline: &tokenizers::Tokenizer,
    file: &Path,
    settings: &FolderSettings,
) -> Result<bool, InputError> {
    let is_roberta = match (settings.tokenizer_class()?, settings.model_type()) {
        (Some(class), _) => class.starts_with("Roberta"),
        (None, Some(model_type)) => model_type == "roberta",
        (None, None) => file.ends_with("vocab.json"),
    };
    Ok(is_roberta && matches!(pipeline.get_model(), ModelWrapper::BPE(_)))
}

impl Tokenizer {
    /// Lets a byte-level tokenizer take every text, and every word that is given by itself, for
    /// one with a space before it: `add_prefix_space=True` in `transformers`. Words of a sentence
    /// then have the tokens that they have in a text. Other tokenizers see words apart as they see
    /// them in a text, and stay as they are.
    pub fn set_add_prefix_space(&mut self) {
        let inner = Arc::make_mut(&mut self.inner);
        let splitter = inner.pipeline.get_pre_tokenizer().cloned();
        let Some(PreTokenizerWrapper::ByteLevel(splitter)) = splitter else {
            return;
        };
        let splitter = splitter.add_prefix_space(true);
        inner.pipeline.with_pre_tokenizer(Some(splitter));
        if let Some(PostProcessorWrapper::Roberta(processing)) = &mut inner.post_processor {
            processing.add_prefix_space = true;
        }
    }
}
