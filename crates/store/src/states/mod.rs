//! What is known of a monitor's status: its state, the regions' votes, and how long each status
//! lasted.

pub mod intervals;
pub mod votes;

use domain::check::Failure;
use domain::ids::{AccountId, ContactId, MonitorId, PolicyId};
use domain::incident::Severity;
use domain::monitor::MonitorSpec;
use domain::status::{MonitorState, Observed};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// A row of `monitor_states`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// The state that the rules step.
    pub state: MonitorState,
    /// Its name had a public address at some time.
    pub was_public: bool,
    /// When a sweeper decides what nobody did.
    pub decide_at: Option<Timestamp>,
    /// When the quiet notice of the present status was given.
    pub noticed_at: Option<Timestamp>,
    /// Since when maintenance, or an outage before it, keeps a confirmed outage from opening an incident.
    pub held_since: Option<Timestamp>,
    /// When a look was asked for after that maintenance.
    pub held_asked_at: Option<Timestamp>,
    /// What it stands behind, when that is why it is held.
    pub behind: Option<Behind>,
}

/// The monitor that an outage stands behind, or may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behind {
    /// Which one.
    pub monitor_id: MonitorId,
    /// It is not known yet whether it does; it is told of after this moment.
    pub until: Option<Timestamp>,
}

impl Stored {
    /// The monitor that it stands behind, when that is known.
    pub fn suppressed_by(&self) -> Option<MonitorId> {
        let behind = self.behind.filter(|behind| behind.until.is_none())?;
        Some(behind.monitor_id)
    }
}

impl Stored {
    /// The state of a monitor nobody has looked at.
    pub const fn new(now: Timestamp) -> Self {
        Self {
            state: MonitorState::new(now),
            was_public: false,
            decide_at: None,
            noticed_at: None,
            held_since: None,
            held_asked_at: None,
            behind: None,
        }
    }
}

/// The monitor as the record transaction needs it: no secrets.
#[derive(Debug, Clone, PartialEq)]
pub struct Subject {
    /// Counts edits.
    pub config_version: i64,
    /// It is neither paused nor deleted.
    pub is_watched: bool,
    /// It is deleted, and restorable for a while.
    pub is_deleted: bool,
    /// As its owner wrote it, secrets masked.
    pub spec: MonitorSpec,
}

/// Writes the state of a new monitor.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    stored: &Stored,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO monitor_states (account_id, monitor_id, observed, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT monitor_states_pkey DO NOTHING",
        account.uuid(),
        monitor.uuid(),
        stored.state.observed.as_str(),
        stored.state.since.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Locks the state until the transaction ends: every change of status passes here, one at a time.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    sqlx::query_as!(
        Row,
        r#"SELECT monitor_id, observed, since AS "since: jiff_sqlx::Timestamp", confirming, ever_up, was_public,
             quiet_until_up, failure AS "failure: Json<Failure>", decide_at AS "decide_at: jiff_sqlx::Timestamp",
             noticed_at AS "noticed_at: jiff_sqlx::Timestamp", held_since AS "held_since: jiff_sqlx::Timestamp",
             held_asked_at AS "held_asked_at: jiff_sqlx::Timestamp", behind_id,
             behind_until AS "behind_until: jiff_sqlx::Timestamp"
         FROM monitor_states WHERE account_id = $1 AND monitor_id = $2 FOR UPDATE"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_stored)
    .transpose()
}

/// Locks the states of all monitors of an account.
pub async fn lock_all(connection: &mut PgConnection, account: AccountId) -> Result<()> {
    sqlx::query!(
        "SELECT monitor_id FROM monitor_states WHERE account_id = $1 ORDER BY monitor_id FOR UPDATE",
        account.uuid()
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// The state of a monitor.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    sqlx::query_as!(
        Row,
        r#"SELECT monitor_id, observed, since AS "since: jiff_sqlx::Timestamp", confirming, ever_up, was_public,
             quiet_until_up, failure AS "failure: Json<Failure>", decide_at AS "decide_at: jiff_sqlx::Timestamp",
             noticed_at AS "noticed_at: jiff_sqlx::Timestamp", held_since AS "held_since: jiff_sqlx::Timestamp",
             held_asked_at AS "held_asked_at: jiff_sqlx::Timestamp", behind_id,
             behind_until AS "behind_until: jiff_sqlx::Timestamp"
         FROM monitor_states WHERE account_id = $1 AND monitor_id = $2"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_stored)
    .transpose()
}

/// Saves a state that [`lock`] gave.
pub async fn save(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    stored: &Stored,
) -> Result<()> {
    let state = &stored.state;
    sqlx::query!(
        "UPDATE monitor_states SET observed = $3, since = $4, confirming = $5, ever_up = $6, was_public = $7,
             quiet_until_up = $8, failure = $9, decide_at = $10, noticed_at = $11,
             held_since = $12, held_asked_at = $13, behind_id = $14, behind_until = $15
         WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid(),
        state.observed.as_str(),
        state.since.to_sqlx() as _,
        state.confirming,
        state.ever_up,
        stored.was_public,
        state.quiet_until_up,
        state.failure.as_ref().map(Json) as _,
        stored.decide_at.map(|at| at.to_sqlx()) as _,
        stored.noticed_at.map(|at| at.to_sqlx()) as _,
        stored.held_since.map(|at| at.to_sqlx()) as _,
        stored.held_asked_at.map(|at| at.to_sqlx()) as _,
        stored.behind.map(|behind| behind.monitor_id.uuid()),
        stored.behind.and_then(|behind| behind.until).map(|at| at.to_sqlx()) as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The monitor whose state is locked, deleted ones included.
pub async fn find_subject(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Subject>> {
    let row = sqlx::query!(
        r#"SELECT config_version, paused_at IS NULL AND deleted_at IS NULL AS "is_watched!",
             deleted_at IS NOT NULL AS "is_deleted!", spec AS "spec: Json<MonitorSpec>"
         FROM monitors WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Subject {
        config_version: row.config_version,
        is_watched: row.is_watched,
        is_deleted: row.is_deleted,
        spec: row.spec.0,
    }))
}

/// Whom a monitor tells: the contacts or the policy that it names, if it does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the monitor")]
pub struct Telling {
    pub id: MonitorId,
    pub name: String,
    pub contact_ids: Option<Vec<ContactId>>,
    pub policy_id: Option<PolicyId>,
    pub severity: Severity,
}

/// Whom every monitor that is not deleted tells.
pub async fn list_recipients(
    connection: &mut PgConnection,
    account: AccountId,
) -> Result<Vec<Telling>> {
    let rows = sqlx::query!(
        r#"SELECT id, name, spec AS "spec: Json<MonitorSpec>" FROM monitors
           WHERE account_id = $1 AND deleted_at IS NULL ORDER BY name, id"#,
        account.uuid(),
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Telling {
            id: MonitorId::from_uuid(row.id),
            name: row.name,
            severity: row.spec.0.severity(),
            contact_ids: row.spec.0.contact_ids,
            policy_id: row.spec.0.policy_id,
        })
        .collect())
}

/// Monitors whose decision is overdue, the longest overdue first. Nothing is locked: each is looked
/// at again under its own lock.
pub async fn list_overdue(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "SELECT account_id, monitor_id FROM monitor_states WHERE decide_at <= $1 ORDER BY decide_at LIMIT $2",
        now.to_sqlx() as _,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| pair(row.account_id, row.monitor_id))
        .collect())
}

