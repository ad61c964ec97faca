//! What time alone brings about: quiet notices, and decisions that nobody made.

use domain::check::VerdictKind;
use domain::contact::Channel;
use domain::delivery::Event;
use domain::delivery::payload::StatusNotice;
use domain::ids::{AccountId, MonitorId};
use domain::status::{Observed, RegionVote, step};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use store::Secrets;
use store::look_requests::Reason;
use store::states::{self, Stored, votes};

use crate::record::{self, Recorded, Round, Scene};
use crate::tell::{self, Message};
use crate::{Result, ask, flapping};

/// A monitor we could not look at for this long is spoken of, once and quietly.
const UNKNOWN_FOR: SignedDuration = SignedDuration::from_mins(15);
/// Slow, partly down and blocked are spoken of when they last.
const LASTS: SignedDuration = SignedDuration::from_mins(5);
/// Between two decisions on a state that stays open.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// Rows in one sweep.
const BATCH: u32 = 500;

/// Tells, by all but text messages and once a status period, of monitors that have long been slow, partly down,
/// blocked or not looked at. Says how many were spoken of.
pub async fn notice_quiet(pool: &PgPool, now: Timestamp) -> Result<usize> {
    let mut connection = pool.acquire().await?;
    let since = |lasts| now.saturating_sub(lasts).unwrap_or(Timestamp::MIN);
    let before = (since(LASTS), since(UNKNOWN_FOR));
    let due = states::list_unnoticed(&mut connection, before, now, BATCH).await?;
    drop(connection);
    let mut spoken = 0;
    for (account, monitor) in due {
        match notice(pool, account, monitor, now).await {
            Ok(told) => spoken += usize::from(told),
            Err(error) => tracing::error!(monitor.id = %monitor, %error, "quiet notice failed"),
        }
    }
    Ok(spoken)
}

async fn notice(
    pool: &PgPool,
    account: AccountId,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<bool> {
    let mut transaction = store::begin(pool).await?;
    let stored = states::lock(&mut transaction, account, monitor).await?;
    let subject = states::find_subject(&mut transaction, account, monitor).await?;
    let (Some(mut stored), Some(subject)) = (stored, subject) else {
        return Ok(false);
    };
    let Some(event) = event(stored.state.observed) else {
        return Ok(false);
    };
    if stored.noticed_at.is_some() || !subject.is_watched {
        return Ok(false);
    }
    if store::maintenance::covering(&mut transaction, account, monitor, now)
        .await?
        .is_some()
    {
        return Ok(false);
    }
    let since = stored.state.since;
    let cast = votes::list(&mut transaction, account, monitor).await?;
    let regions = match event {
        Event::MonitorPartial => named(&mut transaction, &cast).await?,
        _ => Vec::new(),
    };
    let failure = cast.into_iter().find_map(|vote| vote.failure);
    let message = Message {
        account_id: account,
        event,
        incident_id: None,
        monitor_id: Some(monitor),
        subject: format!("{monitor}:{since}"),
        payload: json!(StatusNotice {
            since,
            regions,
            failure,
            total_us: None,
            origin: None,
        }),
        wait_until: None,
        can_wait: false,
    };
    let quiet = |contact: &domain::contact::Contact| contact.channel != Channel::Sms;
    tell::tell_recipients(&mut transaction, &message, &subject.spec, quiet, now).await?;
    stored.noticed_at = Some(now);
    states::save(&mut transaction, account, monitor, &stored).await?;
    transaction.commit().await?;
    Ok(true)
}

/// What people read for the regions that say down.
async fn named(connection: &mut PgConnection, cast: &[RegionVote]) -> Result<Vec<String>> {
    let known = store::regions::list(connection).await?;
    let down = cast
        .iter()
        .filter(|vote| vote.verdict == Some(VerdictKind::Down));
    Ok(down
        .map(|vote| {
            let found = known.iter().find(|region| region.id == vote.region);
            found.map_or_else(|| vote.region.clone(), |region| region.name.clone())
        })
        .collect())
}

const fn event(observed: Observed) -> Option<Event> {
    match observed {
        Observed::Degraded => Some(Event::MonitorDegraded),
        Observed::Partial => Some(Event::MonitorPartial),
        Observed::Blocked => Some(Event::MonitorBlocked),
        Observed::Unknown => Some(Event::MonitorUnknown),
        Observed::Pending | Observed::Up | Observed::Down => None,
    }
}

/// A monitor whose confirmation nobody went on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overdue {
    /// The tenant.
    pub account_id: AccountId,
    /// The monitor.
    pub monitor_id: MonitorId,
    /// What came of deciding without those who kept silent.
    pub recorded: Recorded,
    /// Regions that were asked to look again: their confirmation hangs.
    pub look_again: Vec<String>,
}

