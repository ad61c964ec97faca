//! Heartbeats: a call that came, and one that did not.
//!
//! The same transaction keeps the call, moves the wait, and opens or closes the incident with its
//! messages. Locks as everywhere: the monitor's state, then its heartbeat row.

mod lifecycle;

use std::net::IpAddr;

use domain::heartbeat::{
    Action, Beat, HeartbeatTarget, Overdue, Ping, Signal, Taken, matters, overdue, take,
};
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::monitor::{MonitorSpec, Settings};
use domain::status::MonitorState;
use domain::words;
use jiff::{SignedDuration, Timestamp};
use sqlx::{PgConnection, PgPool};
use store::heartbeats::{self, Stored, pings};
use store::states::{self, Subject};
use store::{Secrets, ingest};
use uuid::Uuid;

pub(crate) use lifecycle::{created, edited, resumed, stopped};

use crate::Result;
use crate::record::{self, Recorded, Round, Scene};

/// Calls of one token that are taken in a minute; more only where they change something.
pub const PINGS_PER_MINUTE: i32 = 5;
/// The minute.
const WINDOW: SignedDuration = SignedDuration::from_mins(1);
/// Rows in one sweep.
const BATCH: u32 = 500;
/// After a decision that failed; it must not be tried again at once and for ever.
const AFTER_FAILURE: SignedDuration = SignedDuration::from_mins(1);

/// A call of a job, as it came in.
#[derive(Debug, Clone)]
pub struct Pinged {
    /// What it says.
    pub action: Action,
    /// The run it names.
    pub rid: Option<Uuid>,
    /// The request's method.
    pub method: String,
    /// Where it came from.
    pub address: Option<IpAddr>,
    /// What called.
    pub user_agent: String,
    /// How long the body was.
    pub body_bytes: u32,
    /// What of it is kept (gzip).
    pub body: Option<Vec<u8>>,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PingOutcome {
    /// It counts.
    Taken {
        /// An incident was opened.
        opened: Option<IncidentId>,
        /// An incident was closed.
        closed: Option<IncidentId>,
    },
    /// One too many in this minute, and nothing would change by it. Seconds until there is room.
    Limited(u64),
    /// No such monitor (any more).
    Gone,
}

/// Takes a call in, in the caller's transaction.
pub async fn record_ping(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account, monitor): (AccountId, MonitorId),
    pinged: &Pinged,
    now: Timestamp,
) -> Result<PingOutcome> {
    let Some((state, mut stored, subject)) = lock(connection, account, monitor).await? else {
        return Ok(PingOutcome::Gone);
    };
    let Some(target) = target(&subject.spec) else {
        return Ok(PingOutcome::Gone);
    };
    let ping = ping(connection, (account, monitor), &stored.beat, pinged, now).await?;
    let full = count(&mut stored, now);
    if let Some(wait) = full.filter(|_| !matters(&stored.beat, &state.state, &ping)) {
        return Ok(PingOutcome::Limited(wait));
    }
    let taken = if subject.is_watched {
        take(&stored.beat, &state.state, &target, &ping)
    } else {
        // While it is paused nothing is waited for and nobody is told; the call is kept all the same.
        unwatched(&stored.beat, &state.state, &ping)
    };
    stored.pings += 1;
    let ends = matches!(ping.action.signal, Signal::Success | Signal::Fail);
    let kept = pings::Ping {
        number: stored.pings,
        at: now,
        action: pinged.action,
        rid: pinged.rid,
        duration: taken.beat.last_duration.filter(|_| ends),
        method: pinged.method.clone(),
        address: pinged.address,
        user_agent: pinged.user_agent.clone(),
        body_bytes: pinged.body_bytes,
    };
    let scene = scene(account, monitor, subject.spec, now);
    let recorded = apply(connection, secrets, &scene, (&state, stored), taken).await?;
    pings::insert(connection, account, monitor, &kept, pinged.body.as_deref()).await?;
    Ok(PingOutcome::Taken {
        opened: recorded.opened,
        closed: recorded.closed,
    })
}

/// Decides on what is due, unless we could not be reached of late. Says how many were decided.
pub async fn decide_heartbeats(pool: &PgPool, secrets: &Secrets, now: Timestamp) -> Result<usize> {
    let mut connection = pool.acquire().await?;
    if !ingest::sight(&mut connection).await?.is_settled(now) {
        return Ok(0);
    }
    let due = heartbeats::list_due(&mut connection, now, BATCH).await?;
    drop(connection);
    let mut decided = 0;
    for (account, monitor) in due {
        match decide(pool, secrets, (account, monitor), now).await {
            Ok(changed) => decided += usize::from(changed),
            Err(error) => {
                tracing::error!(monitor.id = %monitor, %error, "deciding on a heartbeat failed");
                // One that cannot be decided must not stand in front of the others.
                postpone(pool, (account, monitor), now).await?;
            }
        }
    }
    Ok(decided)
}