/// Monitors that have been slow, partly down or blocked since `before`, or unknown since
/// `unknown_before`, are not in maintenance, and whose owner has not been told.
pub async fn list_unnoticed(
    connection: &mut PgConnection,
    (before, unknown_before): (Timestamp, Timestamp),
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "SELECT account_id, monitor_id FROM monitor_states
         WHERE observed IN ('unknown', 'blocked', 'partial', 'degraded') AND noticed_at IS NULL
           AND since <= CASE WHEN observed = 'unknown' THEN $2::timestamptz ELSE $1::timestamptz END
           AND maintenance_end(account_id, monitor_id, $4) IS NULL
         ORDER BY since LIMIT $3",
        before.to_sqlx() as _,
        unknown_before.to_sqlx() as _,
        i64::from(limit),
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| pair(row.account_id, row.monitor_id))
        .collect())
}

/// Monitors whose outage was held by maintenance that is over, or by something before it that is not down
/// any more, or that wait to hear whether it is; the longest held first. Nothing is locked: each is looked
/// at again under its own lock.
pub async fn list_held(
    connection: &mut PgConnection,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "SELECT s.account_id, s.monitor_id FROM monitor_states s
         WHERE s.held_since IS NOT NULL AND maintenance_end(s.account_id, s.monitor_id, $1) IS NULL
           AND (s.behind_id IS NULL OR s.behind_until IS NOT NULL OR NOT EXISTS (
               SELECT FROM monitor_states p JOIN monitors m ON m.account_id = p.account_id AND m.id = p.monitor_id
               WHERE p.account_id = s.account_id AND p.monitor_id = s.behind_id AND p.observed = 'down'
                 AND NOT p.quiet_until_up AND p.behind_id IS NULL AND m.paused_at IS NULL AND m.deleted_at IS NULL))
         ORDER BY s.held_asked_at NULLS FIRST, s.held_since LIMIT $2",
        now.to_sqlx() as _,
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| pair(row.account_id, row.monitor_id))
        .collect())
}

fn pair(account: Uuid, monitor: Uuid) -> (AccountId, MonitorId) {
    (AccountId::from_uuid(account), MonitorId::from_uuid(monitor))
}

struct Row {
    monitor_id: Uuid,
    observed: String,
    since: jiff_sqlx::Timestamp,
    confirming: bool,
    ever_up: bool,
    was_public: bool,
    quiet_until_up: bool,
    failure: Option<Json<Failure>>,
    decide_at: Option<jiff_sqlx::Timestamp>,
    noticed_at: Option<jiff_sqlx::Timestamp>,
    held_since: Option<jiff_sqlx::Timestamp>,
    held_asked_at: Option<jiff_sqlx::Timestamp>,
    behind_id: Option<Uuid>,
    behind_until: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn into_stored(self) -> Result<Stored> {
        let observed = Observed::parse(&self.observed)
            .ok_or_else(|| Error::impossible("monitor_states", "observed", self.monitor_id))?;
        Ok(Stored {
            state: MonitorState {
                observed,
                since: self.since.to_jiff(),
                confirming: self.confirming,
                ever_up: self.ever_up,
                quiet_until_up: self.quiet_until_up,
                failure: self.failure.map(|failure| failure.0),
            },
            was_public: self.was_public,
            decide_at: self.decide_at.map(|at| at.to_jiff()),
            noticed_at: self.noticed_at.map(|at| at.to_jiff()),
            held_since: self.held_since.map(|at| at.to_jiff()),
            held_asked_at: self.held_asked_at.map(|at| at.to_jiff()),
            behind: self.behind_id.map(|id| Behind {
                monitor_id: MonitorId::from_uuid(id),
                until: self.behind_until.map(|at| at.to_jiff()),
            }),
        })
    }
}
