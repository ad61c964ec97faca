//! What open pages ask once a second: which of the monitors on screen were looked at, and whether our
//! looks run late. Reads across accounts; the caller knows which page belongs to whom.

use domain::ids::{AccountId, MonitorId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// How far back a look may begin and still be new: a slow one is stored long after its slot.
const BACK: SignedDuration = SignedDuration::from_mins(2);

/// The start of the latest look of each of these monitors, as far as it is recent.
pub async fn latest_looks(
    connection: &mut PgConnection,
    monitors: &[(AccountId, MonitorId)],
    now: Timestamp,
) -> Result<Vec<(MonitorId, Timestamp)>> {
    let accounts: Vec<Uuid> = monitors.iter().map(|(account, _)| account.uuid()).collect();
    let ids: Vec<Uuid> = monitors.iter().map(|(_, id)| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT monitor_id AS "monitor_id!", max(at) AS "at!: jiff_sqlx::Timestamp" FROM (
             SELECT c.monitor_id, c.at FROM unnest($1::uuid[], $2::uuid[]) AS w (account_id, monitor_id)
             JOIN checks c ON c.account_id = w.account_id AND c.monitor_id = w.monitor_id AND c.slot > $3
             UNION ALL
             SELECT r.monitor_id, r.at FROM unnest($1::uuid[], $2::uuid[]) AS w (account_id, monitor_id)
             JOIN requested_checks r ON r.account_id = w.account_id AND r.monitor_id = w.monitor_id AND r.at > $3
         ) AS looks GROUP BY monitor_id"#,
        &accounts,
        &ids,
        (now - BACK).to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (MonitorId::from_uuid(row.monitor_id), row.at.to_jiff())).collect())
}

/// How far the timetable is behind: the age of the oldest stretch that is not yet looked at and
/// stored. Nothing when no worker has ever held a lease.
pub async fn lateness(connection: &mut PgConnection, now: Timestamp) -> Result<SignedDuration> {
    let oldest = sqlx::query_scalar!(
        r#"SELECT min(recorded_through) AS "at: jiff_sqlx::Timestamp" FROM shard_leases WHERE epoch > 0"#
    )
    .fetch_one(connection)
    .await?;
    Ok(oldest.map_or(SignedDuration::ZERO, |at| now.duration_since(at.to_jiff()).max(SignedDuration::ZERO)))
}
