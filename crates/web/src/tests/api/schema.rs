//! Holds a JSON value against a schema of our own description: the part of JSON Schema that it uses.

use serde_json::{Map, Value};

/// What does not fit, with its place.
pub(super) fn complaints(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

pub(super) fn resolve<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(reference) => {
            let target = document.pointer(reference.trim_start_matches('#'));
            resolve(
                document,
                target.unwrap_or_else(|| panic!("{reference} is not in the document")),
            )
        }
        None => schema,
    }
}

fn check(document: &Value, schema: &Value, value: &Value, place: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    if let Some(all) = schema["allOf"].as_array() {
        check(document, &merged(document, all), value, place, found);
        return;
    }
    if let Some(any) = schema["oneOf"].as_array().or(schema["anyOf"].as_array()) {
        if !any
            .iter()
            .any(|one| complaints(document, one, value).is_empty())
        {
            let first = any
                .iter()
                .map(|one| complaints(document, one, value))
                .max_by_key(Vec::len)
                .unwrap_or_default();
            found.push(format!("{place}: fits none: {first:?}"));
        }
        return;
    }
    if !has_type(schema, value) {
        found.push(format!("{place}: {value} is not {}", schema["type"]));
        return;
    }
    if let Some(words) = schema["enum"].as_array()
        && !words.contains(value)
    {
        found.push(format!("{place}: {value} is none of {words:?}"));
    }
    if schema["format"] == "date-time"
        && value
            .as_str()
            .is_some_and(|text| text.parse::<jiff::Timestamp>().is_err())
    {
        found.push(format!("{place}: {value} is no time"));
    }
    match value {
        Value::Array(items) if schema.get("items").is_some() => {
            for (i, item) in items.iter().enumerate() {
                check(
                    document,
                    &schema["items"],
                    item,
                    &format!("{place}/{i}"),
                    found,
                );
            }
        }
        Value::Object(entries) => check_object(document, schema, entries, place, found),
        _ => {}
    }
}

fn check_object(
    document: &Value,
    schema: &Value,
    entries: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    for required in schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !entries.contains_key(required) {
            found.push(format!("{place}/{required} is missing"));
        }
    }
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for (name, entry) in entries {
        match properties.get(name) {
            Some(schema) => check(document, schema, entry, &format!("{place}/{name}"), found),
            None => found.push(format!("{place}/{name} is not described")),
        }
    }
}

/// The parts of an `allOf` as one object.
fn merged(document: &Value, parts: &[Value]) -> Value {
    let mut whole = serde_json::json!({"type": "object", "properties": {}, "required": []});
    for part in parts {
        let part = resolve(document, part);
        for (name, schema) in part["properties"].as_object().into_iter().flatten() {
            whole["properties"][name] = schema.clone();
        }
        for name in part["required"].as_array().into_iter().flatten() {
            whole["required"].as_array_mut().unwrap().push(name.clone());
        }
    }
    whole
}

fn has_type(schema: &Value, value: &Value) -> bool {
    let fits = |kind: &str| match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type {other}"),
    };
    match &schema["type"] {
        Value::String(kind) => fits(kind),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).any(fits),
        _ => true,
    }
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let document = serde_json::json!({"s": {"type": "object", "required": ["a"], "properties": {
        "a": {"type": ["string", "null"]}, "b": {"type": "array", "items": {"type": "integer"}},
        "c": {"oneOf": [{"type": "null"}, {"$ref": "#/s"}]}}}});
    let wrong = |value: Value| complaints(&document, &document["s"], &value).len();
    for good in [
        r#"{"a":null}"#,
        r#"{"a":"x","b":[1],"c":{"a":"y"}}"#,
        r#"{"a":"x","c":null}"#,
    ] {
        assert_eq!(wrong(serde_json::from_str(good).unwrap()), 0, "{good}");
    }
    for bad in [
        r#"{}"#,
        r#"{"a":1}"#,
        r#"{"a":"x","b":["y"]}"#,
        r#"{"a":"x","d":1}"#,
        r#"{"a":"x","c":{}}"#,
        "[]",
    ] {
        assert_eq!(wrong(serde_json::from_str(bad).unwrap()), 1, "{bad}");
    }
}
