//! Why an exchange failed: the library's error, and the bytes that say what it leaves open.

use std::error::Error as _;
use std::io;

use domain::check::{Failure, FailureClass, Phase};

use crate::handshake;
use crate::wire::{Passed, Stopped};

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
    if passed.stopped == Some(Stopped::Flood) {
        return flood(http2, passed.read);
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
    let told = reason(error);
    if just_closed(&told, passed) {
        let message = "the server closes the HTTP/2 connection without an answer".to_owned();
        return Failure::new(FailureClass::HttpNoResponse, Phase::FirstByte, message);
    }
    // The library's own word for a header block that is small on the wire and large unpacked.
    if told.contains("header_list") {
        return head_too_large(passed.read);
    }
    Failure::new(FailureClass::Http2Error, Phase::FirstByte, broken(error))
}

/// Who ended it and why, with the name of RFC 9113, 7.
fn broken(error: &hyper::Error) -> String {
    let Some(inner) = error.source().and_then(|inner| inner.downcast_ref()) else {
        return "the HTTP/2 exchange breaks off".to_owned();
    };
    let inner: &h2::Error = inner;
    let code = inner
        .reason()
        .map_or(h2::Reason::INTERNAL_ERROR, |code| code);
    let name = code_name(code);
    if !inner.is_remote() {
        return format!("the server breaks the rules of HTTP/2 ({name})");
    }
    let what = if inner.is_go_away() {
        "connection"
    } else {
        "stream"
    };
    format!("the server ends the HTTP/2 {what} with {name}")
}

/// Names of the error codes, by number.
const CODES: [&str; 14] = [
    "NO_ERROR",
    "PROTOCOL_ERROR",
    "INTERNAL_ERROR",
    "FLOW_CONTROL_ERROR",
    "SETTINGS_TIMEOUT",
    "STREAM_CLOSED",
    "FRAME_SIZE_ERROR",
    "REFUSED_STREAM",
    "CANCEL",
    "COMPRESSION_ERROR",
    "CONNECT_ERROR",
    "ENHANCE_YOUR_CALM",
    "INADEQUATE_SECURITY",
    "HTTP_1_1_REQUIRED",
];

fn code_name(code: h2::Reason) -> String {
    let number = u32::from(code);
    let name = usize::try_from(number).ok().and_then(|at| CODES.get(at));
    name.map_or_else(|| format!("error code {number}"), |name| (*name).to_owned())
}

/// The server sends without end, and no answer is in it.
fn flood(http2: bool, read: u64) -> Failure {
    let read = read / 1024;
    let (class, message) = match http2 {
        true => (
            FailureClass::Http2Error,
            format!("{read} KiB of HTTP/2 frames came, and no answer is in them"),
        ),
        false => (
            FailureClass::HeaderTooLarge,
            format!("{read} KiB came, and the header block of the answer is not in them"),
        ),
    };
    Failure::new(class, Phase::FirstByte, message)
}

/// The server ended the stream or the connection because it wants HTTP/1.1 for this.
pub(super) fn wants_http1(error: &hyper::Error) -> bool {
    let told = error.source().and_then(|inner| inner.downcast_ref());
    told.and_then(h2::Error::reason) == Some(h2::Reason::HTTP_1_1_REQUIRED)
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
        return match just_closed(&reason(error), passed) {
            true => fail(
                FailureClass::BodyTruncated,
                format!("the server closes after {} bytes", passed.read),
            ),
            false => fail(FailureClass::Http2Error, broken(error)),
        };
    }
    match cause(error) {
        Some(io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData) => fail(
            FailureClass::BodyMalformed,
            format!("the transfer breaks the rules of HTTP ({})", reason(error)),
        ),
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
