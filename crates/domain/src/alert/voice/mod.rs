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

use crate::alert::storm::{Shared, What};
use crate::check::{Attribution, Failure, FailureClass};
use crate::incident::{Incident, VoteSummary};
use crate::words;

/// What the keys do.
pub const MENU: &str = "Press 1 if you have it. Press 2 to hear the cause. Press 3 to pass it on.";
/// After key 1.
pub const TAKEN: &str = "Thank you. You have it, the others are told. Goodbye.";
/// What the keys do in a call about several.
pub const MENU_ALL: &str =
    "Press 1 to take all of them. Press 2 to hear the cause. Press 3 to pass them on.";
/// After key 1 in a call about several.
pub const TAKEN_ALL: &str = "Thank you. You have all of them, the others are told. Goodbye.";
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
    /// It tells of several outages, and key 1 takes all of them.
    #[serde(default)]
    pub all: bool,
    /// It is a fire drill.
    #[serde(default)]
    pub drill: bool,
}

impl Script {
    /// Tells of several outages that began `since`, and what most of them share.
    pub fn storm(
        number: usize,
        since: Timestamp,
        shared: Option<&Shared>,
        zone: &TimeZone,
    ) -> Self {
        let since = speech::clock(since, zone);
        let name = format!("{} monitors", counted(number));
        let down = format!("{} are down", words::capitalised(&name));
        let cause = shared.map_or_else(|| "They fail in different ways.".to_owned(), sharing);
        Self {
            alert: format!("Watchbell alert. {down}, since {since}. {cause}"),
            cause,
            machine: format!(
                "Watchbell alert. {down} since {since}. Hearing this does not take them over."
            ),
            name,
            asks: true,
            all: true,
            drill: false,
        }
    }

    /// Tells that several are over; `open` are not.
    pub fn storm_over(up: usize, open: usize) -> Self {
        let up = words::capitalised(&counted(up));
        let text = match open {
            0 => format!("Watchbell. {up} monitors are up again. Nothing to do. Goodbye."),
            open => format!(
                "Watchbell. {up} monitors are up again. {} are still down. Goodbye.",
                words::capitalised(&counted(open))
            ),
        };
        Self::notice("monitors", text)
    }

    /// What the keys do.
    pub const fn menu(&self) -> &'static str {
        if self.all { MENU_ALL } else { MENU }
    }

    /// After key 1.
    pub const fn taken(&self) -> &'static str {
        if self.all { TAKEN_ALL } else { TAKEN }
    }

    /// It was over before the call was answered.
    pub fn over(&self, lasted: SignedDuration) -> String {
        match (self.all, self.drill) {
            (_, true) => "Watchbell. The fire drill is over. Nothing to do. Goodbye.".to_owned(),
            (true, _) => "Watchbell. All of them are up again. Nothing to do. Goodbye.".to_owned(),
            _ => up(&self.name, lasted),
        }
    }

    /// Tells of an outage, and of how many stand behind it.
    pub fn down((name, behind): (&str, u32), incident: &Incident, zone: &TimeZone) -> Self {
        let name = speech::name(name);
        let since = speech::clock(incident.first_failure_at, zone);
        let why = cause(&incident.failure, incident.attribution);
        let alert = join([
            match behind {
                0 => format!("Watchbell alert. {name} is down, since {since}."),
                n => format!(
                    "Watchbell alert. {name} is down, and {} behind it, since {since}.",
                    speech::number(u64::from(n))
                ),
            },
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
            all: false,
            drill: false,
        }
    }

    /// Asks who answers, though nothing is down.
    pub fn drill(name: &str) -> Self {
        let name = speech::name(name);
        let alert =
            format!("Watchbell. Fire drill for {name}. Nothing is down, this asks who answers.");
        Self {
            machine: format!("{alert} Hearing this is no answer."),
            cause: "There is no cause: nothing is down.".to_owned(),
            alert,
            name,
            asks: true,
            all: false,
            drill: true,
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
            all: false,
            drill: false,
        }
    }
}

fn counted(number: usize) -> String {
    speech::number(u64::try_from(number).unwrap_or(u64::MAX))
}

/// `Forty-one share one server, which refuses connections.`
fn sharing(shared: &Shared) -> String {
    let count = words::capitalised(&counted(shared.count));
    let cause = speech::sentence(&shared.cause);
    let cause = cause.trim_end_matches('.');
    let what = match &shared.what {
        What::Address(_) => "server",
        What::Host(_) => "name",
        What::Cause => return format!("{count} fail alike: {cause}."),
    };
    match cause.strip_prefix("server ") {
        Some(does) if what == "server" => format!("{count} share one server, which {does}."),
        _ => format!("{count} share one {what}. {}.", words::capitalised(cause)),
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
