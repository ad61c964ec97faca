//! Cron expressions over the time zones of `jiff`.
//!
//! The library reads the expression and walks the calendar; what a local time means on the days on
//! which clocks change is decided here: in a gap the first instant after it, in an overlap the first
//! pass only.

use cronexpr::{Crontab, FallbackTimezoneOption, MakeTimestamp, ParseOptions, parse_crontab_with};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::local;

/// The longest expression.
const LONGEST: usize = 100;
/// More local times than the longest overlap holds.
const MOST_STEPS: usize = 3_000;
/// A moment from which on every leap day is within the four years that are searched.
const ANY_MOMENT: &str = "2024-01-01T00:00:00Z";
/// The calendar ends soon after; no search begins later.
const LAST_YEAR: i16 = 9_000;

/// An expression of five fields, or a word such as `@daily`.
#[derive(Debug, Clone)]
pub struct Cron(Crontab);

/// Why a text is no cron expression; a verb phrase.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// Another number of fields.
    #[error(
        "must have five fields: minute, hour, day of month, month, day of week, such as 0 3 * * *"
    )]
    Fields,
    /// Over a hundred characters.
    #[error("must be at most {LONGEST} characters long")]
    TooLong,
    /// One field is wrong.
    #[error("must be a cron expression such as 0 3 * * *: {0}")]
    Field(String),
    /// Such as 31 February.
    #[error("must name a time that comes: this one is not in the next four years")]
    Never,
}

impl Cron {
    /// Reads an expression: five fields with lists, ranges, steps, names, `L`, `W` and `#`, or one of
    /// `@hourly @daily @midnight @weekly @monthly @yearly @annually`.
    pub fn parse(text: &str) -> Result<Self, CronError> {
        if text.len() > LONGEST {
            return Err(CronError::TooLong);
        }
        let text = expanded(text.trim());
        let fields: Vec<&str> = text.split_ascii_whitespace().collect();
        if fields.len() != 5 {
            return Err(CronError::Fields);
        }
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let crontab = parse_crontab_with(&fields.join(" "), options)
            .map_err(|error| CronError::Field(reason(&error.to_string())))?;
        let cron = Self(crontab);
        let some_moment = ANY_MOMENT.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        match cron.first_after(some_moment, &TimeZone::UTC) {
            Some(_) => Ok(cron),
            None => Err(CronError::Never),
        }
    }

    /// The first time after `after` at which it is due in `zone`; `None` when there is none within
    /// four years.
    pub fn first_after(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let local = after.to_zoned(zone.clone()).datetime();
        if local.year() > LAST_YEAR {
            return None;
        }
        // To the library a local time is one of UTC, which has no gaps and no overlaps.
        let mut from = TimeZone::UTC.to_timestamp(local).ok()?;
        for _ in 0..MOST_STEPS {
            let next = self.0.find_next(MakeTimestamp(from)).ok()?;
            let at = local::instant(next.datetime(), zone)?;
            if at > after {
                return Some(at);
            }
            from = next.timestamp();
        }
        None
    }
}

/// The words are short for expressions (crontab(5)).
fn expanded(text: &str) -> &str {
    match text {
        "@hourly" => "0 * * * *",
        "@daily" | "@midnight" => "0 0 * * *",
        "@weekly" => "0 0 * * 0",
        "@monthly" => "0 0 1 * *",
        "@yearly" | "@annually" => "0 0 1 1 *",
        other => other,
    }
}

