//! From a row of `incidents` to an incident.

use domain::check::{Attribution, Failure};
use domain::ids::{AccountId, GroupId, IncidentId, MonitorId};
use domain::incident::{Actor, Diagnosis, Incident, ResolvedReason, Severity, VoteSummary};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

pub(super) struct Row {
    pub account_id: Uuid,
    pub id: Uuid,
    pub monitor_id: Uuid,
    pub short: String,
    pub first_failure_at: jiff_sqlx::Timestamp,
    pub confirmed_at: jiff_sqlx::Timestamp,
    pub acknowledged_at: Option<jiff_sqlx::Timestamp>,
    pub acknowledged_by: Option<Json<Actor>>,
    pub resolved_at: Option<jiff_sqlx::Timestamp>,
    pub resolved_reason: Option<String>,
    pub resolved_confirmed_at: Option<jiff_sqlx::Timestamp>,
    pub failure: Json<Failure>,
    pub attribution: Option<String>,
    pub diagnosis: Option<Json<Diagnosis>>,
    pub vote: Json<VoteSummary>,
    pub last_good_at: Option<jiff_sqlx::Timestamp>,
    pub test: bool,
    pub address: Option<String>,
    pub group_id: Option<Uuid>,
    pub severity: String,
    pub version: i64,
}

impl Row {
    pub(super) fn into_incident(self) -> Result<Incident> {
        let id = IncidentId::from_uuid(self.id);
        let attribution = self
            .attribution
            .map(|word| {
                Attribution::parse(&word)
                    .ok_or_else(|| Error::impossible("incidents", "attribution", id))
            })
            .transpose()?;
        let resolved_reason = self
            .resolved_reason
            .map(|word| {
                ResolvedReason::parse(&word)
                    .ok_or_else(|| Error::impossible("incidents", "resolved_reason", id))
            })
            .transpose()?;
        Ok(Incident {
            id,
            account_id: AccountId::from_uuid(self.account_id),
            monitor_id: MonitorId::from_uuid(self.monitor_id),
            short: self.short,
            severity: Severity::parse(&self.severity)
                .ok_or_else(|| Error::impossible("incidents", "severity", id))?,
            first_failure_at: self.first_failure_at.to_jiff(),
            confirmed_at: self.confirmed_at.to_jiff(),
            acknowledged_at: self.acknowledged_at.map(|at| at.to_jiff()),
            acknowledged_by: self.acknowledged_by.map(|by| by.0),
            resolved_at: self.resolved_at.map(|at| at.to_jiff()),
            resolved_reason,
            resolved_confirmed_at: self.resolved_confirmed_at.map(|at| at.to_jiff()),
            failure: self.failure.0,
            attribution,
            diagnosis: self.diagnosis.map(|diagnosis| diagnosis.0),
            vote: self.vote.0,
            last_good_at: self.last_good_at.map(|at| at.to_jiff()),
            test: self.test,
            address: self.address,
            group_id: self.group_id.map(GroupId::from_uuid),
            version: self.version,
        })
    }
}

/// By its own id, or the open one of a monitor; `lock` keeps it until the transaction ends.
pub(super) async fn select(
    connection: &mut PgConnection,
    account: AccountId,
    id: Option<IncidentId>,
    open_of: Option<MonitorId>,
    lock: bool,
) -> Result<Option<Incident>> {
    if lock {
        sqlx::query!(
            "SELECT id FROM incidents WHERE account_id = $1 AND (id = $2 OR (monitor_id = $3 AND resolved_at IS NULL AND NOT test))
             FOR UPDATE",
            account.uuid(),
            id.map(IncidentId::uuid),
            open_of.map(MonitorId::uuid)
        )
        .fetch_optional(&mut *connection)
        .await?;
    }
    sqlx::query_as!(
        Row,
        r#"SELECT account_id, id, monitor_id, short, first_failure_at AS "first_failure_at: jiff_sqlx::Timestamp",
             confirmed_at AS "confirmed_at: jiff_sqlx::Timestamp",
             acknowledged_at AS "acknowledged_at: jiff_sqlx::Timestamp",
             acknowledged_by AS "acknowledged_by: Json<Actor>", resolved_at AS "resolved_at: jiff_sqlx::Timestamp",
             resolved_reason, resolved_confirmed_at AS "resolved_confirmed_at: jiff_sqlx::Timestamp",
             failure AS "failure: Json<Failure>", attribution, diagnosis AS "diagnosis: Json<Diagnosis>",
             vote AS "vote: Json<VoteSummary>", last_good_at AS "last_good_at: jiff_sqlx::Timestamp", test, version, address, group_id, severity
         FROM incidents WHERE account_id = $1 AND (id = $2 OR (monitor_id = $3 AND resolved_at IS NULL AND NOT test))"#,
        account.uuid(),
        id.map(IncidentId::uuid),
        open_of.map(MonitorId::uuid)
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_incident)
    .transpose()
}
