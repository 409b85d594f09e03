//! A document against the JSON Schema of its type: the schema that users see is the one that
//! their files are checked with.

use cloze_core::InputError;
use serde_json::{Map, Value};

use super::document::Document;

/// Checks a document against a schema without references.
pub(super) fn validate(document: &Document, schema: &Value) -> Result<(), InputError> {
    check(document, "", &document.value(), schema)
}

fn check(document: &Document, key: &str, value: &Value, schema: &Value) -> Result<(), InputError> {
    let wrong = || document.error(key, value.to_string(), describe(schema));
    if let Some(branches) = branches(schema) {
        return check_branches(document, key, value, &branches).unwrap_or_else(|| Err(wrong()));
    }
    if !has_type(value, schema) {
        return Err(wrong());
    }
    if schema.get("const").is_some_and(|only| only != value)
        || list(schema, "enum").is_some_and(|values| !values.contains(value))
        || !in_range(value, schema)
    {
        return Err(wrong());
    }
    match value {
        Value::Object(map) => check_table(document, key, map, schema),
        Value::Array(items) => {
            let bound = |name| {
                schema
                    .get(name)
                    .and_then(Value::as_u64)
                    .map(|size| size as usize)
            };
            if bound("minItems").is_some_and(|least| items.len() < least)
                || bound("maxItems").is_some_and(|most| items.len() > most)
            {
                return Err(wrong());
            }
            let element = schema.get("items").unwrap_or(&Value::Null);
            items
                .iter()
                .try_for_each(|item| check(document, key, item, element))
        }
        _ => Ok(()),
    }
}

/// Passes if one branch does; the error of a branch of the value's own type is the best one.
/// `None` if no branch is of that type.
fn check_branches(
    document: &Document,
    key: &str,
    value: &Value,
    branches: &[&Value],
) -> Option<Result<(), InputError>> {
    let results: Vec<_> = branches
        .iter()
        .map(|branch| (*branch, check(document, key, value, branch)))
        .collect();
    if results.iter().any(|(_, result)| result.is_ok()) {
        return Some(Ok(()));
    }
    let deep = |branch: &Value| !value.is_string() && has_type(value, branch);
    results
        .into_iter()
        .find(|(branch, _)| deep(branch))
        .map(|(_, result)| result)
}

fn check_table(
    document: &Document,
    key: &str,
    map: &Map<String, Value>,
    schema: &Value,
) -> Result<(), InputError> {
    let child = |name: &str| match key {
        "" => name.to_owned(),
        _ => format!("{key}.{name}"),
    };
    let none = Map::new();
    let properties = schema
        .get("properties")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    for (name, value) in map {
        let known = properties.get(name).or_else(|| {
            schema
                .get("additionalProperties")
                .filter(|other| other.is_object())
        });
        let Some(known) = known else {
            let names: Vec<&str> = properties.keys().map(String::as_str).collect();
            return Err(document.error(&child(name), "an unknown key", nearest(name, &names)));
        };
        check(document, &child(name), value, known)?;
    }
    for name in list(schema, "required")
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !map.contains_key(name) {
            let wanted = describe(properties.get(name).unwrap_or(&Value::Null));
            return Err(document.error(&child(name), "nothing", wanted));
        }
    }
    Ok(())
}

/// The known name that a user may have meant, or all of them.
pub(super) fn nearest(name: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|other| (strsim::jaro_winkler(name, other), *other))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, other)) if likeness > 0.75 => format!("`{other}`, the nearest known key"),
        _ => {
            let all: Vec<_> = known.iter().map(|other| format!("`{other}`")).collect();
            format!("one of {}", all.join(", "))
        }
    }
}

fn list<'a>(schema: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    schema.get(name).and_then(Value::as_array)
}

/// The alternatives of a schema, without the one for an absent value.
fn branches(schema: &Value) -> Option<Vec<&Value>> {
    let all = list(schema, "anyOf").or_else(|| list(schema, "oneOf"))?;
    let is_null = |branch: &Value| branch.get("type").is_some_and(|kind| kind == "null");
    Some(all.iter().filter(|branch| !is_null(branch)).collect())
}

fn types(schema: &Value) -> Vec<&str> {
    match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many
            .iter()
            .filter_map(Value::as_str)
            .filter(|name| *name != "null")
            .collect(),
        _ => Vec::new(),
    }
}

fn has_type(value: &Value, schema: &Value) -> bool {
    if let Some(branches) = branches(schema) {
        return branches.into_iter().any(|branch| has_type(value, branch));
    }
    let types = types(schema);
    let is = |name: &&str| match *name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    types.is_empty() || types.iter().any(is)
}

fn in_range(value: &Value, schema: &Value) -> bool {
    let Some(number) = value.as_f64() else {
        return true;
    };
    let holds = |name: &str, test: fn(f64, f64) -> bool| {
        schema
            .get(name)
            .and_then(Value::as_f64)
            .is_none_or(|bound| test(number, bound))
    };
    holds("minimum", |number, bound| number >= bound)
        && holds("maximum", |number, bound| number <= bound)
        && holds("exclusiveMinimum", |number, bound| number > bound)
        && holds("exclusiveMaximum", |number, bound| number < bound)
}

/// What a schema asks for, in words.
fn describe(schema: &Value) -> String {
    if let Some(only) = schema.get("const") {
        return only.to_string();
    }
    if let Some(branches) = branches(schema) {
        return one_of(branches.into_iter().map(describe).collect());
    }
    if let Some(values) = list(schema, "enum") {
        return one_of(values.iter().map(Value::to_string).collect());
    }
    match types(schema).first().copied() {
        Some("string") => "a text".into(),
        Some("integer") => format!("a whole number{}", describe_range(schema)),
        Some("number") => format!("a number{}", describe_range(schema)),
        Some("boolean") => "true or false".into(),
        Some("array") => {
            let of = schema.get("items").map(describe).unwrap_or_default();
            match schema.get("minItems").and_then(Value::as_u64) {
                Some(size) => format!("a list of {size}, each {of}"),
                None => format!("a list, each item {of}"),
            }
        }
        Some("object") => "a table".into(),
        _ => "another value".into(),
    }
}

fn one_of(values: Vec<String>) -> String {
    match values.as_slice() {
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        _ => format!("one of {}", values.join(", ")),
    }
}

fn describe_range(schema: &Value) -> String {
    let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
    let low = match (bound("minimum"), bound("exclusiveMinimum")) {
        (Some(low), _) => format!(" from {low}"),
        (_, Some(low)) => format!(" above {low}"),
        _ => String::new(),
    };
    // The largest value of an integer type is no help to a reader.
    match (bound("maximum"), bound("exclusiveMaximum")) {
        (Some(high), _) if high < 1e15 => format!("{low} to {high}"),
        (_, Some(high)) => format!("{low} to below {high}"),
        _ if low.is_empty() => low,
        _ => match bound("minimum") {
            Some(low) => format!(", {low} or more"),
            None => low,
        },
    }
}