/// The last part of what the library says: its first lines repeat the text.
fn reason(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    let said = last.rsplit_once("^ ").map_or(last, |(_, said)| said).trim();
    said.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn next(cron: &str, zone: &str, after: &str) -> String {
        let zone = TimeZone::get(zone).unwrap();
        let cron = Cron::parse(cron).unwrap();
        let at = cron.first_after(after.parse().unwrap(), &zone).unwrap();
        at.to_zoned(zone).strftime("%F %T %z").to_string()
    }

    #[rstest]
    #[case::plain(
        "0 3 * * *",
        "UTC",
        "2026-11-22T03:00:00Z",
        "2026-11-23 03:00:00 +0000"
    )]
    #[case::a_moment_before(
        "0 3 * * *",
        "UTC",
        "2026-11-22T02:59:59.999Z",
        "2026-11-22 03:00:00 +0000"
    )]
    #[case::word("@weekly", "UTC", "2026-11-22T12:00:00Z", "2026-11-29 00:00:00 +0000")]
    #[case::last_day(
        "30 6 L * *",
        "UTC",
        "2028-02-10T00:00:00Z",
        "2028-02-29 06:30:00 +0000"
    )]
    #[case::weekdays(
        "0 9 * * MON-FRI",
        "UTC",
        "2026-11-20T10:00:00Z",
        "2026-11-23 09:00:00 +0000"
    )]
    #[case::day_or_weekday(
        "0 0 13 * 5",
        "UTC",
        "2026-11-13T00:00:00Z",
        "2026-11-20 00:00:00 +0000"
    )]
    #[case::leap(
        "0 0 29 2 *",
        "UTC",
        "2026-01-01T00:00:00Z",
        "2028-02-29 00:00:00 +0000"
    )]
    // Berlin, 29 March 2026: 02:00 to 03:00 is missing.
    #[case::gap(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        "2026-03-29 03:00:00 +0200"
    )]
    #[case::gap_once(
        "*/15 2 * * *",
        "Europe/Berlin",
        "2026-03-29T01:00:00Z",
        "2026-03-30 02:00:00 +0200"
    )]
    #[case::hour_of_the_gap(
        "0 3 * * *",
        "Europe/Berlin",
        "2026-03-28T12:00:00Z",
        "2026-03-29 03:00:00 +0200"
    )]
    // Berlin, 25 October 2026: 02:00 to 03:00 comes twice.
    #[case::overlap(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-24T12:00:00Z",
        "2026-10-25 02:30:00 +0200"
    )]
    #[case::not_again(
        "30 2 * * *",
        "Europe/Berlin",
        "2026-10-25T00:30:00Z",
        "2026-10-26 02:30:00 +0100"
    )]
    #[case::in_the_second_pass(
        "*/10 * * * *",
        "Europe/Berlin",
        "2026-10-25T01:05:00Z",
        "2026-10-25 03:00:00 +0100"
    )]
    // New York, 8 March and 1 November 2026.
    #[case::new_york_gap(
        "15 2 * * *",
        "America/New_York",
        "2026-03-07T12:00:00Z",
        "2026-03-08 03:00:00 -0400"
    )]
    #[case::new_york_overlap(
        "30 1 * * *",
        "America/New_York",
        "2026-11-01T05:30:00Z",
        "2026-11-02 01:30:00 -0500"
    )]
    // Lord Howe changes by half an hour: 02:00 to 02:30 is missing on 4 October 2026.
    #[case::half_an_hour(
        "10 2 * * *",
        "Australia/Lord_Howe",
        "2026-10-03T00:00:00Z",
        "2026-10-04 02:30:00 +1100"
    )]
    // Santiago changes at midnight: the day of 6 September 2026 begins at 01:00.
    #[case::midnight(
        "0 0 * * *",
        "America/Santiago",
        "2026-09-05T12:00:00Z",
        "2026-09-06 01:00:00 -0300"
    )]
    // Samoa had no 30 December 2011.
    #[case::no_such_day(
        "0 12 30 12 *",
        "Pacific/Apia",
        "2011-12-29T00:00:00Z",
        "2011-12-31 00:00:00 +1400"
    )]
    fn the_next_time(
        #[case] cron: &str,
        #[case] zone: &str,
        #[case] after: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(next(cron, zone, after), expected);
    }

    #[rstest]
    #[case("", "five fields")]
    #[case("* * * *", "five fields")]
    #[case("* * * * * *", "five fields")]
    #[case("0 3 * * * Europe/Berlin", "five fields")]
    #[case("@reboot", "five fields")]
    #[case("60 * * * *", "0..=59")]
    #[case("* 24 * * *", "0..=23")]
    #[case("*/0 * * * *", "must be a cron expression")]
    #[case("a * * * *", "must be a cron expression")]
    #[case("5-1 * * * *", "ascending")]
    #[case("H * * * *", "must be a cron expression")]
    #[case("0 0 31 2 *", "four years")]
    #[case("0 0 30 2 *", "four years")]
    fn what_is_refused(#[case] text: &str, #[case] says: &str) {
        let said = Cron::parse(text).unwrap_err().to_string();
        assert!(said.contains(says) && !said.contains('\n'), "{said}");
    }

    #[test]
    fn a_long_text_is_refused_unread() {
        let long = format!("{}1 * * * *", "1,".repeat(60));
        assert_eq!(Cron::parse(&long).unwrap_err(), CronError::TooLong);
    }

    const ZONES: [&str; 8] = [
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "America/Santiago",
        "Asia/Kolkata",
        "Pacific/Chatham",
        "Africa/Casablanca",
    ];

    proptest! {
        /// Over changes of the clock too: later, on the field's grid unless the clock leapt over it,
        /// and with no due time left out in between.
        #[test]
        fn times_come_in_order(zone in 0_usize..8, minute in 0_u8..60, every in 1_u8..12, from in 1_767_225_600_i64..1_830_000_000) {
            let zone = TimeZone::get(ZONES[zone]).unwrap();
            let cron = Cron::parse(&format!("{minute} */{every} * * *")).unwrap();
            let from = Timestamp::from_second(from).unwrap();
            let first = cron.first_after(from, &zone).unwrap();
            let second = cron.first_after(first, &zone).unwrap();
            prop_assert!(from < first && first < second);
            prop_assert!(second.duration_since(first).as_hours() <= 24);
            let just_before = first - SignedDuration::from_nanos(1);
            prop_assert_eq!(cron.first_after(just_before, &zone), Some(first));
            let local = first.to_zoned(zone.clone());
            let on_grid = local.minute() == i8::try_from(minute).unwrap() && local.second() == 0;
            let after_a_gap = zone.preceding(first + SignedDuration::from_nanos(1)).next().is_some_and(|change| change.timestamp() == first);
            prop_assert!(on_grid || after_a_gap);
        }

        /// A daily time comes once a local day, whatever the clock does.
        #[test]
        fn once_a_day(zone in 0_usize..8, hour in 0_u8..24, minute in 0_u8..60, from in 1_767_225_600_i64..1_830_000_000) {
            let zone = TimeZone::get(ZONES[zone]).unwrap();
            let cron = Cron::parse(&format!("{minute} {hour} * * *")).unwrap();
            let first = cron.first_after(Timestamp::from_second(from).unwrap(), &zone).unwrap();
            let second = cron.first_after(first, &zone).unwrap();
            let day = |at: Timestamp| at.to_zoned(zone.clone()).date();
            prop_assert_eq!(day(first).tomorrow().unwrap(), day(second));
        }
    }
}
