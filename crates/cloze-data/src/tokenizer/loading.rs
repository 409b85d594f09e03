use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use ahash::AHashMap;
use cloze_core::InputError;
use serde_json::Map;
use tokenizers::decoders::wordpiece::WordPiece as WordPieceDecoder;
use tokenizers::models::wordpiece::WordPiece;
use tokenizers::normalizers::{BertNormalizer, Lowercase, Sequence};
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::processors::bert::BertProcessing;
use tokenizers::{AddedToken, ModelWrapper, NormalizerWrapper, PostProcessorWrapper};

use super::folder_settings::FolderSettings;
use super::{
    Inner, Side, SpecialToken, SpecialTokenNames, SpecialTokens, Tokenizer, TokenizerError,
    byte_level, json_check, text_lines, vocab_file,
};

/// How a WordPiece tokenizer treats text before it looks words up. The default is that of
/// bert-base-uncased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WordPieceOptions {
    /// Letters become small (`do_lower_case`).
    pub lowercase: bool,
    /// Accents are removed; without a value they are where letters become small.
    pub strip_accents: Option<bool>,
    /// Every Chinese character is a word (`tokenize_chinese_chars`).
    pub chinese_chars: bool,
    /// What the special tokens are called.
    pub special: SpecialTokenNames,
    /// The length in tokens that the model reads.
    pub model_max_length: Option<usize>,
}

impl Default for WordPieceOptions {
    fn default() -> Self {
        Self {
            lowercase: true,
            strip_accents: None,
            chinese_chars: true,
            special: SpecialTokenNames::default(),
            model_max_length: None,
        }
    }
}

impl WordPieceOptions {
    pub(super) fn normalizer(&self) -> BertNormalizer {
        BertNormalizer::new(true, self.chinese_chars, self.strip_accents, self.lowercase)
    }

    fn from_settings(settings: &FolderSettings, vocabulary: &[String]) -> Result<Self, InputError> {
        let is_known = |name: &str| vocabulary.iter().any(|token| token == name);
        Ok(Self {
            lowercase: settings.flag("do_lower_case")?.unwrap_or(true),
            strip_accents: settings.flag("strip_accents")?,
            chinese_chars: settings.flag("tokenize_chinese_chars")?.unwrap_or(true),
            special: settings.special_names(is_known)?,
            model_max_length: settings.model_max_length()?,
        })
    }
}

/// Whether a tokenizer's model is of a kind.
type IsOfKind = fn(&ModelWrapper) -> bool;

/// The class of `transformers` that tokenizes for an architecture, and whether a model is of the
/// kind that this class has.
pub(super) fn tokenizer_class(model_type: &str) -> Option<(&'static str, IsOfKind)> {
    let is_wordpiece: IsOfKind = |model| matches!(model, ModelWrapper::WordPiece(_));
    match model_type {
        "bert" => Some(("BertTokenizer", is_wordpiece)),
        "distilbert" => Some(("DistilBertTokenizer", is_wordpiece)),
        "electra" => Some(("ElectraTokenizer", is_wordpiece)),
        "roberta" => Some(("RobertaTokenizer", |model| {
            matches!(model, ModelWrapper::BPE(_))
        })),
        "xlm-roberta" => Some(("XLMRobertaTokenizer", |model| {
            matches!(model, ModelWrapper::Unigram(_))
        })),
        _ => None,
    }
}

