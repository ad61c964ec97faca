//! JSON as it was sent: the order of keys is kept, a key given twice is an error.

mod complaint;
#[cfg(test)]
mod tests;

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
        serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| complaint::complaint(&error))
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
