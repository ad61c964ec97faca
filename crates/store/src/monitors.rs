//! Monitors, kept as their owners wrote them; header values and request bodies are sealed apart.

mod deleted;
mod limits;
mod list;
mod sealed;
#[cfg(test)]
mod tests;
pub mod timetable;

pub use deleted::{Deleted, count_deleted, list_deleted};
pub use limits::{list_faster_than, list_newest_beyond};
pub use list::{Brief, Cursor, Filter, Listed, Sort, list, list_briefly, list_tags};
pub use sealed::Stored;

use domain::ids::{AccountId, ContactId, MonitorId, PolicyId};
use domain::monitor::Monitor;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{Result, Secrets};

/// Writes a new monitor.
pub async fn insert(
    connection: &mut PgConnection,
    secrets: &Secrets,
    monitor: &Monitor,
) -> Result<()> {
    let columns = sealed::columns(secrets, monitor)?;
    sqlx::query!(
        "INSERT INTO monitors (account_id, id, kind, name, host, spec, secrets, interval_seconds, regions, tags, key,
             config_version, paused_at, created_at, updated_at, depends_on, severity)
         VALUES ($1, $2, $3, $4, $5, $6::text::json, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
        monitor.account_id.uuid(),
        monitor.id.uuid(),
        columns.kind,
        columns.name,
        columns.host,
        columns.spec,
        columns.secrets,
        columns.interval_seconds,
        monitor.spec.regions.as_deref(),
        &columns.tags,
        monitor.spec.key,
        monitor.config_version,
        monitor.paused_at.map(|at| at.to_sqlx()) as _,
        monitor.created_at.to_sqlx() as _,
        monitor.updated_at.to_sqlx() as _,
        &columns.depends_on,
        columns.severity,
    )
    .execute(&mut *connection)
    .await?;
    crate::origins::name(connection, monitor, monitor.created_at).await
}

/// Writes the settings, version and pause of a monitor that is not deleted.
pub async fn update(
    connection: &mut PgConnection,
    secrets: &Secrets,
    monitor: &Monitor,
) -> Result<bool> {
    let columns = sealed::columns(secrets, monitor)?;
    let done = sqlx::query!(
        "UPDATE monitors SET kind = $3, name = $4, host = $5, spec = $6::text::json, secrets = $7, interval_seconds = $8,
             regions = $9, tags = $10, key = $11, config_version = $12, paused_at = $13, updated_at = $14, depends_on = $15, severity = $16
         WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL",
        monitor.account_id.uuid(),
        monitor.id.uuid(),
        columns.kind,
        columns.name,
        columns.host,
        columns.spec,
        columns.secrets,
        columns.interval_seconds,
        monitor.spec.regions.as_deref(),
        &columns.tags,
        monitor.spec.key,
        monitor.config_version,
        monitor.paused_at.map(|at| at.to_sqlx()) as _,
        monitor.updated_at.to_sqlx() as _,
        &columns.depends_on,
        columns.severity,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    crate::origins::name(connection, monitor, monitor.updated_at).await?;
    Ok(true)
}

/// Locks a monitor and its state until the transaction ends; false when there is none (deleted ones
/// count). The state first, as where looks are recorded: an incident that is written there needs
/// the monitor's row, and two orders would wait for each other.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
) -> Result<bool> {
    crate::states::lock(connection, account, id).await?;
    let found = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM monitors WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// The monitor, unless it is deleted.
pub async fn find(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    id: MonitorId,
) -> Result<Option<Monitor>> {
    let monitor = find_with_deleted(connection, secrets, account, id).await?;
    Ok(monitor.filter(|monitor| monitor.deleted_at.is_none()))
}

/// The monitor, also while it can still be restored.
pub async fn find_with_deleted(
    connection: &mut PgConnection,
    secrets: &Secrets,
    account: AccountId,
    id: MonitorId,
) -> Result<Option<Monitor>> {
    sqlx::query_as!(
        Stored,
        r#"SELECT account_id, id, spec AS "spec: Json<domain::monitor::MonitorSpec>", secrets, config_version,
             paused_at AS "paused_at: jiff_sqlx::Timestamp", deleted_at AS "deleted_at: jiff_sqlx::Timestamp",
             created_at AS "created_at: jiff_sqlx::Timestamp", updated_at AS "updated_at: jiff_sqlx::Timestamp"
         FROM monitors WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(|row| row.into_monitor(secrets))
    .transpose()
}

/// The id of the monitor that carries the owner's own `key`.
pub async fn find_id_by_key(
    connection: &mut PgConnection,
    account: AccountId,
    key: &str,
) -> Result<Option<MonitorId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM monitors WHERE account_id = $1 AND key = $2 AND deleted_at IS NULL",
        account.uuid(),
        key
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(MonitorId::from_uuid))
}

