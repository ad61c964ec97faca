//! The audit log: who did what, only ever added to.

use domain::ids::{AccountId, AuditId};
use domain::incident::Actor;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Result;

/// Something that was done.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Entry<'a> {
    pub account_id: AccountId,
    pub actor: &'a Actor,
    /// `monitor.paused`, `incident.acknowledged`, …
    pub action: &'a str,
    /// The id of what it was done to, as people see it.
    pub subject: String,
    /// What else is worth knowing; never an address or a secret.
    pub details: Value,
    pub at: Timestamp,
}

/// Something that was done, as read back.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Written {
    pub id: AuditId,
    pub actor: Actor,
    pub action: String,
    pub subject: String,
    pub details: Value,
    pub at: Timestamp,
}

/// Adds an entry.
pub async fn insert(connection: &mut PgConnection, entry: &Entry<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_events (account_id, id, at, actor, action, subject, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        entry.account_id.uuid(),
        AuditId::generate().uuid(),
        entry.at.to_sqlx() as _,
        Json(entry.actor) as _,
        entry.action,
        entry.subject,
        entry.details
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// That was done to that subject at some time.
pub async fn exists(
    connection: &mut PgConnection,
    account: AccountId,
    action: &str,
    subject: &str,
) -> Result<bool> {
    let exists = sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM audit_events WHERE account_id = $1 AND action = $2 AND subject = $3
           ) AS "exists!""#,
        account.uuid(),
        action,
        subject
    )
    .fetch_one(connection)
    .await?;
    Ok(exists)
}

/// The account's entries, newest first.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    limit: u32,
) -> Result<Vec<Written>> {
    let rows = sqlx::query!(
        r#"SELECT id, at AS "at: jiff_sqlx::Timestamp", actor AS "actor: Json<Actor>", action, subject, details
         FROM audit_events WHERE account_id = $1 ORDER BY id DESC LIMIT $2"#,
        account.uuid(),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    let read = rows.into_iter().map(|row| Written {
        id: AuditId::from_uuid(row.id),
        actor: row.actor.0,
        action: row.action,
        subject: row.subject,
        details: row.details,
        at: row.at.to_jiff(),
    });
    Ok(read.collect())
}
