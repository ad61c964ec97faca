//! Timelines: what happened in an incident, in order.

use domain::ids::{AccountId, EventId, IncidentId};
use domain::incident::{Actor, TimelineEntry};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Result;

/// Adds an entry to an incident's timeline.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    entry: &TimelineEntry,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO incident_events (account_id, id, incident_id, at, kind, text, actor)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        account.uuid(),
        entry.id.uuid(),
        incident.uuid(),
        entry.at.to_sqlx() as _,
        entry.kind,
        entry.text,
        Json(&entry.actor) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An incident's timeline, oldest first.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Vec<TimelineEntry>> {
    let rows = sqlx::query!(
        r#"SELECT id, at AS "at: jiff_sqlx::Timestamp", kind, text, actor AS "actor: Json<Actor>"
         FROM incident_events WHERE account_id = $1 AND incident_id = $2 ORDER BY at, id"#,
        account.uuid(),
        incident.uuid()
    )
    .fetch_all(connection)
    .await?;
    let entries = rows.into_iter().map(|row| TimelineEntry {
        id: EventId::from_uuid(row.id),
        at: row.at.to_jiff(),
        kind: row.kind,
        text: row.text,
        actor: row.actor.0,
    });
    Ok(entries.collect())
}

/// How many entries of one kind there are.
pub async fn count(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    kind: &str,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM incident_events
         WHERE account_id = $1 AND incident_id = $2 AND kind = $3"#,
        account.uuid(),
        incident.uuid(),
        kind
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}
