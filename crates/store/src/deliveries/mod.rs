//! Deliveries: one message to one contact. Planned here, claimed and sent by the notifier.

pub mod claim;
mod read;
mod waiting;

pub use read::{
    Attempt, Delivery, Told, count_since, list_attempts, list_by_contact, list_by_incident,
    list_planned, list_told,
};

pub use waiting::{QUIET_UNTIL, SNOOZED_UNTIL, release_quiet, skip_snoozed, wake_snoozed};

use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::PgConnection;

use crate::{Error, Result};

/// A message to be sent.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Planned {
    pub account_id: AccountId,
    pub event: Event,
    pub incident_id: Option<IncidentId>,
    pub monitor_id: Option<MonitorId>,
    pub contact_id: ContactId,
    pub channel: Channel,
    pub dedup_key: String,
    pub payload: Value,
    pub not_before: Timestamp,
}

/// Writes a planned message; `None` when it had been planned before. The caller enqueues its job in
/// the same transaction, which is why it counts as pushed.
pub async fn insert(
    connection: &mut PgConnection,
    planned: &Planned,
    now: Timestamp,
) -> Result<Option<DeliveryId>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO deliveries (account_id, id, event, incident_id, monitor_id, contact_id, channel, dedup_key,
             payload, created_at, not_before, next_at, pushed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $10)
         ON CONFLICT ON CONSTRAINT deliveries_dedup_key DO NOTHING RETURNING id",
        planned.account_id.uuid(),
        DeliveryId::generate().uuid(),
        planned.event.as_str(),
        planned.incident_id.map(IncidentId::uuid),
        planned.monitor_id.map(MonitorId::uuid),
        planned.contact_id.uuid(),
        planned.channel.as_str(),
        planned.dedup_key,
        planned.payload,
        now.to_sqlx() as _,
        planned.not_before.to_sqlx() as _
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(DeliveryId::from_uuid))
}

/// Drops what an incident was still to tell in later steps of its policy; whom it would have told.
pub async fn skip_later(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    reason: &str,
    now: Timestamp,
) -> Result<Vec<ContactId>> {
    let contacts = sqlx::query_scalar!(
        "UPDATE deliveries SET state = 'skipped', reason = $3, finished_at = $4
         WHERE account_id = $1 AND incident_id = $2 AND event = 'incident.opened'
           AND state IN ('pending', 'held') AND attempts = 0 AND not_before > $4
         RETURNING contact_id",
        account.uuid(),
        incident.uuid(),
        reason,
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(contacts.into_iter().map(ContactId::from_uuid).collect())
}

/// A message that is told earlier than planned.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns of deliveries and contacts")]
pub struct BroughtForward {
    pub id: DeliveryId,
    pub channel: Channel,
    pub contact_name: String,
}

/// Makes the next step of an incident due now, and those after it earlier by as much. Returns the
/// messages that are due; their jobs are the caller's to enqueue.
pub async fn bring_forward(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Vec<BroughtForward>> {
    let rows = sqlx::query!(
        r#"WITH later AS (
             SELECT account_id, id, not_before - min(not_before) OVER () AS after FROM deliveries
             WHERE account_id = $1 AND incident_id = $2 AND event = 'incident.opened'
               AND state = 'pending' AND attempts = 0 AND claims = 0 AND not_before > $3)
           UPDATE deliveries d SET not_before = $3::timestamptz + later.after, next_at = $3::timestamptz + later.after,
             pushed_at = $3
           FROM later JOIN deliveries o ON o.account_id = later.account_id AND o.id = later.id
           JOIN contacts c ON c.account_id = o.account_id AND c.id = o.contact_id
           WHERE d.account_id = $1 AND d.account_id = later.account_id AND d.id = later.id
           RETURNING d.id, d.channel, c.name, d.not_before AS "not_before: jiff_sqlx::Timestamp""#,
        account.uuid(),
        incident.uuid(),
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    // The row keeps microseconds.
    let due = now + jiff::SignedDuration::from_micros(1);
    let mut brought: Vec<BroughtForward> = rows
        .into_iter()
        .filter(|row| row.not_before.to_jiff() <= due)
        .map(|row| {
            let id = DeliveryId::from_uuid(row.id);
            Ok(BroughtForward {
                id,
                channel: Channel::parse(&row.channel)
                    .ok_or_else(|| Error::impossible("deliveries", "channel", id))?,
                contact_name: row.name,
            })
        })
        .collect::<Result<_>>()?;
    brought.sort_by_key(|one| one.id);
    Ok(brought)
}

/// Writes a message that is not sent on purpose, unless it was planned before.
pub async fn insert_skipped(
    connection: &mut PgConnection,
    planned: &Planned,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let Some(id) = insert(connection, planned, now).await? else {
        return Ok(());
    };
    sqlx::query!(
        "UPDATE deliveries SET state = 'skipped', reason = $3, finished_at = $4 WHERE account_id = $1 AND id = $2",
        planned.account_id.uuid(),
        id.uuid(),
        reason,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Where a message stands: its state, and how many tries had a result.
pub async fn find_progress(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
) -> Result<Option<(DeliveryState, u32)>> {
    let row = sqlx::query!(
        "SELECT state, attempts FROM deliveries WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let state = DeliveryState::parse(&row.state)
            .ok_or_else(|| Error::impossible("deliveries", "state", id))?;
        Ok((state, u32::try_from(row.attempts).unwrap_or(0)))
    })
    .transpose()
}

/// Drops everything of an account that is not sent yet.
pub async fn skip_open(
    connection: &mut PgConnection,
    account: AccountId,
    reason: &str,
    now: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE deliveries SET state = 'skipped', reason = $2, finished_at = $3, lease_token = NULL, lease_until = NULL
         WHERE account_id = $1 AND state IN ('pending', 'sending', 'held')",
        account.uuid(),
        reason,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
