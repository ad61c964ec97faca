//! Maintenance windows: made, changed, ended, removed.

use std::collections::HashSet;

use domain::ids::{MaintenanceWindowId, MonitorId};
use domain::maintenance::{MaintenanceWindow, Schedule, kept};
use domain::monitor::validate::FieldError;
use sqlx::PgConnection;

use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};

/// Windows of an account, those that are over included, at most.
const MOST: u32 = 1_000;

/// Makes a window.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    window: MaintenanceWindow,
) -> UseCaseResult<MaintenanceWindow> {
    let window = window.as_kept();
    let plan = lock_account(connection, caller).await?;
    check(connection, caller, (None, &window)).await?;
    let account = caller.account_id;
    let (coming, all) = store::maintenance::count(connection, account, caller.now).await?;
    PlanLimit::check(Resource::MaintenanceWindows, plan, coming, 1)?;
    if all >= MOST {
        return Err(UseCaseError::conflict(
            None,
            format!(
                "There are {MOST} maintenance windows, most of them over. Delete some of them first."
            ),
        ));
    }
    ::incidents::create_window(connection, account, &window, &caller.by(), caller.now).await?;
    Ok(window)
}

/// The window, under the lock of its account.
pub async fn find_locked(
    connection: &mut PgConnection,
    caller: &Caller,
    id: MaintenanceWindowId,
) -> UseCaseResult<MaintenanceWindow> {
    lock_account(connection, caller).await?;
    store::maintenance::find(connection, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)
}

/// Changes a window that [`find_locked`] gave, from now on.
pub async fn update(
    connection: &mut PgConnection,
    caller: &Caller,
    (before, after): (&MaintenanceWindow, MaintenanceWindow),
) -> UseCaseResult<MaintenanceWindow> {
    let mut after = after.as_kept();
    if *before == after {
        return Ok(after);
    }
    check(connection, caller, (Some(before), &after)).await?;
    let change = (before, &mut after);
    ::incidents::change_window(
        connection,
        caller.account_id,
        change,
        &caller.by(),
        kept(caller.now),
    )
    .await?;
    Ok(after)
}

/// Ends the time of a window that runs now. When none does, nothing changes.
pub async fn end(
    connection: &mut PgConnection,
    caller: &Caller,
    id: MaintenanceWindowId,
) -> UseCaseResult<MaintenanceWindow> {
    let mut window = find_locked(connection, caller, id).await?;
    ::incidents::end_window(
        connection,
        caller.account_id,
        &mut window,
        &caller.by(),
        kept(caller.now),
    )
    .await?;
    Ok(window)
}

/// Removes a window that [`find_locked`] gave. A time that runs ends now; those that were stay in uptime.
pub async fn delete(
    connection: &mut PgConnection,
    caller: &Caller,
    window: &MaintenanceWindow,
) -> UseCaseResult<()> {
    ::incidents::delete_window(
        connection,
        caller.account_id,
        window,
        &caller.by(),
        caller.now,
    )
    .await?;
    Ok(())
}

/// What is wrong with a window, new or changed.
pub async fn check(
    connection: &mut PgConnection,
    caller: &Caller,
    (before, after): (Option<&MaintenanceWindow>, &MaintenanceWindow),
) -> UseCaseResult<()> {
    let mut errors = after.validate(caller.now);
    let same_time = before.is_some_and(|before| before.schedule == after.schedule);
    if !same_time
        && let Schedule::Once(once) = &after.schedule
        && once.ends_at <= caller.now
        && errors.is_empty()
    {
        errors.push(FieldError::new(
            "/ends_at",
            "out_of_range",
            "must be in the future",
        ));
    }
    let ids = after.targets.monitor_ids.as_deref().unwrap_or_default();
    let known_before = before.and_then(|before| before.targets.monitor_ids.as_deref());
    if errors.is_empty() && known_before != Some(ids) {
        let known = store::monitors::list_known(connection, caller.account_id, ids).await?;
        errors.extend(strangers(ids, &known, known_before.unwrap_or_default()));
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(UseCaseError::Invalid(errors))
    }
}

/// Ids that are no monitor's, unless they were named before: it may have been deleted since. And those
/// that stand twice.
pub(super) fn strangers(
    ids: &[MonitorId],
    known: &[MonitorId],
    before: &[MonitorId],
) -> Vec<FieldError> {
    let mut seen = HashSet::new();
    let wrong = ids.iter().enumerate().filter_map(|(i, id)| {
        let (code, message) = if !seen.insert(id) {
            ("duplicate", "must not be named twice")
        } else if !known.contains(id) && !before.contains(id) {
            ("not_found", "must be a monitor of this account")
        } else {
            return None;
        };
        Some(FieldError::new(format!("/monitor_ids/{i}"), code, message))
    });
    wrong.collect()
}
