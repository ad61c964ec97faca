//! `/not-me/{token}`: whoever reads the mail of an address says that it was somebody else who typed it.
//! Then no account can write to it, until they take that back here or sign up with it.

use askama::Template;
use axum::extract::{Path, State as Shared};
use domain::account::EmailAddress;
use http::StatusCode;
use incidents::links::{self, NotMe};
use store::unconfirmed;

use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::state::AppState;
use crate::view::{Shell, render, render_with, see_other};

#[derive(Template)]
#[template(path = "alerts/not_me.html")]
struct NotMePage {
    shell: Shell,
    token: String,
    state: State,
}

enum State {
    /// Accounts may write to it.
    Open { address: EmailAddress },
    /// None may.
    Blocked { address: EmailAddress },
    /// The link is too old to say.
    RunOut,
}

/// Shows what would happen, and a button: mail scanners open links too.
pub async fn show(
    visitor: Visitor,
    Shared(state): Shared<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let Some(address) = read(&state, &token)? else {
        let page = NotMePage {
            shell: visitor.shell("Link has run out"),
            token,
            state: State::RunOut,
        };
        return render_with(StatusCode::GONE, &page);
    };
    let mut connection = state.pool.acquire().await?;
    let is_blocked = unconfirmed::is_blocked(&mut connection, &state.secrets, &address).await?;
    render(&NotMePage {
        shell: visitor.shell("This was not me"),
        token,
        state: match is_blocked {
            true => State::Blocked { address },
            false => State::Open { address },
        },
    })
}

/// Blocks the address.
pub async fn block(Shared(state): Shared<AppState>, Path(token): Path<String>) -> PageResult {
    if let Some(address) = read(&state, &token)? {
        let base = state.config.base_url.as_str().trim_end_matches('/');
        let mut transaction = store::begin(&state.pool)
            .await
            .map_err(store::Error::from)?;
        incidents::block_address(
            &mut transaction,
            &state.secrets,
            &address,
            base,
            state.now(),
        )
        .await
        .map_err(PageError::internal)?;
        transaction.commit().await.map_err(store::Error::from)?;
    }
    see_other(&format!("/not-me/{token}"))
}

/// Lets accounts write to it again. Contacts stay stopped until they are confirmed anew.
pub async fn undo(Shared(state): Shared<AppState>, Path(token): Path<String>) -> PageResult {
    if let Some(address) = read(&state, &token)? {
        let mut transaction = store::begin(&state.pool)
            .await
            .map_err(store::Error::from)?;
        unconfirmed::unblock(&mut transaction, &state.secrets, &address).await?;
        transaction.commit().await.map_err(store::Error::from)?;
    }
    see_other(&format!("/not-me/{token}"))
}

/// The address that a token is for; `None` when it has run out.
fn read(state: &AppState, token: &str) -> PageResult<Option<EmailAddress>> {
    match links::read_not_me(&state.secrets, token, state.now()) {
        Some(NotMe::Address(address)) => Ok(Some(address)),
        Some(NotMe::RunOut) => Ok(None),
        None => Err(PageError::NotFound),
    }
}
