//! The words of a message about several events, before any channel's own form.

use domain::alert::storm::{Kind, Member, Shared, What};
use domain::words;
use jiff::tz::TimeZone;

use super::Storm;
use crate::brief::Brief;
use crate::email::render::Tone;

/// Monitors that are named; of the others their number is told.
const NAMED: usize = 20;
/// Outages that differ from most and are spelled out.
const OTHERS: usize = 3;

/// What it says.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    /// One line, state first.
    pub(crate) title: String,
    /// A sentence.
    pub(crate) heading: String,
    pub(crate) facts: Vec<(&'static str, String)>,
    pub(crate) lines: Vec<Line>,
    /// Those that are not named.
    pub(crate) more: usize,
    /// What the link to all of them is called.
    pub(crate) open: &'static str,
}

/// One monitor.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) what: String,
}

impl Line {
    pub(crate) fn text(&self) -> String {
        format!("{}: {}", self.name, self.what)
    }
}

impl Said {
    pub(crate) fn of(storm: &Storm, brief: &Brief<'_>) -> Self {
        let (title, heading) = match storm.kind {
            Kind::Down => down(storm, &brief.zone),
            Kind::Again => again(storm, &brief.zone),
            Kind::Up => up(storm),
            Kind::Taken => taken(storm),
            Kind::Notice => notices(storm),
            Kind::Ending => endings(storm, brief),
        };
        let (word, tone) = match storm.kind {
            Kind::Down | Kind::Again | Kind::Taken => ("DOWN", Tone::Down),
            Kind::Up => ("UP", Tone::Up),
            Kind::Notice | Kind::Ending => ("NOTICE", Tone::Warn),
        };
        let lines = storm.members.iter().take(NAMED);
        Self {
            word,
            tone,
            title,
            heading,
            facts: facts(storm),
            lines: lines
                .map(|member| line(storm.kind, member, &brief.zone))
                .collect(),
            more: storm.members.len().saturating_sub(NAMED),
            open: match storm.standing {
                Some(_) => "Open the group",
                None => "Open Watchbell",
            },
        }
    }
}

/// `43 monitors`.
pub(crate) fn monitors(number: usize) -> String {
    match number {
        1 => "1 monitor".to_owned(),
        number => format!("{} monitors", words::thousands(number as u64)),
    }
}

/// The outages that the first message about a storm speaks of, or only what is new.
pub(crate) fn told_of(storm: &Storm) -> usize {
    storm.members.len() + storm.alone.len()
}

/// Those that are down now, as far as the contact knows.
pub(crate) fn open_of(storm: &Storm) -> usize {
    storm
        .standing
        .filter(|_| is_follow_up(storm))
        .map_or_else(|| told_of(storm), |standing| standing.open)
}

pub(crate) fn is_follow_up(storm: &Storm) -> bool {
    storm
        .standing
        .is_some_and(|standing| standing.told_together)
}

fn down(storm: &Storm, zone: &TimeZone) -> (String, String) {
    let new = storm.members.len();
    let open = storm.standing.map_or(new, |standing| standing.open);
    if is_follow_up(storm) {
        return (
            format!("Down: {new} more {} ({open} in all)", plural(new)),
            format!("{new} more {} DOWN, {open} in all", are(new)),
        );
    }
    let all = told_of(storm);
    let shares = storm.shared().map_or_else(String::new, |shared| {
        let count = number_of(&shared, all);
        match &shared.what {
            What::Address(what) | What::Host(what) => format!(" ({count} share {what})"),
            What::Cause => format!(" ({count} fail alike)"),
        }
    });
    let members = storm.members.iter().chain(&storm.alone);
    let since = members.map(|member| member.since).min().unwrap_or_default();
    let since = words::clock(since, zone);
    if let ([only], 1) = (storm.members.as_slice(), all) {
        let cause = &only.cause;
        return (
            format!("Down: {} ({cause})", only.name),
            format!("{} is DOWN since {since}", only.name),
        );
    }
    let of = match storm.standing.map(|standing| standing.monitors) {
        Some(monitors) if monitors == all => format!("All {all} of your {}", are(all)),
        Some(monitors) if monitors > all => format!("{all} of your {monitors} {}", are(monitors)),
        _ => format!("{all} {}", are(all)),
    };
    (
        format!("Down: {}{shares}", monitors(all)),
        format!("{of} DOWN since {since}"),
    )
}

