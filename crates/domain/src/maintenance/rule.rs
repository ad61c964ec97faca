//! Recurrence rules (RFC 5545, section 3.3.10) over the time zones of `jiff`.
//!
//! The library walks the calendar in local time, which to it is UTC and so without gaps and overlaps;
//! what a local time means on the days on which clocks change is decided in [`crate::local`]. It knows
//! time zones of its own (`chrono-tz`), which are never asked.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rrule::RRuleSet;

use super::Occurrence;
use crate::{local, words};

/// The longest text of a rule.
pub const MAX_RULE_TEXT: usize = 200;
/// What may stand in a rule. The time of day is that of the start, so that there is no BYHOUR; the rest
/// that is left out would let a rule be walked for long without a date.
const PARTS: [&str; 9] = [
    "FREQ",
    "INTERVAL",
    "COUNT",
    "UNTIL",
    "WKST",
    "BYDAY",
    "BYMONTH",
    "BYMONTHDAY",
    "BYSETPOS",
];
/// How often a window may come round.
const FREQUENCIES: [&str; 4] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
/// The largest INTERVAL.
const MAX_INTERVAL: u32 = 366;
/// A rule is walked for so many years from its start; the library itself gives up on a date after
/// 100,000 steps.
const YEARS: i16 = 100;
/// Dates that are compared to find a rule that overlaps itself.
const COMPARED: usize = 200;

/// A time that comes again and again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// The value of an RRULE, such as `FREQ=WEEKLY;BYDAY=TU`.
    pub rrule: String,
    /// The local time at which the rule begins; its time of day is that of every occurrence.
    pub local_start: DateTime,
    /// How long each occurrence lasts.
    pub duration_seconds: u32,
    /// The IANA zone of the local time.
    pub timezone: String,
}

/// Why a text is no rule that we go by; a verb phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Too long, or with line breaks.
    #[error("must be one line of at most {MAX_RULE_TEXT} characters")]
    Length,
    /// No such part, or one that is not taken.
    #[error(
        "must consist of FREQ, INTERVAL, COUNT, UNTIL, WKST, BYDAY, BYMONTH, BYMONTHDAY and BYSETPOS, such as FREQ=WEEKLY;BYDAY=TU: {0} is none of them"
    )]
    Part(String),
    /// A part stands twice.
    #[error("must have each part once: {0} stands twice")]
    Twice(String),
    /// FREQ is missing or another.
    #[error("must have FREQ=DAILY, FREQ=WEEKLY, FREQ=MONTHLY or FREQ=YEARLY")]
    Frequency,
    /// INTERVAL is out of bounds.
    #[error("must have an INTERVAL between 1 and {MAX_INTERVAL}")]
    Interval,
    /// UNTIL is no time.
    #[error("must have an UNTIL such as 20271231 or 20271231T220000Z")]
    Until,
    /// The library has a complaint.
    #[error("must be a rule of RFC 5545 such as FREQ=WEEKLY;BYDAY=TU: {0}")]
    Syntax(String),
    /// Such as 31 February.
    #[error("must name a time that comes: this one has none")]
    Never,
    /// An occurrence begins before the one before it is over.
    #[error("must not begin again before it is over")]
    Overlaps,
}

impl Rule {
    /// Whether the rule can be gone by.
    pub fn check(&self) -> Result<(), RuleError> {
        let starts: Vec<DateTime> = self.walk()?.take(COMPARED).collect();
        if starts.is_empty() {
            return Err(RuleError::Never);
        }
        let lasts = SignedDuration::from_secs(i64::from(self.duration_seconds));
        let overlaps = starts
            .windows(2)
            .any(|pair| pair[1].duration_since(pair[0]) < lasts);
        if overlaps {
            return Err(RuleError::Overlaps);
        }
        Ok(())
    }

