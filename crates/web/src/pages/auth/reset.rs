//! `/reset`: a new password by the code in the same browser, or by the link on any device. Both prove
//! the address as well, and end every other session.

use askama::Template;
use axum::extract::{Path, State};
use domain::account::{EmailAddress, password};
use domain::delivery::AccountMessage;
use domain::ids::UserId;
use http::StatusCode;
use store::challenges::Purpose;

use super::verify;
use crate::auth::{challenge, mail, session};
use crate::error::{PageError, PageResult};
use crate::extract::{Client, Fields, FormErrors, Visitor};
use crate::state::AppState;
use crate::throttle;
use crate::usecases;
use crate::view::{Shell, render, render_with, see_other};

#[derive(Template)]
#[template(path = "auth/reset.html")]
struct ResetPage<'a> {
    shell: Shell,
    errors: FormErrors,
    email: &'a str,
    token: &'a str,
    /// The link is of no use any more.
    is_gone: bool,
    outbox: bool,
}

fn page<'a>(
    state: &AppState,
    visitor: &Visitor,
    errors: FormErrors,
    email: &'a str,
    token: &'a str,
) -> ResetPage<'a> {
    ResetPage {
        shell: visitor.shell("Set a new password"),
        errors,
        email,
        token,
        is_gone: false,
        outbox: state.config.outbox,
    }
}

/// The form for code and password.
pub(super) fn ask(state: &AppState, visitor: &Visitor, email: &str) -> PageResult {
    render(&page(state, visitor, FormErrors::new(), email, ""))
}

/// Tries the code. An address that nobody has is answered like a wrong code.
pub async fn by_code(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    let email = fields.text("email");
    let mut errors = fields.errors();
    if let Err(error) = password::check(fields.raw("password"), email) {
        errors.add("password", format!("New password: it {error}."));
    }
    let known = match EmailAddress::parse(email) {
        Ok(address) => {
            store::users::find_credentials(&mut *state.pool.acquire().await?, &address).await?
        }
        Err(_) => None,
    };
    if errors.is_empty() {
        throttle::take(&state, throttle::CODE_NETWORK, &client.ip.network()).await?;
        throttle::take(&state, throttle::CODE_USER, &email.to_ascii_lowercase()).await?;
        // Hashed first: a right code is answered as slowly as a wrong one, and counted only then.
        let hash = state.hasher.hash(fields.raw("password")).await?;
        if let Some(known) = known {
            let mut connection = state.pool.acquire().await?;
            let right = challenge::try_code(
                &mut connection,
                &state,
                known.id,
                Purpose::ResetPassword,
                fields.text("code"),
            )
            .await?;
            drop(connection);
            if right.is_some() {
                return set(&state, &client, &visitor, known.id, &hash).await;
            }
        }
        errors.add("code", "Code: this is not it, or it has run out. After five wrong ones or ten minutes, ask for another one.");
    }
    render_with(
        StatusCode::UNPROCESSABLE_ENTITY,
        &page(&state, &visitor, errors, email, ""),
    )
}

/// The form behind the link.
pub async fn link(
    visitor: Visitor,
    State(state): State<AppState>,
    Path(token): Path<String>,
) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let open = challenge::find(&mut connection, &state, &token, &[Purpose::ResetPassword])
        .await?
        .is_some();
    if !open {
        return run_out(&state, &visitor, &token);
    }
    render(&page(&state, &visitor, FormErrors::new(), "", &token))
}

/// Sets the password by the link.
pub async fn by_link(
    visitor: Visitor,
    State(state): State<AppState>,
    client: Client,
    Path(token): Path<String>,
    fields: Fields,
) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    let Some(challenge) =
        challenge::find(&mut connection, &state, &token, &[Purpose::ResetPassword]).await?
    else {
        return run_out(&state, &visitor, &token);
    };
    let mut errors = fields.errors();
    if let Err(error) = password::check(fields.raw("password"), &challenge.address) {
        errors.add("password", format!("New password: it {error}."));
    }
    if !errors.is_empty() {
        return render_with(
            StatusCode::UNPROCESSABLE_ENTITY,
            &page(&state, &visitor, errors, "", &token),
        );
    }
    let hash = state.hasher.hash(fields.raw("password")).await?;
    if !store::challenges::consume(&mut connection, challenge.id, state.now()).await? {
        return run_out(&state, &visitor, &token);
    }
    drop(connection);
    set(&state, &client, &visitor, challenge.user_id, &hash).await
}

fn run_out(state: &AppState, visitor: &Visitor, token: &str) -> PageResult {
    let page = ResetPage {
        is_gone: true,
        ..page(state, visitor, FormErrors::new(), "", token)
    };
    render_with(StatusCode::GONE, &page)
}

async fn set(
    state: &AppState,
    client: &Client,
    visitor: &Visitor,
    user: UserId,
    hash: &str,
) -> PageResult {
    let mut transaction = store::begin(&state.pool).await?;
    let person = store::users::get(&mut transaction, user).await?;
    let now = state.now();
    store::users::set_password(&mut transaction, user, hash, now).await?;
    if !verify::mark_verified(&mut transaction, state, user, &person.email).await? {
        return Err(PageError::NotFound);
    }
    store::sessions::revoke_others(&mut transaction, user, None, now).await?;
    session::end_previous(&mut transaction, state, visitor.signed_in.as_ref()).await?;
    usecases::person::note(&mut transaction, user, "user.password_changed", now).await?;
    tell(&mut transaction, state, user, &person.email).await?;
    let cookie = session::begin(&mut transaction, state, user, client).await?;
    transaction.commit().await?;
    Ok(session::with_cookie(see_other("/monitors")?, cookie))
}

/// Mails that the password was changed.
pub(crate) async fn tell(
    connection: &mut sqlx::PgConnection,
    state: &AppState,
    user: UserId,
    email: &str,
) -> Result<(), PageError> {
    let message = AccountMessage::PasswordChanged {
        at: state.now(),
        timezone: store::users::find_timezone(connection, user).await?,
        link: state.config.link("/forgot"),
    };
    mail::send(connection, state, Some(user), email, message, None).await
}