impl Tokenizer {
    /// Loads the tokenizer of a checkpoint folder: `tokenizer.json`, or else `vocab.txt`, or
    /// `vocab.json` with `merges.txt`; and `tokenizer_config.json`, `special_tokens_map.json` and
    /// `added_tokens.json` where they are.
    ///
    /// As in `transformers`, what `tokenizer_config.json` says of lower case, accents, Chinese
    /// characters and, for RoBERTa, of a space before the first word goes before what
    /// `tokenizer.json` says, and truncation and padding stored in `tokenizer.json` are left out:
    /// they are for the caller to ask for.
    ///
    /// # Errors
    /// If there is no tokenizer in the folder, a file cannot be read or is malformed, or the
    /// vocabulary lacks a special token.
    pub fn from_folder(folder: &Path) -> Result<Self, TokenizerError> {
        let settings = FolderSettings::read(folder)?;
        settings.refuse_unprefixed_pieces()?;
        let json = folder.join("tokenizer.json");
        let vocab = folder.join("vocab.txt");
        let (mut pipeline, file) = if json.exists() {
            (read_json(&json, &settings)?, json)
        } else if vocab.exists() {
            let tokens = read_vocab(&vocab)?;
            let options = WordPieceOptions::from_settings(&settings, &tokens)?;
            (wordpiece(&vocab, tokens, &options)?, vocab)
        } else {
            let (vocab, merges) = (folder.join("vocab.json"), folder.join("merges.txt"));
            if !vocab.exists() || !merges.exists() {
                return Err(no_tokenizer(folder).into());
            }
            (byte_level::from_files(&vocab, &merges)?, vocab)
        };
        add_stated_tokens(&mut pipeline, &settings)?;
        let names = settings.special_names(|name| pipeline.token_to_id(name).is_some())?;
        if byte_level::is_robertas(&pipeline, &file, &settings)? {
            byte_level::apply_settings(&mut pipeline, &settings, &names)?;
        }
        let mut inner = Inner::new(pipeline, &names, &file)?;
        inner.model_max_length = settings.model_max_length()?;
        inner.truncation_side = settings.side("truncation_side")?;
        inner.padding_side = settings.side("padding_side")?;
        let clean_up = settings.flag("clean_up_tokenization_spaces")?;
        inner.clean_up_spaces = clean_up.unwrap_or(false);
        inner.token_types = settings.has_token_types()?;
        inner.config = settings.config();
        let mut tokenizer = Self {
            inner: Arc::new(inner),
        };
        if settings.tokenizer_class()?.is_none()
            && let Some(model_type) = settings.model_type()
        {
            tokenizer.set_model_type(model_type);
        }
        Ok(tokenizer)
    }

    /// Makes letters small before anything else is done with a text, unless that is done already
    /// (`do_lower_case` of `sentence-transformers`).
    ///
    /// # Errors
    /// If the tokenizer takes no other normalizer.
    pub fn lowercase(&mut self) -> Result<(), TokenizerError> {
        let pipeline = &mut Arc::make_mut(&mut self.inner).pipeline;
        let normalizers = match pipeline.get_normalizer() {
            Some(stored) if has_lowercase(stored) => return Ok(()),
            Some(stored) => vec![Lowercase.into(), stored.clone()],
            None => vec![Lowercase.into()],
        };
        pipeline
            .with_normalizer(Some(Sequence::new(normalizers)))
            .map_err(TokenizerError::library("set the normalizer"))?;
        Ok(())
    }

    /// Makes a WordPiece tokenizer from a `vocab.txt`: one token a line.
    ///
    /// # Errors
    /// If the file cannot be read, is empty or not UTF-8, has an empty or repeated line, or lacks
    /// a special token.
    pub fn from_vocab(vocab: &Path, options: &WordPieceOptions) -> Result<Self, TokenizerError> {
        from_tokens(vocab, read_vocab(vocab)?, options)
    }
}

fn read_vocab(path: &Path) -> Result<Vec<String>, TokenizerError> {
    let file = File::open(path).map_err(TokenizerError::read(path))?;
    vocab_file::read(path, BufReader::new(file))
}

/// A tokenizer from its tokens in the order of their ids; `file` is for error messages.
pub(super) fn from_tokens(
    file: &Path,
    tokens: Vec<String>,
    options: &WordPieceOptions,
) -> Result<Tokenizer, TokenizerError> {
    let pipeline = wordpiece(file, tokens, options)?;
    let mut inner = Inner::new(pipeline, &options.special, file)?;
    inner.model_max_length = options.model_max_length;
    Ok(Tokenizer {
        inner: Arc::new(inner),
    })
}

