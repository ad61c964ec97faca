//! What messages about an outage said of its cause, for whoever is to be told that it is another one.

use std::collections::HashMap;

use domain::contact::Channel;
use domain::delivery::payload::Said;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Claimed;
use crate::{Error, Result};

/// Keeps with a claimed message what it says of the cause; `None` where it says nothing of it by itself.
pub async fn keep(
    connection: &mut PgConnection,
    claimed: &Claimed,
    said: Option<&Said>,
) -> Result<()> {
    if said.is_none() && claimed.payload.get("said").is_none() {
        return Ok(());
    }
    sqlx::query!(
        "UPDATE deliveries SET payload = CASE WHEN $3::jsonb IS NULL THEN payload - 'said'
             ELSE payload || jsonb_build_object('said', $3) END
         WHERE account_id = $1 AND id = $2",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        said.map(Json) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What the contact was told of the cause in a message of its own; `None` when it was not told so.
pub(super) async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    contact: ContactId,
) -> Result<Option<Said>> {
    let said = sqlx::query_scalar!(
        r#"SELECT payload -> 'said' AS "said: Json<Said>" FROM deliveries
           WHERE account_id = $1 AND incident_id = $2 AND contact_id = $3 AND event = $4
             AND state IN ('sent', 'delivered') AND payload ? 'said'"#,
        account.uuid(),
        incident.uuid(),
        contact.uuid(),
        Event::IncidentOpened.as_str(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(said.flatten().map(|said| said.0))
}

/// Where the first message to a contact stands while its incident's cause is written anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum First {
    /// Somebody is at it now: what it says is not known yet.
    Busy,
    /// It is made when it is sent, with what is known then; or it is not sent, or told with others.
    Silent,
    /// It said this, or says it now.
    Said(Said),
}

/// The first messages of an incident. Those that nobody is at stay locked until the transaction ends, so that
/// whoever claims one later reads what is written in it; nobody is waited for.
pub async fn lock_first(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Vec<(ContactId, Channel, First)>> {
    let planned = super::super::list_planned(connection, account, incident, Event::IncidentOpened);
    let planned = planned.await?;
    let rows = sqlx::query!(
        r#"SELECT id, contact_id, state, payload -> 'said' AS "said: Json<Said>" FROM deliveries
           WHERE account_id = $1 AND incident_id = $2 AND event = $3 FOR NO KEY UPDATE SKIP LOCKED"#,
        account.uuid(),
        incident.uuid(),
        Event::IncidentOpened.as_str(),
    )
    .fetch_all(connection)
    .await?;
    let mut locked: HashMap<Uuid, First> = HashMap::with_capacity(rows.len());
    for row in rows {
        let id = DeliveryId::from_uuid(row.id);
        let state = DeliveryState::parse(&row.state)
            .ok_or_else(|| Error::impossible("deliveries", "state", id))?;
        let tells = matches!(
            state,
            DeliveryState::Sending | DeliveryState::Sent | DeliveryState::Delivered
        );
        let first = match row.said.filter(|_| tells) {
            Some(said) => First::Said(said.0),
            None => First::Silent,
        };
        locked.insert(row.contact_id, first);
    }
    let first = |(contact, channel): (ContactId, Channel)| {
        let first = locked.remove(&contact.uuid()).unwrap_or(First::Busy);
        (contact, channel, first)
    };
    Ok(planned.into_iter().map(first).collect())
}
