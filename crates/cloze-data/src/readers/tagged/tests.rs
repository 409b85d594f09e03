use std::fs;

use proptest::prelude::*;

use super::*;

fn read_with(
    name: &str,
    content: &[u8],
    options: &TagReadOptions,
) -> Result<TaggedSentences, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read_tagged_sentences(&path, options).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn read(name: &str, content: &str) -> Result<TaggedSentences, String> {
    read_with(name, content.as_bytes(), &TagReadOptions::default())
}

fn pairs(sentence: &TaggedSentence) -> String {
    let words = sentence.words.iter().zip(&sentence.tags);
    let pairs: Vec<_> = words.map(|(word, tag)| format!("{word}/{tag}")).collect();
    pairs.join(" ")
}

const CONLL_2003: &str = "\
-DOCSTART- -X- -X- O

EU NNP B-NP B-ORG
rejects VBZ B-VP O
German JJ B-NP B-MISC
call NN I-NP O

# NN B-NP O
1 CD I-NP O
";

#[test]
fn columns_of_conll_2003_have_names_and_numbers() {
    let found = read("train.txt", CONLL_2003).unwrap();
    assert_eq!(found.scheme, TagScheme::Bio);
    assert_eq!(
        (found.columns.words.as_str(), found.columns.tags.as_str()),
        ("tokens", "ner_tags")
    );
    let lines: Vec<String> = found.sentences.iter().map(pairs).collect();
    assert_eq!(
        lines,
        ["EU/B-ORG rejects/O German/B-MISC call/O", "#/O 1/O"]
    );
    assert_eq!(
        (found.sentences[1].line, found.sentences[0].line_of(2)),
        (8, 5)
    );
    for (tags, first) in [
        ("pos_tags", "NNP"),
        ("2", "B-NP"),
        ("-1", "B-ORG"),
        ("1", "NNP"),
    ] {
        let options = TagReadOptions {
            tags: Some(tags.into()),
            ..TagReadOptions::default()
        };
        let found = read_with("train.conll", CONLL_2003.as_bytes(), &options).unwrap();
        assert_eq!(found.sentences[0].tags[0], first, "{tags}");
    }
}

#[test]
fn conll_u_has_comments_multi_word_tokens_and_empty_nodes() {
    let word = |id: &str, form: &str, upos: &str| {
        format!("{id}\t{form}\t_\t{upos}\t_\t_\t0\troot\t_\t_\n")
    };
    let content = format!(
        "# sent_id = 1\n# text = Du coup\n{}{}{}{}\n",
        word("1-2", "Du", "_"),
        word("1", "De", "ADP"),
        word("2", "le", "DET"),
        word("2.1", "x", "NOUN"),
    );
    let found = read("a.conllu", &content).unwrap();
    assert_eq!(pairs(&found.sentences[0]), "De/ADP le/DET");
    assert_eq!(found.sentences[0].word_lines, [4, 5]);
    assert_eq!(found.scheme, TagScheme::Plain);
}

#[test]
fn words_may_hold_blanks_where_tabs_separate() {
    let found = read("a.tsv", "New York\tB-LOC\r\n,\tO\r\n").unwrap();
    assert_eq!(found.sentences[0].words, ["New York", ","]);
    let named = read("a.conllup", "# global.columns = FORM MISC NER\nx\t1\tO\n").unwrap();
    assert_eq!(
        (named.columns.words.as_str(), named.columns.tags.as_str()),
        ("form", "ner")
    );
}

#[test]
fn a_first_line_may_name_the_columns() {
    let found = read(
        "a.tsv",
        "id\tWord\tPOS\tTag\n1\tEU\tNNP\tB-ORG\n\n2\tword\tNN\tO\n",
    )
    .unwrap();
    assert_eq!(
        (found.columns.words.as_str(), found.columns.tags.as_str()),
        ("Word", "Tag")
    );
    assert_eq!(pairs(&found.sentences[0]), "EU/B-ORG");
    assert_eq!((found.sentences[0].line, found.scheme), (2, TagScheme::Bio));
}

