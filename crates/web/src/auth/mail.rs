//! Mails about a person's own account: the row and its job in the caller's transaction.

use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::ids::{AccountId, UserId};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::account_messages::NewAccountMessage;

use crate::error::PageError;
use crate::state::AppState;

/// Writes a mail down and enqueues it. Without a user it outlives the account. Not in a fenced
/// transaction: such a mail is no tenant's.
pub async fn send(
    connection: &mut PgConnection,
    state: &AppState,
    user: Option<UserId>,
    address: &str,
    message: AccountMessage,
    expires_at: Option<Timestamp>,
) -> Result<(), PageError> {
    write(
        connection,
        state,
        (user, None),
        address,
        message,
        expires_at,
    )
    .await
}

/// The same for a mail of an account, in its fenced transaction; it goes when the account goes.
pub async fn send_of_account(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
    address: &str,
    message: AccountMessage,
) -> Result<(), PageError> {
    write(
        connection,
        state,
        (None, Some(account)),
        address,
        message,
        None,
    )
    .await
}

async fn write(
    connection: &mut PgConnection,
    state: &AppState,
    (user_id, account_id): (Option<UserId>, Option<AccountId>),
    address: &str,
    message: AccountMessage,
    expires_at: Option<Timestamp>,
) -> Result<(), PageError> {
    let new = NewAccountMessage {
        user_id,
        account_id,
        channel: Channel::Email,
        address: address.to_owned(),
        message,
        expires_at,
    };
    incidents::write_message(connection, &state.secrets, &new, state.now())
        .await
        .map_err(PageError::internal)
}
