//! Monitors that are deleted and may still be restored.

use domain::ids::{AccountId, MonitorId};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::Result;

/// A deleted monitor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the columns of the table")]
pub struct Deleted {
    pub id: MonitorId,
    pub name: String,
    pub host: String,
    pub deleted_at: Timestamp,
}

/// The account's deleted monitors, latest first.
pub async fn list_deleted(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<Deleted>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, host, deleted_at AS "deleted_at!: jiff_sqlx::Timestamp" FROM monitors
           WHERE account_id = $1 AND deleted_at IS NOT NULL ORDER BY deleted_at DESC, id LIMIT 500"#,
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Deleted {
            id: MonitorId::from_uuid(row.id),
            name: row.name,
            host: row.host,
            deleted_at: row.deleted_at.to_jiff(),
        })
        .collect())
}

/// How many there are.
pub async fn count_deleted(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM monitors WHERE account_id = $1 AND deleted_at IS NOT NULL"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
