//! Tables `evidence` and `evidence_bodies`: everything that a failing look saw.

use domain::check::{FailureClass, Observation};
use domain::ids::{AccountId, CheckId, IncidentId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::{Error, Result};

/// What a failing look saw, redacted.
#[derive(Debug, Clone, PartialEq)]
pub struct Evidence {
    /// Tenant.
    pub account_id: AccountId,
    /// The look.
    pub check_id: CheckId,
    /// Its monitor.
    pub monitor_id: MonitorId,
    /// From where.
    pub region: String,
    /// What was wrong.
    pub class: Option<FailureClass>,
    /// What was seen; its body is kept apart.
    pub observation: Observation,
    /// The body, gzip, at most 64 KiB inflated.
    pub body: Option<Vec<u8>>,
}

/// Keeps evidence; a body that is already there is not stored again.
pub async fn insert(
    connection: &mut PgConnection,
    evidence: &Evidence,
    history_months: u32,
    incident: Option<IncidentId>,
) -> Result<()> {
    let months = i16::try_from(history_months)
        .map_err(|_| Error::impossible("evidence", "retention_months", evidence.check_id))?;
    let hash = evidence.body.as_ref().map(|body| hash(body));
    if let (Some(body), Some(hash)) = (&evidence.body, &hash) {
        sqlx::query!(
            "INSERT INTO evidence_bodies (account_id, hash, body, stored_at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (account_id, hash) DO UPDATE SET stored_at = greatest(evidence_bodies.stored_at, excluded.stored_at)",
            evidence.account_id.uuid(),
            hash,
            body,
            evidence.observation.at.to_sqlx() as _
        )
        .execute(&mut *connection)
        .await?;
    }
    sqlx::query!(
        "INSERT INTO evidence (retention_months, account_id, id, monitor_id, incident_id, region, at, class, data, body_hash)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        months,
        evidence.account_id.uuid(),
        evidence.check_id.uuid(),
        evidence.monitor_id.uuid(),
        incident.map(IncidentId::uuid),
        evidence.region,
        evidence.observation.at.to_sqlx() as _,
        evidence.class.map(FailureClass::as_str),
        Json(&evidence.observation) as _,
        hash
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The evidence of a stretch of time, oldest first: an incident's is what was seen from its first
/// failing look to its end.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    (from, to): (Timestamp, Timestamp),
) -> Result<Vec<Evidence>> {
    let rows = sqlx::query!(
        r#"SELECT e.id, e.region, e.class, e.data AS "data: Json<Observation>", b.body AS "body?"
           FROM evidence e
           LEFT JOIN evidence_bodies b ON b.account_id = e.account_id AND b.hash = e.body_hash
           WHERE e.account_id = $1 AND e.monitor_id = $2 AND e.at BETWEEN $3 AND $4
           ORDER BY e.at, e.id LIMIT 200"#,
        account.uuid(),
        monitor.uuid(),
        from.to_sqlx() as _,
        to.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Evidence {
            account_id: account,
            check_id: CheckId::from_uuid(row.id),
            monitor_id: monitor,
            region: row.region,
            class: row.class.as_deref().and_then(FailureClass::parse),
            observation: row.data.0,
            body: row.body,
        })
        .collect())
}

/// Removes bodies that no evidence names any more, at most `most`.
pub async fn prune_bodies(
    connection: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM evidence_bodies b USING (
             SELECT account_id, hash FROM evidence_bodies c
             WHERE stored_at < $1 AND NOT EXISTS (
                 SELECT FROM evidence e WHERE e.account_id = c.account_id AND e.body_hash = c.hash)
             LIMIT $2
         ) old WHERE b.account_id = old.account_id AND b.hash = old.hash",
        before.to_sqlx() as _,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn hash(body: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body)
        .as_ref()
        .to_vec()
}
