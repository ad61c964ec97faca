//! A look as it is handed over to be recorded, and what came of it.

use std::net::IpAddr;

use domain::answer::Answer;
use domain::check::VerdictKind;
use domain::ids::{AccountId, CheckId, IncidentId, MonitorId};
use domain::incident::Diagnosis;
use domain::status::region::Rechecks;
use domain::status::{Look, MonitorState, RegionVote};
use jiff::Timestamp;
use store::states::Behind;

/// A finished look, as its worker hands it over.
#[derive(Debug, Clone)]
pub struct Looked {
    /// The tenant.
    pub account_id: AccountId,
    /// What was looked at.
    pub monitor_id: MonitorId,
    /// The monitor's shard.
    pub shard: i16,
    /// The epoch of the worker's lease on (region, shard).
    pub epoch: i64,
    /// Region, times, verdict, config version.
    pub look: Look,
    /// Why it fails.
    pub diagnosis: Option<Diagnosis>,
    /// The look's id, for the incident's vote.
    pub check_id: Option<CheckId>,
    /// Start of the last good look the worker knows of.
    pub last_good_at: Option<Timestamp>,
    /// What was seen of an answer that is not good.
    pub answer: Option<Answer>,
    /// The name resolved to a public address.
    pub public_address: bool,
    /// What it connected to, or tried last.
    pub address: Option<IpAddr>,
    /// A canary round that began after this look was healthy, or the self-check is off. Without it
    /// nothing opens or closes and no region makes up its mind: see [`Recorded::needs_canary`].
    pub trusted: bool,
}

/// What came of a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// The state after it; `None` when the monitor has none.
    pub state: Option<MonitorState>,
    /// The region's own vote after it.
    pub vote: Option<RegionVote>,
    /// How to go on to confirm it.
    pub rechecks: Rechecks,
    /// Regions whose vote was asked for.
    pub ask_regions: Vec<String>,
    /// An incident was opened.
    pub opened: Option<IncidentId>,
    /// An incident was closed.
    pub closed: Option<IncidentId>,
    /// The incident that is open now, for evidence.
    pub open_incident: Option<IncidentId>,
    /// The look counted for nothing: the lease is lost, the settings changed, or the monitor is
    /// paused or gone.
    pub stale: bool,
    /// An outage is sure and opens no incident: the monitor is in maintenance, or behind another one.
    pub held: bool,
    /// What it is behind, or may be.
    pub behind: Option<Behind>,
    /// The look would settle what its region says, or open or close an incident, and is not trusted
    /// yet: nothing was written. Run a
    /// canary round; if it is healthy record the look again as trusted, else drop it.
    pub needs_canary: bool,
}

impl Recorded {
    pub(super) fn stale(state: Option<MonitorState>) -> Self {
        Self {
            stale: true,
            ..Self::of(state, None)
        }
    }

    pub(crate) fn decided(state: MonitorState) -> Self {
        Self::of(Some(state), None)
    }

    pub(super) fn of(state: Option<MonitorState>, vote: Option<RegionVote>) -> Self {
        Self {
            state,
            vote,
            rechecks: Rechecks::none(),
            ask_regions: Vec::new(),
            opened: None,
            closed: None,
            open_incident: None,
            stale: false,
            held: false,
            behind: None,
            needs_canary: false,
        }
    }
}

impl Looked {
    /// Whether this look must be recorded: it is not plainly good, or it differs from what its
    /// region has confirmed or is confirming.
    pub fn matters(&self, known: Option<&RegionVote>) -> bool {
        let kind = self.look.verdict.kind;
        kind != VerdictKind::Up
            || known.is_none_or(|vote| vote.candidate.is_some() || vote.verdict != Some(kind))
    }
}
