//! JSON whose objects know the lines on which they begin.

use std::cell::Cell;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use serde::Deserializer as _;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

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

/// Reads a JSON object, and nothing behind it, and hands the items of its list `name` on, each with the
/// line of the object.
///
/// # Errors
/// If it is broken, followed by something else, has no such list or two of them, or `take` breaks off.
pub(super) fn parse_list(
    mut json: impl BufRead,
    name: &str,
    take: impl FnMut(Placed, usize) -> ControlFlow<()>,
) -> Result<(), serde_json::Error> {
    let line = Cell::new(1);
    skip_mark(&mut json).map_err(serde_json::Error::io)?;
    let mut deserializer = serde_json::Deserializer::from_reader(CountingReader {
        rest: json,
        line: &line,
    });
    let list = ListOf {
        name,
        line: &line,
        take,
    };
    deserializer.deserialize_map(list)?;
    deserializer.end()
}

fn skip_mark(json: &mut impl BufRead) -> io::Result<()> {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    if json.fill_buf()?.starts_with(MARK) {
        json.consume(MARK.len());
    }
    Ok(())
}

/// An object with a list whose items are handed on.
struct ListOf<'a, F> {
    name: &'a str,
    line: &'a Cell<usize>,
    take: F,
}

impl<'de, F: FnMut(Placed, usize) -> ControlFlow<()>> Visitor<'de> for ListOf<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with `{}`", self.name)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let line = self.line.get();
        let mut is_found = false;
        while let Some(name) = map.next_key::<String>()? {
            if name != self.name {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if is_found {
                return Err(A::Error::custom("two lists"));
            }
            is_found = true;
            map.next_value_seed(Items {
                line: self.line,
                take: |item| (self.take)(item, line),
            })?;
        }
        match is_found {
            true => Ok(()),
            false => Err(A::Error::custom("no list")),
        }
    }
}

/// The items of a list, handed on.
struct Items<'a, F> {
    line: &'a Cell<usize>,
    take: F,
}

impl<'de, F: FnMut(Placed) -> ControlFlow<()>> DeserializeSeed<'de> for Items<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Placed) -> ControlFlow<()>> Visitor<'de> for Items<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        while let Some(item) = sequence.next_element_seed(Seed(self.line))? {
            if (self.take)(item).is_break() {
                return Err(A::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}

/// Counts the lines that were read.
struct CountingReader<'a, R> {
    rest: R,
    line: &'a Cell<usize>,
}

impl<R: BufRead> Read for CountingReader<'_, R> {
    /// One byte at a time, as the parser asks for them: so the count is that of where it stands.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let [place, ..] = buffer else {
            return Ok(0);
        };
        let Some(&first) = self.rest.fill_buf()?.first() else {
            return Ok(0);
        };
        *place = first;
        self.rest.consume(1);
        self.line.set(self.line.get() + usize::from(first == b'\n'));
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
