mod pieces;

use std::collections::HashMap;
use std::path::Path;

use rayon::prelude::*;
use tokenizers::pre_tokenizers::bert::BertPreTokenizer;
use tokenizers::{
    NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
};

use super::loading::from_tokens;
use super::{TextLines, Tokenizer, TokenizerError, WordPieceOptions};

/// How a WordPiece vocabulary is trained. The default is the size and treatment of
/// bert-base-uncased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VocabTraining {
    /// The greatest number of tokens, special ones included.
    pub size: usize,
    /// A piece must occur so often to become a token.
    pub min_frequency: u64,
    /// At most so many different characters; the most frequent ones are kept. Without a value,
    /// as many as `size` has room for.
    pub alphabet: Option<usize>,
    /// Treatment of the text, names of the special tokens, and the length that the model reads.
    pub options: WordPieceOptions,
    /// Further special tokens, after the five.
    pub extra_special_tokens: Vec<String>,
}

impl Default for VocabTraining {
    fn default() -> Self {
        Self {
            size: 30_522,
            min_frequency: 2,
            alphabet: None,
            options: WordPieceOptions::default(),
            extra_special_tokens: Vec::new(),
        }
    }
}

/// Words of the texts with how often they occur.
type WordCounts = HashMap<String, u64>;

/// Bytes of text that are counted at once on all cores.
const CHUNK: usize = 1 << 23;

/// Longer words are `[UNK]` to a WordPiece tokenizer, and teach it nothing.
const LONGEST_WORD: usize = 100;

/// Trains a WordPiece vocabulary on UTF-8 text files.
///
/// Starting from single characters, the pair of pieces that occurs most often side by side
/// becomes a new token, again and again, as Hugging Face's trainer does it; there, equally
/// frequent pairs come in an order that changes from run to run, here in one that the texts
/// alone decide. The vocabulary depends neither on the number of threads nor on the order of
/// files and lines. Where Chinese characters are words of their own
/// ([`WordPieceOptions::chinese_chars`]), it learns them one by one.
///
/// # Errors
/// If a file cannot be read or is not UTF-8, there is no word in the files, or `size` has no
/// room beside the special tokens.
pub fn train_wordpiece<P: AsRef<Path>>(
    files: &[P],
    training: &VocabTraining,
) -> Result<Tokenizer, TokenizerError> {
    let mut tokens: Vec<String> = Vec::new();
    let names = training.options.special.in_order().into_iter();
    for name in names.chain(training.extra_special_tokens.iter().map(String::as_str)) {
        if !tokens.iter().any(|token| token == name) {
            tokens.push(name.to_owned());
        }
    }
    let special = tokens.len();
    if training.size <= special {
        let size = training.size;
        return Err(TokenizerError::VocabularyTooSmall { size, special });
    }
    let mut words = WordCounts::new();
    for file in files {
        count_words(file.as_ref(), &training.options, &mut words)?;
    }
    if words.is_empty() {
        return Err(TokenizerError::NoText);
    }
    pieces::learn(&words, training, &mut tokens);
    let mut tokenizer = from_tokens(Path::new("vocab.txt"), tokens, &training.options)?;
    tokenizer.add_special_tokens(&training.extra_special_tokens)?;
    Ok(tokenizer)
}

fn count_words(
    path: &Path,
    options: &WordPieceOptions,
    words: &mut WordCounts,
) -> Result<(), TokenizerError> {
    let mut lines = TextLines::open(path)?;
    loop {
        let (mut chunk, mut bytes) = (Vec::new(), 0);
        while bytes < CHUNK
            && let Some(line) = lines.next()
        {
            let line = line?;
            bytes += line.len();
            chunk.push(line);
        }
        if chunk.is_empty() {
            return Ok(());
        }
        let counted: Result<_, TokenizerError> = chunk
            .par_iter()
            .try_fold(WordCounts::new, |mut counts, line| {
                count_line(line, options, &mut counts)?;
                Ok(counts)
            })
            .try_reduce(WordCounts::new, |some, others| Ok(merge(some, others)));
        *words = merge(std::mem::take(words), counted?);
    }
}

fn merge(some: WordCounts, others: WordCounts) -> WordCounts {
    let (mut all, fewer) = if some.len() < others.len() {
        (others, some)
    } else {
        (some, others)
    };
    for (word, count) in fewer {
        *all.entry(word).or_default() += count;
    }
    all
}

fn count_line(
    line: &str,
    options: &WordPieceOptions,
    counts: &mut WordCounts,
) -> Result<(), TokenizerError> {
    let mut normalized = NormalizedString::from(line);
    options
        .normalizer()
        .normalize(&mut normalized)
        .map_err(TokenizerError::library("normalize a text"))?;
    let mut split = PreTokenizedString::from(normalized);
    BertPreTokenizer
        .pre_tokenize(&mut split)
        .map_err(TokenizerError::library("split a text into words"))?;
    for (word, ..) in split.get_splits(OffsetReferential::Normalized, OffsetType::None) {
        if word.chars().count() > LONGEST_WORD {
            continue;
        }
        match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => {
                counts.insert(word.to_owned(), 1);
            }
        }
    }
    Ok(())
}
