//! Fire drills: incidents that nobody has, told as real ones are.

use domain::ids::{AccountId, IncidentId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// The drill that goes on in the account, if one does.
pub async fn find_open(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Option<IncidentId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM incidents WHERE account_id = $1 AND test AND resolved_at IS NULL
         ORDER BY first_failure_at LIMIT 1",
        account.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(IncidentId::from_uuid))
}

/// Drills that are over: nothing of their policy is left to tell since before `told_before`, or they began
/// before `begun_before`. Read without a lock, over all accounts.
pub async fn list_over(
    connection: &mut PgConnection,
    (told_before, begun_before): (Timestamp, Timestamp),
    limit: u32,
) -> Result<Vec<(AccountId, IncidentId)>> {
    let rows = sqlx::query!(
        "SELECT i.account_id, i.id FROM incidents i
         LEFT JOIN escalations e ON e.account_id = i.account_id AND e.incident_id = i.id
         WHERE i.test AND i.resolved_at IS NULL
           AND (i.first_failure_at < $2 OR (e.step IS NULL AND coalesce(e.since, i.first_failure_at) < $1))
         ORDER BY i.first_failure_at LIMIT $3",
        told_before.to_sqlx() as _,
        begun_before.to_sqlx() as _,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    let ids = rows.into_iter().map(|row| {
        (
            AccountId::from_uuid(row.account_id),
            IncidentId::from_uuid(row.id),
        )
    });
    Ok(ids.collect())
}
