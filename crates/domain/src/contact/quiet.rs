//! Quiet hours of a contact: times of the week, in a zone, in which messages wait for their end.

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::local;
use crate::monitor::validate::FieldError;

/// Ranges of one contact.
pub const MOST_RANGES: usize = 14;
/// Ranges that follow one another are followed so often.
const MOST_CHAINED: usize = 16;
const MINUTES_A_DAY: usize = 24 * 60;

/// When messages to a contact wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// The IANA zone of the times.
    pub timezone: String,
    /// The times.
    pub ranges: Vec<QuietRange>,
    /// Messages about critical monitors are sent all the same.
    #[serde(default = "yes")]
    pub except_critical: bool,
}

const fn yes() -> bool {
    true
}

/// A time of some days of the week. One that ends at or before its begin ends on the next day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietRange {
    /// On which days it begins; none: on every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// `22:00`
    pub from: String,
    /// `07:00`, or `24:00` for the end of the day.
    pub to: String,
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "days")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    /// All of them, Monday first.
    pub const ALL: [Self; 7] = [
        Self::Mon,
        Self::Tue,
        Self::Wed,
        Self::Thu,
        Self::Fri,
        Self::Sat,
        Self::Sun,
    ];

    const fn of(weekday: Weekday) -> Self {
        match weekday {
            Weekday::Monday => Self::Mon,
            Weekday::Tuesday => Self::Tue,
            Weekday::Wednesday => Self::Wed,
            Weekday::Thursday => Self::Thu,
            Weekday::Friday => Self::Fri,
            Weekday::Saturday => Self::Sat,
            Weekday::Sunday => Self::Sun,
        }
    }

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }

    /// The day a word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|day| day.as_str() == word)
    }
}

/// A time of day, and whether it is the end of the day.
fn time(text: &str) -> Option<(Time, bool)> {
    if text == "24:00" {
        return Some((Time::midnight(), true));
    }
    let (hour, minute) = text.split_once(':')?;
    let is_two = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_two(hour) || !is_two(minute) {
        return None;
    }
    let time = Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()?;
    Some((time, false))
}

impl QuietRange {
    /// Begin and end in minutes of the day; the end of one over midnight is over 1440.
    fn minutes(&self) -> Option<(usize, usize)> {
        let of = |time: Time| {
            let minutes = i32::from(time.hour()) * 60 + i32::from(time.minute());
            usize::try_from(minutes).ok()
        };
        let (from, is_end) = time(&self.from)?;
        let (to, whole) = time(&self.to)?;
        if is_end {
            return None;
        }
        let (from, to) = (of(from)?, of(to)?);
        let next_day = whole || to <= from;
        Some((from, if next_day { to + MINUTES_A_DAY } else { to }))
    }

    fn begins_on(&self, day: Day) -> bool {
        self.days.is_empty() || self.days.contains(&day)
    }

    /// The range as it begins on `date`.
    fn on(&self, date: Date, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        if !self.begins_on(Day::of(date.weekday())) {
            return None;
        }
        let (from, to) = self.minutes()?;
        let at = |minutes: usize| {
            let day = date
                .checked_add(i64::try_from(minutes / MINUTES_A_DAY).ok()?.days())
                .ok()?;
            let left = i8::try_from(minutes % MINUTES_A_DAY / 60).ok()?;
            let minute = i8::try_from(minutes % 60).ok()?;
            local::instant(day.at(left, minute, 0, 0), zone)
        };
        Some((at(from)?, at(to)?))
    }
}

impl QuietHours {
    /// Until when a message that is due now waits; `None` when it is sent.
    pub fn holds(&self, is_critical: bool, now: Timestamp) -> Option<Timestamp> {
        if is_critical && self.except_critical {
            return None;
        }
        let zone = TimeZone::get(&self.timezone).ok()?;
        let mut end = self.covering(now, &zone)?;
        for _ in 0..MOST_CHAINED {
            match self.covering(end, &zone) {
                Some(next) if next > end => end = next,
                _ => break,
            }
        }
        Some(end)
    }

