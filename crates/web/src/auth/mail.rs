//! Mails about a person's own account: the row and its job in the caller's transaction.

use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::ids::UserId;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::account_messages::NewAccountMessage;

use crate::error::PageError;
use crate::state::AppState;

/// Writes a mail down and enqueues it. Without a user it outlives the account.
pub async fn send(
    connection: &mut PgConnection,
    state: &AppState,
    user: Option<UserId>,
    address: &str,
    message: AccountMessage,
    expires_at: Option<Timestamp>,
) -> Result<(), PageError> {
    let new = NewAccountMessage {
        user_id: user,
        account_id: None,
        channel: Channel::Email,
        address: address.to_owned(),
        message,
        expires_at,
    };
    let id = store::account_messages::insert(connection, &state.secrets, &new, state.now()).await?;
    jobs::enqueue(connection, &jobs::AccountMessage { message_id: id }, None).await.map_err(PageError::internal)
}
