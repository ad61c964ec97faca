//! Deliveries of one event to several contacts: their keys differ in the contact alone.

use domain::contact::Contact;
use domain::ids::{AccountId, DeliveryId, IncidentId, MonitorId};
use sqlx::PgConnection;
use uuid::Uuid;

use super::Claimed;
use crate::Result;
use crate::deliveries::QUIET_UNTIL;

/// A text message or call that the wallet does not pay, or will not.
#[derive(Debug, Clone)]
pub struct Unpaid {
    /// The delivery.
    pub id: DeliveryId,
    /// Whom it is for.
    pub contact: Contact,
}

/// The characters of a key that name its contact; all contacts' ids are of one length.
pub(super) fn contact_length(claimed: &Claimed) -> i32 {
    i32::try_from(claimed.contact_id.to_string().len()).unwrap_or(0)
}

/// Orders those who ask at once what became of the others of an event: the later one sees what the
/// earlier one has written.
pub async fn lock_event(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!(
        "SELECT 1 AS one FROM accounts WHERE id = $1 FOR NO KEY UPDATE",
        account.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(())
}

/// Another delivery of this event has reached its contact, or still may.
pub async fn may_reach_someone(connection: &mut PgConnection, claimed: &Claimed) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT 1 FROM deliveries o JOIN deliveries d ON d.account_id = o.account_id AND d.id = $2
             WHERE o.account_id = $1 AND o.id <> d.id AND o.event = d.event
               AND left(o.dedup_key, -$3::int) = left(d.dedup_key, -$3::int)
               AND (o.incident_id = $4 OR $4::uuid IS NULL AND o.incident_id IS NULL)
               AND (o.monitor_id = $5 OR $5::uuid IS NULL AND o.monitor_id IS NULL)
               AND o.state IN ('sent', 'delivered', 'merged', 'pending', 'sending', 'held')
               AND NOT (o.payload ? 'passed_over' AND o.state = 'held')) AS "found!""#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        contact_length(claimed),
        claimed.incident_id.map(IncidentId::uuid),
        claimed.monitor_id.map(MonitorId::uuid),
    )
    .fetch_one(connection)
    .await?)
}

/// Another message about the outage, of the same step of its policy or told later, has reached its contact or
/// soon may. Steps have no rows of their own: their messages are written in one instant.
pub async fn step_may_reach_someone(
    connection: &mut PgConnection,
    claimed: &Claimed,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT 1 FROM deliveries o JOIN deliveries d ON d.account_id = o.account_id AND d.id = $2
             WHERE o.account_id = $1 AND o.id <> d.id AND o.incident_id = d.incident_id
               AND o.event IN ('incident.opened', 'incident.escalated') AND o.created_at >= d.created_at
               AND o.state IN ('sent', 'delivered', 'merged', 'pending', 'sending', 'held')
               AND NOT o.payload ? 'fallback'
               AND NOT (o.state = 'held' AND coalesce(starts_with(o.reason, $3), false))) AS "found!""#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        QUIET_UNTIL,
    )
    .fetch_one(connection)
    .await?)
}

/// The text messages and calls of this event, up to this step, that are not sent yet, this one among them; none when an earlier
/// notice has named this one already. To be called under [`lock_event`].
pub async fn list_unpaid(connection: &mut PgConnection, claimed: &Claimed) -> Result<Vec<Unpaid>> {
    let rows = sqlx::query!(
        r#"SELECT o.id, o.contact_id, coalesce(o.payload -> 'named' ? $6, false) AS "names_it!",
             (o.state IN ('pending', 'sending', 'held') OR o.id = d.id) AS "is_unsent!" FROM deliveries o
           JOIN deliveries d ON d.account_id = o.account_id AND d.id = $2
           WHERE o.account_id = $1 AND o.channel IN ('sms', 'voice') AND o.event = d.event
             AND left(o.dedup_key, -$3::int) = left(d.dedup_key, -$3::int)
             AND (o.incident_id = $4 OR $4::uuid IS NULL AND o.incident_id IS NULL)
             AND (o.monitor_id = $5 OR $5::uuid IS NULL AND o.monitor_id IS NULL)
             AND (o.state IN ('pending', 'sending', 'held') OR o.id = d.id OR o.payload ? 'named')
             AND o.not_before <= d.not_before
           ORDER BY o.created_at, o.id LIMIT 200"#,
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        contact_length(claimed),
        claimed.incident_id.map(IncidentId::uuid),
        claimed.monitor_id.map(MonitorId::uuid),
        claimed.id.to_string(),
    )
    .fetch_all(&mut *connection)
    .await?;
    if rows.iter().any(|row| row.names_it) {
        return Ok(Vec::new());
    }
    let contacts = crate::contacts::list(connection, claimed.account_id).await?;
    let contact = |id: Uuid| contacts.iter().find(|one| one.id.uuid() == id).cloned();
    Ok(rows
        .into_iter()
        .filter(|row| row.is_unsent)
        .filter_map(|row| {
            let contact = contact(row.contact_id)?;
            contact.channel.is_phone().then(|| Unpaid {
                id: DeliveryId::from_uuid(row.id),
                contact,
            })
        })
        .collect())
}

/// Keeps with this delivery which others its notice has named.
pub async fn name_unpaid(
    connection: &mut PgConnection,
    claimed: &Claimed,
    named: &[DeliveryId],
) -> Result<()> {
    let named: Vec<String> = named.iter().map(ToString::to_string).collect();
    sqlx::query!(
        "UPDATE deliveries SET payload = payload || jsonb_build_object('named', to_jsonb($3::text[]))
         WHERE account_id = $1 AND id = $2",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        &named,
    )
    .execute(connection)
    .await?;
    Ok(())
}