#[test]
fn what_is_wrong_with_columns_is_placed() {
    assert_eq!(
        read("a.conll", "a B-X\n\nb B-X\nc O x\n\nd I-X\ne O\n").unwrap_err(),
        "a.conll: 2 of 3 rows cannot be used\n  \
         a.conll, line 4: found 3 columns, wanted 2, as on the first line\n  \
         a.conll, line 6, field `tags`: found \"I-X\" at the start, at word 1, \"d\", wanted \"B-X\", \
         as no entity of that type goes on here"
    );
    assert_eq!(
        read("a.conll", "a\n\nb\n").unwrap_err(),
        "a.conll: found 1 column, wanted a word and at least one tag"
    );
    let options = TagReadOptions {
        tags: Some("7".into()),
        ..TagReadOptions::default()
    };
    assert_eq!(
        read_with("a.conll", b"a O\n", &options).unwrap_err(),
        "a.conll, field `7`: found 2 columns, wanted the number of one of them, from 0, or from -1 back"
    );
    let error = read_with("a.conll", b"a O\n\xff O\n", &TagReadOptions::default()).unwrap_err();
    assert!(error.contains("line 2: found the byte 0xFF"), "{error}");
}

#[test]
fn a_given_scheme_is_held_to() {
    let options = |scheme, bad_rows| TagReadOptions {
        scheme: Some(scheme),
        bad_rows,
        ..TagReadOptions::default()
    };
    let content = b"a I-X\n\nb O\n";
    let io = read_with("a.conll", content, &options(TagScheme::Io, BadRows::Stop)).unwrap();
    assert_eq!(io.scheme, TagScheme::Io);
    let error = read_with("a.conll", content, &options(TagScheme::Bio, BadRows::Stop)).unwrap_err();
    assert!(
        error.contains("line 1, field `tags`: found \"I-X\" at the start"),
        "{error}"
    );
    let bio = read_with("a.conll", content, &options(TagScheme::Bio, BadRows::Skip)).unwrap();
    assert_eq!((bio.sentences.len(), bio.skipped.len()), (1, 1));
}

#[test]
fn words_with_slashes_and_tags() {
    let found = read("a.txt", "迈向/v  充满/v\r\n\n１/２/m  //w\n").unwrap();
    let lines: Vec<String> = found.sentences.iter().map(pairs).collect();
    assert_eq!(lines, ["迈向/v 充满/v", "１/２/m //w"]);
    assert_eq!(
        (found.sentences[1].line, found.scheme),
        (3, TagScheme::Plain)
    );
    assert_eq!(
        read("a.txt", "新/a 年/n\n新/a 年 好/a\n").unwrap_err(),
        "a.txt: 1 of 2 rows cannot be used\n  \
         a.txt, line 2: found \"年\" as item 2, wanted `word/tag`"
    );
}

const LISTS: &str = r#"{"id": "7", "tokens": ["EU", "rejects"], "ner_tags": [1, 0]}
{"id": "8", "tokens": ["a"], "ner_tags": ["B-ORG"]}
"#;

#[test]
fn lists_hold_names_or_numbers_of_tags() {
    let options = TagReadOptions {
        tag_names: Some(vec!["O".into(), "B-ORG".into()]),
        ..TagReadOptions::default()
    };
    let found = read_with("a.jsonl", LISTS.as_bytes(), &options).unwrap();
    assert_eq!(pairs(&found.sentences[0]), "EU/B-ORG rejects/O");
    assert_eq!(
        found.sentences[1].id,
        Some(crate::readers::Value::Text("8".into()))
    );
    assert_eq!(
        read("a.jsonl", LISTS).unwrap_err(),
        "a.jsonl: 1 of 2 rows cannot be used\n  \
         a.jsonl, line 1, field `ner_tags`: found the number 1, at word 1, \"EU\", wanted the name of \
         a tag, or the names of all tags in the order of their numbers"
    );
}

#[test]
fn what_is_wrong_with_lists_is_placed() {
    let content = r#"{"tokens": ["a", "b"], "ner_tags": ["O"]}
{"tokens": [], "ner_tags": []}
{"tokens": ["a", ""], "ner_tags": ["O", "O"]}
{"tokens": ["a", 3], "ner_tags": ["O", "O"]}
{"tokens": "a b", "ner_tags": ["O", "O"]}
{"tokens": ["a"], "ner_tags": [null]}
"#;
    let options = TagReadOptions {
        bad_rows: BadRows::Skip,
        ..TagReadOptions::default()
    };
    let good = r#"{"tokens": ["a"], "ner_tags": ["O"]}"#;
    let found = read_with("a.jsonl", format!("{content}{good}").as_bytes(), &options).unwrap();
    let errors: Vec<String> = found
        .skipped
        .iter()
        .map(|error| {
            format!(
                "{} {:?} {} | {}",
                error.line.unwrap(),
                error.field.as_deref().unwrap(),
                error.found,
                error.wanted
            )
        })
        .collect();
    assert_eq!(
        errors,
        [
            "1 \"ner_tags\" 1 tags | 2, one for each word",
            "2 \"tokens\" an empty list | a list of words",
            "3 \"tokens\" an empty word | a word",
            "4 \"tokens\" 3 | a word",
            "5 \"tokens\" \"a b\" | a list of words",
            "6 \"ner_tags\" nothing, at word 1, \"a\" | a tag",
        ]
    );
}

