//! Table `autopsies`: closer looks at failures, one row for each incident and region.

use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::diagnosis::autopsy::Finding;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{Result, notify};

/// A closer look that is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Wanted {
    pub account_id: AccountId,
    pub incident_id: IncidentId,
    pub region: String,
    pub monitor_id: MonitorId,
    /// Requests that it may cost the target.
    pub most: u16,
    pub wanted_at: Timestamp,
    /// After this nobody begins it any more.
    pub deadline: Timestamp,
}

/// Asks for one; workers are woken when the transaction commits.
pub async fn insert(connection: &mut PgConnection, wanted: &Wanted) -> Result<()> {
    sqlx::query!(
        "INSERT INTO autopsies (account_id, incident_id, region, monitor_id, most, wanted_at, deadline)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        wanted.account_id.uuid(),
        wanted.incident_id.uuid(),
        wanted.region,
        wanted.monitor_id.uuid(),
        i16::try_from(wanted.most).unwrap_or(i16::MAX),
        wanted.wanted_at.to_sqlx() as _,
        wanted.deadline.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    notify::autopsy_wanted(connection).await
}

/// Takes the oldest open ones of a region, at most `limit`; one whose taker fell silent may be taken again.
pub async fn claim(
    connection: &mut PgConnection,
    region: &str,
    worker: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<Wanted>> {
    let rows = sqlx::query!(
        r#"UPDATE autopsies a SET taken_by = $2, taken_at = $3
           FROM (SELECT account_id, incident_id FROM autopsies
                 WHERE region = $1 AND done_at IS NULL AND deadline > $3
                   AND (taken_at IS NULL OR taken_at < $3 - interval '15 seconds')
                 ORDER BY wanted_at LIMIT $4 FOR UPDATE SKIP LOCKED) open
           WHERE a.account_id = open.account_id AND a.incident_id = open.incident_id AND a.region = $1
           RETURNING a.account_id, a.incident_id, a.monitor_id, a.most,
             a.wanted_at AS "wanted_at: jiff_sqlx::Timestamp", a.deadline AS "deadline: jiff_sqlx::Timestamp""#,
        region,
        worker,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(connection)
    .await?;
    let wanted = rows.into_iter().map(|row| Wanted {
        account_id: AccountId::from_uuid(row.account_id),
        incident_id: IncidentId::from_uuid(row.incident_id),
        region: region.to_owned(),
        monitor_id: MonitorId::from_uuid(row.monitor_id),
        most: u16::try_from(row.most).unwrap_or(0),
        wanted_at: row.wanted_at.to_jiff(),
        deadline: row.deadline.to_jiff(),
    });
    Ok(wanted.collect())
}

/// Keeps the answers; false when it was done before.
pub async fn finish(
    connection: &mut PgConnection,
    (account, incident): (AccountId, IncidentId),
    region: &str,
    findings: &[Finding],
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE autopsies SET done_at = $4, findings = $5
         WHERE account_id = $1 AND incident_id = $2 AND region = $3 AND done_at IS NULL",
        account.uuid(),
        incident.uuid(),
        region,
        now.to_sqlx() as _,
        Json(findings) as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// All answers of an incident; the region that had the most questions first.
pub async fn list_findings(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Vec<Finding>> {
    let rows = sqlx::query_scalar!(
        r#"SELECT findings AS "findings!: Json<Vec<Finding>>" FROM autopsies
           WHERE account_id = $1 AND incident_id = $2 AND findings IS NOT NULL ORDER BY most DESC, region"#,
        account.uuid(),
        incident.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().flat_map(|findings| findings.0).collect())
}

/// Regions that may still say what they find.
pub async fn count_open(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM autopsies
           WHERE account_id = $1 AND incident_id = $2 AND done_at IS NULL AND deadline > $3"#,
        account.uuid(),
        incident.uuid(),
        now.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?)
}

/// Removes those wanted before `before`, at most `limit`. Says how many.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, limit: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM autopsies WHERE (account_id, incident_id, region) IN
           (SELECT account_id, incident_id, region FROM autopsies WHERE wanted_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        limit
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