impl Inner {
    fn new(
        mut pipeline: tokenizers::Tokenizer,
        names: &SpecialTokenNames,
        file: &Path,
    ) -> Result<Self, TokenizerError> {
        let special = names.find(file, pipeline.get_vocab_size(true), |token| {
            pipeline.token_to_id(token)
        })?;
        register_special(&mut pipeline, &special)?;
        let is_wordpiece = matches!(pipeline.get_model(), ModelWrapper::WordPiece(_));
        let post_processor = match pipeline.get_post_processor() {
            None if is_wordpiece => Some(bert_processing(&special)),
            given => given.cloned(),
        };
        pipeline.with_post_processor(None::<PostProcessorWrapper>);
        let ids = pipeline.get_vocab(true).into_values();
        Ok(Self {
            last_id: ids.max().unwrap_or(0),
            pipeline,
            post_processor,
            special,
            model_max_length: None,
            truncation_side: Side::Right,
            padding_side: Side::Right,
            clean_up_spaces: false,
            token_types: true,
            config: Map::new(),
        })
    }
}

/// What is said of a folder without the files of a tokenizer.
fn no_tokenizer(folder: &Path) -> InputError {
    let model = ["sentencepiece.bpe.model", "spiece.model"];
    match model.into_iter().find(|name| folder.join(name).exists()) {
        Some(name) => InputError::new(
            folder,
            format!("{name} alone"),
            "a tokenizer.json too: `save_pretrained` of the tokenizer in `transformers` writes it",
        ),
        None => {
            let found = "neither tokenizer.json nor vocab.txt nor vocab.json with merges.txt";
            InputError::new(folder, found, "a tokenizer")
        }
    }
}

fn bert_processing(special: &SpecialTokens) -> PostProcessorWrapper {
    let pair = |special: &SpecialToken| (special.token.clone(), special.id);
    BertProcessing::new(pair(&special.sep), pair(&special.cls)).into()
}

/// Makes the five special tokens be found whole in a text and left out when decoding.
fn register_special(
    pipeline: &mut tokenizers::Tokenizer,
    special: &SpecialTokens,
) -> Result<(), TokenizerError> {
    let names = special.by_key().map(|(_, special)| special.token.clone());
    add_special(pipeline, names)
}

/// Registers special tokens; those that are registered already keep their properties.
fn add_special(
    pipeline: &mut tokenizers::Tokenizer,
    tokens: impl IntoIterator<Item = String>,
) -> Result<(), TokenizerError> {
    let known = pipeline.get_added_vocabulary();
    let new: Vec<_> = tokens
        .into_iter()
        .filter(|token| !known.is_special_token(token))
        .map(|token| AddedToken::from(token, true))
        .collect();
    pipeline
        .add_special_tokens(new)
        .map_err(TokenizerError::library("add the special tokens"))?;
    Ok(())
}

/// A WordPiece pipeline without special tokens.
fn wordpiece(
    file: &Path,
    tokens: Vec<String>,
    options: &WordPieceOptions,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let ids = vocab_file::index(file, tokens)?;
    let model = WordPiece::builder()
        .vocab(ids.into_iter().collect::<AHashMap<_, _>>())
        .unk_token(options.special.unk.clone())
        .build()
        .map_err(TokenizerError::library("build the WordPiece model"))?;
    let mut pipeline = tokenizers::Tokenizer::new(model);
    pipeline
        .with_normalizer(Some(options.normalizer()))
        .map_err(TokenizerError::library("set the normalizer"))?
        .with_pre_tokenizer(Some(BertPreTokenizer))
        .with_decoder(Some(WordPieceDecoder::default()));
    Ok(pipeline)
}

