use super::*;
use crate::tokenizer::SpecialToken;

fn example(label: usize, length: usize, unknown: usize) -> ExampleFacts {
    ExampleFacts {
        label: Some(label),
        length,
        tokens: length - 2,
        unknown,
    }
}

fn report() -> DatasetReport {
    let mut report = DatasetReport::new(&["negative".into(), "好评".into()], Some(8));
    let train = [
        example(0, 5, 0),
        example(1, 12, 3),
        example(1, 8, 0),
        example(1, 7, 0),
    ];
    report.add_split("train", train);
    report.add_split("test", [example(0, 4, 0)]);
    report
}

#[test]
fn the_table_is_aligned_also_where_characters_are_wide() {
    let expected = "\
class             train          test
negative              1   25.0%     1  100.0%
好评                  3   75.0%     0    0.0%
all                   4             1

tokens in a text  train          test
50% have up to        7             4
90% have up to       12             4
95% have up to       12             4
99% have up to       12             4
the longest has      12             4
texts cut at 8        1   25.0%     0    0.0%
unknown tokens        3  12.50%     0   0.00%
";
    assert_eq!(report().to_string(), expected);
}

#[test]
fn the_length_that_covers_a_chosen_share_has_a_line() {
    let mut report = report().with_coverage(0.75);
    report.add_split("validation", (3..=9).map(|length| example(0, length, 0)));
    assert_eq!(report.splits[2].covering_length, Some(8));
    let line = report.to_string();
    let line = line.lines().find(|line| line.starts_with("75% have up to"));
    assert!(line.unwrap().ends_with(" 8"), "{line:?}");
    let usual = report.with_coverage(0.9).to_string();
    assert_eq!(usual.matches("90%").count(), 1);
}

#[test]
fn several_labels_of_a_text_are_counted_each() {
    let mut report = DatasetReport::new(&["a".into(), "b".into()], None);
    let facts = example(0, 5, 0);
    report.add_split_of_several(
        "train",
        [(facts, vec![0, 1]), (facts, vec![]), (facts, vec![1])],
    );
    let classes: Vec<usize> = report.splits[0].classes.iter().map(|c| c.count).collect();
    assert_eq!(
        (classes, report.splits[0].unlabelled.count),
        (vec![1, 2], 1)
    );
}

#[test]
fn rows_without_classes_are_counted_without_them() {
    let mut report = DatasetReport::new(&[], None);
    report.add_split(
        "train",
        [ExampleFacts {
            label: None,
            ..example(0, 5, 0)
        }],
    );
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("rows ") && lines[1].starts_with("all "),
        "{text}"
    );
}

#[test]
fn classes_that_a_split_lacks_are_named() {
    assert_eq!(report().classes_missing_from("test"), ["好评"]);
    assert!(report().classes_missing_from("train").is_empty());
    assert!(report().classes_missing_from("validation").is_empty());
}

#[test]
fn the_numbers_are_there_as_json_too() {
    let json = serde_json::to_value(report()).unwrap();
    assert_eq!(json["splits"][0]["lengths"]["p90"], 12);
    assert_eq!(
        json["splits"][0]["cut"],
        serde_json::json!({"count": 1, "share": 0.25})
    );
    assert_eq!(json["splits"][1]["classes"][1]["count"], 0);
}

#[test]
fn a_percentile_is_the_least_length_that_covers_the_share() {
    let of =
        |lengths: std::ops::RangeInclusive<usize>| LengthPercentiles::of(lengths.rev().collect());
    let hundred = of(1..=100);
    assert_eq!((hundred.p50, hundred.p90, hundred.p95), (50, 90, 95));
    assert_eq!((hundred.p99, hundred.max), (99, 100));
    assert_eq!(of(1..=11).p90, 10);
    assert_eq!(LengthPercentiles::of(vec![]), LengthPercentiles::default());
}

#[test]
fn many_classes_are_listed_by_size() {
    let labels: Vec<String> = (0..119).map(|label| format!("label {label}")).collect();
    let mut report = DatasetReport::new(&labels, None);
    report.add_split(
        "train",
        [example(118, 5, 0), example(7, 5, 0), example(118, 5, 0)],
    );
    let text = report.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("label 118") && lines[2].starts_with("label 7 "));
    assert_eq!(lines[41].trim_end(), "… 79 more classes");
    assert!(!text.contains("cut"));
}

#[test]
fn added_tokens_and_padding_are_no_part_of_the_text() {
    let token = |id| SpecialToken {
        token: String::new(),
        id,
    };
    let special = SpecialTokens {
        cls: token(101),
        sep: token(102),
        pad: token(0),
        mask: token(103),
        unk: token(100),
    };
    let encoding = Encoding {
        ids: vec![101, 7, 100, 8, 102, 0, 0],
        type_ids: vec![0; 7],
        attention_mask: vec![1, 1, 1, 1, 1, 0, 0],
        untruncated_length: 9,
        ..Encoding::default()
    };
    let expected = ExampleFacts {
        label: Some(1),
        length: 9,
        tokens: 3,
        unknown: 1,
    };
    assert_eq!(ExampleFacts::new(&encoding, Some(1), &special), expected);
}
