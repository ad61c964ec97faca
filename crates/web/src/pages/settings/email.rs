//! Changing one's address: asked for here, agreed to from both addresses, by codes here or by links.

use axum::extract::State;
use domain::account::EmailAddress;
use store::challenges::Purpose;
use store::unconfirmed;

use super::security::{is_right, page};
use crate::auth::challenge;
use crate::error::{PageError, PageResult};
use crate::extract::{Client, CurrentUser, Fields, FormErrors};
use crate::state::AppState;
use crate::throttle;
use crate::usecases::change_email::{self, Answered};
use crate::usecases::contacts::NOT_WANTED;
use crate::view::see_other;

/// Sends both mails.
pub async fn begin(
    user: CurrentUser,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    let person = &user.signed_in.user;
    let typed = fields.text("new_email");
    let mut errors = fields.errors();
    let Ok(new) = EmailAddress::parse(typed) else {
        errors.add(
            "new_email",
            "New email: this is not an address. It looks like name@shop.example.",
        );
        return page(&user, &state, errors, typed, None).await;
    };
    if new.canonical() == person.email.to_ascii_lowercase() {
        errors.add("new_email", "New email: this is the one you have.");
    } else if errors.is_empty() && !is_right(&state, &user, fields.raw("email_password")).await? {
        errors.add("email_password", "Your password: this is not it.");
    }
    if !errors.is_empty() {
        return page(&user, &state, errors, typed, None).await;
    }
    throttle::take(&state, throttle::MAIL_NETWORK, &client.ip.network()).await?;
    throttle::take(&state, throttle::MAIL_ADDRESS, &new.canonical()).await?;
    throttle::take(
        &state,
        throttle::MAIL_ADDRESS,
        &person.email.to_ascii_lowercase(),
    )
    .await?;
    let mut transaction = store::begin(&state.pool).await?;
    if let Some(seconds) =
        challenge::resend_in(&mut transaction, &state, person.id, Purpose::ChangeEmailOld).await?
    {
        errors.add(
            "new_email",
            format!("New email: other mails can be sent in {seconds} s."),
        );
        return page(&user, &state, errors, typed, None).await;
    }
    if unconfirmed::is_blocked(&mut transaction, &state.secrets, &new).await? {
        errors.add("new_email", format!("New email: {NOT_WANTED}"));
        return page(&user, &state, errors, typed, None).await;
    }
    if let Some(retry_after) = challenge::claim(&mut transaction, &state, &new).await? {
        return Err(PageError::TooManyRequests { retry_after });
    }
    store::challenges::cancel_change(&mut transaction, person.id, state.now()).await?;
    change_email::begin(&mut transaction, &state, person, &new).await?;
    transaction.commit().await?;
    see_other("/settings/security?done=mails")
}

/// Tries the codes that were typed, one or both.
pub async fn confirm(
    user: CurrentUser,
    State(state): State<AppState>,
    client: Client,
    fields: Fields,
) -> PageResult {
    let person = &user.signed_in.user;
    throttle::take(&state, throttle::CODE_NETWORK, &client.ip.network()).await?;
    throttle::take(&state, throttle::CODE_USER, &person.id.to_string()).await?;
    let mut errors = FormErrors::new();
    let mut answered = None;
    for (field, purpose) in [
        ("code_old", Purpose::ChangeEmailOld),
        ("code_new", Purpose::ChangeEmailNew),
    ] {
        let Some(typed) = fields.optional(field) else {
            continue;
        };
        // Each try in its own statement: a wrong second code does not take back a right first one.
        let mut connection = state.pool.acquire().await?;
        match challenge::try_code(&mut connection, &state, person.id, purpose, typed).await? {
            Some(challenge) => answered = Some(challenge),
            None => errors.add(field, "Code: this is not it, or it has run out."),
        }
    }
    if let Some(challenge) = answered {
        let mut transaction = store::begin(&state.pool).await?;
        let outcome = change_email::complete(
            &mut transaction,
            &state,
            &challenge,
            Some(user.signed_in.session_id),
        )
        .await?;
        match outcome {
            Answered::Changed => {
                transaction.commit().await?;
                return see_other("/settings/security?done=email");
            }
            Answered::Half if errors.is_empty() => {
                return see_other("/settings/security?done=half");
            }
            Answered::Half => {}
            Answered::Taken => errors.add("code_new", "Code: this address cannot be used."),
        }
    } else if errors.is_empty() {
        errors.add("code_old", "Code: type the six digits of the mail.");
    }
    page(&user, &state, errors, "", None).await
}

/// Keeps the old address.
pub async fn cancel(user: CurrentUser, State(state): State<AppState>) -> PageResult {
    let mut connection = state.pool.acquire().await?;
    store::challenges::cancel_change(&mut connection, user.signed_in.user.id, state.now()).await?;
    see_other("/settings/security")
}
