//! The record transaction: one look, and everything that follows from it.

use std::net::IpAddr;

use domain::check::VerdictKind;
use domain::ids::{AccountId, CheckId, IncidentId, MonitorId};
use domain::incident::{Actor, Diagnosis};
use domain::monitor::{MonitorSpec, Settings};
use domain::status::region::Rechecks;
use domain::status::{
    Effect, Look, MonitorState, Observed, RegionVote, Shown, Step, advance, region, step,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::Secrets;
use store::look_requests::Reason;
use store::states::{self, Stored, intervals, votes};

use crate::opening::{self, Outage};
use crate::{Result, ask, flapping as flaps, timeline};

/// A worker seen longer ago than this does not vote.
const HEALTHY_FOR: SignedDuration = SignedDuration::from_secs(15);
/// What a recheck may take beyond its own time-out before a sweeper decides without it.
const DECIDE_SLACK: SignedDuration = SignedDuration::from_secs(15);

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
    /// The look would settle what its region says, or open or close an incident, and is not trusted
    /// yet: nothing was written. Run a
    /// canary round; if it is healthy record the look again as trusted, else drop it.
    pub needs_canary: bool,
}

impl Recorded {
    fn stale(state: Option<MonitorState>) -> Self {
        Self {
            stale: true,
            ..Self::of(state, None)
        }
    }

    pub(crate) fn decided(state: MonitorState) -> Self {
        Self::of(Some(state), None)
    }

    fn of(state: Option<MonitorState>, vote: Option<RegionVote>) -> Self {
        Self {
            state,
            vote,
            rechecks: Rechecks::none(),
            ask_regions: Vec::new(),
            opened: None,
            closed: None,
            open_incident: None,
            stale: false,
            needs_canary: false,
        }
    }
}

/// The monitor whose state is locked.
pub(crate) struct Scene {
    pub account_id: AccountId,
    pub monitor_id: MonitorId,
    pub spec: MonitorSpec,
    pub now: Timestamp,
}

/// Records a look in a transaction of its own.
pub async fn record_look(
    pool: &PgPool,
    secrets: &Secrets,
    looked: &Looked,
    now: Timestamp,
) -> Result<Recorded> {
    let mut transaction = pool.begin().await?;
    let recorded = record_look_in(&mut transaction, secrets, looked, now).await?;
    if recorded.needs_canary {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    Ok(recorded)
}

/// Records a look in the caller's transaction, which must be rolled back when the answer
/// [needs a canary](Recorded::needs_canary).
pub async fn record_look_in(
    connection: &mut PgConnection,
    secrets: &Secrets,
    looked: &Looked,
    now: Timestamp,
) -> Result<Recorded> {
    let (account, monitor) = (looked.account_id, looked.monitor_id);
    let look = &looked.look;
    let epoch = votes::find_epoch(connection, &look.region, looked.shard).await?;
    if epoch != Some(looked.epoch) {
        return Ok(Recorded::stale(None));
    }
    let Some(stored) = states::lock(connection, account, monitor).await? else {
        return Ok(Recorded::stale(None));
    };
    let subject = states::find_subject(connection, account, monitor).await?;
    let Some(subject) = subject
        .filter(|subject| subject.is_watched && subject.config_version == look.config_version)
    else {
        return Ok(Recorded::stale(Some(stored.state)));
    };
    let settings = Settings::of(&subject.spec);
    let scene = Scene {
        account_id: account,
        monitor_id: monitor,
        spec: subject.spec,
        now,
    };

    let mut cast = votes::list(connection, account, monitor).await?;
    let known = cast.iter().find(|vote| vote.region == look.region).cloned();
    let known = known.unwrap_or_else(|| RegionVote::none(look.region.clone()));
    let known = seen_well(connection, looked.shard, known).await?;
    let (vote, rechecks) = advance(&known, look, &settings.confirm);
    if vote != known {
        let provenance = (look.config_version, looked.epoch);
        votes::upsert(connection, account, monitor, &vote, provenance).await?;
    }
    cast.retain(|other| other.region != vote.region);
    cast.push(vote.clone());
    let voters = voters(connection, &scene, Some(&look.region)).await?;

    let step = step(&stored.state, &cast, &voters, now);
    let needs_trust = settles(&known, &vote) || step.effects.iter().any(is_grave);
    let mut recorded = Recorded::of(Some(step.state.clone()), Some(vote));
    recorded.rechecks = rechecks;
    if needs_trust && !looked.trusted {
        recorded.needs_canary = true;
        return Ok(recorded);
    }
    let round = Round {
        votes: &cast,
        voters: &voters,
        looked: Some(looked),
    };
    apply(connection, secrets, &scene, &step, &round, &mut recorded).await?;
    let asked = (recorded.ask_regions.as_slice(), Reason::Vote);
    ask::ask(connection, secrets, (account, monitor), asked, now).await?;
    let waits = step.state.confirming || !recorded.ask_regions.is_empty();
    let timeout = SignedDuration::try_from(settings.timeout).unwrap_or(SignedDuration::MAX);
    let last = recorded.rechecks.at.last().copied().unwrap_or(now);
    let after = last.saturating_add(timeout).ok();
    let decide_at = after.and_then(|at| at.saturating_add(DECIDE_SLACK).ok());
    let decide_at = match decide_at.filter(|_| waits) {
        Some(at) => Some(at),
        None => steady_at(connection, &scene, &stored, &step.state).await?,
    };
    let next = Stored {
        was_public: stored.was_public || looked.public_address,
        decide_at,
        ..stored.clone()
    };
    save(connection, &scene, &stored, next, &step.state).await?;
    if recorded.opened.is_none() && step.state.observed == Observed::Down {
        let open = store::incidents::find_open(connection, account, monitor).await?;
        recorded.open_incident = open.map(|incident| incident.id);
    } else {
        recorded.open_incident = recorded.opened;
    }
    Ok(recorded)
}

/// Whether the region has made up its mind with this look. That what was never looked at is fine
/// contradicts nobody.
fn settles(known: &RegionVote, vote: &RegionVote) -> bool {
    let first_good = known.verdict.is_none() && vote.verdict.is_some_and(VerdictKind::is_good);
    vote.verdict != known.verdict && !first_good
}

/// The region's vote without what it believed to see while it was blind.
async fn seen_well(
    connection: &mut PgConnection,
    shard: i16,
    vote: RegionVote,
) -> Result<RegionVote> {
    let Some(candidate) = &vote.candidate else {
        return Ok(vote);
    };
    let blind = store::blind::list(connection, &vote.region, shard, candidate.since).await?;
    let untrusted: Vec<_> = blind
        .into_iter()
        .filter(|blind| blind.was_looked_at())
        .map(|blind| blind.interval)
        .collect();
    Ok(region::after_blind(vote, &untrusted))
}

/// When an incident that was kept open may end, if there is one.
async fn steady_at(
    connection: &mut PgConnection,
    scene: &Scene,
    before: &Stored,
    state: &MonitorState,
) -> Result<Option<Timestamp>> {
    let was_down = before.state.observed == Observed::Down;
    if state.observed == Observed::Down || (before.decide_at.is_none() && !was_down) {
        return Ok(None);
    }
    let open = store::incidents::find_open(connection, scene.account_id, scene.monitor_id).await?;
    Ok(open.map(|_| domain::status::flapping::steady_at(state.since)))
}

fn is_grave(effect: &Effect) -> bool {
    matches!(effect, Effect::Open { .. } | Effect::Close { .. })
}

/// The regions that may vote: those the monitor wants that have a healthy worker, and the one that
/// has just looked.
pub(crate) async fn voters(
    connection: &mut PgConnection,
    scene: &Scene,
    own: Option<&str>,
) -> Result<Vec<String>> {
    let seen_after = scene
        .now
        .saturating_sub(HEALTHY_FOR)
        .unwrap_or(Timestamp::MIN);
    let wanted = scene.spec.regions.as_deref();
    let mut voters = votes::list_voters(connection, wanted, seen_after).await?;
    if let Some(own) = own
        && !voters.iter().any(|region| region == own)
    {
        voters.push(own.to_owned());
    }
    Ok(voters)
}

/// Who voted, and on what occasion.
pub(crate) struct Round<'a> {
    pub votes: &'a [RegionVote],
    pub voters: &'a [String],
    pub looked: Option<&'a Looked>,
}

