//! When notices are told that can wait: a few at once, and what is more than that together, once a day, at an
//! hour at which nobody is woken.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::local;

/// The hour of an account's day at which notices that can wait are told.
const HOUR: i8 = 9;
/// What ends in so many days or fewer does not wait.
pub const SOON_DAYS: u32 = 1;

/// So many of them are told to a contact within a day without waiting for it.
pub const AT_ONCE: u32 = 5;
/// That day.
pub const WITHIN: SignedDuration = SignedDuration::from_hours(24);

/// When a notice goes to a contact that was told `lately` of so many others within a day.
pub fn when(lately: u32, now: Timestamp, zone: &TimeZone) -> Timestamp {
    if lately < AT_ONCE {
        now
    } else {
        next(now, zone)
    }
}

/// The next such hour, later than `now`.
fn next(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let today = now.to_zoned(zone.clone()).date();
    let days = [Some(today), today.tomorrow().ok()];
    let mut hours = days
        .into_iter()
        .flatten()
        .filter_map(|day| local::instant(day.at(HOUR, 0, 0, 0), zone));
    hours.find(|at| *at > now).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::before("2026-11-23T03:00:00Z", "Europe/Berlin", "2026-11-23T08:00:00Z")]
    #[case::at_it("2026-11-23T08:00:00Z", "Europe/Berlin", "2026-11-24T08:00:00Z")]
    #[case::after("2026-11-23T22:30:00Z", "Europe/Berlin", "2026-11-24T08:00:00Z")]
    #[case::over_a_change("2026-10-24T12:00:00Z", "Europe/Berlin", "2026-10-25T08:00:00Z")]
    #[case::elsewhere("2026-11-23T03:00:00Z", "America/New_York", "2026-11-23T14:00:00Z")]
    fn it_is_nine_where_the_account_is(#[case] now: &str, #[case] zone: &str, #[case] then: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let now = now.parse().unwrap();
        assert_eq!(when(AT_ONCE, now, &zone), then.parse().unwrap());
        assert_eq!(when(AT_ONCE - 1, now, &zone), now);
    }
}