/// Decides, without the regions that kept silent, what is overdue, and asks again where a confirmation
/// hangs. What a region says was trusted when it said so: nothing more is needed here.
pub async fn decide_overdue(
    pool: &PgPool,
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Vec<Overdue>> {
    let mut connection = pool.acquire().await?;
    let due = states::list_overdue(&mut connection, now, BATCH).await?;
    drop(connection);
    let mut decided = Vec::with_capacity(due.len());
    for (account, monitor) in due {
        match decide(pool, secrets, (account, monitor), now).await {
            Ok(overdue) => decided.extend(overdue),
            Err(error) => tracing::error!(monitor.id = %monitor, %error, "overdue decision failed"),
        }
    }
    Ok(decided)
}

async fn decide(
    pool: &PgPool,
    secrets: &Secrets,
    (account_id, monitor_id): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<Option<Overdue>> {
    let mut transaction = store::begin(pool).await?;
    let stored = states::lock(&mut transaction, account_id, monitor_id).await?;
    let subject = states::find_subject(&mut transaction, account_id, monitor_id).await?;
    let (Some(stored), Some(subject)) = (stored, subject) else {
        return Ok(None);
    };
    if stored.decide_at.is_none_or(|at| at > now) || !subject.is_watched {
        return Ok(None);
    }
    let scene = Scene {
        account_id,
        monitor_id,
        spec: subject.spec,
        now,
    };
    let cast = votes::list(&mut transaction, account_id, monitor_id).await?;
    let mut voters = record::voters(&mut transaction, &scene, None).await?;
    let spoke = domain::status::step::spoken(&cast);
    voters.retain(|region| spoke.contains(&region.as_str()));
    let step = step(&stored.state, &cast, &voters, now);
    let mut recorded = Recorded::decided(step.state.clone());
    let round = Round {
        votes: &cast,
        voters: &voters,
        looked: None,
    };
    record::apply(
        &mut transaction,
        secrets,
        &scene,
        &step,
        &round,
        &mut recorded,
    )
    .await?;
    let hangs = cast.iter().filter(|vote| vote.candidate.is_some());
    let look_again: Vec<String> = hangs.map(|vote| vote.region.clone()).collect();
    let kept = match step.state.observed {
        Observed::Down => None,
        // Nobody sees: what is not down may be.
        _ if voters.is_empty() => now.saturating_add(AGAIN).ok(),
        _ => {
            let became = flapping::settle(&mut transaction, &scene, step.state.since).await?;
            recorded.closed = recorded.closed.or(became.closed);
            became.open_until
        }
    };
    let again = now
        .saturating_add(AGAIN)
        .ok()
        .filter(|_| !look_again.is_empty());
    let asked = (look_again.as_slice(), Reason::Recheck);
    ask::ask(
        &mut transaction,
        secrets,
        (account_id, monitor_id),
        asked,
        now,
    )
    .await?;
    let next = Stored {
        decide_at: again.or(kept),
        ..stored.clone()
    };
    record::save(&mut transaction, &scene, &stored, next, &recorded).await?;
    transaction.commit().await?;
    Ok(Some(Overdue {
        account_id,
        monitor_id,
        recorded,
        look_again,
    }))
}
