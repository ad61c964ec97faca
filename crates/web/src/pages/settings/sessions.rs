//! Ending sessions. Open streams of an ended session end with it.

use axum::extract::{Path, State};
use domain::ids::SessionId;

use crate::error::{PageError, PageResult};
use crate::extract::CurrentUser;
use crate::state::AppState;
use crate::view::see_other;

/// Ends one of the person's sessions.
pub async fn revoke(
    user: CurrentUser,
    State(state): State<AppState>,
    Path(id): Path<SessionId>,
) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let ended =
        store::sessions::revoke(&mut connection, user.signed_in.user.id, id, state.now()).await?;
    if ended {
        see_other("/settings/security?done=ended")
    } else {
        Err(PageError::NotFound)
    }
}

/// Ends all of them but this one.
pub async fn revoke_others(user: CurrentUser, State(state): State<AppState>) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let signed_in = &user.signed_in;
    store::sessions::revoke_others(
        &mut connection,
        signed_in.user.id,
        Some(signed_in.session_id),
        state.now(),
    )
    .await?;
    see_other("/settings/security?done=ended")
}
