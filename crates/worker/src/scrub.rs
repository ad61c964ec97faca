//! NUL out of what targets send: the database keeps no text with one, and a look that cannot be kept
//! would be an outage that is not told.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use domain::check::Observation;

/// The same value with U+FFFD for every NUL in its texts.
pub(crate) fn scrub<T: Serialize + DeserializeOwned>(value: T) -> T {
    // Nearly nothing has one, so that the text is searched before anything is rebuilt.
    let dirty = serde_json::to_string(&value).is_ok_and(|text| text.contains("\\u0000"));
    if !dirty {
        return value;
    }
    let mut tree = serde_json::to_value(&value).unwrap_or_default();
    clean(&mut tree);
    serde_json::from_value(tree).unwrap_or(value)
}

/// An observation keeps its body, which is bytes and not text.
pub(crate) fn scrub_observation(mut seen: Observation) -> Observation {
    let body = seen
        .http
        .as_mut()
        .map(|http| std::mem::take(&mut http.body));
    let mut seen = scrub(seen);
    if let (Some(http), Some(body)) = (&mut seen.http, body) {
        http.body = body;
    }
    seen
}

fn clean(tree: &mut Value) {
    match tree {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{FFFD}"),
        Value::Array(items) => items.iter_mut().for_each(clean),
        Value::Object(fields) => fields.values_mut().for_each(clean),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use domain::check::{Failure, FailureClass, HttpFacts, Phase};
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn texts_lose_their_nul_and_bodies_keep_it() {
        let mut seen = Observation::begin(Timestamp::UNIX_EPOCH);
        seen.failure = Some(Failure::new(
            FailureClass::TlsNotTls,
            Phase::Tls,
            "it said SSH\0\\u0000",
        ));
        seen.http = Some(HttpFacts {
            body: b"a\0b".to_vec(),
            ..HttpFacts::default()
        });
        let kept = scrub_observation(seen);
        assert_eq!(kept.failure.unwrap().message, "it said SSH\u{FFFD}\\u0000");
        assert_eq!(kept.http.unwrap().body, b"a\0b");
    }
}