fn again(storm: &Storm, zone: &TimeZone) -> (String, String) {
    let number = storm.members.len();
    let since = storm.members.iter().map(|member| member.since).min();
    let since = words::clock(since.unwrap_or_default(), zone);
    (
        format!("Re: Down: {} (nobody has them)", monitors(number)),
        format!(
            "{number} {} still DOWN since {since}, and nobody has them",
            are(number)
        ),
    )
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "monitor" } else { "monitors" }
}

fn are(number: usize) -> String {
    let verb = if number == 1 { "is" } else { "are" };
    format!("{} {verb}", plural(number))
}

/// How long the longest of them was.
pub(crate) fn longest(storm: &Storm) -> String {
    let spans = storm.members.iter();
    let spans = spans.filter_map(|member| Some(member.until?.duration_since(member.since)));
    spans.max().map_or_else(String::new, words::duration)
}

fn up(storm: &Storm) -> (String, String) {
    let number = storm.members.len();
    let longest = longest(storm);
    match storm.standing {
        Some(standing) if standing.open > 0 => {
            let up = standing.all.saturating_sub(standing.open);
            let (all, open) = (standing.all, standing.open);
            (
                format!("Up: {up} of {all} monitors ({open} still down)"),
                format!("{up} of {all} {} UP again, {open} still down", are(all)),
            )
        }
        Some(standing) => (
            format!("Up: all {} (down up to {longest})", monitors(standing.all)),
            format!("All {} {} UP again", standing.all, are(standing.all)),
        ),
        None if storm.first_word => (
            format!("Was down: {} (up to {longest})", monitors(number)),
            format!(
                "{number} {} UP again, after being down in your quiet hours",
                are(number)
            ),
        ),
        None => (
            format!("Up: {} (down up to {longest})", monitors(number)),
            format!("{number} {} UP again", are(number)),
        ),
    }
}

pub(crate) fn takers(storm: &Storm) -> String {
    match storm.by.as_slice() {
        [] => "Someone".to_owned(),
        [one] => one.clone(),
        several => format!("{} people", several.len()),
    }
}

fn taken(storm: &Storm) -> (String, String) {
    let (number, by) = (storm.members.len(), takers(storm));
    let has = if storm.by.len() > 1 { "have" } else { "has" };
    (
        format!("Re: Down: {} ({by} {has} them)", monitors(number)),
        format!("{by} {has} {}", monitors(number)),
    )
}

fn notices(storm: &Storm) -> (String, String) {
    let mut kinds: Vec<(&str, usize)> = Vec::new();
    for member in &storm.members {
        match kinds.iter_mut().find(|(what, _)| *what == member.cause) {
            Some((_, count)) => *count += 1,
            None => kinds.push((&member.cause, 1)),
        }
    }
    let kinds: Vec<String> = kinds
        .into_iter()
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    (
        format!(
            "Notice: {} ({})",
            monitors(storm.members.len()),
            kinds.join(", ")
        ),
        format!("News of {}, no alarm", monitors(storm.members.len())),
    )
}

/// `Soon over: 299 certificates and 1 domain (the first in 14 days)`.
fn endings(storm: &Storm, brief: &Brief<'_>) -> (String, String) {
    let count = |what: &str| storm.members.iter().filter(|one| one.cause == what).count();
    let say = |what: &str| match count(what) {
        0 => None,
        1 => Some(format!("1 {what}")),
        n => Some(format!("{} {what}s", words::thousands(n as u64))),
    };
    let what: Vec<String> = ["certificate", "domain"]
        .into_iter()
        .filter_map(say)
        .collect();
    let what = what.join(" and ");
    let first = storm.members.iter().map(|one| one.since).min();
    let first = first.unwrap_or(brief.now).duration_since(brief.now);
    let first = words::days_left(first);
    (
        format!("Ending: {what} (the first {first})"),
        format!("{what} come to their end, the first {first}"),
    )
}

