//! What becomes of a heartbeat when its monitor is made, paused, resumed, edited or deleted.

use domain::heartbeat::{Beat, HeartbeatTarget, rearm, reschedule, slug};
use domain::ids::{AccountId, MonitorId};
use domain::monitor::{Monitor, MonitorSpec, Settings};
use domain::status::MonitorState;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::heartbeats;
use store::states;
use store::token_lookups::{self, Found, Kind};
use uuid::Uuid;

use super::target;
use crate::Result;

/// After a monitor's row was inserted: its ping address and an empty history.
pub(crate) async fn created(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<()> {
    let subject = states::find_subject(connection, account, monitor).await?;
    let Some(spec) = subject.map(|subject| subject.spec) else {
        return Ok(());
    };
    if target(&spec).is_none() {
        return Ok(());
    }
    let token = Uuid::new_v4();
    let found = Found {
        account_id: account,
        row_id: monitor.uuid(),
        other_id: None,
    };
    token_lookups::insert(connection, Kind::Heartbeat, &token.to_string(), found, now).await?;
    heartbeats::insert(connection, account, monitor, (token, &slug_of(&spec))).await?;
    Ok(())
}

/// Nothing is waited for any more: it is paused or deleted.
pub(crate) async fn stopped(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<()> {
    change(connection, (account, monitor), |beat, _| Beat {
        run: None,
        expected_at: None,
        due_at: None,
        ..*beat
    })
    .await
}

/// It is waited for anew: it was resumed or restored.
pub(crate) async fn resumed(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    now: Timestamp,
) -> Result<()> {
    change(connection, (account, monitor), |beat, target| {
        rearm(beat, target, now)
    })
    .await
}

/// The wait after an edit, and the monitor's name in addresses. True when the settings no longer say
/// that the heartbeat is missed for which the monitor is down: the caller ends the incident.
pub(crate) async fn edited(
    connection: &mut PgConnection,
    (before, after): (&Monitor, &Monitor),
    state: &MonitorState,
    now: Timestamp,
) -> Result<bool> {
    let (account, id) = (after.account_id, after.id);
    let (Some(old), Some(new)) = (target(&before.spec), target(&after.spec)) else {
        return Ok(false);
    };
    heartbeats::set_slug(connection, account, id, &slug_of(&after.spec)).await?;
    let Some(mut stored) = heartbeats::lock(connection, account, id).await? else {
        return Ok(false);
    };
    if old == new || after.paused_at.is_some() {
        return Ok(false);
    }
    let is_down = state.observed == domain::status::Observed::Down;
    if !is_down {
        stored.beat = reschedule(&stored.beat, &new, now);
        heartbeats::save(connection, account, id, &stored).await?;
        return Ok(false);
    }
    let missed = state
        .failure
        .as_ref()
        .is_some_and(|failure| failure.class == domain::check::FailureClass::HeartbeatMissed);
    let anew = Beat {
        run: None,
        ..stored.beat
    };
    let expected = anew.counted_from.and_then(|from| new.next_expected(from));
    let due = expected.and_then(|at| at.checked_add(new.grace()).ok());
    if !missed || due.is_none_or(|due| due <= now) {
        return Ok(false);
    }
    stored.beat = reschedule(&anew, &new, now);
    heartbeats::save(connection, account, id, &stored).await?;
    Ok(true)
}

async fn change(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    how: impl Fn(&Beat, &HeartbeatTarget) -> Beat,
) -> Result<()> {
    let Some(mut stored) = heartbeats::lock(connection, account, monitor).await? else {
        return Ok(());
    };
    let subject = states::find_subject(connection, account, monitor).await?;
    if let Some(target) = subject.and_then(|subject| target(&subject.spec)) {
        stored.beat = how(&stored.beat, &target);
        heartbeats::save(connection, account, monitor, &stored).await?;
    }
    Ok(())
}

/// The owner's own key, else the name.
fn slug_of(spec: &MonitorSpec) -> String {
    match &spec.key {
        Some(key) => key.clone(),
        None => slug(&Settings::of(spec).name),
    }
}
