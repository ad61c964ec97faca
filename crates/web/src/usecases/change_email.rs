//! Changing the address of a person: both the old and the new one must agree, in any order, within
//! ten minutes. An address that somebody has already gets its owner's mail and never an answer here,
//! so the page does not say that it is taken.

use domain::account::EmailAddress;
use domain::contact::code;
use domain::delivery::AccountMessage;
use domain::ids::{SessionId, UserId};
use jiff::SignedDuration;
use sqlx::PgConnection;
use store::challenges::{Challenge, Purpose};
use store::users::User;

use crate::auth::challenge::{self, Ask};
use crate::auth::mail;
use crate::error::PageError;
use crate::state::AppState;

/// The two sides of a change.
pub const SIDES: [Purpose; 2] = [Purpose::ChangeEmailOld, Purpose::ChangeEmailNew];

/// How an answer was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// The other side is still to answer.
    Half,
    /// The address is changed.
    Changed,
    /// Meanwhile somebody else has the address.
    Taken,
}

/// Asks both addresses.
pub async fn begin(
    connection: &mut PgConnection,
    state: &AppState,
    user: &User,
    new: &EmailAddress,
) -> Result<(), PageError> {
    let ask = |purpose, send_to| Ask {
        user_id: user.id,
        purpose,
        send_to,
        address: new.as_str(),
    };
    challenge::send(
        connection,
        state,
        ask(Purpose::ChangeEmailOld, user.email.as_str()),
    )
    .await?;
    match store::users::find_proven(connection, new).await? {
        None => {
            challenge::send(
                connection,
                state,
                ask(Purpose::ChangeEmailNew, new.as_str()),
            )
            .await
        }
        Some(owner) => {
            mail::send(
                connection,
                state,
                Some(owner.id),
                &owner.email,
                challenge::already_signed_up(state),
                None,
            )
            .await
        }
    }
}

/// After one side has agreed: changes the address if the other has too. `keep` is the session that
/// stays; all others end.
pub async fn complete(
    connection: &mut PgConnection,
    state: &AppState,
    answered: &Challenge,
    keep: Option<SessionId>,
) -> Result<Answered, PageError> {
    let now = state.now();
    let since = now - SignedDuration::try_from(code::VALID_FOR).map_err(PageError::internal)?;
    let user: UserId = answered.user_id;
    if !store::challenges::is_change_agreed(connection, user, &answered.address, since).await? {
        return Ok(Answered::Half);
    }
    let new = EmailAddress::parse(&answered.address).map_err(PageError::internal)?;
    let old = store::users::get(connection, user).await?.email;
    match store::users::set_email(connection, user, &new, now).await {
        Err(error) if error.constraint() == Some("users_email_key") => return Ok(Answered::Taken),
        other => other?,
    }
    store::unconfirmed::unblock(connection, &state.secrets, &new).await?;
    super::person::note(connection, user, "user.email_changed", now).await?;
    store::accounts::move_owner_contacts(connection, user, &old, &new, now).await?;
    store::challenges::cancel_change(connection, user, now).await?;
    store::sessions::revoke_others(connection, user, keep, now).await?;
    let message = AccountMessage::EmailChanged {
        at: now,
        timezone: store::users::find_timezone(connection, user).await?,
        new_address: new.to_string(),
    };
    mail::send(connection, state, Some(user), &old, message, None).await?;
    Ok(Answered::Changed)
}
