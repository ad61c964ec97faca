//! What a text message says: one segment of GSM 03.38, at most 160 septets.
//!
//! Too long? The name is cut from 24 to 12, then the vote is dropped, then the cause is cut at a word.
//! The link and "Reply ACK" are never cut. To add a message: a function here that fills [`Draft`].

pub mod gsm;
pub mod reply;
pub mod storm;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::words;

const NAME_LONG: usize = 24;
const NAME_SHORT: usize = 12;
/// A longer link goes without its `https://`.
const LINK_LIMIT: usize = 36;

/// The parts of a message in their order. What is empty is left out.
#[derive(Debug, Clone, Default)]
struct Draft<'t> {
    /// `DOWN`.
    word: &'t str,
    /// What it is about.
    name: &'t str,
    /// Goes with the name: ` since 14:02 UTC+1`.
    when: String,
    /// A sentence without its full stop, first to be cut at a word.
    cause: String,
    /// A sentence that may be dropped.
    vote: String,
    /// A sentence that must stay.
    action: &'static str,
    /// Where it leads.
    link: &'t str,
}

impl Draft<'_> {
    fn render(&self) -> String {
        let name = gsm::fit(self.name);
        let cause = gsm::fit(&self.cause);
        let vote = gsm::fit(&self.vote);
        let fits = |text: &String| gsm::length(text) <= gsm::SEGMENT;
        [(NAME_LONG, true), (NAME_SHORT, true), (NAME_SHORT, false)]
            .into_iter()
            .map(|(limit, with_vote)| {
                self.assemble(
                    gsm::cut(&name, limit),
                    &cause,
                    if with_vote { &vote } else { "" },
                )
            })
            .find(fits)
            .unwrap_or_else(|| self.shorten(gsm::cut(&name, NAME_SHORT), &cause))
    }

    fn shorten(&self, name: &str, cause: &str) -> String {
        let bare = self.assemble(name, "", "");
        // The cause brings its full stop and a blank.
        let room = gsm::SEGMENT.saturating_sub(gsm::length(&bare) + 2);
        let short = self.assemble(name, gsm::cut_at_word(cause, room), "");
        if gsm::length(&short) <= gsm::SEGMENT {
            short
        } else {
            self.last_resort(name)
        }
    }

    /// For addresses of an unusual length: what must never be cut, and as much else as fits.
    fn last_resort(&self, name: &str) -> String {
        let must = join([self.action, &link(self.link)]);
        let head = format!("{} {name}", self.word);
        let room = gsm::SEGMENT.saturating_sub(gsm::length(&must) + 2);
        let head = gsm::cut_at_word(&head, room);
        if head.is_empty() {
            must
        } else {
            join([&format!("{head}."), &must])
        }
    }

    fn assemble(&self, name: &str, cause: &str, vote: &str) -> String {
        let head = [self.word, name]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let head = sentence(&format!("{head}{}", self.when));
        join([
            &head,
            &sentence(cause),
            &sentence(vote),
            self.action,
            &link(self.link),
        ])
    }
}

fn sentence(text: &str) -> String {
    if text.is_empty() || text.ends_with(['.', '?', ':']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

fn join<const N: usize>(parts: [&str; N]) -> String {
    parts
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

fn link(link: &str) -> String {
    let bare = link.strip_prefix("https://").unwrap_or(link);
    gsm::fit(if link.chars().count() > LINK_LIMIT {
        bare
    } else {
        link
    })
}

/// `14:02 UTC+1`.
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    format!(
        "{} {}",
        at.to_zoned(zone.clone()).strftime("%H:%M"),
        words::offset(at, zone)
    )
}

/// An outage begins.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the parts of the message")]
pub struct Down<'t> {
    pub name: &'t str,
    /// How many stand behind it.
    pub behind: u32,
    pub since: Timestamp,
    pub zone: &'t TimeZone,
    /// As [`words::cause_sentence_case`] says it.
    pub cause: &'t str,
    /// `3/3 looks failed`; empty when nothing is to be said.
    pub vote: &'t str,
    pub link: &'t str,
}

/// `DOWN Shop checkout since 14:02 UTC+1. Error 502 from your server. 3/3 looks failed. Reply ACK. {link}`; with
/// what stands behind it `DOWN Router and 4 behind it since …`
pub fn down(text: &Down<'_>) -> String {
    let behind = match text.behind {
        0 => String::new(),
        n => format!(" and {n} behind it"),
    };
    Draft {
        word: "DOWN",
        name: text.name,
        when: format!("{behind} since {}", clock(text.since, text.zone)),
        cause: text.cause.to_owned(),
        vote: text.vote.to_owned(),
        action: "Reply ACK.",
        link: text.link,
    }
    .render()
}

/// `FIRE DRILL Shop checkout. Nothing is down, this asks who answers. Reply ACK. {link}`
pub fn drill(name: &str, link: &str) -> String {
    Draft {
        word: "FIRE DRILL",
        name,
        when: String::new(),
        cause: "Nothing is down, this asks who answers".to_owned(),
        vote: String::new(),
        action: "Reply ACK.",
        link,
    }
    .render()
}

/// An outage is over.
#[derive(Debug, Clone, Copy)]
#[expect(missing_docs, reason = "the parts of the message")]
pub struct Up<'t> {
    pub name: &'t str,
    pub from: Timestamp,
    pub to: Timestamp,
    pub zone: &'t TimeZone,
    pub cause: &'t str,
    pub link: &'t str,
    /// The contact has not heard of the outage: this one message tells all of it.
    pub first_word: bool,
}

