//! Parquet files as the Hub ships them, read against `tests/fixtures` (made by
//! `tools/reference/parquet_fixture.py`).

#![allow(
    clippy::unwrap_used,
    reason = "a failing helper fails the test that calls it"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cloze_data::readers::stream::{Source, StreamedRow, open};
use cloze_data::readers::tagged::{TagReadOptions, read_tagged_sentences};
use cloze_data::readers::{
    BadRows, LabelledTexts, Labels, ReadError, TextReadOptions, Value, read_labelled_texts,
    read_table, read_table_with_rejected,
};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

fn column(path: &Path, name: &str) -> Vec<Value> {
    let table = read_table(path, None).unwrap();
    let place = table.column(name).unwrap();
    table
        .rows
        .into_iter()
        .map(|mut row| row.values.swap_remove(place))
        .collect()
}

#[test]
fn class_ids_become_the_names_that_the_metadata_holds() {
    let path = fixture("hub.parquet");
    let table = read_table(&path, None).unwrap();
    assert_eq!(table.class_names["label"], ["negative", "neutral", "好评"]);
    assert_eq!(table.class_names["tags"], ["O", "B-PER"]);
    assert_eq!(
        column(&path, "label"),
        [
            text("好评"),
            text("neutral"),
            text("negative"),
            Value::Null,
            text("好评")
        ]
    );
    let tags = column(&path, "tags");
    assert_eq!(tags[0], Value::List(vec![text("O"), text("B-PER")]));
    assert_eq!((&tags[2], &tags[4]), (&Value::List(vec![]), &Value::Null));
}

#[test]
fn every_type_of_the_hub_is_read_over_row_groups_and_nulls() {
    let path = fixture("hub.parquet");
    let words = [text("很"), text("好")];
    assert_eq!(column(&path, "words")[0], Value::List(words.into()));
    let integers = [Some(5), Some(3), Some(1), None, Some(4)];
    assert_eq!(
        column(&path, "stars"),
        integers.map(|n| n.map_or(Value::Null, Value::Integer))
    );
    assert_eq!(
        column(&path, "score")[..2],
        [Value::Float(0.5), Value::Float(0.25)]
    );
    assert_eq!(
        column(&path, "spam")[2..4],
        [Value::Bool(true), Value::Null]
    );
    let source = column(&path, "source");
    let page = |site, page| Value::Object(vec![("site".into(), site), ("page".into(), page)]);
    assert_eq!(source[0], page(text("a"), Value::Integer(1)));
    assert_eq!(source[1], page(text("b"), Value::Null));
    assert_eq!(source[4], Value::Null);
}

#[test]
fn other_types_are_read_or_are_no_columns() {
    let path = fixture("types.parquet");
    let first = |name| column(&path, name).swap_remove(0);
    assert_eq!(first("large"), text("a"));
    assert_eq!(first("category"), text("x"));
    assert_eq!(first("u64"), text("18446744073709551615"));
    assert_eq!(first("i8"), Value::Integer(-8));
    assert_eq!(first("half"), Value::Float(0.5));
    assert_eq!(first("bytes"), Value::Bytes(vec![0xFF, 0]));
    assert_eq!(first("date"), text("2020-01-02"));
    assert_eq!(first("money"), text("1.50"));
    assert_eq!(
        first("map"),
        Value::Object(vec![("k".into(), Value::Integer(1))])
    );
    let inner = Value::List(vec![Value::Integer(1), Value::Integer(2)]);
    assert_eq!(first("deep"), Value::List(vec![inner, Value::List(vec![])]));
    assert_eq!(first("nothing"), Value::Null);
}

fn labelled(path: &Path, labels: Labels, bad_rows: BadRows) -> Result<LabelledTexts, ReadError> {
    let options = TextReadOptions {
        labels,
        bad_rows,
        ..TextReadOptions::default()
    };
    read_labelled_texts(path, &options)
}

#[test]
fn labelled_texts_keep_the_order_of_the_classes() {
    let texts = labelled(&fixture("hub.parquet"), Labels::IfPresent, BadRows::Skip).unwrap();
    let labels: Vec<_> = texts.rows.iter().map(|row| row.label.as_deref()).collect();
    assert_eq!(
        labels,
        [Some("好评"), Some("neutral"), Some("negative"), None]
    );
    assert_eq!(texts.class_names.unwrap(), ["negative", "neutral", "好评"]);
    assert_eq!(texts.skipped.len(), 1);
}

#[test]
fn rows_are_named_by_their_number() {
    let path = fixture("hub.parquet");
    let place = path.display();
    assert_eq!(
        labelled(&path, Labels::Required, BadRows::Stop)
            .unwrap_err()
            .to_string(),
        format!(
            "{place}: 2 of 5 rows cannot be used\n  \
             {place}, line 4, field `label`: found nothing, wanted a label\n  \
             {place}, line 5, field `text`: found nothing, wanted a text"
        )
    );
}

