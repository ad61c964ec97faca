//! Pause, resume, delete, restore, duplicate.

use domain::ids::MonitorId;
use domain::monitor::{Monitor, MonitorSpec};
use jiff::SignedDuration;
use sqlx::PgConnection;

use super::super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};
use super::{Created, NewMonitor, create, find_locked, first_look, lock_account, room_for};
use crate::state::AppState;

/// How long a deleted monitor can be taken back.
pub const RESTORABLE_FOR: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Changes settings of a monitor because something that they name is gone.
pub(in crate::usecases) async fn respec(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
    change: impl FnOnce(&mut MonitorSpec),
) -> UseCaseResult<()> {
    let account = caller.account_id;
    let found = store::monitors::find(connection, &state.secrets, account, id).await?;
    let Some(mut monitor) = found else {
        return Ok(());
    };
    change(&mut monitor.spec);
    monitor.config_version += 1;
    monitor.updated_at = caller.now;
    store::monitors::update(connection, &state.secrets, &monitor).await?;
    Ok(store::notify::monitor_changed(connection, account, id).await?)
}

/// Stops looking at a monitor; an open incident ends. Pausing twice pauses once.
pub async fn pause(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<Monitor> {
    find_locked(connection, state, caller, id).await?;
    incidents::pause_monitor(connection, caller.account_id, id, &caller.by(), caller.now).await?;
    find_locked(connection, state, caller, id).await
}

/// Looks at a monitor again, at once. After a downgrade the plan may not hold one more.
pub async fn resume(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<Monitor> {
    let plan = lock_account(connection, caller).await?;
    let before = find_locked(connection, state, caller, id).await?;
    if before.paused_at.is_none() {
        return Ok(before);
    }
    let active = store::monitors::count_active(connection, caller.account_id).await?;
    PlanLimit::check(Resource::ActiveMonitors, plan, active, 1)?;
    let fitted = fit_interval(before, plan.limits().min_interval_seconds);
    store::monitors::update(connection, &state.secrets, &fitted).await?;
    incidents::resume_monitor(connection, caller.account_id, id, &caller.by(), caller.now).await?;
    let monitor = find_locked(connection, state, caller, id).await?;
    first_look(connection, state, caller, &monitor).await?;
    Ok(monitor)
}

/// Deletes a monitor; it can be restored for seven days. An open incident ends, and what depends on it
/// does so no more.
pub async fn delete(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<()> {
    find_locked(connection, state, caller, id).await?;
    incidents::delete_monitor(connection, caller.account_id, id, &caller.by(), caller.now).await?;
    store::dependencies::forget_parent(connection, caller.account_id, id, caller.now).await?;
    Ok(())
}

/// Takes a deleted monitor back, with its history. Its key comes back unless another has it now; an
/// interval that the plan no longer allows becomes the shortest that it does.
pub async fn restore(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<Monitor> {
    let plan = lock_account(connection, caller).await?;
    store::monitors::lock(connection, caller.account_id, id).await?;
    let before =
        store::monitors::find_with_deleted(connection, &state.secrets, caller.account_id, id)
            .await?
            .ok_or(UseCaseError::NotFound)?;
    let Some(deleted_at) = before.deleted_at else {
        return Ok(before);
    };
    if caller.now.duration_since(deleted_at) > RESTORABLE_FOR {
        return Err(UseCaseError::NotFound);
    }
    room_for(connection, caller, plan, 1).await?;
    incidents::restore_monitor(connection, caller.account_id, id, &caller.by(), caller.now).await?;
    let restored = find_locked(connection, state, caller, id).await?;
    let mut monitor = fit_interval(restored, plan.limits().min_interval_seconds);
    if let Some(key) = monitor.spec.key.as_deref()
        && store::monitors::find_id_by_key(connection, caller.account_id, key)
            .await?
            .is_some()
    {
        monitor.spec.key = None;
    }
    forget_lost_contacts(connection, caller, &mut monitor).await?;
    forget_lost_parents(connection, caller, &mut monitor).await?;
    store::monitors::update(connection, &state.secrets, &monitor).await?;
    if monitor.paused_at.is_none() {
        first_look(connection, state, caller, &monitor).await?;
    }
    Ok(monitor)
}

/// Makes a second monitor with the same settings, without the key.
pub async fn duplicate(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<Created> {
    let original = store::monitors::find(connection, &state.secrets, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    let name: String = original
        .settings()
        .name
        .chars()
        .take(193)
        .chain(" (copy)".chars())
        .collect();
    let mut spec = original.spec;
    spec.name = Some(name);
    spec.key = None;
    create(
        connection,
        state,
        caller,
        NewMonitor {
            spec,
            paused: original.paused_at.is_some(),
        },
    )
    .await
}

fn fit_interval(mut monitor: Monitor, shortest: u32) -> Monitor {
    if monitor
        .spec
        .interval_seconds
        .is_some_and(|seconds| seconds < shortest)
    {
        monitor.spec.interval_seconds = Some(shortest);
    }
    monitor
}

/// Contacts may have been removed while the monitor was deleted.
async fn forget_lost_contacts(
    connection: &mut PgConnection,
    caller: &Caller,
    monitor: &mut Monitor,
) -> UseCaseResult<()> {
    let Some(named) = monitor.spec.contact_ids.take() else {
        return Ok(());
    };
    let known = store::contacts::list_known(connection, caller.account_id, &named).await?;
    let left: Vec<_> = named
        .iter()
        .copied()
        .filter(|id| known.contains(id))
        .collect();
    let emptied = left.is_empty() && !named.is_empty();
    monitor.spec.contact_ids = (!emptied).then_some(left);
    Ok(())
}

/// The same of what it depends on.
async fn forget_lost_parents(
    connection: &mut PgConnection,
    caller: &Caller,
    monitor: &mut Monitor,
) -> UseCaseResult<()> {
    let Some(named) = monitor.spec.depends_on.take() else {
        return Ok(());
    };
    let known = store::monitors::list_known(connection, caller.account_id, &named).await?;
    let left: Vec<_> = named.into_iter().filter(|id| known.contains(id)).collect();
    monitor.spec.depends_on = (!left.is_empty()).then_some(left);
    Ok(())
}