fn facts(storm: &Storm) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(stand_in) = &storm.stand_in {
        let whom = stand_in.contact.as_deref().unwrap_or("another contact");
        let why = format!(
            "some of this was for {whom}, who could not be reached: {}.",
            stand_in.reason
        );
        facts.push(("Instead", words::capitalised(&why)));
    }
    if storm.ended > 0 {
        let (n, are) = (storm.ended, if storm.ended == 1 { "is" } else { "are" });
        let text = format!("{n} more broke in your quiet hours and {are} up again.");
        facts.push(("Over", text));
    }
    if storm.kind == Kind::Up {
        facts.push(("Down", format!("up to {}", longest(storm))));
    }
    if storm.kind == Kind::Taken {
        facts.push((
            "Then",
            "They are still down. Reminders stop; you hear when they are up again.".to_owned(),
        ));
    }
    if storm.kind == Kind::Again
        && let Some(shared) = storm.shared()
    {
        facts.push(("Shared", sharing(&shared, storm.members.len())));
    }
    if storm.kind != Kind::Down {
        return facts;
    }
    let common = storm.shared();
    if let Some(shared) = &common {
        facts.push(("Shared", sharing(shared, told_of(storm))));
        let others = others(storm, shared);
        if !others.is_empty() {
            facts.push(("Others", others));
        }
    }
    let (alone, here) = (storm.alone.len(), storm.members.len());
    facts.push(("Told", match (is_follow_up(storm), alone) {
        (false, 1..) => format!("{alone} in messages of their own; the other {here} are in this one. More follow at most once a minute."),
        _ => "More follow at most once a minute.".to_owned(),
    }));
    facts
}

/// `41`, or `all`.
pub(crate) fn number_of(shared: &Shared, all: usize) -> String {
    match shared.count == all {
        true => "all".to_owned(),
        false => shared.count.to_string(),
    }
}

/// `41 are on 203.0.113.7: server refuses connections. Likely that host or its network.`
fn sharing(shared: &Shared, all: usize) -> String {
    let count = words::capitalised(&number_of(shared, all));
    let cause = &shared.cause;
    match &shared.what {
        What::Address(address) => {
            format!("{count} are on {address}: {cause}. Likely that host or its network.")
        }
        What::Host(host) => {
            format!("{count} are on {host}: {cause}. Likely that host or its name.")
        }
        What::Cause => format!("{count} fail alike: {cause}."),
    }
}

/// `API: error 503 from your server. Blog: name does not exist in DNS.`
fn others(storm: &Storm, shared: &Shared) -> String {
    let differs = |member: &&Member| match &shared.what {
        What::Address(address) => member.address.as_ref() != Some(address),
        What::Host(host) => member.host != *host,
        What::Cause => member.cause != shared.cause,
    };
    let all: Vec<&Member> = storm.members.iter().filter(differs).collect();
    let mut said: Vec<String> = all
        .iter()
        .take(OTHERS)
        .map(|member| format!("{}: {}.", member.name, member.cause))
        .collect();
    match all.len().saturating_sub(OTHERS) {
        0 => {}
        more => said.push(format!("And {more} more.")),
    }
    said.join(" ")
}

fn line(kind: Kind, member: &Member, zone: &TimeZone) -> Line {
    let since = words::clock(member.since, zone);
    let what = match (kind, member.until) {
        (Kind::Up, Some(until)) => {
            let lasted = words::duration(until.duration_since(member.since));
            format!("was down {lasted}, {}", member.cause)
        }
        (Kind::Ending, _) => format!("{} ends {}", member.cause, words::day(member.since, zone)),
        (Kind::Notice, _) => format!("{}, since {since}", member.cause),
        // It ended while the message was on its way.
        (Kind::Down, Some(until)) => format!(
            "{}, from {since} to {}",
            member.cause,
            words::clock(until, zone)
        ),
        _ => format!("{}, since {since}", member.cause),
    };
    Line {
        name: member.name.clone(),
        what,
    }
}
