//! Writing down who is told instead.

use domain::delivery::fallback::stand_ins;
use domain::ids::{AccountId, DeliveryId, IncidentId, MonitorId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::json;
use sqlx::PgConnection;

use super::{Claimed, Queued};
use crate::Result;

/// Plans the messages that stand in for one that cannot reach its contact, and returns those that are
/// new; a stand-in that was told of the same event by itself is not told twice. `None` when the
/// account has no stand-in at all.
pub async fn plan_fallback(
    connection: &mut PgConnection,
    failed: &Claimed,
    (reason, unsent_text): (&str, Option<&str>),
    now: Timestamp,
) -> Result<Option<Vec<Queued>>> {
    let contacts = crate::contacts::list(connection, failed.account_id).await?;
    let stand_ins = stand_ins(&contacts, failed.contact_id);
    if stand_ins.is_empty() {
        return Ok(None);
    }
    let for_contact = contacts
        .iter()
        .find(|contact| contact.id == failed.contact_id)
        .map(|contact| contact.name.clone());
    let mut payload = failed.payload.clone();
    if let Some(fields) = payload.as_object_mut() {
        fields.insert(
            "fallback".to_owned(),
            json!({ "for": for_contact, "reason": reason, "text": unsent_text, "event": failed.event.as_str() }),
        );
    }
    let mut planned = Vec::new();
    for contact in stand_ins {
        let id = sqlx::query_scalar!(
            "INSERT INTO deliveries (account_id, id, event, incident_id, monitor_id, contact_id, channel, dedup_key, payload,
                 created_at, not_before, next_at, pushed_at)
             SELECT $1::uuid, $2::uuid, $3, $4::uuid, $5::uuid, $6::uuid, $7, left(o.dedup_key, -$11::int) || $8::text,
                 $9::jsonb, $10::timestamptz, $10, $10, $10
             FROM deliveries o WHERE o.account_id = $1 AND o.id = $12
             ON CONFLICT ON CONSTRAINT deliveries_dedup_key DO NOTHING RETURNING id",
            failed.account_id.uuid(),
            DeliveryId::generate().uuid(),
            failed.event.as_str(),
            failed.incident_id.map(IncidentId::uuid),
            failed.monitor_id.map(MonitorId::uuid),
            contact.id.uuid(),
            contact.channel.as_str(),
            contact.id.to_string(),
            payload,
            now.to_sqlx() as _,
            super::siblings::contact_length(failed),
            failed.id.uuid(),
        )
        .fetch_optional(&mut *connection)
        .await?;
        planned.extend(id.map(|id| (DeliveryId::from_uuid(id), contact.channel)));
    }
    Ok(Some(planned))
}

/// Proven addresses of the account's owners, for what no contact can be told.
pub async fn list_owner_addresses(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<(UserId, String)>> {
    let rows = sqlx::query!(
        "SELECT u.id, u.email FROM memberships m JOIN users u ON u.id = m.user_id
         WHERE m.account_id = $1 AND m.role = 'owner' AND u.email_verified_at IS NOT NULL ORDER BY u.id",
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (UserId::from_uuid(row.id), row.email))
        .collect())
}
