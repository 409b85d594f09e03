//! The worked examples: what is printed for these vocabularies is what must come out.

use cloze_data::tokenizer::{
    DecodeOptions, EncodeOptions, Padding, TextInput, Tokenizer, WordPieceOptions,
};

use crate::{asset, chinese, ids_of, uncased};

fn ids(tokenizer: &Tokenizer, input: impl Into<TextInput<'static>>) -> Vec<u32> {
    let encoding = tokenizer.encode(&input.into(), &EncodeOptions::default());
    encoding.unwrap().ids
}

#[test]
fn a_text_becomes_lower_case_tokens() {
    assert_eq!(
        uncased().tokenize("I love China").unwrap(),
        ["i", "love", "china"]
    );
}

#[test]
fn tokens_and_ids_stand_for_each_other() {
    let tokenizer = uncased();
    let tokens = ["[CLS]", "i", "love", "china", "[SEP]", "[PAD]", "[PAD]"];
    let ids = [101, 1045, 2293, 2859, 102, 0, 0];
    assert_eq!(tokenizer.ids(&tokens), ids);
    assert_eq!(tokenizer.tokens(&ids).unwrap(), tokens);
    assert_eq!(tokenizer.ids(&["no such token"]), [100]);
    assert_eq!(
        tokenizer.tokens(&[30_522]).unwrap_err().to_string(),
        "the vocabulary has no id 30522, its ids end at 30521"
    );
}

#[test]
fn the_chinese_vocabulary_has_its_special_ids() {
    let tokenizer = chinese();
    let special = tokenizer.special();
    let ids = special.by_key().map(|(key, token)| (key, token.id));
    assert_eq!(
        ids,
        [
            ("cls_token", 101),
            ("mask_token", 103),
            ("pad_token", 0),
            ("sep_token", 102),
            ("unk_token", 100)
        ]
    );
    assert_eq!(
        (tokenizer.base_vocab_size(), tokenizer.len()),
        (21_128, 21_128)
    );
    let vocabulary = tokenizer.vocabulary();
    assert_eq!(vocabulary.len(), 21_128);
    assert_eq!(vocabulary[3173], ("新".to_owned(), 3173));
    assert_eq!(tokenizer.token_to_id("冠"), Some(1094));
    assert_eq!(tokenizer.token_to_id("新冠"), None);
}

#[test]
fn one_chinese_text() {
    assert_eq!(
        ids(&chinese(), "新冠病毒是一种新型冠状病毒"),
        [
            101, 3173, 1094, 4567, 3681, 3221, 671, 4905, 3173, 1798, 1094, 4307, 4567, 3681, 102
        ]
    );
    assert_eq!(
        ids(&chinese(), "吾儿莫慌"),
        [101, 1434, 1036, 5811, 2707, 102]
    );
}

#[test]
fn a_pair_has_two_token_types() {
    let pair = TextInput::Pair("床前明月光", "疑是地上霜");
    let encoding = chinese().encode(&pair, &EncodeOptions::default()).unwrap();
    assert_eq!(
        encoding.ids,
        [
            101, 2414, 1184, 3209, 3299, 1045, 102, 4542, 3221, 1765, 677, 7458, 102
        ]
    );
    assert_eq!(encoding.type_ids, [0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1]);
}

#[test]
fn a_pair_is_padded_to_the_length_asked_for() {
    let pair = TextInput::Pair("这个故事没有终点", "正如星空没有彼岸");
    let options = EncodeOptions {
        max_length: Some(128),
        padding: Padding::MaxLength,
        ..EncodeOptions::default()
    };
    let encoding = chinese().encode(&pair, &options).unwrap();
    let mut ids = vec![
        101, 6821, 702, 3125, 752, 3766, 3300, 5303, 4157, 102, 3633, 1963, 3215, 4958, 3766, 3300,
        2516, 2279, 102,
    ];
    ids.resize(128, 0);
    let mask: Vec<u8> = (0..128).map(|at| u8::from(at < 19)).collect();
    let types: Vec<u32> = (0..128)
        .map(|at| u32::from((10..19).contains(&at)))
        .collect();
    assert_eq!(encoding.ids, ids);
    assert_eq!(encoding.attention_mask, mask);
    assert_eq!(encoding.type_ids, types);
    assert_eq!((encoding.len(), encoding.length()), (128, 19));
}

