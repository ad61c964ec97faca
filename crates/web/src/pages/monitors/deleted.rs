//! Deleting a monitor, and taking it back for seven days.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::MonitorId;
use domain::words;
use jiff::SignedDuration;

use crate::error::{PageError, PageResult};
use crate::extract::{ClientIp, Tenant};
use crate::state::AppState;
use crate::usecases::{UseCaseError, monitors};
use crate::view::{Moment, Shell, render, see_other};

const KEPT: SignedDuration = SignedDuration::from_hours(7 * 24);

#[derive(Template)]
#[template(path = "monitors/deleted.html")]
struct DeletedPage {
    shell: Shell,
    rows: Vec<Row>,
    can_edit: bool,
}

struct Row {
    id: MonitorId,
    name: String,
    host: String,
    deleted: Moment,
    left: String,
}

#[derive(Template)]
#[template(path = "monitors/delete.html")]
struct DeletePage {
    shell: Shell,
    id: MonitorId,
    name: String,
    is_down: bool,
}

/// Those that can be restored.
pub async fn list(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    let mut transaction = tenant.read(&state).await?;
    let found = store::monitors::list_deleted(&mut transaction, tenant.account_id()).await?;
    let now = state.now();
    let rows = found
        .into_iter()
        .map(|deleted| Row {
            id: deleted.id,
            name: deleted.name,
            host: deleted.host,
            left: words::duration((deleted.deleted_at + KEPT).duration_since(now)),
            deleted: Moment::new(deleted.deleted_at, tenant.zone()),
        })
        .collect();
    render(&DeletedPage {
        shell: tenant.shell("Deleted monitors").section("monitors"),
        rows,
        can_edit: tenant.role().can_edit(),
    })
}

/// Asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
) -> PageResult {
    let account = tenant.account_id();
    let mut transaction = tenant.read(&state).await?;
    let monitor = store::monitors::find(&mut transaction, &state.secrets, account, id)
        .await?
        .ok_or(PageError::NotFound)?;
    tenant.require_edit()?;
    let is_down = store::incidents::find_open(&mut transaction, account, id)
        .await?
        .is_some();
    let name = monitor.settings().name;
    render(&DeletePage {
        shell: tenant.shell(format!("Delete {name}")).section("monitors"),
        id,
        name,
        is_down,
    })
}

/// Deletes it.
pub async fn delete(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    monitors::delete(&mut transaction, &state, &caller, id).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other("/monitors?done=deleted&count=1")
}

/// Takes it back.
pub async fn restore(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<MonitorId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    match monitors::restore(&mut transaction, &state, &caller, id).await {
        Ok(_) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other(&format!("/monitors/{id}?done=restored"))
        }
        Err(UseCaseError::PlanLimit(_)) => see_other("/monitors?done=refused"),
        Err(error) => Err(error.into()),
    }
}
