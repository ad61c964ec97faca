//! Messages to a contact about itself.

use domain::contact::Contact;
use domain::delivery::Event;
use domain::ids::{AccountId, DeliveryId};
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;

use crate::Result;
use crate::tell::{self, Message};

/// Sends a test message to a proven contact; every call is a message of its own.
pub async fn test_contact(
    connection: &mut PgConnection,
    account: AccountId,
    contact: &Contact,
    now: Timestamp,
) -> Result<()> {
    let message = Message {
        account_id: account,
        event: Event::ContactTest,
        incident_id: None,
        monitor_id: None,
        subject: contact.id.to_string(),
        payload: json!({}),
    };
    let dedup_key = format!("{}:{}:{}", Event::ContactTest.as_str(), contact.id, DeliveryId::generate());
    tell::write(connection, &message, (contact.id, contact.channel), dedup_key, now).await?;
    Ok(())
}
