//! Plans and their limits (the table of the reference, "Plans").

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// What an account has subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// Costs nothing.
    Free,
    /// One person.
    Solo,
    /// A team.
    Team,
    /// A company.
    Enterprise,
}

/// What a plan allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Limits {
    /// Monitors, paused ones included.
    pub monitors: u32,
    /// Shortest interval, seconds.
    pub min_interval_seconds: u32,
    /// Members of the account.
    pub members: u32,
    /// Contacts of all kinds.
    pub contacts: u32,
    /// Webhook and chat contacts among them.
    pub integrations: u32,
    /// API keys.
    pub api_keys: u32,
    /// Months of history kept.
    pub history_months: u32,
    /// Requests a minute to the REST API.
    pub requests_per_minute: u32,
    /// Messages paid each month by the plan, in millionths of a US dollar.
    pub included_micros_per_month: i64,
    /// Most that messages may cost in 24 hours, in millionths of a US dollar.
    pub messages_micros_per_day: i64,
    /// List price a month in US dollars.
    pub price_usd: u32,
}

impl Plan {
    /// All plans, smallest first.
    pub const ALL: [Self; 4] = [Self::Free, Self::Solo, Self::Team, Self::Enterprise];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Solo => "solo",
            Self::Team => "team",
            Self::Enterprise => "enterprise",
        }
    }

    /// The plan a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| plan.as_str() == word)
    }

    /// The next larger plan.
    pub fn next(self) -> Option<Self> {
        Self::ALL.into_iter().find(|plan| *plan > self)
    }

    /// What this plan allows.
    pub const fn limits(self) -> Limits {
        match self {
            Self::Free => limits([10, 60, 1, 5, 3, 2, 3, 120], [0, 5], 0),
            Self::Solo => limits([50, 30, 2, 20, 10, 10, 12, 600], [20, 20], 9),
            Self::Team => limits([200, 30, 10, 100, 50, 50, 24, 600], [100, 100], 29),
            Self::Enterprise => limits([5000, 10, 100, 1000, 500, 500, 24, 3000], [500, 500], 199),
        }
    }
}

/// The month whose credit is due at `now`: its first moment in UTC.
pub fn credit_month(now: Timestamp) -> Timestamp {
    let here = now.to_zoned(TimeZone::UTC);
    here.first_of_month()
        .and_then(|day| day.start_of_day())
        .map_or(now, |first| first.timestamp())
}

/// `messages_usd`: what a month includes, and what a day may cost.
const fn limits(counts: [u32; 8], messages_usd: [i64; 2], price_usd: u32) -> Limits {
    let [included, a_day] = messages_usd;
    let [
        monitors,
        interval,
        members,
        contacts,
        integrations,
        api_keys,
        months,
        requests,
    ] = counts;
    Limits {
        monitors,
        min_interval_seconds: interval,
        members,
        contacts,
        integrations,
        api_keys,
        history_months: months,
        requests_per_minute: requests,
        included_micros_per_month: included * 1_000_000,
        messages_micros_per_day: a_day * 1_000_000,
        price_usd,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_begins_on_its_first_in_utc() {
        for (now, first) in [
            ("2026-11-22T13:00:00Z", "2026-11-01T00:00:00Z"),
            ("2026-11-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("2027-03-01T00:30:00+02:00", "2027-02-01T00:00:00Z"),
        ] {
            assert_eq!(credit_month(now.parse().unwrap()), first.parse().unwrap());
        }
    }
}
