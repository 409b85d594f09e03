//! What the `tokenizers` crate takes for granted in a `tokenizer.json` or a `vocab.json`, and panics where it is not
//! so: text in UTF-8, a well-formed decoder and normalizer, ids that can be counted on from.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use tokenizers::normalizers::Precompiled;

/// Greatest id that a `tokenizer.json` may have: added tokens go on from it.
const LAST_ID: u32 = i32::MAX as u32;

#[derive(Deserialize)]
#[expect(dead_code, reason = "reading the fields is the check")]
struct TokenizerJson {
    #[serde(default)]
    model: Option<Model>,
    #[serde(default)]
    decoder: Value,
    #[serde(default)]
    normalizer: Normalizer,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "reading the field is the check")]
struct Model {
    #[serde(default)]
    vocab: Option<Ids>,
}

/// Checks the text of a `tokenizer.json`.
pub(super) fn check(json: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str(json).map(|_: TokenizerJson| ())
}

/// Checks the text of a `vocab.json`: an object, token to id.
pub(super) fn check_vocabulary(json: &str) -> Result<(), serde_json::Error> {
    serde_json::from_str(json).map(|_: Ids| ())
}

/// A normalizer, with the tables of SentencePiece that may be in it.
#[derive(Default)]
struct Normalizer;

impl<'de> Deserialize<'de> for Normalizer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let normalizer = Value::deserialize(deserializer)?;
        check_tables(&normalizer).map_err(D::Error::custom)?;
        Ok(Self)
    }
}

fn check_tables(normalizer: &Value) -> Result<(), serde_json::Error> {
    if normalizer.get("type").and_then(Value::as_str) == Some("Precompiled") {
        // From text, as the crate does it.
        serde_json::from_str::<Precompiled>(&normalizer.to_string())?;
    }
    let parts = normalizer.get("normalizers").and_then(Value::as_array);
    parts.into_iter().flatten().try_for_each(check_tables)
}

struct Ids;

impl<'de> Deserialize<'de> for Ids {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdsVisitor)
    }
}

struct IdsVisitor;

impl<'de> Visitor<'de> for IdsVisitor {
    type Value = Ids;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a vocabulary")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ids, A::Error> {
        while let Some((token, id)) = map.next_entry::<String, u32>()? {
            if id > LAST_ID {
                let message = format!("id {id} of the token `{token}` is above {LAST_ID}");
                return Err(A::Error::custom(message));
            }
        }
        Ok(Ids)
    }

    // A unigram vocabulary is a list, its ids are positions.
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ids, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Ids)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn what_the_library_would_panic_at_is_an_error() {
        super::check_vocabulary(r#"{"a": 4294967295}"#).unwrap_err();
        super::check_vocabulary(r#"{"a": -1}"#).unwrap_err();
        super::check_vocabulary(r#"{"a": 2147483647}"#).unwrap();
        check(r#"{"decoder": {"type": "\ud800"}}"#).unwrap_err();
        check(r#"{"decoder": {"a": 1e999}}"#).unwrap_err();
        let table = r#"{"type": "Precompiled", "precompiled_charsmap": "!"}"#;
        check(&format!(r#"{{"normalizer": {table}}}"#)).unwrap_err();
        let inside = format!(r#"{{"type": "Sequence", "normalizers": [{table}]}}"#);
        check(&format!(r#"{{"normalizer": {inside}}}"#)).unwrap_err();
        check(r#"{"normalizer": null, "decoder": null, "model": {"vocab": [["a", 0.5]]}}"#)
            .unwrap();
    }
}
