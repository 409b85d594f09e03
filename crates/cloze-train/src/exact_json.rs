//! JSON whose numbers come back bit for bit.
//!
//! `serde_json` writes a float with as many digits as it needs, but reads it back to within one
//! unit in the last place. A resumed run must not differ even by that, so floats are written here
//! as `{"float": "0.1"}` and read by the standard library, which is exact.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

const KEY: &str = "float";

pub(crate) fn to_vec<T: Serialize>(value: &T) -> serde_json::Result<Vec<u8>> {
    serde_json::to_vec_pretty(&wrap(serde_json::to_value(value)?))
}

pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> serde_json::Result<T> {
    serde_json::from_value(unwrap(serde_json::from_slice(bytes)?))
}

fn wrap(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let text = Value::String(number.to_string());
            Value::Object(Map::from_iter([(KEY.to_owned(), text)]))
        }
        other => in_parts(other, wrap),
    }
}

fn unwrap(value: Value) -> Value {
    if let Value::Object(map) = &value
        && map.len() == 1
        && let Some(Value::String(text)) = map.get(KEY)
        && let Some(number) = text.parse().ok().and_then(Number::from_f64)
    {
        return Value::Number(number);
    }
    in_parts(value, unwrap)
}

fn in_parts(value: Value, change: fn(Value) -> Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(change).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, item)| (key, change(item)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_finite_float_comes_back(bits: u64, count: u64) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            let value = (vec![number], Some(number), count, "float".to_owned());
            let bytes = to_vec(&value).unwrap();
            let back: (Vec<f64>, Option<f64>, u64, String) = from_slice(&bytes).unwrap();
            prop_assert_eq!(back.0[0].to_bits(), bits);
            prop_assert_eq!(back.1.map(f64::to_bits), Some(bits));
            prop_assert_eq!((back.2, back.3), (count, "float".to_owned()));
        }
    }
}
