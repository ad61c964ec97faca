//! When a heartbeat is expected, and how late it may be.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Cron;

/// The shortest period and grace.
pub const SHORTEST_SECONDS: u32 = 60;
/// The longest period and grace: a year.
pub const LONGEST_SECONDS: u32 = 31_536_000;
/// A day, unless the owner says otherwise.
pub const DEFAULT_PERIOD_SECONDS: u32 = 86_400;
/// An hour, unless the owner says otherwise.
pub const DEFAULT_GRACE_SECONDS: u32 = 3_600;
/// The job's clock may be this much ahead of ours: what comes so little before its time is that time's.
const EARLY: SignedDuration = SignedDuration::from_secs(10);

/// When a heartbeat is expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rhythm {
    /// This long after the last one.
    Period(Duration),
    /// At the times of a cron expression in a time zone.
    Cron {
        /// Five fields, or a word such as `@daily`.
        cron: String,
        /// IANA name.
        timezone: String,
    },
}

/// What a heartbeat monitor waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatTarget {
    /// When the next one is expected.
    pub rhythm: Rhythm,
    /// How late it may be, and how long a run may take that said it began.
    pub grace: Duration,
}

impl HeartbeatTarget {
    /// When the next heartbeat is expected after one at `last`; `None` when the expression names no
    /// time within four years.
    pub fn next_expected(&self, last: Timestamp) -> Option<Timestamp> {
        let last = match &self.rhythm {
            Rhythm::Period(_) => last,
            Rhythm::Cron { .. } => last.checked_add(EARLY).ok()?,
        };
        self.after(last)
    }

    /// The next `count` times after `now`, for people to see what their settings mean.
    pub fn upcoming(&self, now: Timestamp, count: usize) -> Vec<Timestamp> {
        std::iter::successors(self.after(now), |last| self.after(*last))
            .take(count)
            .collect()
    }

    fn after(&self, last: Timestamp) -> Option<Timestamp> {
        match &self.rhythm {
            Rhythm::Period(period) => last.checked_add(*period).ok(),
            Rhythm::Cron { cron, timezone } => {
                let cron = Cron::parse(cron).ok()?;
                cron.first_after(last, &crate::words::zone(timezone))
            }
        }
    }

    /// The grace as the calendar counts it.
    pub fn grace(&self) -> SignedDuration {
        SignedDuration::try_from(self.grace).unwrap_or(SignedDuration::MAX)
    }

    /// `every 1 d`, or the expression and its zone.
    pub fn display(&self) -> String {
        match &self.rhythm {
            Rhythm::Period(period) => {
                let period = SignedDuration::try_from(*period).unwrap_or(SignedDuration::MAX);
                format!("every {}", crate::words::duration(period))
            }
            Rhythm::Cron { cron, timezone } => format!("{cron} ({timezone})"),
        }
    }
}

/// The name of a monitor as it stands in an address: small letters, digits and single hyphens.
pub fn slug(name: &str) -> String {
    let mut slug = String::with_capacity(name.len());
    for c in name.to_lowercase().chars() {
        if c.is_ascii_alphanumeric() || c == '_' {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn cron(text: &str) -> HeartbeatTarget {
        HeartbeatTarget {
            rhythm: Rhythm::Cron {
                cron: text.into(),
                timezone: "Europe/Berlin".into(),
            },
            grace: Duration::from_secs(3_600),
        }
    }

    #[test]
    fn a_period_counts_from_the_last_one() {
        let daily = HeartbeatTarget {
            rhythm: Rhythm::Period(Duration::from_secs(86_400)),
            grace: Duration::from_secs(3_600),
        };
        assert_eq!(
            daily.next_expected(at("2026-03-28T02:30:00Z")),
            Some(at("2026-03-29T02:30:00Z"))
        );
        assert_eq!(daily.display(), "every 1 d");
        assert_eq!(daily.next_expected(Timestamp::MAX), None);
    }

    #[test]
    fn a_clock_that_is_a_little_ahead_is_no_reason_to_wait_for_a_second_one() {
        let nightly = cron("0 3 * * *");
        assert_eq!(
            nightly.next_expected(at("2026-11-22T01:59:55Z")),
            Some(at("2026-11-23T02:00:00Z"))
        );
        assert_eq!(
            nightly.next_expected(at("2026-11-22T01:59:40Z")),
            Some(at("2026-11-22T02:00:00Z"))
        );
    }

    #[test]
    fn the_next_times_are_shown_over_the_change_of_the_clock() {
        let local: Vec<String> = cron("30 2 * * *")
            .upcoming(at("2026-03-27T12:00:00Z"), 3)
            .into_iter()
            .map(|at| crate::words::moment(at, &crate::words::zone("Europe/Berlin")))
            .collect();
        assert_eq!(
            local,
            [
                "Sat 28 Mar 2026, 02:30:00 UTC+1",
                "Sun 29 Mar 2026, 03:00:00 UTC+2",
                "Mon 30 Mar 2026, 02:30:00 UTC+2",
            ]
        );
        assert_eq!(cron("nonsense").upcoming(Timestamp::UNIX_EPOCH, 5), []);
    }

    #[test]
    fn slugs() {
        assert_eq!(
            [
                slug("Nightly backup (DB)"),
                slug("  a__b - c"),
                slug("Übung")
            ],
            ["nightly-backup-db", "a__b-c", "bung"]
        );
    }
}
