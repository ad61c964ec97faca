//! From looks to a status: a region confirms what it sees, regions vote, a change has effects.

pub mod flapping;
#[cfg(test)]
mod promise;
pub mod region;
pub mod step;

pub use region::{Candidate, Look, RegionVote, advance};
pub use step::{Effect, MonitorState, Step, step};

use serde::{Deserialize, Serialize};

use crate::check::VerdictKind;

/// What all regions together have confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Observed {
    /// No look is confirmed yet.
    Pending,
    /// Works.
    Up,
    /// Works slowly.
    Degraded,
    /// Down for some regions, not for most.
    Partial,
    /// Down.
    Down,
    /// Bot protection refuses us.
    Blocked,
    /// We could not look.
    Unknown,
}

impl Observed {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Pending,
        Self::Up,
        Self::Degraded,
        Self::Partial,
        Self::Down,
        Self::Blocked,
        Self::Unknown,
    ];

    /// It answers as its owner expects, be it slowly.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Up | Self::Degraded)
    }

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Partial => "partial",
            Self::Down => "down",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
        }
    }

    /// The status a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|observed| observed.as_str() == word)
    }
}

impl From<VerdictKind> for Observed {
    fn from(kind: VerdictKind) -> Self {
        match kind {
            VerdictKind::Up => Self::Up,
            VerdictKind::Degraded => Self::Degraded,
            VerdictKind::Down => Self::Down,
            VerdictKind::Blocked => Self::Blocked,
            VerdictKind::Unknown => Self::Unknown,
        }
    }
}

/// What people and the API are shown: the observed status under its overlays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the observed ones and two overlays")]
pub enum Shown {
    Pending,
    Up,
    Degraded,
    Partial,
    Down,
    Blocked,
    Unknown,
    Maintenance,
    Paused,
}

impl Shown {
    /// All of them, worst first: the order of the dashboard.
    pub const ALL: [Self; 9] = [
        Self::Down,
        Self::Partial,
        Self::Degraded,
        Self::Blocked,
        Self::Unknown,
        Self::Maintenance,
        Self::Pending,
        Self::Up,
        Self::Paused,
    ];

    /// Paused, else maintenance, else unknown while blind, else what was observed.
    pub const fn of(observed: Observed, paused: bool, maintenance: bool, blind: bool) -> Self {
        if paused {
            return Self::Paused;
        }
        if maintenance {
            return Self::Maintenance;
        }
        if blind {
            return Self::Unknown;
        }
        match observed {
            Observed::Pending => Self::Pending,
            Observed::Up => Self::Up,
            Observed::Degraded => Self::Degraded,
            Observed::Partial => Self::Partial,
            Observed::Down => Self::Down,
            Observed::Blocked => Self::Blocked,
            Observed::Unknown => Self::Unknown,
        }
    }

    /// The API's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Partial => "partial",
            Self::Down => "down",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
            Self::Maintenance => "maintenance",
            Self::Paused => "paused",
        }
    }

    /// The status an API word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shown| shown.as_str() == word)
    }
}
