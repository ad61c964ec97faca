//! Incidents: an outage from the first failing look to its end, and the timeline of what was done.

pub mod briefing;
pub mod diagnosis;
pub mod feedback;

pub use diagnosis::{Confidence, Diagnosis};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::check::{Attribution, Failure};
use crate::ids::{AccountId, EventId, GroupId, IncidentId, MonitorId};

/// Why an incident ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedReason {
    /// The target works again.
    Recovered,
    /// Someone said so.
    Manual,
    /// The monitor was paused.
    Paused,
    /// The monitor was deleted.
    Deleted,
    /// The monitor's target was changed.
    Edited,
}

impl ResolvedReason {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Manual => "manual",
            Self::Paused => "paused",
            Self::Deleted => "deleted",
            Self::Edited => "edited",
        }
    }

    /// The reason a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Recovered,
            Self::Manual,
            Self::Paused,
            Self::Deleted,
            Self::Edited,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == word)
    }
}

/// How much an outage matters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is worth waking people for.
    Critical,
    /// It can wait for the morning of those who said so.
    #[default]
    Normal,
}

impl Severity {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Normal => "normal",
        }
    }

    /// The severity a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Critical, Self::Normal]
            .into_iter()
            .find(|severity| severity.as_str() == word)
    }

    /// It is the higher of the two.
    pub fn is_critical(self) -> bool {
        self == Self::Critical
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `user`, `contact`, `api_key` or `system`.
    pub kind: ActorKind,
    /// What people read.
    pub name: String,
}

/// What kind of actor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A person who signed in.
    User,
    /// A person who answered an alert.
    Contact,
    /// A program.
    ApiKey,
    /// Watchbell itself.
    System,
}

impl Actor {
    /// Watchbell itself.
    pub fn system() -> Self {
        Self {
            kind: ActorKind::System,
            name: "Watchbell".to_owned(),
        }
    }
}

/// A monitor that was down behind the one of an incident, and of which nobody was told apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suppressed {
    /// Which one.
    pub monitor_id: MonitorId,
    /// What people read.
    pub name: String,
    /// Since when it is down.
    pub since: Timestamp,
    /// It still is.
    pub still: bool,
}

/// How the regions voted when the incident was confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VoteSummary {
    /// Regions that say down.
    pub down: u32,
    /// Regions that had a vote.
    pub of: u32,
    /// Failing looks that confirmed it.
    pub looks: u32,
    /// One line per region.
    pub regions: Vec<RegionVoteLine>,
    /// A time before the first failing look in which we could not look: it may have broken then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blind: Option<BlindSpan>,
}

/// A time without sight, through a fault of our own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlindSpan {
    /// Its begin.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

/// One region's word on an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegionVoteLine {
    /// The region.
    pub region: String,
    /// Its verdict.
    pub verdict: crate::check::VerdictKind,
    /// Start of its last look.
    pub at: Timestamp,
    /// That look, in the API's form.
    pub check_id: Option<String>,
}

/// An outage.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// Its id.
    pub id: IncidentId,
    /// Its tenant.
    pub account_id: AccountId,
    /// What is down.
    pub monitor_id: MonitorId,
    /// Eight digits for links (`/i/{short}`).
    pub short: String,
    /// That of its monitor, when it opened.
    pub severity: Severity,
    /// Start of the first failing look.
    pub first_failure_at: Timestamp,
    /// When it was sure.
    pub confirmed_at: Timestamp,
    /// When someone took it.
    pub acknowledged_at: Option<Timestamp>,
    /// Who took it.
    pub acknowledged_by: Option<Actor>,
    /// Start of the first good look, or when someone ended it.
    pub resolved_at: Option<Timestamp>,
    /// Why it ended.
    pub resolved_reason: Option<ResolvedReason>,
    /// When the end was sure.
    pub resolved_confirmed_at: Option<Timestamp>,
    /// What is wrong.
    pub failure: Failure,
    /// Where the fault lies.
    pub attribution: Option<Attribution>,
    /// Why, in words.
    pub diagnosis: Option<diagnosis::Diagnosis>,
    /// How the regions voted.
    pub vote: VoteSummary,
    /// Start of the last good look before it.
    pub last_good_at: Option<Timestamp>,
    /// A drill, not an outage.
    pub test: bool,
    /// What the deciding look connected to, without its port.
    pub address: Option<String>,
    /// The storm that it is of.
    pub group_id: Option<GroupId>,
    /// Counts changes, for `ETag`.
    pub version: i64,
}

impl Incident {
    /// How long it lasted, or has lasted by `now`.
    pub fn duration(&self, now: Timestamp) -> SignedDuration {
        self.resolved_at
            .unwrap_or(now)
            .duration_since(self.first_failure_at)
    }

    /// What its monitor is called where the incident is spoken of: nobody shall take a drill for an outage.
    pub fn name_of(&self, monitor: &str) -> String {
        if self.test {
            format!("Fire drill: {monitor}")
        } else {
            monitor.to_owned()
        }
    }

    /// Whether it is still open.
    pub const fn is_open(&self) -> bool {
        self.resolved_at.is_none()
    }
}

/// One entry of an incident's timeline.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimelineEntry {
    /// Its id.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// `first_failure`, `confirmed`, `cause_changed`, `acknowledged`, `answered`, `comment`, `resolved`, `note`.
    pub kind: String,
    /// One sentence.
    pub text: String,
    /// Who.
    pub actor: Actor,
}
