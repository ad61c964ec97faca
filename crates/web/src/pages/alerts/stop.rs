//! `/stop/{token}`: a contact wants no more alerts. It is disabled, and its owner is told so.

use askama::Template;
use axum::extract::{Path, State};
use domain::contact::Contact;
use domain::ids::{AccountId, ContactId};
use incidents::links;

use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::state::AppState;
use crate::view::{Shell, render, see_other};

/// What its owner reads.
const REASON: &str = "its recipient stopped the alerts";

#[derive(Template)]
#[template(path = "alerts/stop.html")]
struct StopPage {
    shell: Shell,
    address: String,
    account: String,
    is_stopped: bool,
}

async fn find(state: &AppState, token: &str) -> PageResult<(AccountId, ContactId)> {
    let mut connection = state.pool.acquire().await?;
    links::find_stop(&mut connection, token)
        .await
        .map_err(PageError::internal)?
        .ok_or(PageError::NotFound)
}

/// Shows whose alerts would stop, and a button.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let (account_id, contact_id) = find(&state, &token).await?;
    let mut transaction = store::tenant::begin(&state.pool, account_id).await?;
    let contact: Contact = store::contacts::find(&mut transaction, account_id, contact_id)
        .await?
        .ok_or(PageError::NotFound)?;
    let account = store::accounts::find(&mut transaction, account_id)
        .await?
        .ok_or(PageError::NotFound)?;
    render(&StopPage {
        shell: visitor.shell("Stop alerts"),
        is_stopped: contact.disabled_reason.is_some(),
        address: contact.address,
        account: account.name,
    })
}

/// Stops them.
pub async fn stop(State(state): State<AppState>, Path(token): Path<String>) -> PageResult {
    let (account, contact) = find(&state, &token).await?;
    // Not fenced: the owner, who is told, is a person and no row of the account.
    let mut transaction = store::begin(&state.pool)
        .await
        .map_err(store::Error::from)?;
    let now = state.now();
    if store::contacts::mark_disabled(&mut transaction, account, contact, REASON, now).await? {
        let base = state.config.base_url.as_str().trim_end_matches('/');
        incidents::tell_disabled(
            &mut transaction,
            &state.secrets,
            (account, contact),
            (REASON, base),
            now,
        )
        .await
        .map_err(PageError::internal)?;
    }
    store::changes::notify(&mut transaction, account, "contact", contact).await?;
    transaction.commit().await.map_err(store::Error::from)?;
    see_other(&format!("/stop/{token}"))
}
