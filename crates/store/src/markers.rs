//! Table `deploy_markers`.

use domain::ids::{AccountId, EventId, IncidentId, MonitorId};
use domain::maintenance::Targets;
use domain::marker::{Marker, MarkerKind};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

struct Row {
    id: Uuid,
    kind: String,
    name: String,
    url: Option<String>,
    monitor_ids: Option<Vec<Uuid>>,
    tags: Option<Vec<String>>,
    at: jiff_sqlx::Timestamp,
    created_at: jiff_sqlx::Timestamp,
}

impl Row {
    fn into_marker(self) -> Result<Marker> {
        let kind = MarkerKind::parse(&self.kind)
            .ok_or_else(|| Error::impossible("deploy_markers", "kind", self.id))?;
        let ids = self.monitor_ids;
        Ok(Marker {
            id: EventId::from_uuid(self.id),
            kind,
            name: self.name,
            url: self.url,
            targets: Targets {
                monitor_ids: ids.map(|ids| ids.into_iter().map(MonitorId::from_uuid).collect()),
                tags: self.tags,
            },
            at: self.at.to_jiff(),
            created_at: self.created_at.to_jiff(),
        })
    }
}

/// Writes a new one.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    marker: &Marker,
) -> Result<()> {
    let ids = marker.targets.monitor_ids.as_ref();
    let ids: Option<Vec<Uuid>> = ids.map(|ids| ids.iter().map(|id| id.uuid()).collect());
    sqlx::query!(
        "INSERT INTO deploy_markers (account_id, id, kind, name, url, monitor_ids, tags, at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        account.uuid(),
        marker.id.uuid(),
        marker.kind.as_str(),
        marker.name,
        marker.url,
        ids.as_deref(),
        marker.targets.tags.as_deref(),
        marker.at.to_sqlx() as _,
        marker.created_at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// At most `limit`, the last sent first, below `before`.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    before: Option<EventId>,
    limit: i64,
) -> Result<Vec<Marker>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, kind, name, url, monitor_ids, tags, at AS "at: jiff_sqlx::Timestamp",
             created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM deploy_markers WHERE account_id = $1 AND ($2::uuid IS NULL OR id < $2) ORDER BY id DESC LIMIT $3"#,
        account.uuid(),
        before.map(EventId::uuid),
        limit
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_marker)
    .collect()
}

/// The one, if it is the account's.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: EventId,
) -> Result<Option<Marker>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, kind, name, url, monitor_ids, tags, at AS "at: jiff_sqlx::Timestamp",
             created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM deploy_markers WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_marker)
    .transpose()
}

/// The last 200 from `from` to `to`, both included.
pub async fn list_between(
    connection: &mut PgConnection,
    account: AccountId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Marker>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, kind, name, url, monitor_ids, tags, at AS "at: jiff_sqlx::Timestamp",
             created_at AS "created_at: jiff_sqlx::Timestamp"
           FROM deploy_markers WHERE account_id = $1 AND at BETWEEN $2 AND $3 ORDER BY at DESC LIMIT 200"#,
        account.uuid(),
        from.to_sqlx() as _,
        to.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_marker)
    .collect()
}

/// Open incidents whose first failing look was from `from` to `to`: id, monitor, its tags, that look.
/// At most 1,000, real ones alone.
pub async fn list_open_incidents(
    connection: &mut PgConnection,
    account: AccountId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<(IncidentId, MonitorId, Vec<String>, Timestamp)>> {
    let rows = sqlx::query!(
        r#"SELECT i.id, i.monitor_id, m.tags AS "tags!",
             i.first_failure_at AS "first_failure_at: jiff_sqlx::Timestamp"
           FROM incidents i JOIN monitors m ON m.account_id = i.account_id AND m.id = i.monitor_id
           WHERE i.account_id = $1 AND i.resolved_at IS NULL AND NOT i.test AND i.first_failure_at BETWEEN $2 AND $3
           ORDER BY i.id LIMIT 1000"#,
        account.uuid(),
        from.to_sqlx() as _,
        to.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    let row = rows.into_iter().map(|row| {
        (
            IncidentId::from_uuid(row.id),
            MonitorId::from_uuid(row.monitor_id),
            row.tags,
            row.first_failure_at.to_jiff(),
        )
    });
    Ok(row.collect())
}

/// Removes one. Says whether it was there.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    id: EventId,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM deploy_markers WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() > 0)
}

/// Removes at most `limit` that were sent before `before`. Says how many.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM deploy_markers WHERE (account_id, id) IN
           (SELECT account_id, id FROM deploy_markers WHERE created_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        limit
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
