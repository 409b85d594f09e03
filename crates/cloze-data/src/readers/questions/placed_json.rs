//! JSON whose objects know the lines on which they begin.

use std::cell::Cell;
use std::fmt;
use std::io::{self, Read};

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use crate::readers::Value;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Placed {
    /// Names and values, and the line, from 1, of the brace before them.
    Object(usize, Vec<(String, Placed)>),
    /// Values in order.
    List(Vec<Placed>),
    /// Anything else.
    Plain(Value),
}

impl Placed {
    /// What an error message says it found.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Object(..) => "an object".into(),
            Self::List(values) => format!("a list of {}", values.len()),
            Self::Plain(value) => value.describe(),
        }
    }

    /// The same without lines.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Object(_, entries) => {
                let entry = |(name, value): (String, Self)| (name, value.value());
                Value::Object(entries.into_iter().map(entry).collect())
            }
            Self::List(values) => Value::List(values.into_iter().map(Self::value).collect()),
            Self::Plain(value) => value,
        }
    }
}

/// Reads one JSON value, and nothing behind it.
///
/// # Errors
/// If it is broken, or followed by something else.
pub(super) fn parse(json: &str) -> Result<Placed, serde_json::Error> {
    let line = Cell::new(1);
    let mut deserializer = serde_json::Deserializer::from_reader(CountingReader {
        rest: json.as_bytes(),
        line: &line,
    });
    let value = Seed(&line).deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

/// Counts the lines that were read.
struct CountingReader<'a> {
    rest: &'a [u8],
    line: &'a Cell<usize>,
}

impl Read for CountingReader<'_> {
    /// One byte at a time, as the parser asks for them: so the count is that of where it stands.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let ([first, rest @ ..], [place, ..]) = (self.rest, buffer) else {
            return Ok(0);
        };
        *place = *first;
        self.rest = rest;
        self.line
            .set(self.line.get() + usize::from(*first == b'\n'));
        Ok(1)
    }
}

#[derive(Clone, Copy)]
struct Seed<'a>(&'a Cell<usize>);

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Placed;

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<Placed, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Placed;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Placed, E> {
        Ok(Placed::Plain(Value::Null))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Placed, E> {
        Ok(Placed::Plain(Value::Bool(value)))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Placed, E> {
        Ok(Placed::Plain(Value::Integer(value)))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Placed, E> {
        Ok(Placed::Plain(serde_json::Value::from(value).into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Placed, E> {
        Ok(Placed::Plain(Value::Float(value)))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Placed, E> {
        Ok(Placed::Plain(Value::Text(value.into())))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Placed, E> {
        Ok(Placed::Plain(Value::Text(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Placed, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = sequence.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Placed::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Placed, A::Error> {
        let line = self.0.get();
        let mut entries = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            entries.push((name, map.next_value_seed(self)?));
        }
        Ok(Placed::Object(line, entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_know_their_lines_and_everything_else_is_as_it_was() {
        let json =
            "\n{\"a\": [1,\n {\n\"b\": -2.5, \"c\": null}, true\n],\n\"d\":{}, \"e\": \"天\"}\n";
        let placed = parse(json).unwrap();
        let Placed::Object(2, entries) = &placed else {
            panic!("{placed:?}");
        };
        let Placed::List(list) = &entries[0].1 else {
            panic!("{placed:?}");
        };
        assert!(matches!(list[1], Placed::Object(3, _)), "{placed:?}");
        assert!(matches!(entries[1].1, Placed::Object(6, _)), "{placed:?}");
        let plain: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(placed.value(), Value::from(plain));
        assert!(parse("{} {}").is_err() && parse("{").is_err());
    }
}
