//! Lists of incidents, newest first.

use domain::check::{Attribution, Failure};
use domain::ids::{AccountId, GroupId, IncidentId, MonitorId};
use domain::incident::{Actor, Diagnosis, Incident, Severity, TimelineEntry, VoteSummary};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use super::row::Row;
use crate::Result;

/// Which incidents are wanted.
#[derive(Debug, Clone, Default)]
#[expect(missing_docs, reason = "the fields are the reference's parameters")]
pub struct Filter {
    pub open: Option<bool>,
    pub monitor_id: Option<MonitorId>,
    pub tag: Option<String>,
    pub acknowledged: Option<bool>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub attribution: Option<Attribution>,
    pub group_id: Option<GroupId>,
    /// Fire drills alone, or none of them.
    pub drills: Option<bool>,
    pub severity: Option<Severity>,
}

/// Where the previous page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the key of the last incident of the page")]
pub struct Cursor {
    pub first_failure_at: Timestamp,
    pub id: IncidentId,
}

/// An incident with its monitor's name.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "named by their types")]
pub struct Listed {
    pub incident: Incident,
    pub monitor_name: String,
}

/// At most `limit` incidents after `after`, newest first. An incident is in a span of time when it
/// was open at any moment of it.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    filter: &Filter,
    after: Option<Cursor>,
    limit: u32,
) -> Result<Vec<Listed>> {
    let rows = sqlx::query!(
        r#"SELECT i.account_id, i.id, i.monitor_id, i.short,
             i.first_failure_at AS "first_failure_at: jiff_sqlx::Timestamp",
             i.confirmed_at AS "confirmed_at: jiff_sqlx::Timestamp",
             i.acknowledged_at AS "acknowledged_at: jiff_sqlx::Timestamp",
             i.acknowledged_by AS "acknowledged_by: Json<Actor>",
             i.resolved_at AS "resolved_at: jiff_sqlx::Timestamp", i.resolved_reason,
             i.resolved_confirmed_at AS "resolved_confirmed_at: jiff_sqlx::Timestamp",
             i.failure AS "failure: Json<Failure>", i.attribution, i.diagnosis AS "diagnosis: Json<Diagnosis>",
             i.vote AS "vote: Json<VoteSummary>", i.last_good_at AS "last_good_at: jiff_sqlx::Timestamp", i.test,
             i.version, i.address, i.group_id, i.severity, m.name AS monitor_name
         FROM incidents i JOIN monitors m ON m.account_id = i.account_id AND m.id = i.monitor_id
         WHERE i.account_id = $1
           AND ($2::boolean IS NULL OR (i.resolved_at IS NULL) = $2)
           AND ($3::uuid IS NULL OR i.monitor_id = $3)
           AND ($4::text IS NULL OR $4 = ANY(m.tags))
           AND ($5::boolean IS NULL OR (i.acknowledged_at IS NOT NULL) = $5)
           AND ($6::timestamptz IS NULL OR coalesce(i.resolved_at, 'infinity') >= $6)
           AND ($7::timestamptz IS NULL OR i.first_failure_at < $7)
           AND ($8::text IS NULL OR i.attribution = $8)
           AND ($12::uuid IS NULL OR i.group_id = $12)
           AND ($13::boolean IS NULL OR i.test = $13)
           AND ($14::text IS NULL OR i.severity = $14)
           AND ($9::timestamptz IS NULL OR (i.first_failure_at, i.id) < ($9, $10::uuid))
         ORDER BY i.first_failure_at DESC, i.id DESC LIMIT $11"#,
        account.uuid(),
        filter.open,
        filter.monitor_id.map(MonitorId::uuid),
        filter.tag,
        filter.acknowledged,
        filter.from.map(|at| at.to_sqlx()) as _,
        filter.to.map(|at| at.to_sqlx()) as _,
        filter.attribution.map(Attribution::as_str),
        after.map(|cursor| cursor.first_failure_at.to_sqlx()) as _,
        after.map(|cursor| cursor.id.uuid()),
        i64::from(limit),
        filter.group_id.map(GroupId::uuid),
        filter.drills,
        filter.severity.map(Severity::as_str),
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let incident = Row {
                account_id: row.account_id,
                id: row.id,
                monitor_id: row.monitor_id,
                short: row.short,
                first_failure_at: row.first_failure_at,
                confirmed_at: row.confirmed_at,
                acknowledged_at: row.acknowledged_at,
                acknowledged_by: row.acknowledged_by,
                resolved_at: row.resolved_at,
                resolved_reason: row.resolved_reason,
                resolved_confirmed_at: row.resolved_confirmed_at,
                failure: row.failure,
                attribution: row.attribution,
                diagnosis: row.diagnosis,
                vote: row.vote,
                last_good_at: row.last_good_at,
                test: row.test,
                address: row.address,
                group_id: row.group_id,
                severity: row.severity,
                version: row.version,
            };
            Ok(Listed {
                incident: incident.into_incident()?,
                monitor_name: row.monitor_name,
            })
        })
        .collect()
}

/// How many incidents of the account are open, fire drills left out.
pub async fn count_open(connection: &mut PgConnection, account: AccountId) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM incidents WHERE account_id = $1 AND resolved_at IS NULL AND NOT test"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// An incident's timeline, oldest first.
pub async fn list_events(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Vec<TimelineEntry>> {
    super::events::list(connection, account, incident).await
}
