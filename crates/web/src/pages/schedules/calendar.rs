//! Weeks as rows of days, each with who is on call from when.

use domain::oncall::{Rota, Shift, instant};
use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::people::People;

/// Weeks that are shown: this one and the four after it.
const WEEKS: usize = 5;

/// A week.
pub struct Week {
    /// From Monday to Sunday.
    pub days: Vec<DayCell>,
}

/// A day.
pub struct DayCell {
    /// `2026-11-22`.
    pub iso: String,
    /// `22`, and with the month where it begins: `1 Dec`.
    pub number: String,
    /// `Sun 22 Nov`, for a screen that has no room for rows.
    pub whole: String,
    pub is_today: bool,
    pub is_past: bool,
    /// In order.
    pub parts: Vec<Part>,
}

/// Who is on call from a time of day on.
pub struct Part {
    /// `09:00`; empty when it is so all day.
    pub from: String,
    /// `None`: nobody.
    pub who: Option<String>,
    pub stands_in: bool,
}

/// The weeks from that of `now` on.
pub fn weeks(rota: &Rota<'_>, zone: &TimeZone, now: Timestamp, people: &People) -> Vec<Week> {
    let today = zone.to_datetime(now).date();
    let behind = i32::from(today.weekday().since(Weekday::Monday));
    let monday = today.checked_sub(behind.days()).unwrap_or(today);
    let day = |i: usize| {
        let ahead = i64::try_from(i).unwrap_or_default();
        monday.checked_add(ahead.days()).unwrap_or(monday)
    };
    let begin = |date: Date| start_of(date, zone).unwrap_or(now);
    let shifts = rota.shifts(begin(monday), begin(day(WEEKS * 7)));
    (0..WEEKS)
        .map(|week| Week {
            days: (0..7)
                .map(|i| {
                    let date = day(week * 7 + i);
                    let (from, to) = (begin(date), begin(day(week * 7 + i + 1)));
                    DayCell {
                        iso: date.to_string(),
                        number: number(date, week == 0 && i == 0),
                        whole: date.strftime("%a %-d %b").to_string(),
                        is_today: date == today,
                        is_past: date < today,
                        parts: parts(&shifts, (from, to), zone, people),
                    }
                })
                .collect(),
        })
        .collect()
}

/// The first instant of a day.
fn start_of(date: Date, zone: &TimeZone) -> Option<Timestamp> {
    instant(date.to_datetime(Time::midnight()), zone)
}

fn number(date: Date, is_first: bool) -> String {
    let format = if is_first || date.day() == 1 {
        "%-d %b"
    } else {
        "%-d"
    };
    date.strftime(format).to_string()
}

fn parts(
    shifts: &[Shift],
    (from, to): (Timestamp, Timestamp),
    zone: &TimeZone,
    people: &People,
) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut covered = from;
    let mut push = |at: Timestamp, shift: Option<&Shift>| {
        parts.push((
            at,
            shift.map(|shift| people.name(shift.who).to_owned()),
            shift.is_some_and(|shift| shift.is_override()),
        ));
    };
    for shift in shifts
        .iter()
        .filter(|shift| shift.from < to && shift.to > from)
    {
        let begins = shift.from.max(from);
        if begins > covered {
            push(covered, None);
        }
        push(begins, Some(shift));
        covered = shift.to.min(to);
    }
    if covered < to {
        push(covered, None);
    }
    let is_whole = parts.len() == 1;
    let clock = |at: Timestamp| at.to_zoned(zone.clone()).strftime("%H:%M").to_string();
    parts
        .into_iter()
        .map(|(at, who, stands_in)| Part {
            from: if is_whole { String::new() } else { clock(at) },
            who,
            stands_in,
        })
        .collect()
}
