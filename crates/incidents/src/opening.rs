//! Opening an incident: the row, its timeline, its short code, and everyone who is told.

use domain::check::{Attribution, Failure, VerdictKind};
use domain::ids::{IncidentId, short_code};
use domain::incident::{Actor, BlindSpan, Incident, RegionVoteLine, VoteSummary};
use domain::monitor::{Settings, schedule};
use domain::status::RegionVote;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::Secrets;
use store::token_lookups::{self, Found, Kind};

use crate::answers::Changed;
use crate::record::{Looked, Scene};
use crate::{Result, autopsies, dependencies, escalation, markers, timeline};

/// How far back the last good look is sought, at least.
const LAST_GOOD_WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// What the rules say of a new outage.
pub(crate) struct Outage<'a> {
    pub first_failure_at: Timestamp,
    pub failure: &'a Failure,
    pub attribution: Option<Attribution>,
    pub looks: u32,
    pub votes: &'a [RegionVote],
    pub voters: &'a [String],
    /// The look that decided, when it was a look.
    pub looked: Option<&'a Looked>,
    /// It was sure before, and this kept it from being told.
    pub held: Option<Held>,
}

/// What kept an outage from being told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Held {
    /// Maintenance.
    Maintenance,
    /// The outage of a monitor of this name, which it depends on.
    Behind(String),
}

/// Opens an incident, unless the monitor has an open one.
pub(crate) async fn open(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    outage: &Outage<'_>,
) -> Result<Option<IncidentId>> {
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    if store::incidents::lock_open(connection, account, monitor)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    let (id, short) = named(connection, scene).await?;
    let last_good_at = last_good(connection, scene, outage).await?;
    let tags = scene.spec.tags.clone().unwrap_or_default();
    let since = outage.first_failure_at;
    let deployed = markers::before(connection, account, (monitor, &tags), since).await?;
    let changed = Changed::of(connection, scene, outage.looked, since).await?;
    let diagnosis = outage.looked.and_then(|looked| looked.diagnosis.clone());
    let diagnosis = markers::shown(diagnosis, &deployed, since);
    let diagnosis = changed.shown(diagnosis, since);
    let mut vote = summary(outage);
    vote.blind = blind(connection, scene, outage, last_good_at).await?;
    let incident = Incident {
        id,
        account_id: account,
        monitor_id: monitor,
        short,
        severity: scene.spec.severity(),
        first_failure_at: outage.first_failure_at,
        confirmed_at: scene.now,
        acknowledged_at: None,
        acknowledged_by: None,
        resolved_at: None,
        resolved_reason: None,
        resolved_confirmed_at: None,
        failure: outage.failure.clone(),
        attribution: outage.attribution,
        diagnosis,
        vote,
        last_good_at,
        test: false,
        address: outage
            .looked
            .and_then(|looked| looked.address)
            .map(|address| address.to_string()),
        group_id: None,
        version: 1,
    };
    store::incidents::insert(connection, &incident).await?;
    autopsies::want(connection, &incident, &scene.spec, scene.now).await?;
    let told = escalation::begin(connection, secrets, scene, &incident).await?;
    begin_timeline(connection, outage, &incident, told).await?;
    let system = Actor::system();
    for marker in &deployed {
        markers::note(connection, account, id, (marker, since), &system).await?;
    }
    changed
        .note(connection, (account, id), since, &system)
        .await?;
    dependencies::name_held(connection, account, id, scene.now).await?;
    store::changes::notify(connection, account, "incident", id).await?;
    Ok(Some(id))
}

/// The first lines of its timeline: what failed, what is sure, who is told.
async fn begin_timeline(
    connection: &mut PgConnection,
    outage: &Outage<'_>,
    incident: &Incident,
    told: escalation::Begun,
) -> Result<()> {
    let (account, id, now) = (incident.account_id, incident.id, incident.confirmed_at);
    let system = Actor::system();
    let blind = incident
        .vote
        .blind
        .map(|span| ("note", timeline::blind(span), span.to));
    let entries = [
        (
            "first_failure",
            timeline::first_failure(outage.failure, outage.attribution),
            outage.first_failure_at,
        ),
        (
            "confirmed",
            timeline::confirmed(outage.failure, &incident.vote),
            now,
        ),
        ("note", timeline::told(told), now),
    ];
    let held = outage.held.as_ref();
    let held = held.map(|held| ("note", timeline::was_held(held), now));
    for (kind, text, at) in blind.into_iter().chain(entries).chain(held) {
        timeline::add(connection, account, id, (kind, text), (&system, at)).await?;
    }
    Ok(())
}

