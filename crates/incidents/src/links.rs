//! Links in messages that act for one contact. Their tokens are worked out from ids and our key, so
//! that the clear token is stored nowhere; the lookup holds its hash.

use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::token_lookups::{self, Found, Kind};
use store::{Secrets, secrets};

use crate::Result;

/// The token of `/a/{token}` in the message `delivery`.
pub fn acknowledge_token(secrets: &Secrets, delivery: DeliveryId) -> String {
    secrets.derived_token("acknowledge", &delivery.to_string())
}

/// The token of the page that stops alerts to `contact`.
pub fn stop_token(secrets: &Secrets, contact: ContactId) -> String {
    secrets.derived_token("stop", &contact.to_string())
}

/// The form in which a token of a link is kept and looked up.
pub fn stored(token: &str) -> String {
    secrets::token_hash(token)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The incident and contact behind an acknowledge link.
pub async fn find_acknowledge(
    connection: &mut PgConnection,
    token: &str,
) -> Result<Option<(AccountId, IncidentId, ContactId)>> {
    let found = token_lookups::find(connection, Kind::Acknowledge, &stored(token)).await?;
    Ok(found.and_then(|found| {
        let contact = ContactId::from_uuid(found.other_id?);
        Some((
            found.account_id,
            IncidentId::from_uuid(found.row_id),
            contact,
        ))
    }))
}

/// The message and contact behind a link that takes all incidents of a message.
pub async fn find_acknowledge_all(
    connection: &mut PgConnection,
    token: &str,
) -> Result<Option<(AccountId, DeliveryId, ContactId)>> {
    let found = token_lookups::find(connection, Kind::AcknowledgeAll, &stored(token)).await?;
    Ok(found.and_then(|found| {
        let contact = ContactId::from_uuid(found.other_id?);
        Some((
            found.account_id,
            DeliveryId::from_uuid(found.row_id),
            contact,
        ))
    }))
}

/// Makes the link of a message take everything that it tells of. Safe to repeat.
pub async fn mint_all(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account_id: AccountId,
    (delivery, contact): (DeliveryId, ContactId),
    now: Timestamp,
) -> Result<()> {
    let token = stored(&acknowledge_token(secrets, delivery));
    let found = Found {
        account_id,
        row_id: delivery.uuid(),
        other_id: Some(contact.uuid()),
    };
    token_lookups::insert_new(connection, Kind::AcknowledgeAll, &token, found, now).await?;
    Ok(())
}

/// The contact behind a stop link.
pub async fn find_stop(
    connection: &mut PgConnection,
    token: &str,
) -> Result<Option<(AccountId, ContactId)>> {
    let found = token_lookups::find(connection, Kind::Stop, &stored(token)).await?;
    Ok(found.map(|found| (found.account_id, ContactId::from_uuid(found.row_id))))
}

/// Makes the links of a message work; a message about no incident has none to take. Safe to repeat.
pub async fn mint(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account_id: AccountId,
    message: (DeliveryId, ContactId, Option<IncidentId>),
    now: Timestamp,
) -> Result<()> {
    let (delivery, contact, incident) = message;
    if let Some(incident) = incident {
        let token = stored(&acknowledge_token(secrets, delivery));
        let found = Found {
            account_id,
            row_id: incident.uuid(),
            other_id: Some(contact.uuid()),
        };
        token_lookups::insert_new(connection, Kind::Acknowledge, &token, found, now).await?;
    }
    let token = stored(&stop_token(secrets, contact));
    let found = Found {
        account_id,
        row_id: contact.uuid(),
        other_id: None,
    };
    token_lookups::insert_new(connection, Kind::Stop, &token, found, now).await?;
    Ok(())
}