    /// The occurrences that are not over at `from`, in order, at most `count`, none that begins at
    /// `until` or later. A rule that does not pass [`check`](Self::check) has none.
    pub fn occurrences(&self, from: Timestamp, until: Timestamp, count: usize) -> Vec<Occurrence> {
        let zone = words::zone(&self.timezone);
        let Ok(starts) = self.walk() else {
            return Vec::new();
        };
        starts
            .filter_map(|start| self.occurrence(start, &zone))
            .skip_while(|one| one.ends_at <= from)
            .take_while(|one| one.starts_at < until)
            .filter(|one| one.ends_at > from)
            .take(count)
            .collect()
    }

    fn occurrence(&self, start: DateTime, zone: &TimeZone) -> Option<Occurrence> {
        let starts_at = local::instant(start, zone)?;
        let lasts = SignedDuration::from_secs(i64::from(self.duration_seconds));
        let ends_at = starts_at.checked_add(lasts).ok()?;
        Some(Occurrence { starts_at, ends_at })
    }

    /// The local starts, in order.
    fn walk(&self) -> Result<impl Iterator<Item = DateTime> + use<>, RuleError> {
        let zone = words::zone(&self.timezone);
        let rule = normalised(&self.rrule, &zone)?;
        let start = self.local_start.strftime("%Y%m%dT%H%M%SZ");
        let set: RRuleSet = format!("DTSTART:{start}\nRRULE:{rule}")
            .parse()
            .map_err(|error: rrule::RRuleError| RuleError::Syntax(reason(&error.to_string())))?;
        let set = set.limit();
        let last_year = self.local_start.year().saturating_add(YEARS);
        let local = |second| {
            let at = Timestamp::from_second(second).ok()?;
            Some(at.to_zoned(TimeZone::UTC).datetime())
        };
        let starts = set.into_iter().map_while(move |at| local(at.timestamp()));
        Ok(starts.take_while(move |start| start.year() <= last_year))
    }
}

/// The rule as the library is given it: known parts only, UNTIL in local time.
fn normalised(text: &str, zone: &TimeZone) -> Result<String, RuleError> {
    if text.len() > MAX_RULE_TEXT || text.contains(['\n', '\r']) {
        return Err(RuleError::Length);
    }
    let text = text.trim().to_ascii_uppercase();
    let text = text.strip_prefix("RRULE:").unwrap_or(&text);
    let mut parts: Vec<(&str, String)> = Vec::new();
    for part in text.split(';').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        if !PARTS.contains(&name) {
            return Err(RuleError::Part(name.chars().take(20).collect()));
        }
        if parts.iter().any(|(known, _)| *known == name) {
            return Err(RuleError::Twice(name.to_owned()));
        }
        let value = match name {
            "FREQ" if !FREQUENCIES.contains(&value) => return Err(RuleError::Frequency),
            "INTERVAL" => interval(value)?,
            "UNTIL" => until(value, zone).ok_or(RuleError::Until)?,
            _ => value.to_owned(),
        };
        parts.push((name, value));
    }
    if !parts.iter().any(|(name, _)| *name == "FREQ") {
        return Err(RuleError::Frequency);
    }
    let parts: Vec<String> = parts
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    Ok(parts.join(";"))
}

fn interval(value: &str) -> Result<String, RuleError> {
    let number: u32 = value.parse().map_err(|_| RuleError::Interval)?;
    if (1..=MAX_INTERVAL).contains(&number) {
        Ok(number.to_string())
    } else {
        Err(RuleError::Interval)
    }
}

/// The last local moment: a day means all of it, a time of UTC what the clock says then.
fn until(value: &str, zone: &TimeZone) -> Option<String> {
    let local = match value.len() {
        8 => {
            let date = jiff::civil::Date::strptime("%Y%m%d", value).ok()?;
            date.at(23, 59, 59, 0)
        }
        _ => match value.strip_suffix('Z') {
            Some(utc) => {
                let utc = DateTime::strptime("%Y%m%dT%H%M%S", utc).ok()?;
                let at = TimeZone::UTC.to_timestamp(utc).ok()?;
                at.to_zoned(zone.clone()).datetime()
            }
            None => DateTime::strptime("%Y%m%dT%H%M%S", value).ok()?,
        },
    };
    Some(local.strftime("%Y%m%dT%H%M%SZ").to_string())
}

/// One line of what the library says.
fn reason(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.chars().take(120).collect()
}
