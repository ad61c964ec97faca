//! What an owner asks of a page's content: texts and JSON rules over the inflated body.

use crate::check::failure::{Failure, FailureClass, Phase};
use crate::check::observation::HttpFacts;
use crate::monitor::rules::{self, Pattern};

use super::Expectation;

/// Characters of a text that a failure phrase shows.
const SHOWN: usize = 18;

/// The first rule about content that does not hold.
pub(super) fn broken(facts: &HttpFacts, expected: &Expectation) -> Option<Failure> {
    let body = Body {
        bytes: &facts.body,
        complete: facts.body_complete,
    };
    missing(&body, expected.keyword.as_deref())
        .or_else(|| present(&body, expected.keyword_absent.as_deref()))
        .or_else(|| unmatched(&body, expected.regex.as_deref()))
        .or_else(|| mismatch(&body, expected))
}

/// Whether a page has a text, as the rule about a text looks for it.
pub(crate) fn holds_text(facts: &HttpFacts, text: &str) -> bool {
    let body = Body {
        bytes: &facts.body,
        complete: facts.body_complete,
    };
    body.contains(text)
}

struct Body<'b> {
    bytes: &'b [u8],
    complete: bool,
}

impl Body<'_> {
    /// Nothing more to read, or the rule cannot be decided.
    fn undecided(&self, rule: &str) -> Option<Failure> {
        (!self.complete).then(|| {
            let message = format!("{rule} is undecided after {} bytes", self.bytes.len());
            Failure::new(FailureClass::BodyTooLarge, Phase::Body, message)
        })
    }

    /// As UTF-8, as UTF-16 with a byte order mark, and as Latin-1: a page's declared charset is
    /// wrong often enough that all three are looked through.
    fn contains(&self, text: &str) -> bool {
        let found = match std::str::from_utf8(self.bytes) {
            Ok(whole) => whole.contains(text),
            Err(_) => find(self.bytes, text.as_bytes()),
        };
        if found {
            return true;
        }
        match self.bytes {
            [0xFF, 0xFE, rest @ ..] => find(rest, &utf16(text, u16::to_le_bytes)),
            [0xFE, 0xFF, rest @ ..] => find(rest, &utf16(text, u16::to_be_bytes)),
            _ if text.is_ascii() => false,
            _ => latin1(text).is_some_and(|encoded| find(self.bytes, &encoded)),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> bool {
    needle.is_empty()
        || haystack
            .windows(needle.len())
            .any(|window| window == needle)
}

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

/// Latin-1 as browsers read it: the C1 range is that of Windows-1252.
fn latin1(text: &str) -> Option<Vec<u8>> {
    text.chars()
        .map(|character| match character {
            '€' => Some(0x80),
            '„' => Some(0x84),
            '…' => Some(0x85),
            '‘' => Some(0x91),
            '’' => Some(0x92),
            '“' => Some(0x93),
            '”' => Some(0x94),
            '–' => Some(0x96),
            '—' => Some(0x97),
            '™' => Some(0x99),
            other => u8::try_from(u32::from(other)).ok(),
        })
        .collect()
}

fn missing(body: &Body<'_>, keyword: Option<&str>) -> Option<Failure> {
    let text = keyword?;
    if body.contains(text) {
        return None;
    }
    body.undecided("the expected text").or_else(|| {
        let message = format!(
            "text {text:?} is not in the {} bytes of the page",
            body.bytes.len()
        );
        let failure = Failure::new(FailureClass::KeywordMissing, Phase::Body, message);
        Some(failure.with_detail(shorten(text)))
    })
}

fn present(body: &Body<'_>, keyword: Option<&str>) -> Option<Failure> {
    let text = keyword?;
    if body.contains(text) {
        let message = format!("text {text:?} is in the page");
        let failure = Failure::new(FailureClass::KeywordPresent, Phase::Body, message);
        return Some(failure.with_detail(shorten(text)));
    }
    body.undecided("the text that must be absent")
}

/// A pattern that matches nothing: the class is that of a text that is gone.
fn unmatched(body: &Body<'_>, pattern: Option<&str>) -> Option<Failure> {
    let text = pattern?;
    // What cannot be compiled was refused when it was written.
    if Pattern::parse(text).is_ok_and(|pattern| pattern.is_match(body.bytes)) {
        return None;
    }
    body.undecided("the regular expression").or_else(|| {
        let message = format!(
            "the regular expression {text:?} matches nothing in the {} bytes of the page",
            body.bytes.len()
        );
        let failure = Failure::new(FailureClass::KeywordMissing, Phase::Body, message);
        Some(failure.with_detail(shorten(text)))
    })
}

fn mismatch(body: &Body<'_>, expected: &Expectation) -> Option<Failure> {
    if expected.json.is_empty() {
        return None;
    }
    if let Some(failure) = body.undecided("the JSON rule") {
        return Some(failure);
    }
    let fail = |message: String| {
        Some(Failure::new(
            FailureClass::JsonMismatch,
            Phase::Body,
            message,
        ))
    };
    let text = body
        .bytes
        .strip_prefix(b"\xEF\xBB\xBF")
        .unwrap_or(body.bytes);
    let count = rules::count_values(text);
    if count > rules::MOST_VALUES {
        let message = format!("the JSON rule is undecided: the page has {count} values");
        return Some(Failure::new(
            FailureClass::BodyTooLarge,
            Phase::Body,
            message,
        ));
    }
    match serde_json::from_slice::<serde_json::Value>(text) {
        Err(error) => fail(format!("the page is not JSON: {error}")),
        Ok(document) => {
            let wrong = expected
                .json
                .iter()
                .find_map(|rule| rules::holds(rule, &document).err());
            wrong.and_then(fail)
        }
    }
}

/// A text as a failure phrase shows it.
fn shorten(text: &str) -> String {
    let plain: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if plain.chars().count() <= SHOWN {
        return plain;
    }
    plain.chars().take(SHOWN - 3).chain("...".chars()).collect()
}