#[test]
fn what_is_cut_short_or_empty_or_no_parquet_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let whole = fs::read(fixture("hub.parquet")).unwrap();
    let message = |content: &[u8]| {
        fs::write(&path, content).unwrap();
        let error = read_table(&path, None).unwrap_err().to_string();
        error.replace(&path.display().to_string(), "a.parquet")
    };
    assert_eq!(
        message(b""),
        "a.parquet: found an empty file, wanted rows of data"
    );
    for content in [&whole[..whole.len() / 2], b"text,label\nno,parquet\n"] {
        let message = message(content);
        assert!(
            message.starts_with("a.parquet: found no readable Parquet file ("),
            "{message}"
        );
        assert!(
            message.ends_with("), wanted a complete Parquet file"),
            "{message}"
        );
    }
}

/// Writes texts and class ids, with metadata as `datasets` keeps it.
fn write(path: &Path, labels: &[i64], metadata: &str) {
    let schema = "message m { required binary text (UTF8); required int64 label; }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let entry = KeyValue::new("huggingface".to_owned(), metadata.to_owned());
    let properties = WriterProperties::builder().set_key_value_metadata(Some(vec![entry]));
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let texts = vec![ByteArray::from("text"); labels.len()];
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<ByteArrayType>()
        .write_batch(&texts, None, None)
        .unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    column
        .typed::<Int64Type>()
        .write_batch(labels, None, None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn a_class_id_without_a_name_is_a_bad_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let features = r#"{"info": {"features": {"label":
        {"names": ["no", "yes"], "_type": "ClassLabel"}}}}"#;
    write(&path, &[1, 2, 0, -2], features);
    let table = read_table_with_rejected(&path, None).unwrap();
    assert_eq!(table.rows.len(), 2);
    let place = path.display();
    assert_eq!(
        read_table(&path, None).unwrap_err().to_string(),
        format!(
            "{place}: 2 of 4 rows cannot be used\n  \
             {place}, line 2, field `label`: found 2, wanted the id of one of 2 classes\n  \
             {place}, line 4, field `label`: found -2, wanted the id of one of 2 classes"
        )
    );
}

#[test]
fn metadata_that_says_nothing_leaves_the_ids() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    for metadata in [
        "",
        "[1]",
        r#"{"info": {"features": {"label": {"_type": "Value"}}}}"#,
    ] {
        write(&path, &[7], metadata);
        assert_eq!(column(&path, "label"), [Value::Integer(7)]);
    }
    let sequence = r#"{"info": {"features": {"label": {"feature": {"names": ["a"],
        "_type": "ClassLabel"}, "_type": "Sequence"}, "text": [{"names": ["a"], "_type": "ClassLabel"}]}}}"#;
    write(&path, &[0], sequence);
    assert_eq!(column(&path, "label"), [Value::Integer(0)]);
}

#[test]
fn a_table_without_rows_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &[], "");
    let expected = format!(
        "{}: found no rows, wanted at least one row of data",
        path.display()
    );
    assert_eq!(read_table(&path, None).unwrap_err().to_string(), expected);
}

#[test]
fn streamed_rows_are_those_of_the_table_and_bad_ones_stay_in_their_place() {
    for name in ["hub.parquet", "types.parquet"] {
        let path = fixture(name);
        let table = read_table(&path, None).unwrap();
        let rows = open(&Source::File(path), None).unwrap();
        let streamed: Vec<_> = rows
            .map(|StreamedRow { columns, row }| {
                assert_eq!(*columns, table.columns);
                row.unwrap()
            })
            .collect();
        assert_eq!(streamed, table.rows);
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let features = r#"{"info": {"features": {"label":
        {"names": ["no", "yes"], "_type": "ClassLabel"}}}}"#;
    write(&path, &[1, 2, 0], features);
    let rows = open(&Source::File(path.clone()), None).unwrap();
    let rows: Vec<_> = rows.map(|row| row.row.map(|row| row.line)).collect();
    assert!(matches!(rows[..], [Ok(1), Err(ReadError::Input(_)), Ok(3)]));
    write(&path, &[], "");
    let error = open(&Source::File(path), None).err().unwrap();
    assert!(error.to_string().contains("found no rows, wanted"));
}

#[test]
fn a_file_that_is_broken_in_the_middle_ends_the_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    write(&path, &[1, 2, 0], "");
    let mut bytes = fs::read(&path).unwrap();
    // The header of the first page.
    bytes[4..8].fill(0xFF);
    fs::write(&path, bytes).unwrap();
    let rows = open(&Source::File(path), None).unwrap();
    let rows: Vec<_> = rows.map(|row| row.row).collect();
    assert!(
        matches!(rows[..], [Err(ReadError::Read { .. })]),
        "{rows:?}"
    );
}

#[test]
fn lists_of_words_and_tags_are_sentences_with_the_names_of_the_tags() {
    let options = TagReadOptions {
        bad_rows: BadRows::Skip,
        ..TagReadOptions::default()
    };
    let found = read_tagged_sentences(&fixture("hub.parquet"), &options).unwrap();
    assert_eq!(found.tag_names.unwrap(), ["O", "B-PER"]);
    assert_eq!(found.columns.words, "words");
    assert_eq!(found.sentences[0].words, ["很", "好"]);
    assert_eq!(found.sentences[0].tags, ["O", "B-PER"]);
    assert_eq!((found.sentences[1].line, found.sentences.len()), (4, 2));
    let errors: Vec<String> = found
        .skipped
        .iter()
        .map(|error| error.found.clone())
        .collect();
    assert_eq!(errors, ["1 tags", "an empty list", "nothing"]);
}
