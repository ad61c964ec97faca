//! What a worker has to know of a monitor to look at it.

use domain::account::Plan;
use domain::check::FailureClass;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::{Monitor, MonitorSpec};
use domain::status::{Candidate, Observed, RegionVote};
use jiff::Timestamp;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::Stored;
use crate::{Error, Result, Secrets};

/// A monitor that is looked at, with what its region has confirmed so far.
#[derive(Debug, Clone, PartialEq)]
pub struct Scheduled {
    /// The monitor, its secrets opened.
    pub monitor: Monitor,
    /// What all regions together have confirmed.
    pub observed: Observed,
    /// It was up at some time.
    pub ever_up: bool,
    /// Its name had a public address before.
    pub was_public: bool,
    /// After a manual resolve, until it was up once.
    pub quiet_until_up: bool,
    /// A change is being confirmed.
    pub confirming: bool,
    /// What this region says of it.
    pub vote: Option<RegionVote>,
    /// How long its history is kept.
    pub history_months: u32,
    /// Its certificate, if that was recorded since the monitor was last changed.
    pub certificate: Option<SeenCertificate>,
}

/// A certificate that is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeenCertificate {
    /// Of the leaf, SHA-256 in hex.
    pub fingerprint: String,
    /// What was wrong with the chain.
    pub problem: Option<FailureClass>,
    /// When it was recorded last.
    pub at: Timestamp,
}

impl Scheduled {
    /// A view that this region is confirming.
    pub fn candidate(&self) -> Option<&Candidate> {
        self.vote.as_ref()?.candidate.as_ref()
    }
}

/// The monitors of `shards` that a worker of `region` looks at: heartbeats are waited for. A row that cannot be read is an
/// error of its own and does not hide the others.
pub async fn list_by_shards(
    connection: &mut PgConnection,
    secrets: &Secrets,
    region: &str,
    shards: &[i16],
) -> Result<Vec<Result<Scheduled>>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT m.account_id, m.id, m.spec AS "spec: Json<MonitorSpec>", m.secrets, m.config_version,
             m.created_at AS "created_at: jiff_sqlx::Timestamp", m.updated_at AS "updated_at: jiff_sqlx::Timestamp",
             s.observed, s.ever_up, s.was_public, s.quiet_until_up, s.confirming,
             v.vote AS "vote?: Json<RegionVote>", p.plan AS "plan?",
             c.fingerprint AS "fingerprint?", c.problem AS "problem?", c.seen_at AS "seen_at?: jiff_sqlx::Timestamp"
           FROM monitors m
           JOIN monitor_states s ON s.account_id = m.account_id AND s.monitor_id = m.id
           JOIN accounts a ON a.id = m.account_id AND a.deleted_at IS NULL
           LEFT JOIN region_votes v ON v.account_id = m.account_id AND v.monitor_id = m.id AND v.region = $1
             AND v.config_version = m.config_version
           LEFT JOIN subscriptions p ON p.account_id = m.account_id
           LEFT JOIN certificates c ON c.account_id = m.account_id AND c.monitor_id = m.id AND c.seen_at >= m.updated_at
           WHERE m.shard = ANY ($2) AND m.deleted_at IS NULL AND m.paused_at IS NULL AND m.kind <> 'heartbeat'
             AND (m.regions IS NULL OR $1 = ANY (m.regions))"#,
        region,
        shards
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| row.into_scheduled(secrets))
        .collect())
}