async fn decide(
    pool: &PgPool,
    secrets: &Secrets,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<bool> {
    let mut transaction = store::begin(pool).await?;
    let Some((state, mut stored, subject)) = lock(&mut transaction, account, monitor).await? else {
        return Ok(false);
    };
    let beat = stored.beat;
    if beat.due_at.is_none_or(|due| due > now) {
        return Ok(false);
    }
    let target = target(&subject.spec).filter(|_| subject.is_watched);
    let Some(target) = target else {
        stored.beat.due_at = None;
        heartbeats::save(&mut transaction, account, monitor, &stored).await?;
        transaction.commit().await?;
        return Ok(false);
    };
    let begin = [beat.counted_from, beat.run.map(|run| run.started_at)];
    let begin = begin.into_iter().flatten().min().unwrap_or(now);
    let lost = ingest::list_lost(&mut transaction, begin).await?;
    let zone = store::accounts::find(&mut transaction, account).await?;
    let zone = zone.map_or(jiff::tz::TimeZone::UTC, |account| {
        words::zone(&account.timezone)
    });
    let outcome = overdue(&beat, &state.state, &target, &lost, (&zone, now));
    let changed = match outcome {
        Overdue::Nothing => {
            stored.beat.due_at = None;
            heartbeats::save(&mut transaction, account, monitor, &stored).await?;
            false
        }
        Overdue::Wait(until) => {
            stored.beat.due_at = Some(until);
            heartbeats::save(&mut transaction, account, monitor, &stored).await?;
            false
        }
        Overdue::Decided(taken) => {
            let scene = scene(account, monitor, subject.spec, now);
            apply(&mut transaction, secrets, &scene, (&state, stored), *taken).await?;
            true
        }
    };
    transaction.commit().await?;
    Ok(changed)
}

async fn postpone(
    pool: &PgPool,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    states::lock(&mut transaction, account, monitor).await?;
    if let Some(mut stored) = heartbeats::lock(&mut transaction, account, monitor).await? {
        stored.beat.due_at = now.saturating_add(AFTER_FAILURE).ok();
        heartbeats::save(&mut transaction, account, monitor, &stored).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Saves what follows, and does what the rules say.
async fn apply(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    (state, mut stored): (&states::Stored, Stored),
    taken: Taken,
) -> Result<Recorded> {
    stored.beat = taken.beat;
    heartbeats::save(connection, scene.account_id, scene.monitor_id, &stored).await?;
    let round = Round {
        votes: &[],
        voters: &[],
        looked: None,
    };
    let mut recorded = Recorded::decided(taken.step.state.clone());
    record::apply(
        connection,
        secrets,
        scene,
        &taken.step,
        &round,
        &mut recorded,
    )
    .await?;
    let next = state.clone();
    record::save(connection, scene, state, next, &recorded).await?;
    Ok(recorded)
}

async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<(states::Stored, Stored, Subject)>> {
    let Some(state) = states::lock(connection, account, monitor).await? else {
        return Ok(None);
    };
    let Some(stored) = heartbeats::lock(connection, account, monitor).await? else {
        return Ok(None);
    };
    let subject = states::find_subject(connection, account, monitor).await?;
    Ok(subject
        .filter(|subject| !subject.is_deleted)
        .map(|subject| (state, stored, subject)))
}

/// The call as the rules see it.
async fn ping(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    beat: &Beat,
    pinged: &Pinged,
    now: Timestamp,
) -> Result<Ping> {
    let ends = matches!(pinged.action.signal, Signal::Success | Signal::Fail);
    let of_another_run = pinged
        .rid
        .filter(|rid| ends && beat.run.is_none_or(|run| run.rid != Some(*rid)));
    let began_at = match of_another_run {
        Some(rid) => pings::find_start(connection, account, monitor, rid).await?,
        None => None,
    };
    Ok(Ping {
        action: pinged.action,
        rid: pinged.rid,
        began_at,
        at: now,
    })
}

/// Counts the call. When the minute is full already: seconds until the next one.
fn count(stored: &mut Stored, now: Timestamp) -> Option<u64> {
    let began = stored
        .window_started_at
        .filter(|began| *began <= now && now.duration_since(*began) < WINDOW);
    let Some(began) = began else {
        stored.window_started_at = Some(now);
        stored.window_pings = 1;
        return None;
    };
    if stored.window_pings < PINGS_PER_MINUTE {
        stored.window_pings += 1;
        return None;
    }
    let left = WINDOW - now.duration_since(began);
    Some(u64::try_from(left.as_secs() + 1).unwrap_or(1))
}

/// A call to a monitor that is paused is noted, and that is all.
fn unwatched(beat: &Beat, state: &MonitorState, ping: &Ping) -> Taken {
    let mut next = *beat;
    next.last_duration = None;
    if ping.action.signal != Signal::Log {
        next.last_at = Some(ping.at);
        next.last = Some(ping.action);
    }
    Taken {
        beat: next,
        step: domain::status::Step {
            state: state.clone(),
            effects: Vec::new(),
        },
    }
}

fn target(spec: &MonitorSpec) -> Option<HeartbeatTarget> {
    Settings::of(spec).target.heartbeat().cloned()
}

fn scene(account_id: AccountId, monitor_id: MonitorId, spec: MonitorSpec, now: Timestamp) -> Scene {
    Scene {
        account_id,
        monitor_id,
        spec,
        now,
    }
}
