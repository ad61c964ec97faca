//! Incidents and their timelines.

pub mod drills;
pub mod events;
pub mod groups;
mod list;
mod row;

pub use list::{Cursor, Filter, Listed, count_open, list, list_events};

use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::{Actor, Diagnosis, Incident, ResolvedReason};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::Result;

/// At most one open incident per monitor; [`crate::Error::constraint`] names it.
pub const OPEN_KEY: &str = "incidents_open_key";

/// Writes a new incident.
pub async fn insert(connection: &mut PgConnection, incident: &Incident) -> Result<()> {
    sqlx::query!(
        "INSERT INTO incidents (account_id, id, monitor_id, short, first_failure_at, confirmed_at, failure, class,
             attribution, diagnosis, vote, last_good_at, test, address, severity)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        incident.account_id.uuid(),
        incident.id.uuid(),
        incident.monitor_id.uuid(),
        incident.short,
        incident.first_failure_at.to_sqlx() as _,
        incident.confirmed_at.to_sqlx() as _,
        Json(&incident.failure) as _,
        incident.failure.class.as_str(),
        incident.attribution.map(domain::check::Attribution::as_str),
        incident.diagnosis.as_ref().map(Json) as _,
        Json(&incident.vote) as _,
        incident.last_good_at.map(|at| at.to_sqlx()) as _,
        incident.test,
        incident.address,
        incident.severity.as_str()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The incident, if it is the account's.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
) -> Result<Option<Incident>> {
    row::select(connection, account, Some(id), None, false).await
}

/// Locks the incident until the transaction ends.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
) -> Result<Option<Incident>> {
    row::select(connection, account, Some(id), None, true).await
}

/// The monitor's open incident, if there is one.
pub async fn find_open(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Incident>> {
    row::select(connection, account, None, Some(monitor), false).await
}

/// Locks the monitor's open incident until the transaction ends.
pub async fn lock_open(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Incident>> {
    row::select(connection, account, None, Some(monitor), true).await
}

/// What the first look alone said.
pub async fn find_first_diagnosis(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
) -> Result<Option<Diagnosis>> {
    let found = sqlx::query_scalar!(
        r#"SELECT coalesce(first_diagnosis, diagnosis) AS "diagnosis: Json<Diagnosis>"
           FROM incidents WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.flatten().map(|diagnosis| diagnosis.0))
}

/// Puts what a closer look said in place of what was said before; the first one is kept beside it.
pub async fn set_diagnosis(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    diagnosis: &Diagnosis,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE incidents SET first_diagnosis = coalesce(first_diagnosis, diagnosis), diagnosis = $3,
             diagnosed_at = coalesce(diagnosed_at, $4), version = version + 1
         WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        Json(diagnosis) as _,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends an incident at `resolved_at`; false when it had ended before.
pub async fn close(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    reason: ResolvedReason,
    (resolved_at, now): (Timestamp, Timestamp),
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE incidents SET resolved_at = greatest($3, first_failure_at), resolved_reason = $4,
             resolved_confirmed_at = $5, version = version + 1
         WHERE account_id = $1 AND id = $2 AND resolved_at IS NULL",
        account.uuid(),
        id.uuid(),
        resolved_at.to_sqlx() as _,
        reason.as_str(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Notes who has taken an open incident; false when someone had, or when it is over.
pub async fn mark_acknowledged(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    by: &Actor,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE incidents SET acknowledged_at = $3, acknowledged_by = $4, version = version + 1
         WHERE account_id = $1 AND id = $2 AND resolved_at IS NULL AND acknowledged_at IS NULL",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        Json(by) as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
