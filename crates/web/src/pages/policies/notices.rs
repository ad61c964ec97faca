//! By which policy news goes that is no outage.

use axum::extract::State;

use crate::error::PageResult;
use crate::extract::{ClientIp, Fields, Tenant};
use crate::state::AppState;
use crate::usecases::account;
use crate::view::see_other;

/// Saves the choice; nothing chosen is each monitor's own.
pub async fn save(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    // A policy that is gone meanwhile is none.
    let chosen = match fields.text("policy").parse() {
        Ok(id) => store::policies::find(&mut transaction, caller.account_id, id)
            .await?
            .map(|policy| policy.id),
        Err(_) => None,
    };
    account::set_notice_policy(&mut transaction, &caller, chosen).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other("/policies?done=notices")
}