/// A monitor that carried `key` was deleted, and can still be restored.
pub async fn was_deleted_with_key(
    connection: &mut PgConnection,
    account: AccountId,
    key: &str,
) -> Result<bool> {
    let was = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM monitors WHERE account_id = $1 AND deleted_at IS NOT NULL AND spec ->> 'key' = $2
           ) AS "was!""#,
        account.uuid(),
        key
    )
    .fetch_one(connection)
    .await?;
    Ok(was)
}

/// How many monitors count against the plan: all that are not deleted, paused ones too. Take the
/// account's lock ([`crate::accounts`]) first, or two racing creations both see room.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM monitors WHERE account_id = $1 AND deleted_at IS NULL"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// How many monitors are looked at: neither paused nor deleted.
pub async fn count_active(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM monitors
         WHERE account_id = $1 AND deleted_at IS NULL AND paused_at IS NULL"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The monitors whose own list of recipients names this contact, deleted ones left out.
pub async fn list_ids_naming(
    connection: &mut PgConnection,
    account: AccountId,
    contact: ContactId,
) -> Result<Vec<MonitorId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL
           AND (spec -> 'contact_ids')::jsonb @> to_jsonb($2::text) ORDER BY id",
        account.uuid(),
        contact.to_string()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MonitorId::from_uuid).collect())
}

/// The monitors that use this policy, deleted ones left out.
pub async fn list_ids_with_policy(
    connection: &mut PgConnection,
    account: AccountId,
    policy: PolicyId,
) -> Result<Vec<MonitorId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM monitors WHERE account_id = $1 AND deleted_at IS NULL
           AND spec ->> 'policy_id' = $2 ORDER BY id",
        account.uuid(),
        policy.to_string()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(MonitorId::from_uuid).collect())
}

/// Id and name of every monitor that is not deleted, by name.
pub async fn list_names(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<(MonitorId, String)>> {
    let rows = sqlx::query!(
        "SELECT id, name FROM monitors WHERE account_id = $1 AND deleted_at IS NULL ORDER BY lower(name), id LIMIT 5000",
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    let names = rows.into_iter();
    Ok(names
        .map(|row| (MonitorId::from_uuid(row.id), row.name))
        .collect())
}

/// The same of these alone.
pub async fn list_names_of(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[MonitorId],
) -> Result<Vec<(MonitorId, String)>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        "SELECT id, name FROM monitors WHERE account_id = $1 AND id = ANY ($2) AND deleted_at IS NULL ORDER BY lower(name), id",
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    let names = rows.into_iter();
    Ok(names
        .map(|row| (MonitorId::from_uuid(row.id), row.name))
        .collect())
}

/// Those of `ids` that are the account's, deleted ones left out.
pub async fn list_known(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[MonitorId],
) -> Result<Vec<MonitorId>> {
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM monitors WHERE account_id = $1 AND id = ANY ($2) AND deleted_at IS NULL",
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().map(MonitorId::from_uuid).collect())
}

/// Deletes softly. The owner's key is free for another monitor at once; the settings keep it.
pub async fn mark_deleted(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE monitors SET deleted_at = $3, updated_at = $3, key = NULL, config_version = config_version + 1
         WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes a deleted monitor back, without its key: the caller writes its settings by [`update`].
pub async fn mark_restored(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE monitors SET deleted_at = NULL, updated_at = $3, config_version = config_version + 1
         WHERE account_id = $1 AND id = $2 AND deleted_at IS NOT NULL",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Pauses a monitor, or takes the pause off; false when nothing changed.
pub async fn set_paused(
    connection: &mut PgConnection,
    account: AccountId,
    id: MonitorId,
    paused_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE monitors SET paused_at = $3, updated_at = $4, config_version = config_version + 1
         WHERE account_id = $1 AND id = $2 AND deleted_at IS NULL AND (paused_at IS NULL) <> ($3::timestamptz IS NULL)",
        account.uuid(),
        id.uuid(),
        paused_at.map(|at| at.to_sqlx()) as _,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
