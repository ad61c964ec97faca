//! A moment as pages write it. In templates: `{% import "layout/time.html" as time %}` and
//! `{% call time::full(at) %}{% endcall %}`, or the methods alone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment in an account's zone.
#[derive(Debug, Clone)]
pub struct Moment {
    at: Timestamp,
    zone: TimeZone,
}

impl Moment {
    /// `at` as it reads in `zone`.
    pub const fn new(at: Timestamp, zone: TimeZone) -> Self {
        Self { at, zone }
    }

    /// `Sun 22 Nov 2026, 14:02:11 UTC+1`.
    pub fn full(&self) -> String {
        domain::words::moment(self.at, &self.zone)
    }

    /// `14:02:11 UTC+1`.
    pub fn clock(&self) -> String {
        domain::words::clock(self.at, &self.zone)
    }

    /// `14:02:11`, where the zone has been said.
    pub fn bare(&self) -> String {
        domain::words::clock_bare(self.at, &self.zone)
    }

    /// `Sun 22 Nov 2026`.
    pub fn day(&self) -> String {
        domain::words::day(self.at, &self.zone)
    }

    /// RFC 3339, for `<time datetime>`.
    pub fn iso(&self) -> String {
        self.at.to_string()
    }

    /// The moment in UTC, for `title`.
    pub fn utc(&self) -> String {
        domain::words::moment(self.at, &TimeZone::UTC)
    }
}
