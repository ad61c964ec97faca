//! A text that is proposed for a monitor: watching for it, or hearing of it no more.

use domain::ids::MonitorId;
use domain::monitor::proposal;
use sqlx::PgConnection;
use store::look_requests::Reason;

use super::super::looks::{self, PendingLook};
use super::super::{Caller, UseCaseError, UseCaseResult};
use super::{find_locked, save};
use crate::state::AppState;

/// Watches for the proposed text from now on, and asks for a look that shows whether it is there; none while
/// the monitor is paused. `version` is that of the settings that the proposal was shown with: refused where they
/// were changed meanwhile.
pub async fn watch_keyword(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (id, version): (MonitorId, i64),
) -> UseCaseResult<Option<PendingLook>> {
    let before = find_locked(connection, state, caller, id).await?;
    let found = store::keyword_proposals::find(connection, caller.account_id, id).await?;
    let is_same = before.config_version == version && proposal::has_room(&before.settings());
    let Some(found) = found.filter(|_| is_same) else {
        return Err(UseCaseError::conflict(
            None,
            "The monitor was changed meanwhile. Nothing was set.",
        ));
    };
    let mut spec = before.spec.clone();
    spec.http.get_or_insert_default().keyword = Some(found.text);
    let monitor = save(connection, state, caller, &before, spec).await?;
    if monitor.paused_at.is_some() {
        return Ok(None);
    }
    let look = looks::request(connection, state, caller, (&monitor, Reason::Manual)).await?;
    Ok(Some(look))
}

/// Proposes it no more. Doing so twice does so once.
pub async fn dismiss_keyword(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<()> {
    find_locked(connection, state, caller, id).await?;
    let key = (caller.account_id, id);
    store::keyword_proposals::dismiss(connection, key, caller.now).await?;
    Ok(())
}