/// Does what the rules say, in order.
pub(crate) async fn apply(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    step: &Step,
    round: &Round<'_>,
    recorded: &mut Recorded,
) -> Result<()> {
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    for effect in &step.effects {
        match effect {
            Effect::AskRegions(regions) => recorded.ask_regions.clone_from(regions),
            Effect::Open {
                first_failure_at,
                failure,
                attribution,
                looks,
            } => {
                let outage = Outage {
                    first_failure_at: *first_failure_at,
                    failure,
                    attribution: *attribution,
                    looks: *looks,
                    votes: round.votes,
                    voters: round.voters,
                    looked: round.looked,
                };
                recorded.opened = opening::open(connection, secrets, scene, &outage).await?;
                if recorded.opened.is_none() {
                    flaps::down_again(connection, scene).await?;
                }
            }
            Effect::Close { recovered_at } => {
                let became = flaps::recovered(connection, scene, *recovered_at).await?;
                recorded.closed = became.closed;
            }
            Effect::Changed { .. } => {
                let shown = Shown::of(step.state.observed, false, false, false);
                intervals::begin(connection, account, monitor, shown, step.state.since).await?;
                store::changes::notify(connection, account, "monitor", monitor).await?;
            }
            Effect::CauseChanged {
                failure,
                attribution,
            } => {
                let text = timeline::cause_changed(failure, *attribution);
                note_cause(connection, scene, text).await?;
            }
        }
    }
    Ok(())
}

async fn note_cause(connection: &mut PgConnection, scene: &Scene, text: String) -> Result<()> {
    let (account, now) = (scene.account_id, scene.now);
    let open = store::incidents::find_open(connection, account, scene.monitor_id).await?;
    let Some(open) = open else { return Ok(()) };
    let events = store::incidents::events::count(connection, account, open.id, "cause_changed");
    if events.await? < timeline::MOST_CAUSE_CHANGES {
        let by = (&Actor::system(), now);
        timeline::add(connection, account, open.id, ("cause_changed", text), by).await?;
        store::changes::notify(connection, account, "incident", open.id).await?;
    }
    Ok(())
}

/// Saves the state, if it changed.
pub(crate) async fn save(
    connection: &mut PgConnection,
    scene: &Scene,
    before: &Stored,
    mut next: Stored,
    state: &MonitorState,
) -> Result<()> {
    if state.observed != before.state.observed {
        next.noticed_at = None;
    }
    next.state = state.clone();
    if next == *before {
        return Ok(());
    }
    if next.state.confirming != before.state.confirming {
        store::changes::notify(connection, scene.account_id, "monitor", scene.monitor_id).await?;
    }
    states::save(connection, scene.account_id, scene.monitor_id, &next).await?;
    Ok(())
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
