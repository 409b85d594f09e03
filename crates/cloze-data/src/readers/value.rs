use std::fmt::Write as _;

use serde::{Serialize, Serializer};

/// One cell of a table, whatever format it came from.
///
/// Text formats without types (CSV, TSV, lines) give [`Text`](Self::Text) throughout. It
/// serialises as the JSON value of the same shape.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing: JSON's `null`, an absent key, a Parquet null.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number. One that 64 bits with a sign cannot hold is kept as [`Text`](Self::Text),
    /// digit for digit: such numbers are ids.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text; dates, times of a time zone and decimals of a Parquet file as well.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Names and values, in the order of the file.
    Object(Vec<(String, Value)>),
    /// Bytes that are no text (an image in a Parquet file, say).
    Bytes(Vec<u8>),
}

/// Longest piece of a cell that an error message quotes, in characters.
const QUOTED: usize = 40;

impl Value {
    /// The text, if the value is one.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What an error message says it found: the value, or what it is where that is too much.
    pub fn describe(&self) -> String {
        match self {
            Self::Null => "nothing".into(),
            Self::Bool(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Text(text) => quote(text),
            Self::List(values) => format!("a list of {}", values.len()),
            Self::Object(_) => "an object".into(),
            Self::Bytes(bytes) => format!("{} bytes that are no text", bytes.len()),
        }
    }
}

/// Quotes a text for an error message, cut where it is long.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for (position, character) in text.chars().enumerate() {
        if position == QUOTED {
            quoted.push('…');
            break;
        }
        if character.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(quoted, "{}", character.escape_default());
        } else {
            quoted.push(character);
        }
    }
    quoted.push('"');
    quoted
}

impl From<serde_json::Value> for Value {
    fn from(value: serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match value {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => match (number.as_i64(), number.is_f64(), number.as_f64()) {
                (Some(integer), ..) => Self::Integer(integer),
                (None, true, Some(float)) => Self::Float(float),
                _ => Self::Text(number.to_string()),
            },
            Json::String(text) => Self::Text(text),
            Json::Array(values) => Self::List(values.into_iter().map(Self::from).collect()),
            Json::Object(map) => {
                let entry = |(key, value)| (key, Self::from(value));
                Self::Object(map.into_iter().map(entry).collect())
            }
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(values) => serializer.collect_seq(values),
            Self::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
            }
            Self::Bytes(bytes) => serializer.collect_seq(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_goes_in_and_comes_out_unchanged() {
        let text = r#"{"b":[1,-2,0.5,true,null],"a":{"x":"差"}}"#;
        let value = Value::from(serde_json::from_str::<serde_json::Value>(text).unwrap());
        assert_eq!(serde_json::to_string(&value).unwrap(), text);
    }

    #[test]
    fn a_number_beyond_64_bits_keeps_its_digits() {
        let json: serde_json::Value = serde_json::from_str("18446744073709551615").unwrap();
        assert_eq!(
            Value::from(json),
            Value::Text("18446744073709551615".into())
        );
    }

    #[test]
    fn messages_quote_the_beginning_only() {
        assert_eq!(Value::Text("a\nb".into()).describe(), r#""a\nb""#);
        let long = Value::Text("差".repeat(41)).describe();
        assert_eq!(long, format!("\"{}…\"", "差".repeat(40)));
        assert_eq!(Value::List(vec![Value::Null]).describe(), "a list of 1");
    }
}
