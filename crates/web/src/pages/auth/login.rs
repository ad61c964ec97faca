//! `/login` and `/logout`.

use askama::Template;
use axum::extract::{Query, State};
use domain::account::EmailAddress;
use http::StatusCode;
use serde::Deserialize;

use super::safe_next;
use crate::auth::{cookie, session};
use crate::error::PageResult;
use crate::extract::{Client, Fields, FormErrors, Visitor};
use crate::state::AppState;
use crate::throttle;
use crate::view::{Shell, Theme, render, render_with, see_other};

#[derive(Template)]
#[template(path = "auth/login.html")]
struct LoginPage<'a> {
    shell: Shell,
    errors: FormErrors,
    email: &'a str,
    next: &'a str,
}

/// Where to go afterwards.
#[derive(Debug, Default, Deserialize)]
pub struct Next {
    #[serde(default)]
    next: String,
}

/// The form; whoever is signed in goes on.
pub async fn show(visitor: Visitor, Query(query): Query<Next>) -> PageResult {
    if visitor.signed_in.is_some() {
        return see_other(safe_next(&query.next));
    }
    render(&LoginPage {
        shell: visitor.shell("Log in"),
        errors: FormErrors::new(),
        email: "",
        next: &query.next,
    })
}

/// Judges address and password together: the answer never says which of the two is wrong, and the
/// time it takes does not either.
pub async fn submit(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    let typed = fields.text("email");
    let key = typed.to_ascii_lowercase();
    let network = client.ip.network();
    let by_network = throttle::take_ahead(&state, throttle::LOGIN_NETWORK, &network).await?;
    let by_address = throttle::take_ahead(&state, throttle::LOGIN_ADDRESS, &key).await?;
    let people = match EmailAddress::parse(typed) {
        Ok(email) => {
            store::users::list_credentials(&mut *state.pool.acquire().await?, &email).await?
        }
        Err(_) => Vec::new(),
    };
    let right = state.hasher.find_right(fields.raw("password"), people);
    let Some(user) = right.await? else {
        let errors = FormErrors::one("password", "Email and password do not fit together.");
        let page = LoginPage {
            shell: visitor.shell("Log in"),
            errors,
            email: typed,
            next: fields.text("next"),
        };
        return render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    };
    let mut transaction = store::begin(&state.pool).await?;
    by_network.give_back(&mut transaction).await?;
    by_address.give_back(&mut transaction).await?;
    // Whoever has not proven the address may be a stranger to whom reads its mail.
    if user.email_verified_at.is_some() {
        session::tell_of_new_browser(&mut transaction, &state, user.id, &user.email, &client)
            .await?;
    }
    session::end_previous(&mut transaction, &state, visitor.signed_in.as_ref()).await?;
    let cookie = session::begin(&mut transaction, &state, user.id, &client).await?;
    transaction.commit().await?;
    let next = session::with_cookie(see_other(safe_next(fields.text("next")))?, cookie);
    let theme = Theme::parse(&user.theme).unwrap_or_default();
    Ok(session::with_cookie(
        next,
        cookie::theme(theme.as_str(), &state.config),
    ))
}

/// Ends the session.
pub async fn logout(visitor: Visitor, State(state): State<AppState>) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    session::end_previous(&mut connection, &state, visitor.signed_in.as_ref()).await?;
    Ok(session::with_cookie(
        see_other("/")?,
        cookie::no_session(&state.config),
    ))
}
