use serde_json::Value as Json;

use super::Value;

/// Key of a Parquet file's metadata under which `datasets` keeps the features.
pub(super) const METADATA_KEY: &str = "huggingface";

/// The class names of a column, or of the values in a list column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ClassNames {
    /// The column holds class ids.
    Values(Vec<String>),
    /// The column holds lists.
    Lists(Box<ClassNames>),
}

impl ClassNames {
    /// Reads the names of a column from the metadata that `datasets` writes:
    /// `{"info": {"features": {"label": {"names": ["neg", "pos"], "_type": "ClassLabel"}}}}`,
    /// in lists as `{"feature": …, "_type": "Sequence"}` (`List` in newer files) or `[…]`.
    pub(super) fn of_column(metadata: &Json, column: &str) -> Option<Self> {
        Self::of_feature(metadata.get("info")?.get("features")?.get(column)?)
    }

    fn of_feature(feature: &Json) -> Option<Self> {
        let kind = feature.get("_type").and_then(Json::as_str);
        if let Json::Array(features) = feature {
            return Some(Self::Lists(Box::new(Self::of_feature(features.first()?)?)));
        }
        match kind? {
            "ClassLabel" => {
                let names = feature.get("names")?.as_array()?;
                let names: Option<_> = names
                    .iter()
                    .map(|name| name.as_str().map(str::to_owned))
                    .collect();
                Some(Self::Values(names?))
            }
            "Sequence" | "List" | "LargeList" => Some(Self::Lists(Box::new(Self::of_feature(
                feature.get("feature")?,
            )?))),
            _ => None,
        }
    }

    /// The names, in the order of their ids.
    pub(super) fn names(&self) -> &[String] {
        match self {
            Self::Values(names) => names,
            Self::Lists(inner) => inner.names(),
        }
    }

    /// Puts names in the place of ids. −1, which `datasets` writes where there is no label,
    /// becomes [`Value::Null`].
    ///
    /// # Errors
    /// The id that has no name.
    pub(super) fn name(&self, value: Value) -> Result<Value, Value> {
        match (self, value) {
            (Self::Values(names), Value::Integer(id)) => match usize::try_from(id) {
                Ok(index) if index < names.len() => Ok(Value::Text(names[index].clone())),
                _ if id == -1 => Ok(Value::Null),
                _ => Err(Value::Integer(id)),
            },
            (Self::Lists(inner), Value::List(values)) => {
                let named: Result<_, _> =
                    values.into_iter().map(|value| inner.name(value)).collect();
                Ok(Value::List(named?))
            }
            (_, value) => Ok(value),
        }
    }
}