    fn covering(&self, at: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = at.to_zoned(zone.clone()).date();
        let days = [today.yesterday().ok(), Some(today)];
        let all = days.into_iter().flatten().flat_map(|date| {
            self.ranges
                .iter()
                .filter_map(move |range| range.on(date, zone))
        });
        all.filter(|(from, to)| *from <= at && at < *to)
            .map(|(_, to)| to)
            .max()
    }

    /// What is wrong with it; pointers begin with `pointer`.
    pub fn validate(&self, pointer: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut wrong = |at: String, code, message: &str| {
            errors.push(FieldError::new(format!("{pointer}{at}"), code, message));
        };
        if TimeZone::get(&self.timezone).is_err() {
            let message = "must be an IANA time zone such as Europe/Berlin";
            wrong("/timezone".to_owned(), "unknown_zone", message);
        }
        if !(1..=MOST_RANGES).contains(&self.ranges.len()) {
            wrong(
                "/ranges".to_owned(),
                "wrong_length",
                "must have 1 to 14 ranges",
            );
        }
        let mut week = vec![false; 7 * MINUTES_A_DAY];
        for (i, range) in self.ranges.iter().enumerate().take(MOST_RANGES) {
            for (end, text) in [("from", &range.from), ("to", &range.to)] {
                if time(text).is_none() || (end == "from" && text == "24:00") {
                    let message = "must be a time of day such as 22:00";
                    wrong(format!("/ranges/{i}/{end}"), "invalid", message);
                }
            }
            if range.from == range.to {
                let message = "must differ from the begin; the whole day is 00:00 to 24:00";
                wrong(format!("/ranges/{i}/to"), "invalid", message);
            }
            let repeated =
                (1..range.days.len()).find(|j| range.days[..*j].contains(&range.days[*j]));
            if let Some(j) = repeated {
                wrong(
                    format!("/ranges/{i}/days/{j}"),
                    "duplicate",
                    "must be named once",
                );
            }
            let Some((from, to)) = range.minutes() else {
                continue;
            };
            for (n, _) in Day::ALL
                .iter()
                .enumerate()
                .filter(|(_, day)| range.begins_on(**day))
            {
                for minute in from..to {
                    let at = (n * MINUTES_A_DAY + minute) % week.len();
                    week[at] = true;
                }
            }
        }
        if week.iter().all(|quiet| *quiet) {
            let message = "must leave some time of the week; to stop alerts, take the contact out";
            wrong("/ranges".to_owned(), "never_ends", message);
        }
        errors
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    fn quiet(zone: &str, days: &[Day], from: &str, to: &str) -> QuietHours {
        QuietHours {
            timezone: zone.into(),
            ranges: vec![QuietRange {
                days: days.to_vec(),
                from: from.into(),
                to: to.into(),
            }],
            except_critical: true,
        }
    }

    /// When a message that is due then is sent; the zone is Berlin's.
    #[rstest]
    #[case::before("22:00", "07:00", "2026-11-23T20:59:59Z", None)]
    #[case::at_the_begin("22:00", "07:00", "2026-11-23T21:00:00Z", Some("2026-11-24T06:00:00Z"))]
    #[case::after_midnight("22:00", "07:00", "2026-11-24T03:00:00Z", Some("2026-11-24T06:00:00Z"))]
    #[case::at_the_end("22:00", "07:00", "2026-11-24T06:00:00Z", None)]
    #[case::the_night_of_autumn(
        "22:00",
        "07:00",
        "2026-10-24T20:00:00Z",
        Some("2026-10-25T06:00:00Z")
    )]
    #[case::the_night_of_spring(
        "22:00",
        "07:00",
        "2027-03-27T21:00:00Z",
        Some("2027-03-28T05:00:00Z")
    )]
    #[case::the_hour_that_is_not_there("02:00", "03:00", "2027-03-28T01:00:00Z", None)]
    #[case::it_ends_where_there_is_none(
        "01:00",
        "02:30",
        "2027-03-28T00:30:00Z",
        Some("2027-03-28T01:00:00Z")
    )]
    #[case::the_hour_that_is_there_twice(
        "02:00",
        "03:00",
        "2026-10-25T01:30:00Z",
        Some("2026-10-25T02:00:00Z")
    )]
    #[case::the_whole_day("00:00", "24:00", "2026-11-24T12:00:00Z", None)]
    fn a_message_waits_for_the_end(
        #[case] from: &str,
        #[case] to: &str,
        #[case] now: &str,
        #[case] until: Option<&str>,
    ) {
        // The whole day is Mondays'; 24 November is a Tuesday.
        let days: &[Day] = if to == "24:00" { &[Day::Mon] } else { &[] };
        let hours = quiet("Europe/Berlin", days, from, to);
        let until = until.map(|at| at.parse::<Timestamp>().unwrap());
        assert_eq!(hours.holds(false, now.parse().unwrap()), until);
        assert_eq!(hours.holds(true, now.parse().unwrap()), None);
    }

    #[test]
    fn days_are_those_of_the_begin_and_neighbours_are_one() {
        // Friday evening to Saturday morning, then all of the weekend.
        let mut hours = quiet("UTC", &[Day::Fri], "22:00", "07:00");
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        assert_eq!(
            hours.holds(false, at("2026-11-28T06:00:00Z")),
            Some(at("2026-11-28T07:00:00Z"))
        );
        assert_eq!(hours.holds(false, at("2026-11-27T06:00:00Z")), None);
        hours.ranges.push(QuietRange {
            days: vec![Day::Sat, Day::Sun],
            from: "00:00".into(),
            to: "24:00".into(),
        });
        assert_eq!(
            hours.holds(false, at("2026-11-27T23:00:00Z")),
            Some(at("2026-11-30T00:00:00Z"))
        );
        hours.except_critical = false;
        assert!(hours.holds(true, at("2026-11-27T23:00:00Z")).is_some());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let pointers = |hours: &QuietHours| -> Vec<String> {
            let errors = hours.validate("/quiet_hours");
            errors.into_iter().map(|error| error.pointer).collect()
        };
        assert!(pointers(&quiet("Europe/Berlin", &[], "22:00", "07:00")).is_empty());
        assert_eq!(
            pointers(&quiet("Mars/Base", &[], "22:00", "07:00")),
            ["/quiet_hours/timezone"]
        );
        assert_eq!(
            pointers(&quiet("UTC", &[], "7", "25:00")),
            ["/quiet_hours/ranges/0/from", "/quiet_hours/ranges/0/to"]
        );
        assert_eq!(
            pointers(&quiet("UTC", &[Day::Mon], "07:00", "07:00")),
            ["/quiet_hours/ranges/0/to"]
        );
        assert_eq!(
            pointers(&quiet("UTC", &[Day::Mon, Day::Mon], "07:00", "08:00")),
            ["/quiet_hours/ranges/0/days/1"]
        );
        assert_eq!(
            pointers(&quiet("UTC", &[], "00:00", "24:00")),
            ["/quiet_hours/ranges"]
        );
        let mut none = quiet("UTC", &[], "00:00", "01:00");
        none.ranges.clear();
        assert_eq!(pointers(&none), ["/quiet_hours/ranges"]);
    }

    fn clock() -> impl Strategy<Value = String> {
        (0..24_u8, 0..60_u8).prop_map(|(hour, minute)| format!("{hour:02}:{minute:02}"))
    }

    proptest! {
        /// Over every edge of every clock: a wait ends later than now, within the day and an hour, and then
        /// the message is sent.
        #[test]
        fn every_wait_ends(from in clock(), to in clock(), day in 0_usize..7, second in 1_700_000_000_i64..1_900_000_000,
            zone in proptest::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu"])) {
            prop_assume!(from != to);
            let hours = quiet(zone, &[Day::ALL[day]], &from, &to);
            prop_assert!(hours.validate("").is_empty());
            let now = Timestamp::from_second(second).unwrap();
            if let Some(until) = hours.holds(false, now) {
                prop_assert!(until > now);
                prop_assert!(until.duration_since(now) <= SignedDuration::from_hours(25));
                prop_assert_eq!(hours.holds(false, until), None);
            }
        }
    }
}