#[test]
fn a_pair_of_english_and_chinese() {
    assert_eq!(
        ids(&chinese(), ("I love China", "我爱中国，我是中国人")),
        [
            101, 100, 8451, 100, 102, 2769, 4263, 704, 1744, 8024, 2769, 3221, 704, 1744, 782, 102
        ]
    );
}

#[test]
fn a_batch_is_padded_to_its_longest_text() {
    let tokenizer = chinese();
    let texts = [
        "今天天气真好",
        "自然语言处理是人工智能的重要领域。",
        "BERT模型在多项NLP任务中表现出色。",
        "深度学习需要大量的数据和计算资源。",
    ];
    let options = EncodeOptions {
        padding: Padding::Longest,
        ..EncodeOptions::default()
    };
    let encodings = tokenizer
        .encode_batch(&texts.map(TextInput::Single), &options)
        .unwrap();
    let lengths: Vec<usize> = encodings.iter().map(|one| one.length()).collect();
    assert_eq!(lengths, [8, 19, 17, 19]);
    let mut first = vec![101, 791, 1921, 1921, 3698, 4696, 1962, 102];
    first.resize(19, 0);
    assert_eq!(ids_of(&encodings)[0], first);
    let unknown = encodings[2].ids.iter().filter(|&&id| id == 100).count();
    assert_eq!(unknown, 2);
    assert_eq!(tokenizer.tokenize(texts[2]).unwrap()[..2], ["[UNK]", "模"]);
}

#[test]
fn words_given_one_by_one_keep_their_positions() {
    // bert-base-cased splits `lamb` in two; so does this small vocabulary.
    let vocab =
        "[PAD] [UNK] [CLS] [SEP] [MASK] EU rejects German call to boycott British la ##mb .";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vocab.txt");
    std::fs::write(&path, vocab.replace(' ', "\n")).unwrap();
    let cased = WordPieceOptions {
        lowercase: false,
        ..WordPieceOptions::default()
    };
    let tokenizer = Tokenizer::from_vocab(&path, &cased).unwrap();
    let words = [
        "EU", "rejects", "German", "call", "to", "boycott", "British", "lamb", ".",
    ];
    let options = EncodeOptions {
        tokens: true,
        ..EncodeOptions::default()
    };
    let encoding = tokenizer
        .encode(&TextInput::Words(&words), &options)
        .unwrap();
    let mut word_ids: Vec<Option<u32>> = [0, 1, 2, 3, 4, 5, 6, 7, 7, 8].map(Some).into();
    word_ids.insert(0, None);
    word_ids.push(None);
    assert_eq!(encoding.word_ids, word_ids);
    assert_eq!(encoding.tokens[8..10], ["la", "##mb"]);
    assert_eq!(encoding.offsets[8..10], [(0, 2), (2, 4)]);
    assert_eq!(
        encoding.special_tokens_mask,
        [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    );
}

#[test]
fn decoding_keeps_or_leaves_out_special_tokens_and_joins_chinese() {
    let english = uncased();
    let keep = DecodeOptions::default();
    let skip = DecodeOptions {
        skip_special_tokens: true,
        ..keep
    };
    let ids = [101, 1045, 2293, 2859, 102, 0, 0];
    assert_eq!(
        english.decode(&ids, &keep).unwrap(),
        "[CLS] i love china [SEP] [PAD] [PAD]"
    );
    assert_eq!(english.decode(&ids, &skip).unwrap(), "i love china");

    let tokenizer = chinese();
    let text = "我爱 china，我是中国人。";
    let ids = tokenizer.encode(&text.into(), &EncodeOptions::default());
    let ids = ids.unwrap().ids;
    assert_eq!(
        tokenizer.decode(&ids, &skip).unwrap(),
        "我 爱 china ， 我 是 中 国 人 。"
    );
    let joined = DecodeOptions {
        join_chinese: true,
        ..keep
    };
    assert_eq!(
        tokenizer.decode(&ids, &joined).unwrap(),
        "[CLS] 我爱china，我是中国人。 [SEP]"
    );
}

#[test]
fn the_checkpoints_maximum_length_is_known() {
    assert_eq!(uncased().model_max_length(), Some(512));
    let path = asset("vocab-zh").join("vocab.txt");
    let alone = Tokenizer::from_vocab(&path, &WordPieceOptions::default()).unwrap();
    assert_eq!(alone.model_max_length(), None);
}
