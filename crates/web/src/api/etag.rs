//! Versions of objects: `ETag`, `If-Match`, `If-None-Match` (RFC 9110, section 13).
//!
//! A tag is `"<version>-<hash of the body>"`. `If-None-Match` compares all of it. `If-Match` compares
//! the version alone where the object has one: a look at a monitor changes its body between read and
//! write, and must not make an edit fail.

use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;

use super::code::Code;
use super::problem::{ApiResult, Problem};

/// The tag of an object as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    version: Option<i64>,
    hash: String,
}

impl Tag {
    /// The tag of a body, with the object's version if it has one.
    pub fn of(version: Option<i64>, body: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
        Self {
            version,
            hash: hex::encode(&digest.as_ref()[..8]),
        }
    }

    fn text(&self) -> String {
        match self.version {
            Some(version) => format!("\"{version}-{}\"", self.hash),
            None => format!("\"{}\"", self.hash),
        }
    }

    /// A tag that a client sent names this version of the object.
    fn is_version(&self, sent: &str) -> bool {
        match self.version {
            Some(version) => {
                let inner = sent
                    .strip_prefix('"')
                    .and_then(|rest| rest.strip_suffix('"'))
                    .unwrap_or_default();
                inner.split('-').next() == Some(version.to_string().as_str())
            }
            None => sent == self.text(),
        }
    }
}

fn tags<'h>(headers: &'h HeaderMap, name: &'static str) -> Option<Vec<&'h str>> {
    let mut all = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .peekable();
    all.peek()?;
    Some(
        all.flat_map(|value| value.split(','))
            .map(str::trim)
            .collect(),
    )
}

/// Refuses a change of a version that is no longer there.
pub fn check_match(headers: &HeaderMap, current: &Tag) -> ApiResult<()> {
    let Some(sent) = tags(headers, "if-match") else {
        return Ok(());
    };
    if sent
        .iter()
        .any(|tag| *tag == "*" || current.is_version(tag))
    {
        return Ok(());
    }
    Err(Problem::new(
        Code::PreconditionFailed,
        "The object was changed since you read it; If-Match names an older version.",
    ))
}

/// The same for an object that is not there: no version of it can match.
pub fn check_match_none(headers: &HeaderMap) -> ApiResult<()> {
    match tags(headers, "if-match") {
        None => Ok(()),
        Some(_) => Err(Problem::new(
            Code::PreconditionFailed,
            "There is no such object yet, so If-Match cannot hold.",
        )),
    }
}

/// `If-None-Match: *` asks to create only.
pub fn check_absent(headers: &HeaderMap) -> ApiResult<()> {
    match tags(headers, "if-none-match") {
        Some(sent) if sent.contains(&"*") => Err(Problem::new(
            Code::PreconditionFailed,
            "The object exists already; If-None-Match: * asks to create only.",
        )),
        _ => Ok(()),
    }
}

/// An object with its tag.
pub fn tagged<T: Serialize>(
    status: StatusCode,
    version: Option<i64>,
    object: &T,
) -> ApiResult<Response> {
    let body = serde_json::to_vec(object).map_err(|error| Problem::internal(&error))?;
    Ok(with_tag(status, version, "application/json", body))
}

fn with_tag(
    status: StatusCode,
    version: Option<i64>,
    content_type: &'static str,
    body: Vec<u8>,
) -> Response {
    let tag = Tag::of(version, &body);
    let mut response = (status, body).into_response();
    let kind = HeaderValue::from_static(content_type);
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    if let Ok(value) = HeaderValue::from_str(&tag.text()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

/// An object that was asked for: 304 when the client has this very version.
pub fn fresh<T: Serialize>(
    headers: &HeaderMap,
    version: Option<i64>,
    object: &T,
) -> ApiResult<Response> {
    let response = tagged(StatusCode::OK, version, object)?;
    Ok(unless_known(headers, response))
}

/// The same for a text.
pub fn fresh_text(headers: &HeaderMap, content_type: &'static str, text: String) -> Response {
    let response = with_tag(StatusCode::OK, None, content_type, text.into_bytes());
    unless_known(headers, response)
}

fn unless_known(headers: &HeaderMap, mut response: Response) -> Response {
    let current = response
        .headers()
        .get(header::ETAG)
        .and_then(|tag| tag.to_str().ok())
        .unwrap_or_default();
    let known = tags(headers, "if-none-match").is_some_and(|sent| {
        sent.iter()
            .any(|tag| *tag == "*" || tag.trim_start_matches("W/") == current)
    });
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = axum::body::Body::empty();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    response
}

/// The tag that [`fresh`] and [`tagged`] give this object.
pub fn tag_of<T: Serialize>(version: Option<i64>, object: &T) -> ApiResult<Tag> {
    let body = serde_json::to_vec(object).map_err(|error| Problem::internal(&error))?;
    Ok(Tag::of(version, &body))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        [(name.parse().unwrap(), value.parse().unwrap())]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_look_does_not_fail_an_edit_but_an_edit_does() {
        let before = Tag::of(Some(3), b"up");
        let after_look = Tag::of(Some(3), b"down");
        let after_edit = Tag::of(Some(4), b"down");
        let sent = headers("if-match", &before.text());
        assert!(check_match(&sent, &after_look).is_ok());
        assert_eq!(
            check_match(&sent, &after_edit).unwrap_err().code,
            Code::PreconditionFailed
        );
        for (value, holds) in [
            ("*", true),
            ("\"x\", \"3-00\"", true),
            ("W/\"3-00\"", false),
            ("3", false),
            ("", false),
        ] {
            assert_eq!(
                check_match(&headers("if-match", value), &before).is_ok(),
                holds,
                "{value}"
            );
        }
        assert!(check_match(&HeaderMap::new(), &before).is_ok());
    }

    #[test]
    fn without_a_version_the_whole_tag_counts() {
        let (one, two) = (Tag::of(None, b"a"), Tag::of(None, b"b"));
        assert!(check_match(&headers("if-match", &one.text()), &one).is_ok());
        assert!(check_match(&headers("if-match", &one.text()), &two).is_err());
    }

    #[test]
    fn what_is_known_is_not_sent_again() {
        let first = fresh(&HeaderMap::new(), None, &"x").unwrap();
        assert_eq!(first.status(), 200);
        let tag = first.headers()[header::ETAG].to_str().unwrap();
        assert_eq!(
            fresh(&headers("if-none-match", tag), None, &"x")
                .unwrap()
                .status(),
            304
        );
        assert_eq!(
            fresh(&headers("if-none-match", &format!("W/{tag}")), None, &"x")
                .unwrap()
                .status(),
            304
        );
        assert_eq!(
            fresh(&headers("if-none-match", tag), None, &"y")
                .unwrap()
                .status(),
            200
        );
    }
}
