//! Beginning and ending sessions.

use axum::response::Response;
use domain::delivery::AccountMessage;
use domain::ids::{SessionId, UserId};
use http::{HeaderValue, header};
use sqlx::PgConnection;
use store::sessions::{NewSession, SignedIn};

use crate::auth::{agent, cookie, mail};
use crate::error::PageError;
use crate::extract::Client;
use crate::state::AppState;

/// Begins a session and gives the cookie for it.
pub async fn begin(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    client: &Client,
) -> Result<Option<HeaderValue>, PageError> {
    let now = state.now();
    let token = store::secrets::random_token();
    let new = NewSession {
        id: SessionId::generate(),
        user_id: user,
        token_hash: &store::secrets::token_hash(&token),
        user_agent: &client.user_agent,
        address: Some(client.ip.0),
        expires_at: now + cookie::LIFETIME,
    };
    store::sessions::insert(connection, &new, now).await?;
    Ok(cookie::session(&token, &state.config))
}

/// Ends the session that the browser had before, so that one browser holds one.
pub async fn end_previous(
    connection: &mut PgConnection,
    state: &AppState,
    previous: Option<&SignedIn>,
) -> Result<(), PageError> {
    if let Some(previous) = previous {
        store::sessions::revoke(
            connection,
            previous.user.id,
            previous.session_id,
            state.now(),
        )
        .await?;
    }
    Ok(())
}

/// Tells a person of a sign-in from a browser that was not seen before.
pub async fn tell_of_new_browser(
    connection: &mut PgConnection,
    state: &AppState,
    user: UserId,
    email: &str,
    client: &Client,
) -> Result<(), PageError> {
    if store::sessions::is_known_browser(connection, user, &client.user_agent).await? {
        return Ok(());
    }
    let message = AccountMessage::NewSignIn {
        at: state.now(),
        timezone: store::users::find_timezone(connection, user).await?,
        agent: agent::describe(&client.user_agent),
        address: Some(client.ip.0.to_string()),
        link: state.config.link("/settings/security"),
    };
    mail::send(connection, state, Some(user), email, message, None).await
}

/// Adds a cookie to an answer.
#[must_use]
pub fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}
