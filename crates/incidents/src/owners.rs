//! Messages about the account itself, and those of them that go to the people who own it.

use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::ids::AccountId;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::Secrets;
use store::account_messages::{self, NewAccountMessage};
use store::deliveries::claim::list_owner_addresses;
use uuid::Uuid;

use crate::Result;

/// Writes a message down, and the job that sends it.
pub async fn write_message(
    connection: &mut PgConnection,
    secrets: &Secrets,
    message: &NewAccountMessage,
    now: Timestamp,
) -> Result<()> {
    write(connection, secrets, message, now).await.map(|_| ())
}

/// The same, and which message it is.
pub(crate) async fn write(
    connection: &mut PgConnection,
    secrets: &Secrets,
    message: &NewAccountMessage,
    now: Timestamp,
) -> Result<Uuid> {
    let message_id = account_messages::insert(connection, secrets, message, now).await?;
    jobs::enqueue(connection, &jobs::AccountMessage { message_id }, None).await?;
    Ok(message_id)
}

/// Writes the message to every owner, and the jobs that send it.
pub async fn write_to_owners(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    message: &AccountMessage,
    now: Timestamp,
) -> Result<()> {
    for (user, address) in list_owner_addresses(connection, account).await? {
        let new = NewAccountMessage {
            user_id: Some(user),
            account_id: Some(account),
            channel: Channel::Email,
            address,
            message: message.clone(),
            expires_at: None,
        };
        write_message(connection, secrets, &new, now).await?;
    }
    Ok(())
}
