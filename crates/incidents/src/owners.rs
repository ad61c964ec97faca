//! Mail to the people who own an account, about the account itself.

use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::ids::AccountId;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::Secrets;
use store::account_messages::{self, NewAccountMessage};
use store::deliveries::claim::list_owner_addresses;

use crate::Result;

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
        let message_id = account_messages::insert(connection, secrets, &new, now).await?;
        jobs::enqueue(connection, &jobs::AccountMessage { message_id }, None).await?;
    }
    Ok(())
}