/// The same for one monitor; `None` when it is not to be looked at from `region`.
pub async fn find_scheduled(
    connection: &mut PgConnection,
    secrets: &Secrets,
    region: &str,
    (account, id): (AccountId, MonitorId),
) -> Result<Option<Scheduled>> {
    sqlx::query_as!(
        Row,
        r#"SELECT m.account_id, m.id, m.spec AS "spec: Json<MonitorSpec>", m.secrets, m.config_version,
             m.created_at AS "created_at: jiff_sqlx::Timestamp", m.updated_at AS "updated_at: jiff_sqlx::Timestamp",
             s.observed, s.ever_up, s.was_public, s.quiet_until_up, s.confirming,
             v.vote AS "vote?: Json<RegionVote>", p.plan AS "plan?",
             c.fingerprint AS "fingerprint?", c.problem AS "problem?", c.seen_at AS "seen_at?: jiff_sqlx::Timestamp"
           FROM monitors m
           JOIN monitor_states s ON s.account_id = m.account_id AND s.monitor_id = m.id
           JOIN accounts a ON a.id = m.account_id AND a.deleted_at IS NULL
           LEFT JOIN region_votes v ON v.account_id = m.account_id AND v.monitor_id = m.id AND v.region = $1
             AND v.config_version = m.config_version
           LEFT JOIN subscriptions p ON p.account_id = m.account_id
           LEFT JOIN certificates c ON c.account_id = m.account_id AND c.monitor_id = m.id AND c.seen_at >= m.updated_at
           WHERE m.account_id = $2 AND m.id = $3 AND m.deleted_at IS NULL AND m.paused_at IS NULL AND m.kind <> 'heartbeat'
             AND (m.regions IS NULL OR $1 = ANY (m.regions))"#,
        region,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(|row| row.into_scheduled(secrets))
    .transpose()
}

/// Id and version of every monitor of `shards` that is looked at: what a reconcile compares.
pub async fn list_versions(
    connection: &mut PgConnection,
    region: &str,
    shards: &[i16],
) -> Result<Vec<(AccountId, MonitorId, i64)>> {
    let rows = sqlx::query!(
        "SELECT m.account_id, m.id, m.config_version FROM monitors m
         JOIN accounts a ON a.id = m.account_id AND a.deleted_at IS NULL
         WHERE m.shard = ANY ($2) AND m.deleted_at IS NULL AND m.paused_at IS NULL AND m.kind <> 'heartbeat'
           AND (m.regions IS NULL OR $1 = ANY (m.regions))",
        region,
        shards
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                AccountId::from_uuid(row.account_id),
                MonitorId::from_uuid(row.id),
                row.config_version,
            )
        })
        .collect())
}

struct Row {
    account_id: Uuid,
    id: Uuid,
    spec: Json<MonitorSpec>,
    secrets: Option<String>,
    config_version: i64,
    created_at: jiff_sqlx::Timestamp,
    updated_at: jiff_sqlx::Timestamp,
    observed: String,
    ever_up: bool,
    was_public: bool,
    quiet_until_up: bool,
    confirming: bool,
    vote: Option<Json<RegionVote>>,
    plan: Option<String>,
    fingerprint: Option<String>,
    problem: Option<String>,
    seen_at: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn into_scheduled(self, secrets: &Secrets) -> Result<Scheduled> {
        let id = MonitorId::from_uuid(self.id);
        let impossible = |column| Error::impossible("monitor_states", column, id);
        let stored = Stored {
            account_id: self.account_id,
            id: self.id,
            spec: self.spec,
            secrets: self.secrets,
            config_version: self.config_version,
            paused_at: None,
            deleted_at: None,
            created_at: self.created_at,
            updated_at: self.updated_at,
        };
        let plan = self
            .plan
            .as_deref()
            .and_then(Plan::parse)
            .unwrap_or(Plan::Free);
        let certificate = self.fingerprint.zip(self.seen_at);
        let certificate = certificate.map(|(fingerprint, at)| SeenCertificate {
            fingerprint,
            problem: self.problem.as_deref().and_then(FailureClass::parse),
            at: at.to_jiff(),
        });
        Ok(Scheduled {
            certificate,
            monitor: stored.into_monitor(secrets)?,
            observed: Observed::parse(&self.observed).ok_or_else(|| impossible("observed"))?,
            ever_up: self.ever_up,
            was_public: self.was_public,
            quiet_until_up: self.quiet_until_up,
            confirming: self.confirming,
            vote: self.vote.map(|vote| vote.0),
            history_months: plan.limits().history_months,
        })
    }
}
