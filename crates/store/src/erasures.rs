//! Table `erasures`: history that is to go, and its going.

use domain::ids::{AccountId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::Result;

/// History that somebody wants gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// Whose.
    pub account_id: AccountId,
    /// Of one monitor; `None`: the whole account.
    pub monitor_id: Option<MonitorId>,
}

/// Asks for the erasure of an account's history, or of one monitor's.
pub async fn request(
    connection: &mut PgConnection,
    erasure: Erasure,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO erasures (account_id, monitor_id, requested_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        erasure.account_id.uuid(),
        erasure.monitor_id.map(MonitorId::uuid),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Asks for the erasure of monitors deleted before `before` and of accounts that were deleted.
pub async fn request_due(
    connection: &mut PgConnection,
    before: Timestamp,
    now: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "INSERT INTO erasures (account_id, monitor_id, requested_at)
         SELECT account_id, id, $2::timestamptz FROM monitors WHERE deleted_at < $1
         UNION ALL
         SELECT id, NULL, $2::timestamptz FROM accounts WHERE deleted_at IS NOT NULL
         ON CONFLICT DO NOTHING",
        before.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Erasures that are not finished, oldest first.
pub async fn list_open(connection: &mut PgConnection, limit: i64) -> Result<Vec<Erasure>> {
    let rows = sqlx::query!(
        "SELECT account_id, monitor_id FROM erasures WHERE finished_at IS NULL ORDER BY requested_at LIMIT $1",
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Erasure {
            account_id: AccountId::from_uuid(row.account_id),
            monitor_id: row.monitor_id.map(MonitorId::from_uuid),
        })
        .collect())
}

/// Erases at most `most` rows of each table; returns how many went, 0 when nothing is left.
pub async fn erase_some(connection: &mut PgConnection, erasure: Erasure, most: i64) -> Result<u64> {
    let (account, monitor) = (
        erasure.account_id.uuid(),
        erasure.monitor_id.map(MonitorId::uuid),
    );
    let mut gone = erase_looks(&mut *connection, account, monitor, most).await?;
    gone += erase_reports(&mut *connection, account, monitor, most).await?;
    if erasure.monitor_id.is_none() {
        gone += erase_account(connection, account, most).await?;
    }
    Ok(gone)
}

macro_rules! erase {
    ($connection:expr, $account:expr, $monitor:expr, $most:expr, $($statement:literal),+ $(,)?) => {{
        let mut gone = 0;
        $(
            gone += sqlx::query!($statement, $account, $monitor, $most)
                .execute(&mut *$connection)
                .await?
                .rows_affected();
        )+
        gone
    }};
}

async fn erase_looks(
    c: &mut PgConnection,
    account: Uuid,
    monitor: Option<Uuid>,
    most: i64,
) -> Result<u64> {
    Ok(erase!(
        c, account, monitor, most,
        "DELETE FROM checks d USING (SELECT account_id, monitor_id, region, slot FROM checks
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.monitor_id = o.monitor_id AND d.region = o.region AND d.slot = o.slot",
        "DELETE FROM checks_late d USING (SELECT account_id, monitor_id, region, slot FROM checks_late
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.monitor_id = o.monitor_id AND d.region = o.region AND d.slot = o.slot",
        "DELETE FROM requested_checks d USING (SELECT id FROM requested_checks
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.id = o.id",
        "DELETE FROM check_hours d USING (
             SELECT retention_months, monitor_id, region, hour, interval_us, phase_us FROM check_hours
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.retention_months = o.retention_months AND d.monitor_id = o.monitor_id
           AND d.region = o.region AND d.hour = o.hour AND d.interval_us = o.interval_us AND d.phase_us = o.phase_us",
        "DELETE FROM check_days d USING (SELECT monitor_id, region, day FROM check_days
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.monitor_id = o.monitor_id AND d.region = o.region AND d.day = o.day",
        "DELETE FROM last_checks d USING (SELECT monitor_id, region FROM last_checks
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.monitor_id = o.monitor_id AND d.region = o.region",
    ))
}

async fn erase_reports(
    c: &mut PgConnection,
    account: Uuid,
    monitor: Option<Uuid>,
    most: i64,
) -> Result<u64> {
    Ok(erase!(
        c, account, monitor, most,
        "DELETE FROM status_intervals d USING (SELECT monitor_id, started_at FROM status_intervals
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.monitor_id = o.monitor_id AND d.started_at = o.started_at",
        "DELETE FROM look_requests d USING (SELECT id FROM look_requests
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.id = o.id",
        "DELETE FROM autopsies d USING (SELECT incident_id, region FROM autopsies
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.incident_id = o.incident_id AND d.region = o.region",
        "DELETE FROM diagnosis_feedback d USING (SELECT incident_id, by_kind, by_id FROM diagnosis_feedback
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.incident_id = o.incident_id AND d.by_kind = o.by_kind AND d.by_id = o.by_id",
        "DELETE FROM evidence d USING (SELECT retention_months, at, id FROM evidence
             WHERE account_id = $1 AND ($2::uuid IS NULL OR monitor_id = $2) LIMIT $3) o
         WHERE d.account_id = $1 AND d.retention_months = o.retention_months AND d.at = o.at AND d.id = o.id",
    ))
}

async fn erase_account(c: &mut PgConnection, account: Uuid, most: i64) -> Result<u64> {
    let bodies = sqlx::query!(
        "DELETE FROM evidence_bodies d USING (SELECT hash FROM evidence_bodies WHERE account_id = $1 LIMIT $2) o
         WHERE d.account_id = $1 AND d.hash = o.hash",
        account,
        most
    )
    .execute(&mut *c)
    .await?;
    let audit = sqlx::query!(
        "DELETE FROM audit_events d USING (SELECT id FROM audit_events WHERE account_id = $1 LIMIT $2) o
         WHERE d.account_id = $1 AND d.id = o.id",
        account,
        most
    )
    .execute(&mut *c)
    .await?;
    Ok(bodies.rows_affected() + audit.rows_affected())
}

/// Ends an erasure whose history is gone: the monitor or the account itself goes with everything
/// that hangs on it. A restored monitor stays.
pub async fn finish(connection: &mut PgConnection, erasure: Erasure, now: Timestamp) -> Result<()> {
    match erasure.monitor_id {
        Some(monitor) => {
            sqlx::query!(
                "DELETE FROM token_lookups t USING monitors m
                 WHERE t.account_id = $1 AND t.row_id = $2 AND m.account_id = $1 AND m.id = $2 AND m.deleted_at IS NOT NULL",
                erasure.account_id.uuid(),
                monitor.uuid()
            )
            .execute(&mut *connection)
            .await?;
            sqlx::query!(
                "DELETE FROM monitors WHERE account_id = $1 AND id = $2 AND deleted_at IS NOT NULL",
                erasure.account_id.uuid(),
                monitor.uuid()
            )
            .execute(&mut *connection)
            .await?;
        }
        None => {
            sqlx::query!(
                "DELETE FROM accounts WHERE id = $1 AND deleted_at IS NOT NULL",
                erasure.account_id.uuid()
            )
            .execute(&mut *connection)
            .await?;
        }
    }
    sqlx::query!(
        "UPDATE erasures SET finished_at = $3
         WHERE account_id = $1 AND monitor_id IS NOT DISTINCT FROM $2",
        erasure.account_id.uuid(),
        erasure.monitor_id.map(MonitorId::uuid),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whether an erasure still stands: a monitor may have been restored since it was asked for.
pub async fn still_wanted(connection: &mut PgConnection, erasure: Erasure) -> Result<bool> {
    let wanted = sqlx::query_scalar!(
        r#"SELECT NOT EXISTS (
               SELECT FROM monitors WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL
           ) AND NOT EXISTS (
               SELECT FROM accounts WHERE id = $1 AND $2::uuid IS NULL AND deleted_at IS NULL
           ) AS "wanted!""#,
        erasure.account_id.uuid(),
        erasure.monitor_id.map(MonitorId::uuid)
    )
    .fetch_one(connection)
    .await?;
    Ok(wanted)
}

/// Takes a request back.
pub async fn cancel(connection: &mut PgConnection, erasure: Erasure) -> Result<()> {
    sqlx::query!(
        "DELETE FROM erasures WHERE account_id = $1 AND monitor_id IS NOT DISTINCT FROM $2",
        erasure.account_id.uuid(),
        erasure.monitor_id.map(MonitorId::uuid)
    )
    .execute(connection)
    .await?;
    Ok(())
}
