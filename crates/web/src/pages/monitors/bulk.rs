//! What is done to several monitors at once.

use axum::extract::State;
use domain::ids::MonitorId;

use crate::error::PageResult;
use crate::extract::{ClientIp, Fields, Tenant};
use crate::state::AppState;
use crate::usecases::monitors::{Action, MAX_BULK, bulk};
use crate::view::see_other;

/// Does it.
pub async fn run(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_edit()?;
    let ids: Vec<MonitorId> = fields
        .all("id")
        .into_iter()
        .filter_map(|id| id.parse().ok())
        .take(MAX_BULK)
        .collect();
    let Some((action, done)) = action(&fields).filter(|_| !ids.is_empty()) else {
        return see_other("/monitors?done=none");
    };
    let caller = tenant.caller(ip.network(), state.now());
    let mut transaction = tenant.begin(&state).await?;
    let items = bulk(&mut transaction, &state, &caller, &ids, &action).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    let count = items.iter().filter(|item| item.result.is_ok()).count();
    if count < items.len() {
        see_other("/monitors?done=refused")
    } else {
        see_other(&format!("/monitors?done={done}&count={count}"))
    }
}

fn action(fields: &Fields) -> Option<(Action, &'static str)> {
    Some(match fields.text("action") {
        "pause" => (Action::Pause, "paused"),
        "resume" => (Action::Resume, "resumed"),
        "delete" => (Action::Delete, "deleted"),
        "tag" => (
            Action::Tag {
                add: vec![fields.optional("tag")?.to_owned()],
                remove: Vec::new(),
            },
            "tagged",
        ),
        _ => return None,
    })
}
