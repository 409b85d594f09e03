use std::fs;

use super::*;

fn read(name: &str, content: &str, options: &TextReadOptions) -> Result<LabelledTexts, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read_labelled_texts(&path, options).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn labels(texts: &LabelledTexts) -> Vec<Option<&str>> {
    texts.rows.iter().map(|row| row.label.as_deref()).collect()
}

#[test]
fn clue_pairs_load_as_they_are_distributed() {
    let content = concat!(
        r#"{"sentence1": "双十一花呗提额在哪", "sentence2": "里可以提花呗额度", "label": "0"}"#,
        "\n",
        r#"{"sentence1": "花呗支持高铁票支付吗", "sentence2": "为什么友付宝不支持花呗付款", "label": "1"}"#,
        "\n",
    );
    let texts = read("dev.json", content, &TextReadOptions::default()).unwrap();
    assert_eq!(labels(&texts), [Some("0"), Some("1")]);
    assert_eq!(texts.rows[0].text, "双十一花呗提额在哪");
    assert_eq!(texts.rows[0].text_pair.as_deref(), Some("里可以提花呗额度"));
    assert_eq!(texts.rows[1].line, 2);
}

#[test]
fn clue_topics_load_with_descriptions_ignored() {
    let tnews = r#"{"label": "108", "label_desc": "news_edu", "sentence": "上课时学生手机响个不停，老师一怒之下把手机摔了", "keywords": "老师,学生"}"#;
    let iflytek = r#"{"label": 11, "label_des": "薅羊毛", "sentence": "一元夺宝"}"#;
    for (content, label) in [(tnews, "108"), (iflytek, "11")] {
        let texts = read("train.json", content, &TextReadOptions::default()).unwrap();
        assert_eq!(labels(&texts), [Some(label)]);
        assert_eq!(texts.columns.text, "sentence");
        assert_eq!(
            (&texts.rows[0].text_pair, &texts.rows[0].id),
            (&None, &None)
        );
    }
}

#[test]
fn a_clue_test_file_has_ids_and_no_labels() {
    let content = "{\"id\": 0, \"sentence\": \"a\"}\n{\"id\": 1, \"sentence\": \"b\"}\n";
    let options = TextReadOptions {
        columns: TextColumns {
            label: Some("label".into()),
            ..TextColumns::default()
        },
        labels: Labels::IfPresent,
        ..TextReadOptions::default()
    };
    let texts = read("test.json", content, &options).unwrap();
    assert_eq!(labels(&texts), [None, None]);
    assert_eq!(texts.rows[1].id, Some(Value::Integer(1)));
    assert_eq!(
        read("test.json", content, &TextReadOptions::default()).unwrap_err(),
        "test.json: found the columns `id`, `sentence`, wanted the name of the label's column, \
         as none has a usual one (`label`, `labels`, `target`, …)"
    );
}

#[test]
fn labels_are_texts_numbers_or_truth_values() {
    let content = r#"[
        {"text": "a", "label": " good "}, {"text": "b", "label": -3}, {"text": "c", "label": true},
        {"text": "d", "label": 2.0}, {"text": "e", "label": 116}
    ]"#;
    let texts = read("a.json", content, &TextReadOptions::default()).unwrap();
    assert_eq!(labels(&texts), ["good", "-3", "true", "2", "116"].map(Some));
}

const BAD: &str = r#"{"text": "a", "label": 1}
{"text": " ", "label": 1}
{"text": 5, "label": 1}
{"label": 1}
{"text": "b"}
{"text": "b", "label": ""}
{"text": "b", "label": 0.5}
{"text": "b", "label": [1]}
{"text":
"#;

#[test]
fn rows_that_cannot_be_used_stop_the_run_and_are_listed() {
    assert_eq!(
        read("a.json", BAD, &TextReadOptions::default()).unwrap_err(),
        "a.json: 8 of 9 rows cannot be used\n  \
         a.json, line 2, field `text`: found an empty text, wanted a text\n  \
         a.json, line 3, field `text`: found 5, wanted a text\n  \
         a.json, line 4, field `text`: found nothing, wanted a text\n  \
         a.json, line 5, field `label`: found nothing, wanted a label\n  \
         a.json, line 6, field `label`: found an empty cell, wanted a label\n  \
         and 3 more"
    );
}

#[test]
fn rows_that_cannot_be_used_are_skipped_when_told() {
    let options = TextReadOptions {
        bad_rows: BadRows::Skip,
        ..TextReadOptions::default()
    };
    let texts = read("a.json", BAD, &options).unwrap();
    assert_eq!(labels(&texts), [Some("1")]);
    let lines: Vec<_> = texts
        .skipped
        .iter()
        .filter_map(|error| error.line)
        .collect();
    assert_eq!(lines, [2, 3, 4, 5, 6, 7, 8, 9]);
    let wanted: Vec<&str> = texts.skipped[5..]
        .iter()
        .map(|e| e.found.as_str())
        .collect();
    assert_eq!(wanted[..2], ["0.5", "a list of 1"]);
    assert!(wanted[2].starts_with("broken JSON (EOF while parsing a value"));
}

#[test]
fn a_file_of_which_nothing_is_left_is_an_error_even_so() {
    let options = TextReadOptions {
        bad_rows: BadRows::Skip,
        ..TextReadOptions::default()
    };
    assert_eq!(
        read("a.csv", "text,label\n,1\n", &options).unwrap_err(),
        "a.csv: 1 of 1 row cannot be used\n  \
         a.csv, line 2, field `text`: found an empty text, wanted a text"
    );
}

#[test]
fn labels_that_are_not_looked_at_cannot_be_wrong() {
    let options = TextReadOptions {
        labels: Labels::Ignored,
        ..TextReadOptions::default()
    };
    let content = "{\"text\": \"a\", \"label\": [0.5]}";
    assert_eq!(labels(&read("a.json", content, &options).unwrap()), [None]);
}

#[test]
fn plain_lines_are_texts_without_labels() {
    let options = TextReadOptions {
        labels: Labels::IfPresent,
        ..TextReadOptions::default()
    };
    let texts = read("a.txt", "one\ntwo\n", &options).unwrap();
    assert_eq!(texts.rows[1].text, "two");
}

fn read_several(
    name: &str,
    content: &str,
    options: &TextReadOptions,
) -> Result<LabelledTexts<Vec<String>>, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, content).unwrap();
    let prefix = format!("{}/", folder.path().display());
    read_labelled_texts(&path, options).map_err(|error| error.to_string().replace(&prefix, ""))
}

