//! `/settings/security`: address, password, sessions.

use askama::Template;
use axum::extract::{Query, State};
use domain::account::password;
use http::StatusCode;
use jiff::tz::TimeZone;

use super::profile::Done;
use crate::auth::agent;
use crate::error::{PageError, PageResult};
use crate::extract::{CurrentUser, Fields, FormErrors};
use crate::pages::auth::reset;
use crate::state::AppState;
use crate::throttle;
use crate::usecases::person;
use crate::view::{Moment, Shell, render_with, see_other};

#[derive(Template)]
#[template(path = "settings/security.html")]
struct SecurityPage<'a> {
    shell: Shell,
    tab: &'static str,
    errors: FormErrors,
    email: &'a str,
    verified: bool,
    change: Option<Change>,
    new_email: &'a str,
    sessions: Vec<SessionRow>,
}

struct Change {
    address: String,
    old_agreed: bool,
    new_agreed: bool,
}

struct SessionRow {
    id: String,
    agent: String,
    address: String,
    since: Moment,
    last_used: Moment,
    current: bool,
}

/// The page, with what is wrong in one of its forms.
pub(super) async fn page(
    user: &CurrentUser,
    state: &AppState,
    errors: FormErrors,
    new_email: &str,
    notice: Option<String>,
) -> PageResult {
    let signed_in = &user.signed_in;
    let now = state.now();
    let mut connection = state.pool.acquire().await?;
    let change = store::challenges::find_change(&mut connection, signed_in.user.id, now).await?;
    let zone = signed_in
        .membership
        .as_ref()
        .map_or(TimeZone::UTC, |m| domain::words::zone(&m.timezone));
    let sessions = store::sessions::list(&mut connection, signed_in.user.id, now).await?;
    let rows = sessions.into_iter().map(|session| SessionRow {
        id: session.id.to_string(),
        agent: agent::describe(&session.user_agent),
        address: session
            .address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        since: Moment::new(session.created_at, zone.clone()),
        last_used: Moment::new(session.last_seen_at, zone.clone()),
        current: session.id == signed_in.session_id,
    });
    let status = if errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = SecurityPage {
        shell: user.shell("Security").section("settings").notice(notice),
        tab: "security",
        errors,
        email: &signed_in.user.email,
        verified: signed_in.user.email_verified_at.is_some(),
        change: change.map(|(address, old_agreed, new_agreed)| Change {
            address,
            old_agreed,
            new_agreed,
        }),
        new_email,
        sessions: rows.collect(),
    };
    render_with(status, &page)
}

/// The page.
pub async fn show(
    user: CurrentUser,
    State(state): State<AppState>,
    Query(query): Query<Done>,
) -> PageResult {
    let notice = match query.done.as_str() {
        "password" => "The password is changed. Every other session has ended.",
        "mails" => "Both addresses have a mail. Nothing changes until both have agreed.",
        "half" => "One side has agreed. Now the other.",
        "email" => "The address is changed. Every other session has ended.",
        "ended" => "Ended.",
        _ => "",
    };
    page(
        &user,
        &state,
        FormErrors::new(),
        "",
        (!notice.is_empty()).then(|| notice.to_owned()),
    )
    .await
}

/// Changes the password, ends all other sessions, and tells.
pub async fn password(
    user: CurrentUser,
    State(state): State<AppState>,
    fields: Fields,
) -> PageResult {
    let owner = &user.signed_in.user;
    let mut errors = fields.errors();
    if let Err(error) = password::check(fields.raw("new_password"), &owner.email) {
        errors.add("new_password", format!("New password: it {error}."));
    }
    if errors.is_empty() && !is_right(&state, &user, fields.raw("current_password")).await? {
        errors.add("current_password", "Current password: this is not it.");
    }
    if !errors.is_empty() {
        return page(&user, &state, errors, "", None).await;
    }
    let hash = state.hasher.hash(fields.raw("new_password")).await?;
    let now = state.now();
    let mut transaction = store::begin(&state.pool).await?;
    store::users::set_password(&mut transaction, owner.id, &hash, now).await?;
    store::sessions::revoke_others(
        &mut transaction,
        owner.id,
        Some(user.signed_in.session_id),
        now,
    )
    .await?;
    person::note(&mut transaction, owner.id, "user.password_changed", now).await?;
    reset::tell(&mut transaction, &state, owner.id, &owner.email).await?;
    transaction.commit().await?;
    see_other("/settings/security?done=password")
}

/// The typed password is the person's own. Wrong ones are counted: a session left open is no licence
/// to guess.
pub(super) async fn is_right(
    state: &AppState,
    user: &CurrentUser,
    typed: &str,
) -> Result<bool, PageError> {
    let id = user.signed_in.user.id;
    let key = id.to_string();
    let counted = throttle::take_ahead(state, throttle::PASSWORD_USER, &key).await?;
    let hash = store::users::get_password_hash(&mut *state.pool.acquire().await?, id).await?;
    let right = state.hasher.verify(typed, Some(&hash)).await?;
    if right {
        counted.give_back(&mut *state.pool.acquire().await?).await?;
    }
    Ok(right)
}
