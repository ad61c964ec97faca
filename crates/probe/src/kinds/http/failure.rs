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
        return fail(
            FailureClass::ConnectionReset,
            format!("reset after {} bytes of answer", passed.read),
        );
    }
    if let Some(text) = passed.error_text.as_ref() {
        return fail(
            FailureClass::HttpIncomplete,
            format!("the connection broke: {text}"),
        );
    }
    if http2 {
        return of_http2(error, passed);
    }
    // The library calls a length that no number holds too large as well.
    let could_be_large = passed.read > (4 * super::exchange::MAX_LINES) as u64;
    if error.is_parse_too_large() && could_be_large {
        return head_too_large(passed.read);
    }
    // What comes before our request was read is no answer to it.
    let unasked = passed.read > 0 && !passed.ended;
    if error.is_parse() || error.is_parse_too_large() || unasked {
        if matches!(passed.head.as_slice(), [20..=24, 3, ..]) {
            return fail(
                FailureClass::HttpMalformed,
                "the answer to plain http is in TLS".to_owned(),
            );
        }
        let said = start(&passed.head);
        return fail(
            FailureClass::HttpMalformed,
            format!("{error}; the answer begins {said:?}"),
        );
    }
    if passed.read == 0 {
        return fail(
            FailureClass::HttpNoResponse,
            "the server closes without a byte of answer".to_owned(),
        );
    }
    let message = format!(
        "the server closes after {} bytes, inside the header block",
        passed.read
    );
    fail(FailureClass::HttpIncomplete, message)
}

fn of_http2(error: &hyper::Error, passed: &Passed) -> Failure {
    if passed.read as usize > super::exchange::MAX_HEAD {
        return head_too_large(passed.read);
    }
    let message = reason(error);
    if just_closed(&message, passed) {
        let message = "the server closes the HTTP/2 connection without an answer".to_owned();
        return Failure::new(FailureClass::HttpNoResponse, Phase::FirstByte, message);
    }
    Failure::new(FailureClass::Http2Error, Phase::FirstByte, message)
}

/// The connection ended, and no frame said why: the library calls its own frames and those it
/// received "stream error" and "connection error".
fn just_closed(message: &str, passed: &Passed) -> bool {
    passed.ended && !message.contains("error")
}

fn reason(error: &hyper::Error) -> String {
    error
        .source()
        .map_or_else(|| error.to_string(), ToString::to_string)
}

/// A header block over the limit.
pub(super) fn head_too_large(read: u64) -> Failure {
    let message = format!(
        "the header block is over {} KiB or {} lines ({read} bytes read)",
        super::exchange::MAX_HEAD / 1024,
        super::exchange::MAX_LINES
    );
    Failure::new(FailureClass::HeaderTooLarge, Phase::FirstByte, message)
}

/// A failure inside the body.
pub(super) fn of_body(error: &hyper::Error, passed: &Passed, http2: bool) -> Failure {
    let fail = |class, message: String| Failure::new(class, Phase::Body, message);
    if handshake::is_reset(passed.error) {
        return fail(
            FailureClass::BodyReset,
            format!("reset after {} bytes", passed.read),
        );
    }
    if http2 {
        let message = reason(error);
        let class = if just_closed(&message, passed) {
            FailureClass::BodyTruncated
        } else {
            FailureClass::Http2Error
        };
        return fail(class, message);
    }
    match cause(error) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => {
            fail(FailureClass::BodyMalformed, reason(error))
        }
        kind if passed.ended || kind == Some(io::ErrorKind::UnexpectedEof) => fail(
            FailureClass::BodyTruncated,
            format!("the server closes after {} bytes", passed.read),
        ),
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
        .map(|byte| {
            if byte.is_ascii_graphic() || *byte == b' ' {
                char::from(*byte)
            } else {
                '.'
            }
        })
        .collect()
}
