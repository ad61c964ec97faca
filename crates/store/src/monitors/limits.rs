//! Monitors that a smaller plan does not allow as they are.

use domain::ids::{AccountId, MonitorId};
use sqlx::PgConnection;

use crate::Result;

/// The monitors made after the first `allowed`.
pub async fn list_newest_beyond(
    connection: &mut PgConnection,
    account: AccountId,
    allowed: u32,
) -> Result<Vec<MonitorId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL ORDER BY created_at, id OFFSET $2",
        account.uuid(),
        i64::from(allowed),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MonitorId::from_uuid).collect())
}

/// The monitors looked at more often than every `seconds`.
pub async fn list_faster_than(
    connection: &mut PgConnection,
    account: AccountId,
    seconds: u32,
) -> Result<Vec<MonitorId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL AND interval_seconds < $2",
        account.uuid(),
        i32::try_from(seconds).unwrap_or(i32::MAX),
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MonitorId::from_uuid).collect())
}
