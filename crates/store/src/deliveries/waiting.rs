//! Messages that wait for something else than their turn, and what they wait for no longer.

use domain::contact::Channel;
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::claim::Queued;
use crate::{Error, Result};

/// How the reason of a message begins that waits for the end of its contact's quiet hours.
pub const QUIET_UNTIL: &str = "quiet until ";
/// How the reason of a message begins that waits for the end of a snooze.
pub const SNOOZED_UNTIL: &str = "snoozed until ";

/// The alerts of an incident that a snooze holds are looked at now; their jobs are the caller's to enqueue.
pub async fn wake_snoozed(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Vec<Queued>> {
    let rows = sqlx::query!(
        "UPDATE deliveries SET next_at = $3, pushed_at = $3
         WHERE account_id = $1 AND incident_id = $2 AND state = 'held' AND starts_with(reason, $4)
         RETURNING id, channel",
        account.uuid(),
        incident.uuid(),
        now.to_sqlx() as _,
        SNOOZED_UNTIL,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| queued(row.id, &row.channel))
        .collect()
}

/// Drops the alerts of an incident that a snooze holds, because somebody has it; programs get every event.
pub async fn skip_snoozed(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    let programs: Vec<String> = Channel::ALL
        .into_iter()
        .filter(|channel| channel.is_program())
        .map(|channel| channel.as_str().to_owned())
        .collect();
    sqlx::query!(
        "UPDATE deliveries SET state = 'skipped', reason = $3, finished_at = $4
         WHERE account_id = $1 AND incident_id = $2 AND state = 'held' AND starts_with(reason, $5)
           AND channel <> ALL($6)",
        account.uuid(),
        incident.uuid(),
        reason,
        now.to_sqlx() as _,
        SNOOZED_UNTIL,
        &programs,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Sends the message about an outage that waits for the end of a contact's quiet hours now, because a person
/// asked for it; its job is the caller's to enqueue. `None` when none waits.
pub async fn release_quiet(
    connection: &mut PgConnection,
    account: AccountId,
    (incident, contact): (IncidentId, ContactId),
    now: Timestamp,
) -> Result<Option<Queued>> {
    let row = sqlx::query!(
        r#"UPDATE deliveries SET next_at = $4, pushed_at = $4, payload = payload || '{"asked": true}'
           WHERE account_id = $1 AND incident_id = $2 AND contact_id = $3 AND event = 'incident.opened'
             AND state = 'held' AND starts_with(reason, $5)
           RETURNING id, channel"#,
        account.uuid(),
        incident.uuid(),
        contact.uuid(),
        now.to_sqlx() as _,
        QUIET_UNTIL,
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| queued(row.id, &row.channel)).transpose()
}

fn queued(id: uuid::Uuid, channel: &str) -> Result<Queued> {
    let id = DeliveryId::from_uuid(id);
    let channel =
        Channel::parse(channel).ok_or_else(|| Error::impossible("deliveries", "channel", id))?;
    Ok((id, channel))
}
