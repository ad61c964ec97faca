//! Maintenance windows: times in which nobody is told of an outage, once or by rule.
//!
//! A window covers an instant from its start on, and no longer at its end. Looks go on inside.

mod rule;
#[cfg(test)]
mod tests;
mod validate;

pub use rule::{MAX_RULE_TEXT, Rule, RuleError};
pub use validate::{
    MAX_DURATION_SECONDS, MAX_MONITORS, MAX_NAME, MAX_ONCE, MAX_TAGS, MIN_DURATION_SECONDS,
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::ids::{MaintenanceWindowId, MonitorId};

/// So many coming occurrences are shown.
pub const SHOWN: usize = 5;
/// How far ahead occurrences are written down.
pub const AHEAD: SignedDuration = SignedDuration::from_hours(14 * 24);
/// A written-down occurrence list of one window is at most this long.
pub const MOST_AHEAD: usize = 400;

/// A window and when it occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MaintenanceWindow {
    /// Its id.
    pub id: MaintenanceWindowId,
    /// What its owner calls it.
    pub name: String,
    /// For which monitors.
    pub targets: Targets,
    /// When.
    pub schedule: Schedule,
    /// Somebody ended the occurrence that ran then.
    pub ended_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was changed last.
    pub updated_at: Timestamp,
    /// Counts changes.
    pub version: i64,
}

/// Which monitors a window is for. Neither: all of the account, later ones too. Both: those of either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// These monitors.
    pub monitor_ids: Option<Vec<MonitorId>>,
    /// Monitors with one of these tags.
    pub tags: Option<Vec<String>>,
}

impl Targets {
    /// It is for every monitor of the account.
    pub const fn is_all(&self) -> bool {
        self.monitor_ids.is_none() && self.tags.is_none()
    }

    /// It is for this monitor.
    pub fn covers(&self, monitor: MonitorId, tags: &[String]) -> bool {
        let named = |ids: &Vec<MonitorId>| ids.contains(&monitor);
        let tagged = |wanted: &Vec<String>| wanted.iter().any(|tag| tags.contains(tag));
        self.is_all()
            || self.monitor_ids.as_ref().is_some_and(named)
            || self.tags.as_ref().is_some_and(tagged)
    }
}

/// When a window occurs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// One time.
    Once(Occurrence),
    /// Again and again.
    Rule(Rule),
}

/// One time of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Occurrence {
    /// The first instant inside.
    pub starts_at: Timestamp,
    /// The first instant after it.
    pub ends_at: Timestamp,
}

impl Occurrence {
    /// The instant is inside.
    pub fn contains(self, at: Timestamp) -> bool {
        self.starts_at <= at && at < self.ends_at
    }
}

/// Where a window stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowStatus {
    /// It is yet to come, for the first time or again.
    Scheduled,
    /// It is now.
    Active,
    /// It will not be again.
    Ended,
}

impl WindowStatus {
    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Active => "active",
            Self::Ended => "ended",
        }
    }
}

/// The instant as the database keeps it: to the microsecond.
pub fn kept(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

impl MaintenanceWindow {
    /// The window as it is read back.
    #[must_use]
    pub fn as_kept(mut self) -> Self {
        if let Schedule::Once(once) = &mut self.schedule {
            (once.starts_at, once.ends_at) = (kept(once.starts_at), kept(once.ends_at));
        }
        self.ended_at = self.ended_at.map(kept);
        (self.created_at, self.updated_at) = (kept(self.created_at), kept(self.updated_at));
        self
    }

    /// The occurrences that are not over at `from`, in order, at most `count`, none that begins at
    /// `until` or later.
    pub fn occurrences(&self, from: Timestamp, until: Timestamp, count: usize) -> Vec<Occurrence> {
        let found = match &self.schedule {
            Schedule::Once(once) => {
                let comes = once.ends_at > from && once.starts_at < until;
                Vec::from_iter(Some(*once).filter(|_| comes))
            }
            Schedule::Rule(rule) => rule.occurrences(from, until, count.saturating_add(1)),
        };
        found
            .into_iter()
            .map(|one| self.cut(one))
            .filter(|one| one.starts_at < one.ends_at && one.ends_at > from)
            .take(count)
            .collect()
    }

    /// The occurrence with its end where somebody ended it.
    fn cut(&self, one: Occurrence) -> Occurrence {
        match self.ended_at {
            Some(at) if one.contains(at) => Occurrence { ends_at: at, ..one },
            _ => one,
        }
    }

    /// The one that is now and those to come, as many as are shown.
    pub fn next(&self, now: Timestamp) -> Vec<Occurrence> {
        self.occurrences(now, Timestamp::MAX, SHOWN)
    }

    /// The occurrence that is now.
    pub fn current(&self, now: Timestamp) -> Option<Occurrence> {
        let first = self.occurrences(now, Timestamp::MAX, 1).into_iter().next();
        first.filter(|one| one.contains(now))
    }

    /// Where it stands.
    pub fn status(&self, now: Timestamp) -> WindowStatus {
        match self.occurrences(now, Timestamp::MAX, 1).first() {
            None => WindowStatus::Ended,
            Some(first) if first.contains(now) => WindowStatus::Active,
            Some(_) => WindowStatus::Scheduled,
        }
    }
}
