//! From text files to what a model is trained on, with real vocabularies and a real corpus.
//!
//! They are those in `assets/`, which `make assets` fetches.
#![expect(
    clippy::unwrap_used,
    reason = "a test ends where something is not as it should be"
)]

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use cloze_data::corpus::{
    Blocks, BuildOptions, BuiltPart, Documents, Layout, PairOptions, PairRule, SentencePairs,
    Token, TokenFile, WordRule, build_corpus,
};
use cloze_data::masking::{MaskVocabulary, Masking};
use cloze_data::readers::stream::{CorpusTexts, Source};
use cloze_data::sentences::SentenceSplitter;
use cloze_data::splits::PerPart;
use cloze_data::tokenizer::Tokenizer;
use tempfile::TempDir;

/// A file or folder below `assets/`.
fn asset(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../assets")
        .join(name);
    assert!(path.exists(), "assets/{name} is missing: run `make assets`");
    path
}

fn chinese() -> Tokenizer {
    Tokenizer::from_folder(&asset("vocab-zh")).unwrap()
}

/// The beginning of the People's Daily corpus, its words set apart by spaces, the tags left out.
fn peoples_daily(lines: usize) -> Vec<String> {
    let text = fs::read_to_string(asset("data/peoples-daily.txt")).unwrap();
    let untagged = |line: &str| {
        let words = line.split_whitespace();
        let words = words.map(|word| word.rsplit_once('/').map_or(word, |(word, _)| word));
        words.collect::<Vec<_>>().join(" ")
    };
    text.lines().take(lines).map(untagged).collect()
}

/// The training part of a file.
fn build(folder: &TempDir, file: &Path, layout: Layout, words: WordRule) -> BuiltPart {
    let source = Source::File(file.into());
    let texts = CorpusTexts::open(&source, None, None, Default::default()).unwrap();
    let options = BuildOptions {
        layout,
        words,
        split: None,
        limits: PerPart::default(),
    };
    let paths = PerPart {
        train: Some(folder.path().join("train.safetensors")),
        ..PerPart::default()
    };
    let go_on = |_: &_| ControlFlow::Continue(());
    let built = build_corpus(texts, &chinese(), &options, &paths, go_on).unwrap();
    built.train.unwrap()
}

fn all_tokens(file: &TokenFile) -> Vec<Token> {
    let mut tokens = Vec::new();
    file.read_span(0..file.tokens(), &mut tokens).unwrap();
    tokens
}

/// Tokens as text, those of one word put together by `+`.
fn words(tokenizer: &Tokenizer, tokens: &[Token]) -> String {
    let mut words = String::new();
    for token in tokens {
        if !words.is_empty() {
            words.push(if token.continues_word() { '+' } else { ' ' });
        }
        words.push_str(&tokenizer.id_to_token(token.id()).unwrap());
    }
    words
}

#[test]
fn a_segmented_corpus_keeps_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("news.txt");
    let lines = peoples_daily(200);
    fs::write(&file, lines.join("\n")).unwrap();
    let built = build(&folder, &file, Layout::Whole, WordRule::Spaces);
    let tokenizer = chinese();
    let mut first = Vec::new();
    built.file.read(1, &mut first).unwrap();
    assert_eq!(
        words(&tokenizer, &first),
        "[CLS] 中+共+中+央 总+书+记 、 国+家 主+席 江 泽+民 [SEP]"
    );
    // Every word of the file is a word of tokens; the two special tokens of a text are two more.
    let begun = all_tokens(&built.file);
    let begun = begun.iter().filter(|token| !token.continues_word()).count();
    let texts = lines.iter().filter(|line| !line.trim().is_empty());
    let expected: usize = texts.map(|line| line.split(' ').count() + 2).sum();
    assert_eq!(begun, expected);
    // The spaces of the segmentation change no token.
    let unsegmented: Vec<String> = lines.iter().map(|line| line.replace(' ', "")).collect();
    fs::write(&file, unsegmented.join("\n")).unwrap();
    let ids = |built: &BuiltPart| -> Vec<u32> {
        all_tokens(&built.file).into_iter().map(Token::id).collect()
    };
    let segmented = ids(&built);
    assert_eq!(
        ids(&build(&folder, &file, Layout::Whole, WordRule::None)),
        segmented
    );
    let jieba = build(&folder, &file, Layout::Whole, WordRule::Jieba);
    assert_eq!(ids(&jieba), segmented);
    let mut first = Vec::new();
    jieba.file.read(1, &mut first).unwrap();
    assert_eq!(
        words(&tokenizer, &first),
        "[CLS] 中+共+中+央 总+书+记 、 国+家 主+席 江+泽+民 [SEP]"
    );
}

#[test]
fn three_texts_become_six_blocks_of_masked_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("texts.txt");
    // A character is a token; `[CLS]` and `[SEP]` come to each text.
    let texts = [361, 302, 131].map(|characters| "我".repeat(characters));
    fs::write(&file, texts.join("\n")).unwrap();
    let built = build(&folder, &file, Layout::Whole, WordRule::None);
    assert_eq!((built.counts.tokens, built.counts.longest), (800, 363));
    let blocks = Blocks::new(built.file, 128_usize.try_into().unwrap()).unwrap();
    assert_eq!((blocks.len(), blocks.dropped()), (6, 32));
    let vocabulary = MaskVocabulary::of(&chinese());
    let mut block = Vec::new();
    for index in 0..blocks.len() {
        blocks.read(index, &mut block).unwrap();
        let mut random = Masking::stream(42, 0, index);
        let masked = Masking::default().mask(&block, &vocabulary, &mut random);
        let ids: Vec<u32> = block.iter().map(|token| token.id()).collect();
        assert_eq!(masked.restored(), ids);
        assert!(
            (5..40).contains(&masked.targets.len()),
            "{}",
            masked.targets.len()
        );
        assert!(masked.targets.iter().all(|target| target.id == 2769));
    }
}

#[test]
fn raw_text_becomes_sentence_pairs() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("novel.txt");
    fs::write(
        &file,
        "床前明月光，疑是地上霜。\n举头望明月，低头思故乡。\n\n这个故事没有终点",
    )
    .unwrap();
    let layout = Layout::Sentences {
        splitter: SentenceSplitter::at("。,“”:;!、，").unwrap(),
        documents: Documents::BlankTexts,
    };
    let built = build(&folder, &file, layout, WordRule::None);
    assert_eq!(built.counts.sequences, 5);
    let tokenizer = chinese();
    let options = PairOptions {
        rule: PairRule::Neighbours,
        max_length: 128,
        seed: 1,
    };
    let table = folder.path().join("pairs.safetensors");
    let pairs = SentencePairs::create(built.file, &table, tokenizer.special(), options).unwrap();
    assert_eq!(pairs.len(), 6);
    let pair = pairs.pair(0, 0).unwrap();
    assert_eq!(
        words(&tokenizer, &pair.tokens),
        "[CLS] 床 前 明 月 光 [SEP] 疑 是 地 上 霜 [SEP]"
    );
    let ids: Vec<u32> = pair.tokens.iter().map(|token| token.id()).collect();
    assert_eq!(
        ids,
        [
            101, 2414, 1184, 3209, 3299, 1045, 102, 4542, 3221, 1765, 677, 7458, 102
        ]
    );
    assert_eq!(pair.type_ids, [[0; 7].as_slice(), &[1; 6]].concat());
    assert_eq!(pair.label(), 0);
    let random = pairs.pair(1, 0).unwrap();
    assert_eq!(random.label(), 1);
    assert!(random.tokens.starts_with(&pair.tokens[..7]));
}
