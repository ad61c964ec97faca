//! Messages of later steps of a policy: those that fall into maintenance wait for its end.

use domain::contact::Channel;
use domain::ids::{AccountId, DeliveryId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{Error, Result};

/// A message of a later step that nobody has touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WaitingStep {
    /// Its id.
    pub id: DeliveryId,
    /// The queue that it waits in.
    pub channel: Channel,
    /// The monitor it tells of.
    pub monitor_id: MonitorId,
    /// When its policy wants it sent.
    pub due: Timestamp,
    /// When it will be sent.
    pub not_before: Timestamp,
}

/// The account's messages of later steps that are still to come.
pub async fn list_steps(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<WaitingStep>> {
    let rows = sqlx::query!(
        r#"SELECT id, channel, monitor_id AS "monitor_id!", coalesce(planned_for, not_before) AS "due!: jiff_sqlx::Timestamp",
             not_before AS "not_before: jiff_sqlx::Timestamp"
           FROM deliveries
           WHERE account_id = $1 AND event = 'incident.opened' AND state = 'pending' AND claims = 0
             AND not_before > created_at AND not_before > $2 AND next_at > $2 AND monitor_id IS NOT NULL"#,
        account.uuid(),
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = DeliveryId::from_uuid(row.id);
            Ok(WaitingStep {
                id,
                channel: Channel::parse(&row.channel)
                    .ok_or_else(|| Error::impossible("deliveries", "channel", id))?,
                monitor_id: MonitorId::from_uuid(row.monitor_id),
                due: row.due.to_jiff(),
                not_before: row.not_before.to_jiff(),
            })
        })
        .collect()
}

/// Moves such a message to `at`; false when somebody has taken it meanwhile.
pub async fn move_step(
    connection: &mut PgConnection,
    account: AccountId,
    step: &WaitingStep,
    (at, now): (Timestamp, Timestamp),
) -> Result<bool> {
    let waits = at > step.due.max(now);
    let done = sqlx::query!(
        "UPDATE deliveries SET not_before = $3, next_at = $3, pushed_at = $4, planned_for = $5,
             reason = CASE WHEN $5::timestamptz IS NULL THEN NULL ELSE 'waits for the end of maintenance' END
         WHERE account_id = $1 AND id = $2 AND state = 'pending' AND claims = 0",
        account.uuid(),
        step.id.uuid(),
        at.to_sqlx() as _,
        now.to_sqlx() as _,
        waits.then(|| step.due.to_sqlx()) as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
