use super::Value;
use super::value::quote;

/// What a model should say about a text, as a file states it in a cell: one name, a list of names,
/// or a number.
pub trait Label: Sized {
    /// Names of columns that are taken for the label's where the user names none, in this order,
    /// capital letters aside.
    const USUAL_COLUMNS: &'static [&'static str];
    /// What a cell should hold, for error messages.
    const WANTED: &'static str;

    /// Reads a cell. A text with several labels is divided at `separator`.
    ///
    /// # Errors
    /// If the cell is empty, or holds something else.
    fn read(value: &Value, separator: &str) -> Result<Self, NoLabel>;
}

/// Why a cell gives no label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoLabel {
    /// There is nothing in it.
    Absent(&'static str),
    /// There is something else in it.
    Unusable {
        /// What.
        found: String,
        /// What should be there.
        wanted: String,
    },
}

impl NoLabel {
    fn unusable(found: impl Into<String>, wanted: impl Into<String>) -> Self {
        Self::Unusable {
            found: found.into(),
            wanted: wanted.into(),
        }
    }
}

/// Whole numbers up to this are exact as `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// One label: its name. A whole number is named by its digits, a truth value `true` or `false`.
impl Label for String {
    const USUAL_COLUMNS: &'static [&'static str] = &[
        "label",
        "labels",
        "target",
        "class",
        "category",
        "sentiment",
    ];
    const WANTED: &'static str = "a label";

    fn read(value: &Value, _: &str) -> Result<Self, NoLabel> {
        match value {
            Value::Text(text) => match text.trim() {
                "" => Err(NoLabel::Absent("an empty cell")),
                label => Ok(label.to_owned()),
            },
            Value::Null => Err(NoLabel::Absent("nothing")),
            Value::Integer(number) => Ok(number.to_string()),
            Value::Bool(truth) => Ok(truth.to_string()),
            // pandas makes whole numbers so where a cell of the column is empty.
            Value::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => {
                Ok(format!("{number:.0}"))
            }
            other => Err(NoLabel::unusable(
                other.describe(),
                "a label: a text, a whole number, true or false",
            )),
        }
    }
}

/// Any number of labels, in the order of the cell: a list, or a text with a separator between them.
/// An empty text or list has none.
impl Label for Vec<String> {
    const USUAL_COLUMNS: &'static [&'static str] = &[
        "labels",
        "label",
        "tags",
        "categories",
        "classes",
        "targets",
    ];
    const WANTED: &'static str = "a list of labels, empty where there is none";

    fn read(value: &Value, separator: &str) -> Result<Self, NoLabel> {
        match value {
            Value::Null => Err(NoLabel::Absent("nothing")),
            Value::List(values) => values
                .iter()
                .map(|value| {
                    String::read(value, separator).map_err(|error| match error {
                        NoLabel::Absent(_) => {
                            NoLabel::unusable("an empty label in the list", Self::WANTED)
                        }
                        unusable @ NoLabel::Unusable { .. } => unusable,
                    })
                })
                .collect(),
            Value::Text(text) if text.trim().is_empty() => Ok(Vec::new()),
            Value::Text(text) => {
                let parts: Vec<&str> = text.split(separator).map(str::trim).collect();
                if parts.iter().any(|part| part.is_empty()) {
                    return Err(NoLabel::unusable(
                        format!("an empty label in {}", quote(text)),
                        format!("labels with {} between them", quote(separator)),
                    ));
                }
                Ok(parts.into_iter().map(str::to_owned).collect())
            }
            other => Ok(vec![String::read(other, separator)?]),
        }
    }
}

/// A number that a model should come near to.
impl Label for f64 {
    const USUAL_COLUMNS: &'static [&'static str] =
        &["label", "score", "labels", "target", "similarity", "rating"];
    const WANTED: &'static str = "a number";

    fn read(value: &Value, _: &str) -> Result<Self, NoLabel> {
        let unusable = || NoLabel::unusable(value.describe(), Self::WANTED);
        let number = match value {
            Value::Null => return Err(NoLabel::Absent("nothing")),
            Value::Text(text) if text.trim().is_empty() => {
                return Err(NoLabel::Absent("an empty cell"));
            }
            Value::Text(text) => text.trim().parse().map_err(|_| unusable())?,
            Value::Integer(number) => *number as Self,
            Value::Float(number) => *number,
            _ => return Err(unusable()),
        };
        // A loss is computed in single precision.
        if (number as f32).is_finite() {
            Ok(number)
        } else {
            Err(unusable())
        }
    }
}

