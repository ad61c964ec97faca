//! The record transaction: one look, and everything that follows from it.

mod looked;

use domain::check::VerdictKind;
use domain::ids::{AccountId, MonitorId};
use domain::incident::Actor;
use domain::monitor::{MonitorSpec, Settings};
use domain::status::{
    Effect, MonitorState, Observed, RegionVote, Shown, Step, advance, region, step,
};
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::Secrets;
use store::look_requests::Reason;
use store::states::{self, Stored, intervals, votes};

pub use self::looked::{Looked, Recorded};
use crate::opening::{self, Outage};
use crate::{Result, ask, dependencies, flapping as flaps, maintenance, timeline};

/// A worker seen longer ago than this does not vote.
const HEALTHY_FOR: SignedDuration = SignedDuration::from_secs(15);
/// What a recheck may take beyond its own time-out before a sweeper decides without it.
const DECIDE_SLACK: SignedDuration = SignedDuration::from_secs(15);

/// The monitor whose state is locked.
pub(crate) struct Scene {
    pub account_id: AccountId,
    pub monitor_id: MonitorId,
    pub spec: MonitorSpec,
    pub now: Timestamp,
}

impl Scene {
    fn of(
        (account_id, monitor_id): (AccountId, MonitorId),
        spec: MonitorSpec,
        now: Timestamp,
    ) -> Self {
        Self {
            account_id,
            monitor_id,
            spec,
            now,
        }
    }
}

/// Records a look in a transaction of its own.
pub async fn record_look(
    pool: &PgPool,
    secrets: &Secrets,
    looked: &Looked,
    now: Timestamp,
) -> Result<Recorded> {
    let mut transaction = store::begin(pool).await?;
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
    let scene = Scene::of((account, monitor), subject.spec, now);

    let mut cast = votes::list(connection, account, monitor).await?;
    let known = cast.iter().find(|vote| vote.region == look.region).cloned();
    let known = known.unwrap_or_else(|| RegionVote::none(look.region.clone()));
    let known = seen_well(connection, looked.shard, known).await?;
    let (vote, rechecks) = advance(&known, look, &settings.confirm);
    if vote != known {
        let provenance = (look.config_version, looked.epoch);
        votes::upsert(connection, account, monitor, &vote, provenance).await?;
    }
    dependencies::suspected(connection, secrets, &scene, (&known, &vote)).await?;
    cast.retain(|other| other.region != vote.region);
    cast.push(vote.clone());
    let voters = voters(connection, &scene, Some(&look.region)).await?;

    let step = step(&stored.state, &cast, &voters, now);
    let is_over =
        maintenance::is_over_for(connection, &scene, &stored, (&step.state, look)).await?;
    let needs_trust = settles(&known, &vote) || step.effects.iter().any(is_grave) || is_over;
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
    if is_over {
        maintenance::open_held(
            connection,
            secrets,
            (&scene, &step.state),
            (&stored, &round),
            &mut recorded,
        )
        .await?;
    }
    let asked = (recorded.ask_regions.as_slice(), Reason::Vote);
    ask::ask(connection, secrets, (account, monitor), asked, now).await?;
    let decide_at = match overdue_at(&recorded, &settings, now) {
        Some(at) => Some(at),
        None => steady_at(connection, &scene, &stored, &step.state).await?,
    };
    let next = Stored {
        was_public: stored.was_public || looked.public_address,
        decide_at,
        held_since: stored.held_since.filter(|_| !is_over),
        behind: stored.behind.filter(|_| !is_over),
        ..stored.clone()
    };
    save(connection, &scene, &stored, next, &recorded).await?;
    recorded.open_incident = recorded.opened;
    if recorded.opened.is_none() && step.state.observed == Observed::Down {
        let open = store::incidents::find_open(connection, account, monitor).await?;
        recorded.open_incident = open.map(|incident| incident.id);
    }
    Ok(recorded)
}

/// When a sweeper decides what is being confirmed and nobody went on with.
fn overdue_at(recorded: &Recorded, settings: &Settings, now: Timestamp) -> Option<Timestamp> {
    let confirming = recorded
        .state
        .as_ref()
        .is_some_and(|state| state.confirming);
    let waits = confirming || !recorded.ask_regions.is_empty();
    let timeout = SignedDuration::try_from(settings.timeout).unwrap_or(SignedDuration::MAX);
    let last = recorded.rechecks.at.last().copied().unwrap_or(now);
    let after = last.saturating_add(timeout).ok().filter(|_| waits)?;
    after.saturating_add(DECIDE_SLACK).ok()
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
                    held: None,
                };
                if maintenance::holds(connection, scene, round.looked).await? {
                    recorded.held = true;
                    continue;
                }
                let began = *first_failure_at;
                recorded.behind = dependencies::holds(connection, secrets, scene, began).await?;
                if recorded.behind.is_some() {
                    recorded.held = true;
                    continue;
                }
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

/// Saves the state that came of it, if it changed.
pub(crate) async fn save(
    connection: &mut PgConnection,
    scene: &Scene,
    before: &Stored,
    mut next: Stored,
    recorded: &Recorded,
) -> Result<()> {
    let Some(state) = &recorded.state else {
        return Ok(());
    };
    if recorded.held {
        next.held_since = next.held_since.or(Some(scene.now));
        next.held_asked_at = None;
        next.behind = recorded.behind;
    }
    if state.observed != Observed::Down || next.held_since.is_none() {
        (next.held_since, next.held_asked_at, next.behind) = (None, None, None);
    }
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
    dependencies::settle(connection, scene, before, &next).await
}
