use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Greatest id that a `tokenizer.json` may have. The `tokenizers` crate counts on from the
/// greatest one without a check.
const LAST_ID: u32 = i32::MAX as u32;

/// Reads no more of a `tokenizer.json` than it takes to see that its ids can be counted on from.
#[derive(Deserialize)]
struct TokenizerJson {
    #[serde(default)]
    #[expect(dead_code, reason = "reading it is the check")]
    model: Option<Model>,
}

#[derive(Deserialize)]
struct Model {
    #[serde(default)]
    #[expect(dead_code, reason = "reading it is the check")]
    vocab: Option<Ids>,
}

struct Ids;

/// Checks the ids of a `tokenizer.json`.
pub(super) fn check(json: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice(json).map(|_: TokenizerJson| ())
}

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
