//! `/monitors/{id}/drill`: tells everyone as if the monitor were down, to see who answers.

use ::incidents::Drilled;
use askama::Template;
use axum::extract::{Path, State};
use domain::ids::MonitorId;

use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Tenant};
use crate::state::AppState;
use crate::usecases::{UseCaseError, incidents};
use crate::view::{Shell, render, see_other};

#[derive(Template)]
#[template(path = "monitors/drill.html")]
struct DrillPage {
    shell: Shell,
    id: MonitorId,
    monitor: String,
    /// Too many were begun within the hour.
    too_many: bool,
}

/// Says what will happen and asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
) -> PageResult {
    show(&tenant, &state, id, false).await
}

async fn show(tenant: &Tenant, state: &AppState, id: MonitorId, too_many: bool) -> PageResult {
    let mut transaction = tenant.read(state).await?;
    let account = tenant.account_id();
    let monitor = store::monitors::find(&mut transaction, &state.secrets, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    tenant.require_edit()?;
    render(&DrillPage {
        shell: tenant.shell("Fire drill").section("monitors"),
        id,
        monitor: monitor.settings().name,
        too_many,
    })
}

/// Begins it; one that goes on is shown instead.
pub async fn begin(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match incidents::drill(&mut transaction, &state, &caller, id).await {
        Ok(Drilled::Begun(drill)) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/incidents/{drill}?done=drilled"))
        }
        Ok(Drilled::GoesOn(drill)) => see_other(&format!("/incidents/{drill}?done=drills")),
        Ok(Drilled::NotFound) => Err(PageError::NotFound),
        Err(UseCaseError::TooSoon { .. }) => {
            drop(transaction);
            show(&tenant, &state, id, true).await
        }
        Err(error) => Err(error.into()),
    }
}
