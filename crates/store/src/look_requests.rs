//! Table `look_requests`: looks that somebody waits for.

use domain::check::LookResult;
use domain::ids::{AccountId, LookRequestId, MonitorId};
use domain::monitor::MonitorSpec;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;

use crate::secrets::Place;
use crate::{Error, Result, Secrets, notify};

/// Why a look is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The first look at a new monitor.
    First,
    /// A person pressed "Check now".
    Manual,
    /// A look without a monitor; the settings are in the request.
    Test,
    /// To confirm.
    Recheck,
    /// Another region wants our vote.
    Vote,
    /// A button of the practice site was pressed.
    Practice,
}

impl Reason {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Manual => "manual",
            Self::Test => "test",
            Self::Recheck => "recheck",
            Self::Vote => "vote",
            Self::Practice => "practice",
        }
    }

    /// The reason a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::First,
            Self::Manual,
            Self::Test,
            Self::Recheck,
            Self::Vote,
            Self::Practice,
        ]
        .into_iter()
        .find(|reason| reason.as_str() == word)
    }
}

/// What is to be looked at.
#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    /// A monitor with its present settings.
    Monitor(MonitorId),
    /// Settings without a monitor.
    Spec(Box<MonitorSpec>),
}

/// A request for a look.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct LookRequest {
    pub account_id: AccountId,
    pub id: LookRequestId,
    pub subject: Subject,
    pub region: String,
    pub reason: Reason,
    pub not_before: Timestamp,
    /// After this nobody waits any more.
    pub deadline: Timestamp,
    pub created_at: Timestamp,
}

/// Asks for a look; workers are woken when the transaction commits.
pub async fn insert(
    connection: &mut PgConnection,
    secrets: &Secrets,
    request: &LookRequest,
) -> Result<()> {
    let row = request.id.to_string();
    let (monitor, spec) = match &request.subject {
        Subject::Monitor(id) => (Some(id.uuid()), None),
        Subject::Spec(spec) => {
            let text = serde_json::to_string(spec)
                .map_err(|_| Error::impossible("look_requests", "spec", request.id))?;
            (None, Some(secrets.seal(place(&row), &text)?))
        }
    };
    sqlx::query!(
        "INSERT INTO look_requests (account_id, id, monitor_id, region, reason, spec, not_before, deadline, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        request.account_id.uuid(),
        request.id.uuid(),
        monitor,
        request.region,
        request.reason.as_str(),
        spec,
        request.not_before.to_sqlx() as _,
        request.deadline.to_sqlx() as _,
        request.created_at.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    notify::look_wanted(connection, request.id).await
}

/// The open requests of a region that may be answered now, oldest first: a name only, to be taken
/// by [`claim`].
pub async fn list_open(
    connection: &mut PgConnection,
    region: &str,
    now: Timestamp,
    limit: i64,
) -> Result<Vec<(AccountId, LookRequestId, Option<MonitorId>)>> {
    let rows = sqlx::query!(
        "SELECT account_id, id, monitor_id FROM look_requests
         WHERE region = $1 AND done_at IS NULL AND not_before <= $2 AND deadline > $2
           AND (taken_at IS NULL OR taken_at < $2 - interval '15 seconds')
         ORDER BY not_before LIMIT $3",
        region,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let monitor = row.monitor_id.map(MonitorId::from_uuid);
            (
                AccountId::from_uuid(row.account_id),
                LookRequestId::from_uuid(row.id),
                monitor,
            )
        })
        .collect())
}

/// Takes a request, unless somebody else has; one whose taker fell silent may be taken again.
pub async fn claim(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account, id): (AccountId, LookRequestId),
    worker: &str,
    now: Timestamp,
) -> Result<Option<LookRequest>> {
    let row = sqlx::query!(
        r#"UPDATE look_requests SET taken_by = $3, taken_at = $4
           WHERE account_id = $1 AND id = $2 AND done_at IS NULL AND deadline > $4
             AND (taken_at IS NULL OR taken_at < $4 - interval '15 seconds')
           RETURNING monitor_id, region, reason, spec, not_before AS "not_before: jiff_sqlx::Timestamp",
             deadline AS "deadline: jiff_sqlx::Timestamp", created_at AS "created_at: jiff_sqlx::Timestamp""#,
        account.uuid(),
        id.uuid(),
        worker,
        now.to_sqlx() as _
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let impossible = |column| Error::impossible("look_requests", column, id);
    let subject = match (row.monitor_id, row.spec) {
        (Some(monitor), _) => Subject::Monitor(MonitorId::from_uuid(monitor)),
        (None, Some(sealed)) => {
            let text = secrets.open(place(&id.to_string()), &sealed)?;
            Subject::Spec(serde_json::from_str(&text).map_err(|_| impossible("spec"))?)
        }
        (None, None) => return Err(impossible("spec")),
    };
    Ok(Some(LookRequest {
        account_id: account,
        id,
        subject,
        region: row.region,
        reason: Reason::parse(&row.reason).ok_or_else(|| impossible("reason"))?,
        not_before: row.not_before.to_jiff(),
        deadline: row.deadline.to_jiff(),
        created_at: row.created_at.to_jiff(),
    }))
}

/// Writes the answer and wakes whoever waits. `None`: there was nothing left to look at.
pub async fn mark_done(
    connection: &mut PgConnection,
    (account, id): (AccountId, LookRequestId),
    result: Option<&LookResult>,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE look_requests SET done_at = $3, result = $4, spec = NULL WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        result.map(Json) as _
    )
    .execute(&mut *connection)
    .await?;
    notify::look_done(connection, id).await
}

/// How far a request has got.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// Nobody has answered yet.
    Open,
    /// There was nothing left to look at: paused, deleted, not of this region.
    Nothing,
    /// The look.
    Done(Box<LookResult>),
}

/// The answer to a request, `None` when there is no such request.
pub async fn find_answer(
    connection: &mut PgConnection,
    account: AccountId,
    id: LookRequestId,
) -> Result<Option<Answer>> {
    let row = sqlx::query!(
        r#"SELECT done_at IS NOT NULL AS "done!", result AS "result: Json<LookResult>"
           FROM look_requests WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| match (row.done, row.result) {
        (false, _) => Answer::Open,
        (true, None) => Answer::Nothing,
        (true, Some(result)) => Answer::Done(Box::new(result.0)),
    }))
}

/// The newest answer for a monitor whose look is kept, with what it saw: certificate and redirects.
pub async fn find_newest_result(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<LookResult>> {
    let result = sqlx::query_scalar!(
        r#"SELECT result AS "result!: Json<LookResult>" FROM look_requests
           WHERE account_id = $1 AND monitor_id = $2 AND result IS NOT NULL ORDER BY created_at DESC LIMIT 1"#,
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(result.map(|result| result.0))
}

/// Removes requests made before `before`, at most `most`; returns how many went.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM look_requests r USING (
             SELECT account_id, id FROM look_requests WHERE created_at < $1 ORDER BY created_at LIMIT $2
         ) old WHERE r.account_id = old.account_id AND r.id = old.id",
        before.to_sqlx() as _,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn place(row: &str) -> Place<'_> {
    Place {
        table: "look_requests",
        column: "spec",
        row,
    }
}

impl LookRequest {
    /// The monitor, if it is about one.
    pub fn monitor_id(&self) -> Option<MonitorId> {
        match &self.subject {
            Subject::Monitor(id) => Some(*id),
            Subject::Spec(_) => None,
        }
    }
}
