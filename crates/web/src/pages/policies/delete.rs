//! A policy removed.

use askama::Template;
use axum::extract::{Path, State};
use domain::ids::PolicyId;

use super::edit::find;
use crate::error::PageResult;
use crate::extract::{ClientIp, Tenant};
use crate::state::AppState;
use crate::usecases::{UseCaseError, policies};
use crate::view::{Shell, render, see_other};

#[derive(Template)]
#[template(path = "policies/delete.html")]
struct DeletePage {
    shell: Shell,
    id: String,
    name: String,
    monitors: usize,
}

/// Asks once more.
pub async fn confirm(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<PolicyId>,
) -> PageResult {
    let policy = find(&tenant, &state, id).await?;
    tenant.require_edit()?;
    let mut transaction = tenant.read(&state).await?;
    let account = tenant.account_id();
    let used = store::monitors::list_ids_with_policy(&mut transaction, account, id).await?;
    render(&DeletePage {
        shell: tenant.shell("Delete policy").section("contacts"),
        id: policy.id.to_string(),
        name: policy.name,
        monitors: used.len(),
    })
}

/// Deletes it; the default one stays.
pub async fn delete(
    tenant: Tenant,
    State(state): State<AppState>,
    Path(id): Path<PolicyId>,
    ip: ClientIp,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let policy = policies::find_locked(&mut transaction, &caller, id).await?;
    match policies::delete(&mut transaction, &state, &caller, &policy).await {
        Ok(()) => {
            transaction.commit().await.map_err(store::Error::from)?;
            see_other("/policies?done=deleted")
        }
        Err(UseCaseError::Conflict { .. }) => see_other(&format!("/policies/{id}")),
        Err(error) => Err(error.into()),
    }
}
