//! What does not fit, in our words and at its place.

use domain::monitor::validate::FieldError;
use serde_path_to_error::Segment;

use super::escaped;

/// Says in our words what serde found, at the place where it found it.
pub(super) fn complaint(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    let mut pointer = String::new();
    for segment in error.path().iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{}", escaped(key))),
            Segment::Enum { .. } | Segment::Unknown => {}
        }
    }
    let text = error.inner().to_string();
    // serde_json ends its sentences with the place, which means nothing here.
    let text = text.split(" at line ").next().unwrap_or_default();
    let quoted = |text: &str| text.split('`').nth(1).unwrap_or_default().to_owned();
    if text.starts_with("unknown field") {
        FieldError::new(
            pointer,
            "unknown_field",
            "is not a field that this object has",
        )
    } else if text.starts_with("missing field") {
        FieldError::new(
            format!("{pointer}/{}", escaped(&quoted(text))),
            "required",
            "must be given",
        )
    } else if let Some((_, allowed)) = text
        .strip_prefix("unknown variant")
        .and_then(|rest| rest.split_once(", expected "))
    {
        let allowed = allowed.trim_start_matches("one of ").replace('`', "");
        FieldError::new(
            pointer,
            "invalid",
            format!("must be one of {}", allowed.replace(" or ", ", ")),
        )
    } else if let Some((found, wanted)) = text
        .strip_prefix("invalid type: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        let (wanted, found) = (
            in_words(wanted),
            if found.starts_with("floating point") {
                fraction(found)
            } else {
                in_words(found)
            },
        );
        FieldError::new(
            pointer,
            "wrong_type",
            format!("must be {wanted}, not {found}"),
        )
    } else if text.starts_with("invalid length") {
        FieldError::new(pointer, "wrong_type", "must be an object, not an array")
    } else if text == "expected value" {
        // What serde_json says of a number where one of our words is wanted.
        FieldError::new(pointer, "wrong_type", "must be a text")
    } else if let Some((_, wanted)) = text
        .strip_prefix("invalid value: ")
        .and_then(|rest| rest.split_once(", expected "))
    {
        FieldError::new(
            pointer,
            "out_of_range",
            format!("must be {}", in_words(wanted)),
        )
    } else {
        FieldError::new(pointer, "invalid", text.to_owned())
    }
}

/// A number where a whole one is wanted: a fraction, or beyond every bound.
fn fraction(found: &str) -> String {
    let number = found.split('`').nth(1).unwrap_or_default();
    let is_huge = number
        .parse::<f64>()
        .is_ok_and(|number| number.abs() >= 1e15);
    if is_huge {
        "a number so large"
    } else {
        "a fraction"
    }
    .to_owned()
}

/// serde's names of types, as a reader of JSON knows them.
fn in_words(name: &str) -> String {
    let plain = name
        .split(" `")
        .next()
        .unwrap_or(name)
        .split(" \"")
        .next()
        .unwrap_or(name);
    match plain {
        "a string" | "string" | "str" => "a text",
        "i64" | "i32" | "u64" => "a whole number",
        "u32" => "a whole number from 0 to 4294967295",
        "u16" => "a whole number from 0 to 65535",
        "a boolean" | "boolean" | "bool" => "true or false",
        "a sequence" | "sequence" => "an array",
        "map" | "a map" => "an object",
        "null" | "unit" | "Option value" => "null",
        "integer" | "floating point" | "number" => "a number",
        _ if plain.starts_with("struct ") => "an object",
        _ if plain.starts_with("variant identifier") || plain.contains("enum") => "a text",
        other => return other.to_owned(),
    }
    .to_owned()
}
