//! A window for now with one press, ended with another, and removed.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::{MaintenanceWindowId, MonitorId};
use domain::maintenance::{MaintenanceWindow, Occurrence, Schedule, Targets};
use jiff::SignedDuration;

use super::edit::find;
use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Fields, Tenant};
use crate::state::AppState;
use crate::usecases::{UseCaseError, maintenance};
use crate::view::{Shell, render, see_other};

/// The longest window of one press, minutes.
const MOST_MINUTES: i64 = 24 * 60;

#[derive(Template)]
#[template(path = "maintenance/delete.html")]
struct DeletePage {
    shell: Shell,
    id: String,
    name: String,
    runs: bool,
}

/// Makes a window from now on: `minutes` for `on` (all, a tag, a monitor's id). From a monitor's page it
/// goes back there.
pub async fn now(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let minutes: i64 = fields
        .text("minutes")
        .parse()
        .ok()
        .filter(|minutes| (1..=MOST_MINUTES).contains(minutes))
        .ok_or_else(|| PageError::BadRequest("That is no length of time.".to_owned()))?;
    let (targets, monitor) = targets(fields.text("on"))?;
    let now = state.now();
    let window = MaintenanceWindow {
        id: MaintenanceWindowId::generate(),
        name: "Maintenance".to_owned(),
        targets,
        schedule: Schedule::Once(Occurrence {
            starts_at: now,
            ends_at: now + SignedDuration::from_mins(minutes),
        }),
        ended_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    let caller = tenant.caller(ip.network(), now);
    let mut transaction = tenant.begin(&state).await?;
    let made = maintenance::create(&mut transaction, &caller, window).await;
    match made {
        Ok(_) => transaction.commit().await.map_err(store::Error::from)?,
        // Somebody else's, or deleted a moment ago.
        Err(UseCaseError::Invalid(_)) => return Err(PageError::NotFound),
        Err(error) => return Err(error.into()),
    }
    match monitor.filter(|_| fields.flag("back")) {
        Some(id) => see_other(&format!("/monitors/{id}")),
        None => see_other("/maintenance?done=saved"),
    }
}

fn targets(on: &str) -> Result<(Targets, Option<MonitorId>), PageError> {
    if on == "all" {
        return Ok((Targets::default(), None));
    }
    if let Some(tag) = on.strip_prefix("tag:") {
        let tags = Some(vec![tag.to_owned()]);
        return Ok((
            Targets {
                monitor_ids: None,
                tags,
            },
            None,
        ));
    }
    let id: MonitorId = on.parse().map_err(|_| PageError::NotFound)?;
    let monitor_ids = Some(vec![id]);
    Ok((
        Targets {
            monitor_ids,
            tags: None,
        },
        Some(id),
    ))
}

/// Ends what runs now.
pub async fn end(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MaintenanceWindowId>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    maintenance::end(&mut transaction, &caller, id).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    match fields.text("monitor").parse::<MonitorId>() {
        Ok(monitor) => see_other(&format!("/monitors/{monitor}")),
        Err(_) => see_other("/maintenance?done=ended"),
    }
}

/// Asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MaintenanceWindowId>,
) -> PageResult {
    let window = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    render(&DeletePage {
        shell: tenant
            .shell("Delete maintenance window")
            .section("maintenance"),
        id: window.id.to_string(),
        runs: window.current(state.now()).is_some(),
        name: window.name,
    })
}

/// Deletes it.
pub async fn delete(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MaintenanceWindowId>,
    ip: ClientIp,
) -> PageResult {
    find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let window = maintenance::find_locked(&mut transaction, &caller, id).await?;
    maintenance::delete(&mut transaction, &caller, &window).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other("/maintenance?done=deleted")
}