/// Whether a cell of a column of its own says that a label applies.
///
/// # Errors
/// If it is neither 0 nor 1, as number, text or truth value; tells what it is.
pub(super) fn applies(value: &Value) -> Result<bool, String> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::Integer(0) => Ok(false),
        Value::Integer(1) => Ok(true),
        Value::Float(number) if *number == 0.0 => Ok(false),
        Value::Float(number) if *number == 1.0 => Ok(true),
        Value::Text(text) => match text.trim() {
            "0" => Ok(false),
            "1" => Ok(true),
            "" => Err("an empty cell".into()),
            _ => Err(value.describe()),
        },
        other => Err(other.describe()),
    }
}

/// How a message names the columns that a label is looked for in.
pub(super) fn usual_columns<L: Label>() -> String {
    const NAMED: usize = 3;
    let names: Vec<String> = L::USUAL_COLUMNS
        .iter()
        .take(NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    format!("({}, …)", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    fn list(value: &Value, separator: &str) -> Result<String, NoLabel> {
        Vec::<String>::read(value, separator).map(|labels| labels.join("|"))
    }

    #[test]
    fn several_labels_are_a_list_or_a_divided_text() {
        let values = vec![text(" person "), Value::Integer(7), Value::Bool(true)];
        assert_eq!(list(&Value::List(values), ",").unwrap(), "person|7|true");
        assert_eq!(list(&text("person, 人名"), ",").unwrap(), "person|人名");
        assert_eq!(list(&text("a,b;c"), ";").unwrap(), "a,b|c");
        assert_eq!(list(&text("a || b"), "||").unwrap(), "a|b");
        assert_eq!(list(&Value::Integer(3), ",").unwrap(), "3");
    }

    #[test]
    fn a_row_may_have_no_label() {
        assert_eq!(list(&Value::List(vec![]), ",").unwrap(), "");
        assert_eq!(list(&text(" "), ",").unwrap(), "");
        assert_eq!(
            list(&Value::Null, ","),
            Err(NoLabel::Absent("nothing")),
            "nothing is not said to be nothing"
        );
    }

    #[test]
    fn an_empty_label_among_others_is_a_mistake() {
        assert_eq!(
            list(&text("a,,b"), ","),
            Err(NoLabel::unusable(
                "an empty label in \"a,,b\"",
                "labels with \",\" between them"
            ))
        );
        let values = vec![text("a"), Value::Null];
        assert!(matches!(
            list(&Value::List(values), ","),
            Err(NoLabel::Unusable { .. })
        ));
        let nested = Value::List(vec![Value::List(vec![])]);
        assert!(matches!(list(&nested, ","), Err(NoLabel::Unusable { .. })));
    }

    #[test]
    fn numbers_are_numbers_or_texts_of_numbers() {
        let read = |value: Value| f64::read(&value, ",");
        assert_eq!(read(Value::Integer(-3)), Ok(-3.0));
        assert_eq!(read(Value::Float(2.5)), Ok(2.5));
        assert_eq!(read(text(" 4e-1 ")), Ok(0.4));
        assert_eq!(read(text("")), Err(NoLabel::Absent("an empty cell")));
        for bad in [
            text("good"),
            text("nan"),
            text("1e39"),
            Value::Bool(true),
            Value::Float(f64::INFINITY),
        ] {
            let wanted = NoLabel::unusable(bad.describe(), "a number");
            assert_eq!(read(bad), Err(wanted));
        }
    }

    #[test]
    fn a_column_of_one_label_holds_0_and_1() {
        for (value, truth) in [
            (text("1"), true),
            (Value::Integer(0), false),
            (Value::Float(1.0), true),
            (Value::Bool(false), false),
        ] {
            assert_eq!(applies(&value), Ok(truth));
        }
        for (value, found) in [
            (text(""), "an empty cell"),
            (text("yes"), "\"yes\""),
            (Value::Integer(2), "2"),
            (Value::Null, "nothing"),
        ] {
            assert_eq!(applies(&value).unwrap_err(), found);
        }
    }
}