/// An id whose short code nobody else has.
pub(crate) async fn named(
    connection: &mut PgConnection,
    scene: &Scene,
) -> Result<(IncidentId, String)> {
    loop {
        let id = IncidentId::generate();
        let short = short_code(id.uuid());
        let found = Found {
            account_id: scene.account_id,
            row_id: id.uuid(),
            other_id: None,
        };
        if token_lookups::insert_new(connection, Kind::Incident, &short, found, scene.now).await? {
            return Ok((id, short));
        }
    }
}

fn summary(outage: &Outage<'_>) -> VoteSummary {
    let spoke = outage
        .votes
        .iter()
        .filter(|vote| outage.voters.contains(&vote.region));
    let mut regions: Vec<RegionVoteLine> = spoke
        .filter_map(|vote| {
            let decided = outage
                .looked
                .filter(|looked| looked.look.region == vote.region);
            Some(RegionVoteLine {
                region: vote.region.clone(),
                verdict: vote.verdict?,
                at: vote.looked_at,
                check_id: decided
                    .and_then(|looked| looked.check_id)
                    .map(|id| id.to_string()),
            })
        })
        .collect();
    regions.sort_by(|one, other| one.region.cmp(&other.region));
    let count = |lines: usize| u32::try_from(lines).unwrap_or(u32::MAX);
    VoteSummary {
        down: count(
            regions
                .iter()
                .filter(|line| line.verdict == VerdictKind::Down)
                .count(),
        ),
        of: count(outage.voters.len()),
        looks: outage.looks,
        regions,
        blind: None,
    }
}

/// The time between the last good look and the first failing one in which we could not look.
async fn blind(
    connection: &mut PgConnection,
    scene: &Scene,
    outage: &Outage<'_>,
    last_good_at: Option<Timestamp>,
) -> Result<Option<BlindSpan>> {
    if scene.spec.kind().is_some_and(|kind| !kind.looks()) {
        return Ok(None);
    }
    let to = outage.first_failure_at;
    let from = last_good_at.unwrap_or_else(|| reach(scene, to));
    let shard = schedule::shard(scene.monitor_id);
    Ok(store::blind::find_between(connection, outage.voters, shard, (from, to)).await?)
}

/// How far back before an outage its history is looked at.
fn reach(scene: &Scene, before: Timestamp) -> Timestamp {
    let reach = SignedDuration::try_from(Settings::of(&scene.spec).interval * 3)
        .unwrap_or(SignedDuration::MAX)
        .max(LAST_GOOD_WITHIN);
    before.saturating_sub(reach).unwrap_or(Timestamp::MIN)
}

/// The last good look before the failure. Good looks are stored in batches and cast no vote, so that
/// the votes alone would name one of long ago.
async fn last_good(
    connection: &mut PgConnection,
    scene: &Scene,
    outage: &Outage<'_>,
) -> Result<Option<Timestamp>> {
    let before = outage.first_failure_at;
    if scene.spec.kind().is_some_and(|kind| !kind.looks()) {
        let (account, monitor) = (scene.account_id, scene.monitor_id);
        let heard = store::heartbeats::find(connection, account, monitor).await?;
        return Ok(heard.and_then(|heard| heard.beat.last_good_at));
    }
    let window = (reach(scene, before), before);
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    let stored = store::checks::find_last_good(connection, account, monitor, window).await?;
    let voted = outage.votes.iter().filter_map(|vote| vote.last_good_at);
    let looked = outage.looked.and_then(|looked| looked.last_good_at);
    Ok(voted
        .chain(looked)
        .chain(stored)
        .filter(|at| *at <= before)
        .max())
}
