//! What a call says, and what it does when a key is pressed.
//!
//! A call cannot be read twice: short sentences, figures in words, names and never an address. What is
//! said is worked out before the call is placed and kept with it ([`Script`]); what a key does is
//! [`call`]. To add a sentence: a function here, and its case in the tests.

pub mod call;
pub mod speech;
#[cfg(test)]
mod tests;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::{Attribution, Failure, FailureClass};
use crate::incident::{Incident, VoteSummary};
use crate::words;

/// What the keys do.
pub const MENU: &str = "Press 1 if you have it. Press 2 to hear the cause. Press 3 to pass it on.";
/// After key 1.
pub const TAKEN: &str = "Thank you. You have it, the others are told. Goodbye.";
/// After silence, twice.
pub const SILENCE: &str = "No key pressed. We go on to the next person. Goodbye.";
/// After a key that has no meaning; the menu follows.
pub const OTHER_KEY: &str = "That key does nothing here.";
/// Who calls our number hears this.
pub const INBOUND: &str = "This is Watchbell. Nobody answers calls to this number. Reply to the text message instead. Goodbye.";

/// What one call has to say, worked out before it is placed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Script {
    /// What it is about, as it is said.
    pub name: String,
    /// The first thing a person hears.
    pub alert: String,
    /// What key 2 says.
    #[serde(default)]
    pub cause: String,
    /// What is left on an answering machine.
    #[serde(default)]
    pub machine: String,
    /// Keys mean something: it tells of an outage.
    #[serde(default)]
    pub asks: bool,
}

impl Script {
    /// Tells of an outage.
    pub fn down(name: &str, incident: &Incident, zone: &TimeZone) -> Self {
        let name = speech::name(name);
        let since = speech::clock(incident.first_failure_at, zone);
        let why = cause(&incident.failure, incident.attribution);
        let alert = join([
            format!("Watchbell alert. {name} is down, since {since}."),
            why.clone(),
            vote(&incident.vote),
        ]);
        let known = incident.diagnosis.as_ref();
        Self {
            alert,
            cause: known.map_or_else(
                || join([why, "More is not known yet.".to_owned()]),
                |diagnosis| diagnosed(&diagnosis.sentence),
            ),
            machine: format!(
                "Watchbell alert. {name} is down since {since}. Hearing this does not take it over."
            ),
            name,
            asks: true,
        }
    }

    /// Tells of the end of one.
    pub fn up(name: &str, lasted: SignedDuration) -> Self {
        let name = speech::name(name);
        Self::notice(&name, up(&name, lasted))
    }

    /// Shows that calls arrive.
    pub fn test(account: &str) -> Self {
        let account = speech::name(account);
        Self::notice(
            &account,
            format!(
                "Watchbell. This is a test call for {account}. Nothing is down. In an alert you hear what is down, and press 1 to take it. Goodbye."
            ),
        )
    }

    fn notice(name: &str, text: String) -> Self {
        Self {
            name: name.to_owned(),
            machine: text.clone(),
            alert: text,
            cause: String::new(),
            asks: false,
        }
    }
}

/// The code that proves a number, digit by digit and twice.
pub fn code(code: &str) -> String {
    let digits = speech::digits(code);
    format!(
        "This is Watchbell. Your code is {digits}. Once more: {digits}. If you did not ask for it, hang up. Goodbye."
    )
}

/// It works again.
pub fn up(name: &str, lasted: SignedDuration) -> String {
    format!(
        "Watchbell. {name} is up again, after {}. Nothing to do. Goodbye.",
        speech::duration(lasted)
    )
}

/// Somebody else was faster.
pub fn already_taken(by: &str, at: Timestamp, zone: &TimeZone) -> String {
    format!(
        "{} has it since {}. Goodbye.",
        speech::name(by),
        speech::clock(at, zone)
    )
}

/// After key 3.
pub fn passed_on(next: &[String]) -> String {
    match next {
        [] => "There is nobody after you. It stays open. Goodbye.".to_owned(),
        [only] => format!("Passed on to {}. Goodbye.", speech::name(only)),
        [first, second] => format!(
            "Passed on to {} and {}. Goodbye.",
            speech::name(first),
            speech::name(second)
        ),
        [first, rest @ ..] => format!(
            "Passed on to {} and {} others. Goodbye.",
            speech::name(first),
            speech::number(u64::try_from(rest.len()).unwrap_or(u64::MAX))
        ),
    }
}

/// `Your server answers with error five, zero, two.`
fn cause(failure: &Failure, attribution: Option<Attribution>) -> String {
    if failure.class == FailureClass::HttpStatus
        && let Some(status) = failure.detail.as_deref()
    {
        let who = match attribution {
            Some(Attribution::Origin) => "Your server",
            Some(Attribution::OriginProxy) => "Your proxy",
            Some(Attribution::Edge) => "Your CDN",
            _ => "It",
        };
        return format!("{who} answers with error {}.", speech::digits(status));
    }
    let phrase = speech::sentence(&words::cause(failure, attribution));
    format!("{}.", words::capitalised(phrase.trim_end_matches('.')))
}

/// A diagnosis as it is said; who is not at fault comes first, since that is what is doubted first.
fn diagnosed(sentence: &str) -> String {
    if let Some((fault, rest)) = sentence.split_once("; ")
        && let Some((other, rest)) = rest.split_once(" only passes it on.")
        && !other.contains('.')
    {
        let fault = fault.replacen("Your server", "Your own server", 1);
        return speech::sentence(&format!("{other} is fine. {fault}.{rest}"));
    }
    speech::sentence(sentence)
}

/// `Three of three looks failed.`; empty where nothing was counted.
fn vote(vote: &VoteSummary) -> String {
    let say = |n: u32| speech::number(u64::from(n));
    match (vote.of, vote.looks) {
        (2.., _) => format!(
            "{} of {} regions say down.",
            words::capitalised(&say(vote.down)),
            say(vote.of)
        ),
        (_, 0) => String::new(),
        (_, 1) => "One look failed.".to_owned(),
        (_, looks) => format!(
            "{} of {} looks failed.",
            words::capitalised(&say(looks)),
            say(looks)
        ),
    }
}

fn join<const N: usize>(sentences: [String; N]) -> String {
    sentences
        .into_iter()
        .filter(|one| !one.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
