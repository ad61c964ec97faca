//! What a change of a monitor does to its status and its open incident.

use domain::ids::{AccountId, MonitorId, short_code};
use domain::incident::ResolvedReason;
use domain::monitor::Monitor;
use domain::status::{MonitorState, Shown};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::states::{self, Stored, intervals, votes};
use store::token_lookups::{self, Found, Kind};
use store::{audit, changes};

use crate::closing::{self, End};
use crate::{By, Result, dependencies, heartbeats};

/// What is kept of the past when the status starts anew.
enum Keep {
    /// It is another target: nothing.
    Nothing,
    /// It is the same target: that it was up, and public.
    History,
}

/// After a monitor's row was inserted: its state, its first status, its short code.
pub async fn monitor_created(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    by: &By,
    now: Timestamp,
) -> Result<()> {
    states::insert(connection, account, id, &Stored::new(now)).await?;
    intervals::begin(connection, account, id, Shown::Pending, now).await?;
    let found = Found {
        account_id: account,
        row_id: id.uuid(),
        other_id: None,
    };
    token_lookups::insert_new(
        connection,
        Kind::Monitor,
        &short_code(id.uuid()),
        found,
        now,
    )
    .await?;
    heartbeats::created(connection, account, id, now).await?;
    changed(
        connection,
        account,
        id,
        (by, "monitor.created", json!({})),
        now,
    )
    .await
}

/// Looks and alerts stop; false when it was paused, or is not there.
pub async fn pause_monitor(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    store::monitors::lock(connection, account, id).await?;
    if !store::monitors::set_paused(connection, account, id, Some(now), now).await? {
        return Ok(false);
    }
    stop(connection, account, id, (by, ResolvedReason::Paused), now).await?;
    intervals::begin(connection, account, id, Shown::Paused, now).await?;
    changed(
        connection,
        account,
        id,
        (by, "monitor.paused", json!({})),
        now,
    )
    .await?;
    Ok(true)
}

/// Looks begin again, with nothing taken for granted; false when it was not paused.
pub async fn resume_monitor(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    store::monitors::lock(connection, account, id).await?;
    if !store::monitors::set_paused(connection, account, id, None, now).await? {
        return Ok(false);
    }
    start_anew(connection, account, id, Keep::History, now).await?;
    heartbeats::resumed(connection, account, id, now).await?;
    changed(
        connection,
        account,
        id,
        (by, "monitor.resumed", json!({})),
        now,
    )
    .await?;
    Ok(true)
}

/// Deletes it, restorable for seven days; false when it is not there.
pub async fn delete_monitor(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    store::monitors::lock(connection, account, id).await?;
    if !store::monitors::mark_deleted(connection, account, id, now).await? {
        return Ok(false);
    }
    stop(connection, account, id, (by, ResolvedReason::Deleted), now).await?;
    intervals::end(connection, account, id, now).await?;
    changed(
        connection,
        account,
        id,
        (by, "monitor.deleted", json!({})),
        now,
    )
    .await?;
    Ok(true)
}

/// Takes a deleted monitor back; false when there is none. The caller has locked the account and
/// counted.
pub async fn restore_monitor(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    store::monitors::lock(connection, account, id).await?;
    if !store::monitors::mark_restored(connection, account, id, now).await? {
        return Ok(false);
    }
    let watched = states::find_subject(connection, account, id)
        .await?
        .is_some_and(|s| s.is_watched);
    start_anew(connection, account, id, Keep::History, now).await?;
    if watched {
        heartbeats::resumed(connection, account, id, now).await?;
    } else {
        intervals::begin(connection, account, id, Shown::Paused, now).await?;
    }
    changed(
        connection,
        account,
        id,
        (by, "monitor.restored", json!({})),
        now,
    )
    .await?;
    Ok(true)
}

/// After a monitor's row was updated, under [`store::monitors::lock`]. Another target ends the open incident and starts anew.
pub async fn edit_monitor(
    connection: &mut PgConnection,
    (before, after): (&Monitor, &Monitor),
    by: &By,
    now: Timestamp,
) -> Result<()> {
    let (account, id) = (after.account_id, after.id);
    let moved = if after.settings().target.kind().looks() {
        before.settings().target.display() != after.settings().target.display()
            || before.settings().target.kind() != after.settings().target.kind()
    } else {
        let state = states::lock(connection, account, id).await?;
        let state = state.map_or_else(|| MonitorState::new(now), |stored| stored.state);
        heartbeats::edited(connection, (before, after), &state, now).await?
    };
    if moved {
        stop(connection, account, id, (by, ResolvedReason::Edited), now).await?;
        store::certificates::delete(connection, account, id).await?;
        if after.paused_at.is_none() {
            start_anew(connection, account, id, Keep::Nothing, now).await?;
        }
    }
    if before.spec.depends_on != after.spec.depends_on {
        store::dependencies::forget_behind(connection, account).await?;
    }
    let details = json!({ "target_changed": moved });
    changed(
        connection,
        account,
        id,
        (by, "monitor.edited", details),
        now,
    )
    .await
}

/// Ends the open incident. The state is locked first: whoever records a look now waits, and then
/// finds the monitor changed.
async fn stop(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    (by, reason): (&By, ResolvedReason),
    now: Timestamp,
) -> Result<()> {
    if let Some(mut stored) = states::lock(connection, account, id).await? {
        stored.state.confirming = false;
        stored.decide_at = None;
        (stored.held_since, stored.held_asked_at, stored.behind) = (None, None, None);
        states::save(connection, account, id, &stored).await?;
        dependencies::forget(connection, (account, id), now).await?;
    }
    let end = End {
        reason,
        at: now,
        by,
    };
    closing::close_open(connection, account, id, &end, now).await?;
    if !matches!(reason, ResolvedReason::Edited) {
        heartbeats::stopped(connection, account, id).await?;
    }
    Ok(())
}

async fn start_anew(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    keep: Keep,
    now: Timestamp,
) -> Result<()> {
    let Some(stored) = states::lock(connection, account, id).await? else {
        return Ok(());
    };
    let mut next = Stored::new(now);
    if matches!(keep, Keep::History) {
        next.was_public = stored.was_public;
        next.state = MonitorState {
            ever_up: stored.state.ever_up,
            ..next.state
        };
    }
    states::save(connection, account, id, &next).await?;
    votes::delete(connection, account, id).await?;
    intervals::begin(connection, account, id, Shown::Pending, now).await?;
    Ok(())
}

async fn changed(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    (by, action, details): (&By, &str, Value),
    now: Timestamp,
) -> Result<()> {
    let entry = audit::Entry {
        account_id: account,
        actor: &by.actor,
        action,
        subject: id.to_string(),
        details,
        at: now,
    };
    audit::insert(connection, &entry).await?;
    changes::notify_monitor(connection, account, id).await?;
    changes::notify(connection, account, "monitor", id).await?;
    Ok(())
}
