//! Why an exchange failed: the library's error, and the bytes that say what it leaves open.

use std::error::Error as _;
use std::io;

use domain::check::{Failure, FailureClass, Phase};

use crate::handshake;
use crate::wire::Passed;

/// A failure before the header block was complete.
pub(super) fn of_head(
    error: &hyper::Error,
    passed: &Passed,
    http2: bool,
    wants_certificate: bool,
) -> Failure {
    let fail = |class, message: String| Failure::new(class, Phase::FirstByte, message);
    if let Some(alert) = passed.alert {
        return handshake::late_alert(alert, wants_certificate);
    }
    if handshake::is_reset(passed.error) {
        return fail(FailureClass::ConnectionReset, format!("reset after {} bytes of answer", passed.read));
    }
    if let Some(text) = passed.error_text.as_ref() {
        return fail(FailureClass::HttpIncomplete, format!("the connection broke: {text}"));
    }
    if http2 {
        return of_http2(error, passed);
    }
    if error.is_parse_too_large() {
        return head_too_large(passed.read);
    }
    if error.is_parse() {
        let said = start(&passed.head);
        return fail(FailureClass::HttpMalformed, format!("{error}; the answer begins {said:?}"));
    }
    if passed.read == 0 {
        return fail(FailureClass::HttpNoResponse, "the server closes without a byte of answer".to_owned());
    }
    let message = format!("the server closes after {} bytes, inside the header block", passed.read);
    fail(FailureClass::HttpIncomplete, message)
}

fn of_http2(error: &hyper::Error, passed: &Passed) -> Failure {
    if passed.read as usize > super::exchange::MAX_HEAD {
        return head_too_large(passed.read);
    }
    let why = error.source().map(|source| source.to_string());
    let closed = passed.ended && !why.as_deref().is_some_and(|why| why.contains("error"));
    if closed {
        let message = "the server closes the HTTP/2 connection without an answer".to_owned();
        return Failure::new(FailureClass::HttpNoResponse, Phase::FirstByte, message);
    }
    let message = why.unwrap_or_else(|| error.to_string());
    Failure::new(FailureClass::Http2Error, Phase::FirstByte, message)
}

/// A header block over the limit.
pub(super) fn head_too_large(read: u64) -> Failure {
    let message = format!("the header block is over {} KiB ({read} bytes read)", super::exchange::MAX_HEAD / 1024);
    Failure::new(FailureClass::HeaderTooLarge, Phase::FirstByte, message)
}

/// A failure inside the body.
pub(super) fn of_body(error: &hyper::Error, passed: &Passed, http2: bool) -> Failure {
    let fail = |class, message: String| Failure::new(class, Phase::Body, message);
    if handshake::is_reset(passed.error) {
        return fail(FailureClass::BodyReset, format!("reset after {} bytes", passed.read));
    }
    let cause = cause(error);
    if http2 {
        let message = error.source().map_or_else(|| error.to_string(), ToString::to_string);
        return match passed.ended && cause.is_some() {
            true => fail(FailureClass::BodyTruncated, message),
            false => fail(FailureClass::Http2Error, message),
        };
    }
    match cause {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            fail(FailureClass::BodyMalformed, why)
        }
        _ if passed.ended || cause == Some(io::ErrorKind::UnexpectedEof) => {
            fail(FailureClass::BodyTruncated, format!("the server closes after {} bytes", passed.read))
        }
        _ => fail(FailureClass::BodyMalformed, error.to_string()),
    }
}

/// The I/O error behind the library's.
fn cause(error: &hyper::Error) -> Option<io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}

/// The first bytes of an answer, for people.
fn start(head: &[u8]) -> String {
    head.iter()
        .take(40)
        .map(|byte| if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' })
        .collect()
}
