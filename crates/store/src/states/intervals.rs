//! How long each status lasted; uptime is worked out from this.

use domain::ids::{AccountId, MonitorId};
use domain::status::Shown;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Ends the present status at `at` and begins the next one. One that began at `at` or later is
/// renamed instead: it never lasted.
pub async fn begin(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    status: Shown,
    at: Timestamp,
) -> Result<()> {
    let renamed = sqlx::query!(
        "UPDATE status_intervals SET status = $3
         WHERE account_id = $1 AND monitor_id = $2 AND ended_at IS NULL AND started_at >= $4",
        account.uuid(),
        monitor.uuid(),
        status.as_str(),
        at.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    if renamed.rows_affected() > 0 {
        return Ok(());
    }
    end(connection, account, monitor, at).await?;
    sqlx::query!(
        "INSERT INTO status_intervals (account_id, monitor_id, started_at, status) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT status_intervals_pkey DO UPDATE SET status = EXCLUDED.status, ended_at = NULL",
        account.uuid(),
        monitor.uuid(),
        at.to_sqlx() as _,
        status.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Begins of the times that the monitor had this status, after `since` and not in maintenance.
pub async fn list_begins(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    status: Shown,
    since: Timestamp,
) -> Result<Vec<Timestamp>> {
    let begins = sqlx::query_scalar!(
        r#"SELECT started_at AS "started_at: jiff_sqlx::Timestamp" FROM status_intervals
           WHERE account_id = $1 AND monitor_id = $2 AND status = $3 AND started_at > $4
             AND maintenance_end(account_id, monitor_id, started_at) IS NULL
           ORDER BY started_at"#,
        account.uuid(),
        monitor.uuid(),
        status.as_str(),
        since.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(begins
        .into_iter()
        .map(jiff_sqlx::Timestamp::to_jiff)
        .collect())
}

/// Ends the present status: nothing follows.
pub async fn end(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    at: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE status_intervals SET ended_at = greatest($3, started_at)
         WHERE account_id = $1 AND monitor_id = $2 AND ended_at IS NULL",
        account.uuid(),
        monitor.uuid(),
        at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}
