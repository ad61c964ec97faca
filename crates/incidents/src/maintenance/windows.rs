//! Windows made, changed, ended and removed, and their times written down ahead.
//!
//! A change holds at once, also in the middle of a window: what is written down ends now and the new
//! times begin now. What was, stays.

use domain::ids::{AccountId, MaintenanceWindowId};
use domain::maintenance::{AHEAD, MOST_AHEAD, MaintenanceWindow, Occurrence, Schedule};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use store::maintenance;
use store::{audit, changes};

use super::move_steps;
use crate::{By, Result};

/// How long a window that was once is listed after its end.
const LISTED: SignedDuration = SignedDuration::from_hours(90 * 24);
/// Windows in one sweep.
const BATCH: u32 = 500;

/// Makes a window, in the caller's transaction; the account is locked.
pub async fn create_window(
    connection: &mut PgConnection,
    account: AccountId,
    window: &MaintenanceWindow,
    by: &By,
    now: Timestamp,
) -> Result<()> {
    let (occurrences, through) = ahead(window, now);
    maintenance::insert(connection, account, window, through).await?;
    maintenance::add(connection, account, window, &clipped(occurrences, now)).await?;
    settle(connection, account, now).await?;
    note(
        connection,
        account,
        window.id,
        (by, "maintenance.created"),
        now,
    )
    .await
}

/// Saves a changed window and gives its version. A change of when or for what holds from now on; an
/// earlier "end now" is forgotten with the times that it ended.
pub async fn change_window(
    connection: &mut PgConnection,
    account: AccountId,
    (before, after): (&MaintenanceWindow, &mut MaintenanceWindow),
    by: &By,
    now: Timestamp,
) -> Result<()> {
    after.updated_at = now;
    if before.schedule != after.schedule {
        after.ended_at = None;
    }
    rewrite(connection, account, after, now).await?;
    note(
        connection,
        account,
        after.id,
        (by, "maintenance.changed"),
        now,
    )
    .await
}

/// Ends the time that runs now; later ones of a rule come all the same. Nothing changes when none runs.
pub async fn end_window(
    connection: &mut PgConnection,
    account: AccountId,
    window: &mut MaintenanceWindow,
    by: &By,
    now: Timestamp,
) -> Result<()> {
    if window.current(now).is_none() {
        return Ok(());
    }
    window.updated_at = now;
    match &mut window.schedule {
        Schedule::Once(once) if once.starts_at < now => once.ends_at = now,
        _ => window.ended_at = Some(now),
    }
    rewrite(connection, account, window, now).await?;
    note(
        connection,
        account,
        window.id,
        (by, "maintenance.ended"),
        now,
    )
    .await
}

/// Removes a window; false when there is none. A time that runs ends now.
pub async fn delete_window(
    connection: &mut PgConnection,
    account: AccountId,
    window: &MaintenanceWindow,
    by: &By,
    now: Timestamp,
) -> Result<bool> {
    maintenance::replace(connection, account, window, &[], now).await?;
    if !maintenance::delete(connection, account, window.id).await? {
        return Ok(false);
    }
    settle(connection, account, now).await?;
    note(
        connection,
        account,
        window.id,
        (by, "maintenance.deleted"),
        now,
    )
    .await?;
    Ok(true)
}

async fn rewrite(
    connection: &mut PgConnection,
    account: AccountId,
    window: &mut MaintenanceWindow,
    now: Timestamp,
) -> Result<()> {
    let (occurrences, through) = ahead(window, now);
    window.version = maintenance::update(connection, account, window, through).await?;
    maintenance::replace(connection, account, window, &occurrences, now).await?;
    settle(connection, account, now).await
}

/// The times of the coming days, and up to when they are all there.
fn ahead(window: &MaintenanceWindow, now: Timestamp) -> (Vec<Occurrence>, Timestamp) {
    let through = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    (window.occurrences(now, through, MOST_AHEAD), through)
}

/// What was before a window was made is not in maintenance.
fn clipped(mut occurrences: Vec<Occurrence>, now: Timestamp) -> Vec<Occurrence> {
    for one in &mut occurrences {
        one.starts_at = one.starts_at.max(now);
    }
    occurrences
}

/// What follows from other times: messages of later steps move, and open pages hear of it.
async fn settle(connection: &mut PgConnection, account: AccountId, now: Timestamp) -> Result<()> {
    move_steps(connection, account, now).await
}

/// Writes down the times of the coming days of every window, and forgets windows that are long over.
/// Says how many windows were gone through.
pub async fn plan_ahead(pool: &PgPool, now: Timestamp) -> Result<usize> {
    let mut connection = pool.acquire().await?;
    let over = now.saturating_sub(LISTED).unwrap_or(Timestamp::MIN);
    maintenance::delete_ended(&mut connection, over).await?;
    let through = now.saturating_add(AHEAD).unwrap_or(Timestamp::MAX);
    // A day's worth at a time.
    let due = through
        .saturating_sub(SignedDuration::from_hours(24))
        .unwrap_or(now);
    let windows = maintenance::list_unplanned(&mut connection, (now, due), BATCH).await?;
    drop(connection);
    for (account, id) in &windows {
        if let Err(error) = plan(pool, (*account, *id), (now, through)).await {
            tracing::error!(window.id = %id, %error, "a maintenance window is not planned ahead");
        }
    }
    Ok(windows.len())
}

async fn plan(
    pool: &PgPool,
    (account, id): (AccountId, MaintenanceWindowId),
    (now, through): (Timestamp, Timestamp),
) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    let planned = maintenance::set_planned(&mut transaction, account, id, through).await?;
    let window = maintenance::find(&mut transaction, account, id).await?;
    let (Some(planned), Some(window)) = (planned, window) else {
        return Ok(());
    };
    let mut occurrences = window.occurrences(planned.min(now), through, MOST_AHEAD);
    occurrences.retain(|one| one.starts_at >= planned);
    maintenance::add(&mut transaction, account, &window, &occurrences).await?;
    move_steps(&mut transaction, account, now).await?;
    transaction.commit().await?;
    Ok(())
}

/// Lets open pages know of monitors whose maintenance has begun or is over. Says how many there were.
pub async fn tell_pages(pool: &PgPool, now: Timestamp) -> Result<usize> {
    let mut transaction = store::begin(pool).await?;
    let mut changed = maintenance::mark_begun(&mut transaction, now).await?;
    changed.extend(maintenance::mark_over(&mut transaction, now).await?);
    changed.sort_unstable();
    changed.dedup();
    for (account, monitor) in &changed {
        changes::notify(&mut transaction, *account, "monitor", monitor).await?;
    }
    transaction.commit().await?;
    Ok(changed.len())
}

async fn note(
    connection: &mut PgConnection,
    account: AccountId,
    id: MaintenanceWindowId,
    (by, action): (&By, &str),
    now: Timestamp,
) -> Result<()> {
    let entry = audit::Entry {
        account_id: account,
        actor: &by.actor,
        action,
        subject: id.to_string(),
        details: json!({}),
        at: now,
    };
    Ok(audit::insert(connection, &entry).await?)
}
