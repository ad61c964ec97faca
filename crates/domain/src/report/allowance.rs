//! What an outage took of the time that a month may be down.
//!
//! A monitor has no target of its own: the yardstick is the same for all, and is said with the figure.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::Window;
use crate::words;

/// Of a thousand seconds so many may be down: 99.9 % is the yardstick.
const MAY_BE_DOWN: i32 = 1;
/// As people read it.
const TARGET: &str = "99.9 %";

/// A month as its account's clocks count it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Month {
    /// From its first instant to that of the next; an hour more or less where clocks change.
    pub window: Window,
    /// `November`.
    pub name: String,
}

impl Month {
    /// The one in which `at` lies.
    pub fn of(at: Timestamp, zone: &TimeZone) -> Self {
        let first = at.to_zoned(zone.clone()).date().first_of_month();
        let next = first.last_of_month().tomorrow().unwrap_or(first);
        let begin = |date: jiff::civil::Date| {
            let midnight = date.to_zoned(zone.clone());
            midnight.map_or(at, |midnight| midnight.timestamp())
        };
        Self {
            window: Window {
                from: begin(first),
                to: begin(next),
            },
            name: first.strftime("%B").to_string(),
        }
    }

    /// How much of it may be down.
    fn allowance(&self) -> SignedDuration {
        self.window.length() / 1_000 * MAY_BE_DOWN
    }
}

/// What an outage took of its month.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cost {
    month: Month,
    /// It began in the month before.
    is_part: bool,
    took: SignedDuration,
    /// Down in this month by all outages.
    spent: SignedDuration,
}

impl Cost {
    /// That of `outage` in the month in which it ended, of which `spent` was down; `None` where it took nothing.
    pub fn of(month: Month, outage: Window, spent: SignedDuration) -> Option<Self> {
        let within = outage.overlap(month.window)?;
        let took = within.length();
        Some(Self {
            is_part: within != outage,
            took,
            // Times in states are whole seconds, and written by their own rules: the outage itself is spent in any case,
            // and a second more is no other outage.
            spent: match spent.as_secs() > took.as_secs() + 1 {
                true => spent,
                false => took,
            },
            month,
        })
    }

    /// `6 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 31 min 8 s left`.
    pub fn sentence(&self) -> String {
        let allowance = self.month.allowance();
        let took = words::duration(self.took);
        let (allowed, month) = (words::duration(allowance), &self.month.name);
        let first = match self.is_part {
            true => format!("{took} of it in {month}, of the {allowed} that {TARGET} leaves there"),
            false => format!("{took} of the {allowed} that {TARGET} leaves in {month}"),
        };
        let whole = SignedDuration::from_secs;
        let left = whole(allowance.as_secs()) - whole(self.spent.as_secs());
        let rest = match left.is_negative() {
            true => format!("{} over", words::duration(left.abs())),
            false => format!("{} left", words::duration(left)),
        };
        format!("{first}; {rest}")
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[rstest]
    #[case::thirty_days(
        "Europe/Berlin",
        "2026-11-22T13:00:00Z",
        "2026-10-31T23:00:00Z",
        720,
        "November"
    )]
    #[case::thirty_one("UTC", "2026-12-31T23:59:59Z", "2026-12-01T00:00:00Z", 744, "December")]
    #[case::february("UTC", "2026-02-01T00:00:00Z", "2026-02-01T00:00:00Z", 672, "February")]
    #[case::a_leap_year("UTC", "2028-02-29T12:00:00Z", "2028-02-01T00:00:00Z", 696, "February")]
    #[case::an_hour_less(
        "Europe/Berlin",
        "2026-03-31T20:00:00Z",
        "2026-02-28T23:00:00Z",
        743,
        "March"
    )]
    #[case::an_hour_more(
        "Europe/Berlin",
        "2026-10-01T00:00:00Z",
        "2026-09-30T22:00:00Z",
        745,
        "October"
    )]
    #[case::next_month_there(
        "Pacific/Auckland",
        "2026-11-30T12:00:00Z",
        "2026-11-30T11:00:00Z",
        744,
        "December"
    )]
    #[case::last_month_there(
        "America/New_York",
        "2026-11-01T03:00:00Z",
        "2026-10-01T04:00:00Z",
        744,
        "October"
    )]
    fn a_month_is_as_long_as_it_is_where_the_account_is(
        #[case] zone: &str,
        #[case] moment: &str,
        #[case] from: &str,
        #[case] hours: i64,
        #[case] name: &str,
    ) {
        let month = Month::of(at(moment), &words::zone(zone));
        assert_eq!(month.window.from, at(from));
        assert_eq!(month.window.length(), SignedDuration::from_hours(hours));
        assert_eq!(month.name, name);
    }

    #[rstest]
    #[case::the_first_of_its_month(
        ("2026-11-22T13:02:11Z", "2026-11-22T13:08:23Z"), 372,
        "6 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 37 min left"
    )]
    #[case::after_others(
        ("2026-11-22T13:02:11Z", "2026-11-22T13:08:23Z"), 724,
        "6 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 31 min 8 s left"
    )]
    #[case::a_second_more_by_rounding(
        ("2026-11-22T13:02:11Z", "2026-11-22T13:08:23Z"), 373,
        "6 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 37 min left"
    )]
    #[case::all_of_it(
        ("2026-11-22T13:00:00Z", "2026-11-22T13:43:12Z"), 2_592,
        "43 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 0 s left"
    )]
    #[case::too_much(
        ("2026-11-22T13:00:00Z", "2026-11-22T15:00:00Z"), 7_200,
        "2 h of the 43 min 12 s that 99.9 % leaves in November; 1 h 16 min over"
    )]
    #[case::not_written_as_down_yet(
        ("2026-11-22T13:02:11Z", "2026-11-22T13:08:23Z"), 0,
        "6 min 12 s of the 43 min 12 s that 99.9 % leaves in November; 37 min left"
    )]
    #[case::over_the_end_of_a_month(
        ("2026-10-31T22:50:00Z", "2026-10-31T23:10:00Z"), 600,
        "10 min of it in November, of the 43 min 12 s that 99.9 % leaves there; 33 min 12 s left"
    )]
    fn what_an_outage_took(
        #[case] (from, to): (&str, &str),
        #[case] spent: i64,
        #[case] wanted: &str,
    ) {
        let outage = Window {
            from: at(from),
            to: at(to),
        };
        let month = Month::of(outage.to, &words::zone("Europe/Berlin"));
        let cost = Cost::of(month, outage, SignedDuration::from_secs(spent));
        assert_eq!(cost.unwrap().sentence(), wanted);
    }

    #[test]
    fn what_took_no_time_costs_nothing() {
        let moment = at("2026-11-22T13:02:11Z");
        let month = Month::of(moment, &TimeZone::UTC);
        let none = Window {
            from: moment,
            to: moment,
        };
        assert_eq!(Cost::of(month, none, SignedDuration::ZERO), None);
    }
}
