//! Table `escalations`: how far an incident's policy has been told, and what comes next.

use domain::alert::Recipients;
use domain::alert::escalation::{Cursor, Escalation};
use domain::ids::{AccountId, IncidentId};
use domain::incident::Actor;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{Error, Result};

/// An incident's escalation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// How far it has come.
    pub escalation: Escalation,
    /// Who wants it quiet until then.
    pub snoozed_by: Option<Actor>,
    /// When it is looked at again; `None` when nothing comes any more.
    pub next_at: Option<Timestamp>,
}

/// Writes the escalation of an incident that opens.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    stored: &Stored,
) -> Result<()> {
    let escalation = &stored.escalation;
    sqlx::query!(
        "INSERT INTO escalations (account_id, incident_id, recipients, repeat, reminder_seconds, since)
         VALUES ($1, $2, $3, $4, $5, $6)",
        account.uuid(),
        incident.uuid(),
        Json(&escalation.recipients) as _,
        i32::try_from(escalation.repeat).unwrap_or(i32::MAX),
        escalation
            .reminder_seconds
            .map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)),
        escalation.since.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    save(connection, account, incident, stored).await
}

/// Writes how far it has come. The row is locked.
pub async fn save(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    stored: &Stored,
) -> Result<()> {
    let escalation = &stored.escalation;
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "UPDATE escalations SET step = $3, round = $4, since = $5, reminder_at = $6, reminders = $7, snoozed_until = $8,
             snoozed_by = $9, next_at = $10
         WHERE account_id = $1 AND incident_id = $2",
        account.uuid(),
        incident.uuid(),
        escalation
            .next
            .map(|next| i32::try_from(next.step).unwrap_or(i32::MAX)),
        escalation.next.map(|next| number(next.round)),
        escalation.since.to_sqlx() as _,
        escalation.reminder_at.map(|at| at.to_sqlx()) as _,
        number(escalation.reminders),
        escalation.snoozed_until.map(|at| at.to_sqlx()) as _,
        stored.snoozed_by.as_ref().map(Json) as _,
        stored.next_at.map(|at| at.to_sqlx()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The escalation of an incident; `None` when the account has none, or it opened before there were any.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Option<Stored>> {
    select(connection, account, incident, false).await
}

/// The same, locked. Take the incident's lock first.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Option<Stored>> {
    select(connection, account, incident, true).await
}

async fn select(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    locks: bool,
) -> Result<Option<Stored>> {
    if locks {
        sqlx::query!(
            "SELECT 1 AS one FROM escalations WHERE account_id = $1 AND incident_id = $2 FOR NO KEY UPDATE",
            account.uuid(),
            incident.uuid()
        )
        .fetch_optional(&mut *connection)
        .await?;
    }
    let row = sqlx::query!(
        r#"SELECT recipients AS "recipients: Json<Recipients>", repeat, reminder_seconds, step, round, reminders,
             since AS "since: jiff_sqlx::Timestamp", reminder_at AS "reminder_at: jiff_sqlx::Timestamp",
             snoozed_until AS "snoozed_until: jiff_sqlx::Timestamp", snoozed_by AS "snoozed_by: Json<Actor>",
             next_at AS "next_at: jiff_sqlx::Timestamp"
           FROM escalations WHERE account_id = $1 AND incident_id = $2"#,
        account.uuid(),
        incident.uuid()
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let number = |number: i32, column| {
        u32::try_from(number).map_err(|_| Error::impossible("escalations", column, incident))
    };
    let next = match (row.round, row.step) {
        (Some(round), Some(step)) => Some(Cursor {
            round: number(round, "round")?,
            step: usize::try_from(step)
                .map_err(|_| Error::impossible("escalations", "step", incident))?,
        }),
        _ => None,
    };
    let reminder_seconds = row.reminder_seconds;
    Ok(Some(Stored {
        escalation: Escalation {
            recipients: row.recipients.0,
            repeat: number(row.repeat, "repeat")?,
            reminder_seconds: reminder_seconds
                .map(|seconds| number(seconds, "reminder_seconds"))
                .transpose()?,
            next,
            since: row.since.to_jiff(),
            reminder_at: row.reminder_at.map(|at| at.to_jiff()),
            reminders: number(row.reminders, "reminders")?,
            snoozed_until: row.snoozed_until.map(|at| at.to_jiff()),
        },
        snoozed_by: row.snoozed_by.map(|by| by.0),
        next_at: row.next_at.map(|at| at.to_jiff()),
    }))
}

/// Until when nobody is to be told of an incident that is open and that nobody has.
pub async fn find_snooze(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let until = sqlx::query_scalar!(
        r#"SELECT e.snoozed_until AS "until!: jiff_sqlx::Timestamp" FROM escalations e
           JOIN incidents i ON i.account_id = e.account_id AND i.id = e.incident_id
           WHERE e.account_id = $1 AND e.incident_id = $2 AND e.snoozed_until > $3
             AND i.resolved_at IS NULL AND i.acknowledged_at IS NULL"#,
        account.uuid(),
        incident.uuid(),
        now.to_sqlx() as _
    )
    .fetch_optional(connection)
    .await?;
    Ok(until.map(|at| at.to_jiff()))
}

/// Escalations that are due, the longest overdue first. Read without a lock, over all accounts.
pub async fn list_due(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(AccountId, IncidentId)>> {
    let rows = sqlx::query!(
        "SELECT account_id, incident_id FROM escalations WHERE next_at <= $1 ORDER BY next_at LIMIT $2",
        now.to_sqlx() as _,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                AccountId::from_uuid(row.account_id),
                IncidentId::from_uuid(row.incident_id),
            )
        })
        .collect())
}

/// Incidents of the account whose escalation goes on.
pub async fn list_going_on(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<IncidentId>> {
    let ids = sqlx::query_scalar!(
        "SELECT incident_id FROM escalations WHERE account_id = $1 AND next_at IS NOT NULL ORDER BY incident_id",
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(ids.into_iter().map(IncidentId::from_uuid).collect())
}
