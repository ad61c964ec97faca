//! Table `tool_watches`: who waits for a target of the tools to be back. Addresses are sealed, counted by a keyed
//! hash, and gone with the end of a watch. [`targets`] has what is looked at for them.

pub mod targets;
#[cfg(test)]
mod tests;

use domain::account::EmailAddress;
use domain::tools::watch::{CONFIRM_WITHIN, Outcome};
use domain::tools::{RunId, Tool};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::secrets::{Place, token_hash};
use crate::{Error, Result, Secrets};

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Target<'a> {
    pub tool: Tool,
    pub target: &'a str,
    pub inside: bool,
}

/// A watch.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Watch {
    pub id: Uuid,
    pub tool: Tool,
    pub target: String,
    pub inside: bool,
    pub created_at: Timestamp,
    pub confirmed_at: Option<Timestamp>,
    pub target_id: Option<Uuid>,
    pub message_id: Option<Uuid>,
    /// When and how it ended.
    pub ended: Option<(Timestamp, Outcome)>,
    /// The look that says so.
    pub run_id: Option<RunId>,
    /// Still sealed.
    address: Option<String>,
}

impl Watch {
    /// What it watches.
    pub fn of(&self) -> Target<'_> {
        Target {
            tool: self.tool,
            target: &self.target,
            inside: self.inside,
        }
    }

    /// It has not ended.
    pub const fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// Where its mails go; `None` once it has ended.
    pub fn address(&self, secrets: &Secrets) -> Result<Option<EmailAddress>> {
        let Some(sealed) = &self.address else {
            return Ok(None);
        };
        let plain = secrets.open(place(&self.id.to_string()), sealed)?;
        let address = EmailAddress::parse(&plain)
            .map_err(|_| Error::impossible("tool_watches", "address", self.id))?;
        Ok(Some(address))
    }
}

pub(crate) fn place(row: &str) -> Place<'_> {
    Place {
        table: "tool_watches",
        column: "address",
        row,
    }
}

fn hash(secrets: &Secrets, address: &EmailAddress) -> Vec<u8> {
    secrets.keyed_hash("tool_watches.address", &address.canonical())
}

/// The token of a watch's page. It is worked out from its id, and kept as a hash.
pub fn token(secrets: &Secrets, id: Uuid) -> String {
    secrets.derived_token("tool_watches.token", &id.to_string())
}

struct Row {
    id: Uuid,
    tool: String,
    target: String,
    inside: bool,
    created_at: jiff_sqlx::Timestamp,
    confirmed_at: Option<jiff_sqlx::Timestamp>,
    target_id: Option<Uuid>,
    message_id: Option<Uuid>,
    ended_at: Option<jiff_sqlx::Timestamp>,
    outcome: Option<String>,
    run_id: Option<Uuid>,
    address: Option<String>,
}

impl TryFrom<Row> for Watch {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let impossible = |column| Error::impossible("tool_watches", column, row.id);
        let outcome = row
            .outcome
            .as_deref()
            .map(|word| Outcome::parse(word).ok_or_else(|| impossible("outcome")));
        Ok(Self {
            id: row.id,
            tool: Tool::parse(&row.tool).ok_or_else(|| impossible("tool"))?,
            target: row.target,
            inside: row.inside,
            created_at: row.created_at.to_jiff(),
            confirmed_at: row.confirmed_at.map(jiff_sqlx::Timestamp::to_jiff),
            target_id: row.target_id,
            message_id: row.message_id,
            ended: row
                .ended_at
                .map(jiff_sqlx::Timestamp::to_jiff)
                .zip(outcome.transpose()?),
            run_id: row.run_id.map(RunId::from_uuid),
            address: row.address,
        })
    }
}

