//! JSON as it was sent: the order of keys is kept, a key given twice is an error.

use std::fmt;

use domain::monitor::validate::FieldError;
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, with all its digits.
    Number(Number),
    /// A text.
    String(String),
    /// A list.
    Array(Vec<Json>),
    /// An object, keys in the order in which they were sent.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The value as JSON knows it, such as `null` or `an array`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a text",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// Turns any value into JSON.
    pub fn of<T: Serialize>(value: &T) -> serde_json::Result<Self> {
        serde_json::from_str(&serde_json::to_string(value)?)
    }

    /// Takes a key out of an object.
    pub fn remove(&mut self, key: &str) -> Option<Self> {
        let Self::Object(entries) = self else {
            return None;
        };
        let position = entries.iter().position(|(name, _)| name == key)?;
        Some(entries.remove(position).1)
    }

    /// The value at a key of an object.
    pub fn get(&self, key: &str) -> Option<&Self> {
        let Self::Object(entries) = self else {
            return None;
        };
        entries
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value)
    }

    /// Refuses a value at `keys` that is no object: serde would also take a list of its fields' values.
    pub fn require_objects(&self, keys: &[&str]) -> Result<(), FieldError> {
        for key in keys {
            if let Some(value) = self.get(key)
                && !matches!(value, Self::Object(_) | Self::Null)
            {
                let message = format!("must be an object, not {}", value.kind());
                return Err(FieldError::new(
                    format!("/{}", escaped(key)),
                    "wrong_type",
                    message,
                ));
            }
        }
        Ok(())
    }

    /// Applies a merge patch (RFC 7396): null removes, objects are merged, all else is replaced.
    #[must_use]
    pub fn merged(self, patch: Self) -> Self {
        let Self::Object(changes) = patch else {
            return patch;
        };
        let mut entries = match self {
            Self::Object(entries) => entries,
            _ => Vec::new(),
        };
        for (key, change) in changes {
            let position = entries.iter().position(|(name, _)| *name == key);
            match (position, change) {
                (Some(at), Self::Null) => drop(entries.remove(at)),
                (None, Self::Null) => {}
                (Some(at), change) => {
                    let old = std::mem::replace(&mut entries[at].1, Self::Null);
                    entries[at].1 = old.merged(change);
                }
                (None, change) => entries.push((key, Self::Null.merged(change))),
            }
        }
        Self::Object(entries)
    }

    /// Reads a typed value; the first thing that does not fit is named by its pointer.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, FieldError> {
        let text = serde_json::to_string(self)
            .map_err(|error| FieldError::new("", "invalid", error.to_string()))?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        serde_path_to_error::deserialize(&mut deserializer).map_err(|error| complaint(&error))
    }

    /// The pointer of the first text or key that holds a NUL, which no field takes.
    pub fn nul(&self) -> Option<String> {
        match self {
            Self::String(text) => text.contains('\0').then(String::new),
            Self::Array(items) => items
                .iter()
                .enumerate()
                .find_map(|(i, item)| item.nul().map(|rest| format!("/{i}{rest}"))),
            Self::Object(entries) => entries.iter().find_map(|(key, value)| {
                let here = format!("/{}", escaped(key));
                if key.contains('\0') {
                    Some(here)
                } else {
                    value.nul().map(|rest| format!("{here}{rest}"))
                }
            }),
            _ => None,
        }
    }
}