fn several(texts: &LabelledTexts<Vec<String>>) -> Vec<String> {
    let labels = texts.rows.iter().map(|row| row.label.as_ref());
    labels.map(|labels| labels.unwrap().join("|")).collect()
}

#[test]
fn several_labels_are_lists_or_divided_cells() {
    let lines =
        "{\"text\": \"a\", \"labels\": [\"x\", \"y\"]}\n{\"text\": \"b\", \"labels\": []}\n";
    let texts = read_several("a.jsonl", lines, &TextReadOptions::default()).unwrap();
    assert_eq!(several(&texts), ["x|y", ""]);
    let options = TextReadOptions {
        cells: LabelCells {
            separator: ";".into(),
            ..LabelCells::default()
        },
        ..TextReadOptions::default()
    };
    let table = "text,tags\na,x; y\nb,\nc,\"z, w\"\n";
    let texts = read_several("a.csv", table, &options).unwrap();
    assert_eq!(several(&texts), ["x|y", "", "z, w"]);
    assert_eq!(
        read_several(
            "a.jsonl",
            "{\"text\": \"a\", \"labels\": {}}\n",
            &TextReadOptions::default()
        )
        .unwrap_err(),
        "a.jsonl: 1 of 1 row cannot be used\n  \
         a.jsonl, line 1, field `labels`: found an object, wanted a label: a text, a whole \
         number, true or false"
    );
}

fn one_column_each(names: &[&str]) -> TextReadOptions {
    TextReadOptions {
        cells: LabelCells {
            columns: names.iter().map(|&name| name.into()).collect(),
            ..LabelCells::default()
        },
        ..TextReadOptions::default()
    }
}

#[test]
fn labels_may_have_a_column_each() {
    let table = "person,words,place\n1,a,1\n0,b,0\n0,c,1\n";
    let texts = read_several("a.csv", table, &one_column_each(&["person", "place"])).unwrap();
    assert_eq!(texts.columns.text, "words");
    assert_eq!(several(&texts), ["person|place", "", "place"]);
    assert_eq!(
        texts.class_names,
        Some(vec!["person".into(), "place".into()])
    );
}

#[test]
fn a_cell_of_such_a_column_is_0_or_1() {
    let refuse = |table: &str, names: &[&str]| {
        read_several("a.csv", table, &one_column_each(names)).unwrap_err()
    };
    assert_eq!(
        refuse("text,person\na,1\nb,2\n", &["person"]),
        "a.csv: 1 of 2 rows cannot be used\n  \
         a.csv, line 3, field `person`: found \"2\", wanted 1 where the label applies, or 0"
    );
    assert_eq!(
        refuse("text,person\na,1\n", &["persons"]),
        "a.csv, field `persons`: found the columns `text`, `person`, wanted a column of that name \
         (did you mean `person`?)"
    );
}

#[test]
fn numbers_are_read_from_columns_of_usual_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pairs.tsv");
    fs::write(&path, "sentence1\tsentence2\tscore\na\tb\t3.8\nc\td\t0\n").unwrap();
    let texts: LabelledTexts<f64> =
        read_labelled_texts(&path, &TextReadOptions::default()).unwrap();
    let labels: Vec<_> = texts.rows.iter().map(|row| row.label).collect();
    assert_eq!(labels, [Some(3.8), Some(0.0)]);
    fs::write(&path, "text\tscore\na\tgood\n").unwrap();
    let error = read_labelled_texts::<f64>(&path, &TextReadOptions::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("line 2, field `score`: found \"good\", wanted a number")
    );
}