#[test]
fn files_that_hold_no_tagged_words_are_refused() {
    assert_eq!(
        read("a.csv", "a,b\n1,2\n").unwrap_err(),
        "a.csv: found the extension `.csv`, wanted words with tags: `.txt` or one of `.conll`, \
         `.conllu`, `.conllup`, `.bio`, `.iob`, `.iob2`, `.tsv`, `.pos`, `.tagged`, `.json`, \
         `.jsonl`, `.ndjson`, `.parquet`"
    );
    assert_eq!(
        read("a.conll", " \n\n").unwrap_err(),
        "a.conll: found an empty file, wanted rows of data"
    );
    assert_eq!(
        read("a.conll", "-DOCSTART- O\n\n").unwrap_err(),
        "a.conll: found no sentences, wanted at least one sentence"
    );
    assert_eq!(
        read("a.jsonl", "{\"text\": \"a\"}\n").unwrap_err(),
        "a.jsonl: found the column `text`, wanted the name of the column of the words, as none has \
         a usual one (`tokens`, `words`, `token`, `word`, `form`)"
    );
}

/// Words without blanks, and tags of the plain scheme.
fn tagged() -> impl Strategy<Value = Vec<Vec<(String, String)>>> {
    let word = "[a-z#/差\u{301}🦀-]{1,4}";
    prop::collection::vec(prop::collection::vec((word, "[A-Z]{2}"), 1..6), 1..6)
}

fn found_pairs(found: &TaggedSentences) -> Vec<Vec<(String, String)>> {
    let of = |sentence: &TaggedSentence| {
        let words = sentence.words.iter().cloned();
        words.zip(sentence.tags.iter().cloned()).collect()
    };
    found.sentences.iter().map(of).collect()
}

proptest! {
    #[test]
    fn whatever_is_written_is_read_again(sentences in tagged(), tab in any::<bool>()) {
        let separator = if tab { "\t" } else { "  " };
        let columns: String = sentences
            .iter()
            .map(|sentence| {
                let lines = sentence.iter().map(|(word, tag)| format!("{word}{separator}{tag}\n"));
                lines.collect::<String>() + "\n"
            })
            .collect();
        prop_assert_eq!(&found_pairs(&read("a.conll", &columns).unwrap()), &sentences);
        let slashes: String = sentences
            .iter()
            .map(|sentence| {
                let items = sentence.iter().map(|(word, tag)| format!("{word}/{tag} "));
                items.collect::<String>() + "\n"
            })
            .collect();
        prop_assert_eq!(&found_pairs(&read("a.tagged", &slashes).unwrap()), &sentences);
        let lists: String = sentences
            .iter()
            .map(|sentence| {
                let (words, tags): (Vec<_>, Vec<_>) = sentence.iter().cloned().unzip();
                format!("{}\n", serde_json::json!({"words": words, "tags": tags}))
            })
            .collect();
        prop_assert_eq!(&found_pairs(&read("a.jsonl", &lists).unwrap()), &sentences);
    }

    #[test]
    fn no_file_is_too_strange_to_refuse(
        bytes in prop::collection::vec(
            prop::sample::select(b"aB-I/O\t \n\r#.1\xE5\xB7\xAE\xff\"[]{}:,".to_vec()), 0..120,
        ),
    ) {
        for name in ["a.txt", "a.conll", "a.conllu", "a.tagged", "a.jsonl"] {
            let options = TagReadOptions { bad_rows: BadRows::Skip, ..TagReadOptions::default() };
            if let Ok(found) = read_with(name, &bytes, &options) {
                for sentence in &found.sentences {
                    prop_assert!(!sentence.words.is_empty());
                    prop_assert_eq!(sentence.words.len(), sentence.tags.len());
                    prop_assert!(found.scheme.validate(&sentence.tags).is_ok());
                }
            }
        }
    }
}