/// Reads `tokenizer.json`, without the truncation and padding stored in it.
fn read_json(
    path: &Path,
    settings: &FolderSettings,
) -> Result<tokenizers::Tokenizer, TokenizerError> {
    let bytes = fs::read(path).map_err(TokenizerError::read(path))?;
    let text = text_lines::utf8(path, &bytes)?;
    let malformed = |message: String, place: Option<&serde_json::Error>| {
        // The library's message ends with the line, which is named on its own here.
        let message = message.split(" at line ").next().unwrap_or_default();
        let found = format!("what does not fit ({message})");
        let wanted = "a tokenizer as Hugging Face's `tokenizers` writes it";
        let mut problem = InputError::new(path, found, wanted);
        problem.line = place.map(serde_json::Error::line).filter(|&line| line > 0);
        problem
    };
    json_check::check(text).map_err(|error| malformed(error.to_string(), Some(&error)))?;
    let mut pipeline = tokenizers::Tokenizer::from_bytes(text)
        .map_err(|error| malformed(error.to_string(), error.downcast_ref()))?;
    pipeline
        .with_truncation(None)
        .map_err(TokenizerError::library("leave truncation out"))?
        .with_padding(None);
    apply_normalizer_settings(&mut pipeline, settings)?;
    Ok(pipeline)
}

/// `tokenizer_config.json` overrules the normalizer of `tokenizer.json`, unless it names the
/// class that takes `tokenizer.json` as it is.
fn apply_normalizer_settings(
    pipeline: &mut tokenizers::Tokenizer,
    settings: &FolderSettings,
) -> Result<(), TokenizerError> {
    let class = settings.tokenizer_class()?.unwrap_or_default();
    if class.starts_with("PreTrainedTokenizer") || class == "TokenizersBackend" {
        return Ok(());
    }
    let Some(NormalizerWrapper::BertNormalizer(stored)) = pipeline.get_normalizer() else {
        return Ok(());
    };
    let mut normalizer = *stored;
    if let Some(lowercase) = settings.flag("do_lower_case")? {
        normalizer.lowercase = lowercase;
    }
    if let Some(chinese_chars) = settings.flag("tokenize_chinese_chars")? {
        normalizer.handle_chinese_chars = chinese_chars;
    }
    if settings.states("strip_accents") {
        normalizer.strip_accents = settings.flag("strip_accents")?;
    }
    pipeline
        .with_normalizer(Some(normalizer))
        .map_err(TokenizerError::library("set the normalizer"))?;
    Ok(())
}

/// Whether a normalizer, or one of its parts, makes letters small.
pub(super) fn has_lowercase(normalizer: &NormalizerWrapper) -> bool {
    match normalizer {
        NormalizerWrapper::Lowercase(_) => true,
        NormalizerWrapper::BertNormalizer(bert) => bert.lowercase,
        NormalizerWrapper::Sequence(parts) => parts.as_ref().iter().any(has_lowercase),
        _ => false,
    }
}

/// Adds the tokens that the small files name and the tokenizer lacks; each must get its id.
fn add_stated_tokens(
    pipeline: &mut tokenizers::Tokenizer,
    settings: &FolderSettings,
) -> Result<(), TokenizerError> {
    let extra = settings.extra_special_tokens()?;
    for (id, (token, file)) in settings.added_tokens(&extra)? {
        let content = token.content.clone();
        let known = pipeline.get_added_vocabulary().get_vocab();
        if !known.contains_key(&content) {
            pipeline
                .add_tokens([token])
                .map_err(TokenizerError::library(
                    "add the tokens that the folder names",
                ))?;
        }
        let given = pipeline.token_to_id(&content);
        if given != Some(id) {
            let wanted = match given {
                Some(given) => format!("id {given}, which follows from the vocabulary"),
                None => "a token that is not empty".into(),
            };
            let error = InputError::new(file.path(), format!("id {id}"), wanted);
            return Err(error.in_field(content).into());
        }
    }
    add_special(pipeline, extra)
}