/// One step of a JSON pointer (RFC 6901).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Says in our words what serde found, at the place where it found it.
fn complaint(error: &serde_path_to_error::Error<serde_json::Error>) -> FieldError {
    use serde_path_to_error::Segment;
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

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(number) => number.serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(entries) => {
                serializer.collect_map(entries.iter().map(|(key, value)| (key, value)))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }

            fn visit_unit<E>(self) -> Result<Json, E> {
                Ok(Json::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
                Ok(Json::Bool(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
                Ok(Json::Number(value.into()))
            }

            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
                Number::from_f64(value)
                    .map(Json::Number)
                    .ok_or_else(|| E::custom("a number is too large"))
            }

            fn visit_str<E>(self, value: &str) -> Result<Json, E> {
                Ok(Json::String(value.to_owned()))
            }

            fn visit_string<E>(self, value: String) -> Result<Json, E> {
                Ok(Json::String(value))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Json::Array(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
                let mut all = Vec::new();
                let mut seen = std::collections::HashSet::new();
                while let Some((key, value)) = entries.next_entry::<String, Json>()? {
                    if !seen.insert(key.clone()) {
                        return Err(serde::de::Error::custom(format_args!(
                            "the key {key:?} is given twice"
                        )));
                    }
                    all.push((key, value));
                }
                Ok(Json::Object(all))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn json(text: &str) -> Json {
        serde_json::from_str(text).unwrap()
    }

    #[rstest]
    // The cases of RFC 7396, appendix A.
    #[case(r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#)]
    #[case(r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#)]
    #[case(r#"{"a":"b"}"#, r#"{"a":null}"#, "{}")]
    #[case(r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#)]
    #[case(r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#)]
    #[case(r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#)]
    #[case(
        r#"{"a":{"b":"c"}}"#,
        r#"{"a":{"b":"d","c":null}}"#,
        r#"{"a":{"b":"d"}}"#
    )]
    #[case(r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#)]
    #[case(r#"["a","b"]"#, r#"["c","d"]"#, r#"["c","d"]"#)]
    #[case(r#"{"a":"b"}"#, r#"["c"]"#, r#"["c"]"#)]
    #[case(r#"{"a":"foo"}"#, "null", "null")]
    #[case(r#"{"e":null}"#, r#"{"a":1}"#, r#"{"e":null,"a":1}"#)]
    #[case("[1,2]", r#"{"a":"b","c":null}"#, r#"{"a":"b"}"#)]
    #[case("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#)]
    // Order is kept.
    #[case(r#"{"z":1,"a":2}"#, r#"{"a":3,"m":4}"#, r#"{"z":1,"a":3,"m":4}"#)]
    fn merge_patch(#[case] old: &str, #[case] patch: &str, #[case] merged: &str) {
        assert_eq!(
            serde_json::to_string(&json(old).merged(json(patch))).unwrap(),
            merged
        );
    }

    #[test]
    fn what_is_sent_is_what_is_read() {
        for text in [
            r#"{"b":[1,-2,2.5,"x"],"a":{"z":null,"y":true}}"#,
            "18446744073709551615",
            r#""\u0000é🔔""#,
        ] {
            let read: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_value(json(text)).unwrap(), read);
        }
        assert!(
            serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#)
                .unwrap_err()
                .to_string()
                .contains("given twice")
        );
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Sample {
        name: String,
        port: Option<u16>,
        on: Option<bool>,
        kind: Option<domain::monitor::Kind>,
        inner: Option<Inner>,
        ids: Option<Vec<domain::ids::ContactId>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only decoded")]
    struct Inner {
        text: Option<String>,
    }

    #[rstest]
    #[case("{}", "/name", "required", "must be given")]
    #[case("null", "", "wrong_type", "must be an object, not null")]
    #[case("[]", "", "wrong_type", "must be an object, not an array")]
    #[case(
        r#"{"name":"x","wrong":1}"#,
        "/wrong",
        "unknown_field",
        "is not a field that this object has"
    )]
    #[case(
        r#"{"name":"x","a/b~":1}"#,
        "/a~1b~0",
        "unknown_field",
        "is not a field that this object has"
    )]
    #[case(
        r#"{"name":"x","inner":{"x":1}}"#,
        "/inner/x",
        "unknown_field",
        "is not a field that this object has"
    )]
    #[case(
        r#"{"name":"x","inner":5}"#,
        "/inner",
        "wrong_type",
        "must be an object, not a number"
    )]
    #[case(r#"{"name":5}"#, "/name", "wrong_type", "must be a text, not a number")]
    #[case(
        r#"{"name":"x","port":"80"}"#,
        "/port",
        "wrong_type",
        "must be a whole number from 0 to 65535, not a text"
    )]
    #[case(
        r#"{"name":"x","port":70000}"#,
        "/port",
        "out_of_range",
        "must be a whole number from 0 to 65535"
    )]
    #[case(
        r#"{"name":"x","port":-1}"#,
        "/port",
        "out_of_range",
        "must be a whole number from 0 to 65535"
    )]
    #[case(
        r#"{"name":"x","port":1.5}"#,
        "/port",
        "wrong_type",
        "must be a whole number from 0 to 65535, not a fraction"
    )]
    #[case(
        r#"{"name":"x","port":1e30}"#,
        "/port",
        "wrong_type",
        "must be a whole number from 0 to 65535, not a number so large"
    )]
    #[case(
        r#"{"name":"x","on":"yes"}"#,
        "/on",
        "wrong_type",
        "must be true or false, not a text"
    )]
    #[case(
        r#"{"name":"x","kind":"ftp"}"#,
        "/kind",
        "invalid",
        "must be one of http, tcp, ping, dns, tls, domain, smtp, websocket, grpc, udp, heartbeat"
    )]
    #[case(r#"{"name":"x","kind":7}"#, "/kind", "wrong_type", "must be a text")]
    #[case(
        r#"{"name":"x","ids":["mon_1"]}"#,
        "/ids/0",
        "invalid",
        "is not an id of the form con_…"
    )]
    fn complaints_name_the_field(
        #[case] text: &str,
        #[case] pointer: &str,
        #[case] code: &'static str,
        #[case] message: &str,
    ) {
        assert_eq!(
            json(text).decode::<Sample>().unwrap_err(),
            FieldError::new(pointer, code, message)
        );
    }

    #[test]
    fn a_nul_is_found_wherever_it_is() {
        assert_eq!(
            json(r#"{"a":["x",{"b":"\u0000"}]}"#).nul().as_deref(),
            Some("/a/1/b")
        );
        assert_eq!(json(r#"{"a\u0000":1}"#).nul().as_deref(), Some("/a\0"));
        assert_eq!(json(r#"{"a":"x"}"#).nul(), None);
    }
}
