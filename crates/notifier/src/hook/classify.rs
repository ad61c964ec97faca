//! What an answer means for the message and its contact. The words are read by the contact's owner.

use std::time::Duration;

use domain::contact::Channel;
use domain::delivery::retry::ErrorClass;
use egress::http::{Response, SendError};
use serde::Deserialize;

use crate::email::render::one_line;
use crate::send::Trouble;

/// Characters of an answer's body that are shown.
const SHOWN: usize = 120;

/// As Discord asks us to wait.
#[derive(Debug, Deserialize)]
struct TooMany {
    retry_after: f64,
}

/// Who answers, at the beginning of a sentence.
pub(super) const fn who(channel: Channel) -> &'static str {
    match channel {
        Channel::Slack => "Slack",
        Channel::Discord => "Discord",
        _ => "The endpoint",
    }
}

/// No answer at all.
pub(super) fn of_silence(channel: Channel, error: &SendError) -> Trouble {
    let who = who(channel);
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

/// An answer other than yes.
pub(super) fn of_answer(channel: Channel, answer: &Response) -> Trouble {
    let who = who(channel);
    let status = answer.status;
    let said = said(answer);
    let message = format!("{who} answers {status}{said}.");
    match status {
        300..=399 => permanent(
            format!("{who} answers {status}, a redirect; redirects are not followed."),
            None,
        ),
        408 | 425 | 429 => Trouble::transient(message, wait(channel, answer)),
        410 => permanent(message, Some(gone(channel))),
        500..=599 => Trouble {
            ambiguous: status != 503,
            ..Trouble::transient(message, wait(channel, answer))
        },
        // The endpoint of an owner may be between two versions of itself.
        _ if channel == Channel::Webhook => Trouble::transient(message, wait(channel, answer)),
        401 | 403 | 404 => permanent(message, Some(refused(channel, status))),
        _ => permanent(message, None),
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

const fn gone(channel: Channel) -> &'static str {
    match channel {
        Channel::Slack => "Slack says that the channel is archived",
        Channel::Discord => "Discord says that the webhook is gone",
        _ => "the endpoint says that it is gone (410)",
    }
}

const fn refused(channel: Channel, status: u16) -> &'static str {
    match (channel, status) {
        (Channel::Slack, 403) => "Slack does not let this webhook post there any more",
        (Channel::Slack, _) => {
            "Slack does not know this webhook any more: it was removed, or its app was"
        }
        (Channel::Discord, 403) => "Discord does not let this webhook post there any more",
        _ => "Discord does not know this webhook any more: it was deleted",
    }
}

/// `Retry-After`, or what Discord's body says more exactly.
fn wait(channel: Channel, answer: &Response) -> Option<Duration> {
    let exact = (channel == Channel::Discord)
        .then(|| serde_json::from_slice::<TooMany>(&answer.body).ok())
        .flatten()
        .and_then(|body| Duration::try_from_secs_f64(body.retry_after).ok());
    exact.max(answer.retry_after())
}

/// The beginning of the body, if it is words.
fn said(answer: &Response) -> String {
    let line = one_line(&answer.text());
    if line.is_empty() || line.starts_with('<') {
        return String::new();
    }
    let shown: String = line.chars().take(SHOWN).collect();
    format!(": {}", shown.trim_end_matches('.'))
}
