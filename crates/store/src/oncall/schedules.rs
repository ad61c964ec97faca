//! Table `schedules`.

use domain::ids::{AccountId, ScheduleId, UserId};
use domain::oncall::{Layer, Schedule};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::Result;

/// Every schedule of the account, in the order they were made.
pub async fn list(connection: &mut PgConnection, account: AccountId) -> Result<Vec<Schedule>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, name, timezone, layers AS "layers: Json<Vec<Layer>>",
             created_at AS "created_at: jiff_sqlx::Timestamp", updated_at AS "updated_at: jiff_sqlx::Timestamp", version
           FROM schedules WHERE account_id = $1 ORDER BY id"#,
        account.uuid()
    )
    .fetch_all(&mut *connection)
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let members = crate::memberships::list_ids(connection, account).await?;
    let with = |row: Row| row.into_schedule(members.clone());
    Ok(rows.into_iter().map(with).collect())
}

/// The schedule, if it is the account's.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: ScheduleId,
) -> Result<Option<Schedule>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, name, timezone, layers AS "layers: Json<Vec<Layer>>",
             created_at AS "created_at: jiff_sqlx::Timestamp", updated_at AS "updated_at: jiff_sqlx::Timestamp", version
           FROM schedules WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let members = crate::memberships::list_ids(connection, account).await?;
    Ok(Some(row.into_schedule(members)))
}

/// Those of `ids` that are schedules of the account.
pub async fn list_known(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[ScheduleId],
) -> Result<Vec<ScheduleId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM schedules WHERE account_id = $1 AND id = ANY ($2)",
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().map(ScheduleId::from_uuid).collect())
}

/// How many schedules there are. Take the account's lock first.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM schedules WHERE account_id = $1"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Writes a new schedule.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    schedule: &Schedule,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO schedules (account_id, id, name, timezone, layers, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        account.uuid(),
        schedule.id.uuid(),
        schedule.name,
        schedule.timezone,
        Json(&schedule.layers) as _,
        schedule.created_at.to_sqlx() as _,
        schedule.updated_at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Saves a changed schedule, and gives its version. The account is locked.
pub async fn update(
    connection: &mut PgConnection,
    account: AccountId,
    schedule: &Schedule,
) -> Result<i64> {
    let version = sqlx::query_scalar!(
        "UPDATE schedules SET name = $3, timezone = $4, layers = $5, updated_at = $6, version = version + 1
         WHERE account_id = $1 AND id = $2 RETURNING version",
        account.uuid(),
        schedule.id.uuid(),
        schedule.name,
        schedule.timezone,
        Json(&schedule.layers) as _,
        schedule.updated_at.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(version)
}

/// Removes a schedule and its overrides; false when there is none.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    id: ScheduleId,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM schedules WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes all of an account that ends.
pub async fn delete_all(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!(
        "DELETE FROM schedules WHERE account_id = $1",
        account.uuid()
    )
    .execute(connection)
    .await?;
    Ok(())
}

struct Row {
    id: Uuid,
    name: String,
    timezone: String,
    layers: Json<Vec<Layer>>,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    version: i64,
}

impl Row {
    fn into_schedule(self, members: Vec<UserId>) -> Schedule {
        Schedule {
            id: ScheduleId::from_uuid(self.id),
            name: self.name,
            timezone: self.timezone,
            layers: self.layers.0,
            members: Some(members),
            created_at: self.created_at.to_jiff(),
            updated_at: self.updated_at.to_jiff(),
            version: self.version,
        }
    }
}