/// `UP Shop checkout since 14:08 UTC+1, was down 6 min 12 s. Error 502 from your server. {link}`, or
/// `WAS DOWN Shop checkout from 14:02 to 14:08 UTC+1 (6 min 12 s). …` where the outage was not told.
pub fn up(text: &Up<'_>) -> String {
    if text.first_word {
        return was_down(text, text.cause);
    }
    let lasted = words::duration(text.to.duration_since(text.from));
    Draft {
        word: "UP",
        name: text.name,
        when: format!(" since {}, was down {lasted}", clock(text.to, text.zone)),
        cause: text.cause.to_owned(),
        link: text.link,
        ..Draft::default()
    }
    .render()
}

/// The one message about an outage that was not told before it ended.
fn was_down(text: &Up<'_>, cause: &str) -> String {
    let lasted = words::duration(text.to.duration_since(text.from));
    let from = text.from.to_zoned(text.zone.clone());
    Draft {
        word: "WAS DOWN",
        name: text.name,
        when: format!(
            " from {} to {} ({lasted})",
            from.strftime("%H:%M"),
            clock(text.to, text.zone)
        ),
        cause: cause.to_owned(),
        link: text.link,
        ..Draft::default()
    }
    .render()
}

/// `CLOSED Shop checkout at 14:08 UTC+1, was down 6 min 12 s. The monitor was paused. {link}`, or
/// `WAS DOWN Shop checkout from …` where the outage was not told.
pub fn closed(text: &Up<'_>, why: &str) -> String {
    if text.first_word {
        return was_down(text, why);
    }
    let lasted = words::duration(text.to.duration_since(text.from));
    Draft {
        word: "CLOSED",
        name: text.name,
        when: format!(" at {}, was down {lasted}", clock(text.to, text.zone)),
        cause: why.to_owned(),
        link: text.link,
        ..Draft::default()
    }
    .render()
}

/// `TAKEN Shop checkout by Ana at 14:03 UTC+1. Reminders stop. {link}`
pub fn taken(name: &str, by: &str, at: Timestamp, zone: &TimeZone, link: &str) -> String {
    let when = format!(
        " by {} at {}",
        gsm::cut(&gsm::fit(by), NAME_LONG),
        clock(at, zone)
    );
    Draft {
        word: "TAKEN",
        name,
        when,
        cause: "Reminders stop".to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}

/// `CERT shop.example expires in 3 days (25 Nov 13:00 UTC+1). Covers 2 monitors, not renewed. {link}`
pub fn certificate(
    host: &str,
    not_after: Timestamp,
    (monitors, now): (usize, Timestamp),
    zone: &TimeZone,
    link: &str,
) -> String {
    let day = not_after
        .to_zoned(zone.clone())
        .strftime("%-d %b")
        .to_string();
    let left = words::days_left(not_after.duration_since(now));
    let verb = if not_after <= now {
        "expired"
    } else {
        "expires"
    };
    let covers = if monitors == 1 {
        "Covers 1 monitor".to_owned()
    } else {
        format!("Covers {monitors} monitors")
    };
    Draft {
        word: "CERT",
        name: host,
        when: format!(" {verb} {left} ({day} {})", clock(not_after, zone)),
        cause: format!("{covers}, not renewed"),
        link,
        ..Draft::default()
    }
    .render()
}

/// `CERT shop.example was renewed. Good until 20 Feb 2027. {link}` and other short news of a name.
pub fn notice(word: &'static str, name: &str, what: &str, detail: &str, link: &str) -> String {
    let what = gsm::fit(what);
    Draft {
        word,
        name,
        when: format!(" {what}"),
        cause: detail.to_owned(),
        link,
        ..Draft::default()
    }
    .render()
}

/// `TEST of Watchbell. Alerts for {account} come to this number. {link}`
pub fn test(account: &str, link: &str) -> String {
    let cause = format!(
        "Alerts of {} come to this number",
        gsm::cut(&gsm::fit(account), NAME_LONG)
    );
    Draft {
        word: "TEST",
        name: "of Watchbell",
        cause,
        link,
        ..Draft::default()
    }
    .render()
}

/// The code that proves a number.
pub fn code(code: &str) -> String {
    format!(
        "Watchbell code {}, valid 10 minutes. If you did not ask for it, ignore this. Msg & data rates may apply. Reply STOP to block.",
        gsm::fit(code)
    )
}
