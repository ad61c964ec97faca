//! What an answer means for the message and its contact. The words are read by the contact's owner.

use std::time::Duration;

use domain::contact::Channel;
use domain::delivery::retry::ErrorClass;
use domain::words::capitalised;
use egress::http::{Response, SendError};
use jiff::Timestamp;
use serde_json::Value;

use super::answers::{Answers, Meaning};
use crate::email::render::one_line;
use crate::send::{Accepted, Trouble};

/// Characters of an answer's body that are shown.
const SHOWN: usize = 120;

/// No answer at all.
pub(super) fn of_silence(channel: Channel, error: &SendError) -> Trouble {
    let who = super::answers(channel).who;
    match error {
        SendError::Refused(_) => permanent(format!("Nothing was sent: {error}."), None),
        SendError::Header(_) | SendError::Setup(_) => Trouble::ours(error.to_string()),
        SendError::Resolve(_) => {
            Trouble::transient(format!("{who} is not reached: {error}."), None)
        }
        SendError::Connect(why) => {
            Trouble::transient(format!("{who} is not reached, no connection: {why}."), None)
        }
        SendError::Ambiguous(why) => Trouble {
            ambiguous: true,
            ..Trouble::transient(format!("{who} does not answer: {why}."), None)
        },
    }
}

/// An answer: taken, or what is wrong.
pub(crate) fn of_answer(
    channel: Channel,
    answer: &Response,
    now: Timestamp,
) -> Result<Accepted, Trouble> {
    let answers = super::answers(channel);
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let taken = answers.taken.as_ref().is_none_or(|(pointer, word)| {
        let said = body.as_ref().and_then(|body| body.pointer(pointer));
        said.is_none_or(|said| serde_json::from_str(word).ok().as_ref() == Some(said))
    });
    if !(answer.is_success() && taken) {
        return Err(refused(answers, answer, body.as_ref(), now));
    }
    let id = answers.id.zip(body.as_ref());
    let id = id.and_then(|(pointer, body)| text_at(body, pointer));
    Ok(Accepted {
        provider: channel.as_str().to_owned(),
        provider_id: id,
        delivered: answers.arrives,
        message: format!("{} answers {}.", answers.who, answer.status),
    })
}

fn refused(answers: &Answers, answer: &Response, body: Option<&Value>, now: Timestamp) -> Trouble {
    let (who, status) = (answers.who, answer.status);
    let said = said(answers, answer, body);
    let plain = format!("{who} answers {status}{said}.");
    let wait = || wait(answers, answer, body, now);
    let lower = answer.text().to_lowercase();
    let rule = answers.rules.iter().find(|rule| rule.fits(status, &lower));
    if let Some(rule) = rule {
        let worded = |why| format!("{}. The answer was {status}{said}.", capitalised(why));
        return match rule.meaning {
            Meaning::Stop(why) => permanent(worded(why), Some(why)),
            Meaning::Refuse(why) => permanent(worded(why), None),
        };
    }
    match status {
        300..=399 => permanent(
            format!("{who} answers {status}, a redirect; redirects are not followed."),
            None,
        ),
        408 | 425 | 429 => Trouble::transient(plain, wait()),
        500..=599 => Trouble {
            ambiguous: status != 503,
            ..Trouble::transient(plain, wait())
        },
        _ if answers.patient => Trouble::transient(plain, wait()),
        _ => permanent(plain, None),
    }
}

fn permanent(message: String, contact_reason: Option<&'static str>) -> Trouble {
    Trouble {
        class: ErrorClass::Permanent {
            disable_contact: contact_reason.is_some(),
        },
        ambiguous: false,
        contact_reason,
        message,
    }
}

/// `Retry-After`, or what the body says more exactly.
fn wait(
    answers: &Answers,
    answer: &Response,
    body: Option<&Value>,
    now: Timestamp,
) -> Option<Duration> {
    let exact = answers.wait.zip(body).and_then(|((pointer, unit), body)| {
        Duration::try_from_secs_f64(body.pointer(pointer)?.as_f64()? / unit).ok()
    });
    exact.max(answer.retry_after_from(now))
}

/// `: ` and what the body says, if it is words.
fn said(answers: &Answers, answer: &Response, body: Option<&Value>) -> String {
    let spoken = body.and_then(|body| {
        let mut places = answers.words.iter();
        places.find_map(|pointer| text_at(body, pointer))
    });
    let line = one_line(&spoken.unwrap_or_else(|| answer.text()));
    if line.is_empty() || line.starts_with('<') {
        return String::new();
    }
    let shown: String = line.chars().take(SHOWN).collect();
    format!(": {}", shown.trim_end_matches('.'))
}

/// A text or number of the body.
fn text_at(body: &Value, pointer: &str) -> Option<String> {
    match body.pointer(pointer)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