/// Writes down that an address waits for a target; it is to be confirmed. The new id.
pub async fn insert(
    connection: &mut PgConnection,
    secrets: &Secrets,
    of: Target<'_>,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let sealed = secrets.seal(place(&id.to_string()), address.as_str())?;
    sqlx::query!(
        "INSERT INTO tool_watches (id, token_hash, tool, target, inside, address, address_hash, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        id,
        token_hash(&token(secrets, id)),
        of.tool.as_str(),
        of.target,
        of.inside,
        sealed,
        hash(secrets, address),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(id)
}

/// Begins the hour anew in which an unconfirmed watch may be confirmed.
pub async fn renew(connection: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE tool_watches SET created_at = $2 WHERE id = $1 AND ended_at IS NULL AND confirmed_at IS NULL",
        id,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes the mail that was written last.
pub async fn note_message(connection: &mut PgConnection, id: Uuid, message: Uuid) -> Result<()> {
    sqlx::query!(
        "UPDATE tool_watches SET message_id = $2 WHERE id = $1",
        id,
        message
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The open watch of an address at the same target.
pub async fn find_same(
    connection: &mut PgConnection,
    secrets: &Secrets,
    of: Target<'_>,
    address: &EmailAddress,
) -> Result<Option<Watch>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, tool, target, inside, created_at AS "created_at: jiff_sqlx::Timestamp",
             confirmed_at AS "confirmed_at: jiff_sqlx::Timestamp", target_id, message_id,
             ended_at AS "ended_at: jiff_sqlx::Timestamp", outcome, run_id, address
           FROM tool_watches
           WHERE ended_at IS NULL AND address_hash = $1 AND tool = $2 AND md5(target) = md5($3) AND target = $3 AND inside = $4"#,
        hash(secrets, address),
        of.tool.as_str(),
        of.target,
        of.inside,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Watch::try_from).transpose()
}

/// Open watches of an address; what may not be confirmed any more does not count.
pub async fn count_of(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM tool_watches
           WHERE ended_at IS NULL AND address_hash = $1 AND (confirmed_at IS NOT NULL OR created_at > $2)"#,
        hash(secrets, address),
        (now - CONFIRM_WITHIN).to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// Open watches in all; at most `most` are counted.
pub async fn count_open(connection: &mut PgConnection, most: i64) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM (SELECT FROM tool_watches WHERE ended_at IS NULL LIMIT $1) AS open"#,
        most,
    )
    .fetch_one(connection)
    .await?;
    Ok(count)
}

/// The watch of a token. One that was not confirmed in time is gone.
pub async fn find(
    connection: &mut PgConnection,
    token: &str,
    now: Timestamp,
) -> Result<Option<Watch>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, tool, target, inside, created_at AS "created_at: jiff_sqlx::Timestamp",
             confirmed_at AS "confirmed_at: jiff_sqlx::Timestamp", target_id, message_id,
             ended_at AS "ended_at: jiff_sqlx::Timestamp", outcome, run_id, address
           FROM tool_watches
           WHERE token_hash = $1 AND (confirmed_at IS NOT NULL OR ended_at IS NOT NULL OR created_at > $2)"#,
        token_hash(token),
        (now - CONFIRM_WITHIN).to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Watch::try_from).transpose()
}

/// A watch by its id.
pub async fn find_by_id(connection: &mut PgConnection, id: Uuid) -> Result<Option<Watch>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, tool, target, inside, created_at AS "created_at: jiff_sqlx::Timestamp",
             confirmed_at AS "confirmed_at: jiff_sqlx::Timestamp", target_id, message_id,
             ended_at AS "ended_at: jiff_sqlx::Timestamp", outcome, run_id, address
           FROM tool_watches WHERE id = $1"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Watch::try_from).transpose()
}

/// A watch by its id, for whoever changes it: others wait.
pub async fn lock(connection: &mut PgConnection, id: Uuid) -> Result<Option<Watch>> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT id, tool, target, inside, created_at AS "created_at: jiff_sqlx::Timestamp",
             confirmed_at AS "confirmed_at: jiff_sqlx::Timestamp", target_id, message_id,
             ended_at AS "ended_at: jiff_sqlx::Timestamp", outcome, run_id, address
           FROM tool_watches WHERE id = $1 FOR UPDATE"#,
        id,
    )
    .fetch_optional(connection)
    .await?;
    row.map(Watch::try_from).transpose()
}

/// Its owner has confirmed it; `target` is looked at for it from now on.
pub async fn mark_confirmed(
    connection: &mut PgConnection,
    id: Uuid,
    target: Uuid,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE tool_watches SET confirmed_at = $3, target_id = $2
         WHERE id = $1 AND ended_at IS NULL AND confirmed_at IS NULL",
        id,
        target,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a watch and erases whose it was; `false` when it had ended.
pub async fn end(
    connection: &mut PgConnection,
    id: Uuid,
    (outcome, run): (Outcome, Option<RunId>),
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE tool_watches SET ended_at = $4, outcome = $2, run_id = $3, target_id = NULL, address = NULL, address_hash = NULL
         WHERE id = $1 AND ended_at IS NULL",
        id,
        outcome.as_str(),
        run.map(RunId::uuid),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Open watches of an address, by id.
pub async fn list_of(
    connection: &mut PgConnection,
    secrets: &Secrets,
    address: &EmailAddress,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM tool_watches WHERE ended_at IS NULL AND address_hash = $1 ORDER BY id",
        hash(secrets, address)
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// Open watches whose target is back, oldest first.
pub async fn list_back(connection: &mut PgConnection, most: i64) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT w.id FROM tool_watches w JOIN tool_watch_targets t ON t.id = w.target_id
         WHERE t.back_at IS NOT NULL AND w.ended_at IS NULL ORDER BY w.confirmed_at LIMIT $1",
        most
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// Open watches that were confirmed at or before `before`, oldest first.
pub async fn list_confirmed(
    connection: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<Vec<Uuid>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM tool_watches WHERE ended_at IS NULL AND confirmed_at <= $1 ORDER BY confirmed_at LIMIT $2",
        before.to_sqlx() as _,
        most,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}

/// Removes at most `most` that were not confirmed in time, and that ended before `ended`; how many went.
pub async fn prune(
    connection: &mut PgConnection,
    (unconfirmed, ended): (Timestamp, Timestamp),
    most: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM tool_watches WHERE id IN (
             (SELECT id FROM tool_watches WHERE ended_at IS NULL AND confirmed_at IS NULL AND created_at <= $1 LIMIT $3)
             UNION ALL (SELECT id FROM tool_watches WHERE ended_at < $2 LIMIT $3))
           AND (ended_at IS NOT NULL OR confirmed_at IS NULL AND created_at <= $1)",
        unconfirmed.to_sqlx() as _,
        ended.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
