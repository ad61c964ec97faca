//! Table `origins`: the servers behind monitors, whose they are shown to be, and how they were last.

use aws_lc_rs::{hmac, rand};
use domain::check::Failure;
use domain::ids::{AccountId, MonitorId};
use domain::monitor::Monitor;
use domain::origin::{How, Standing, State};
use domain::target::{AddressPolicy, Origin};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result, notify};

/// Before every token, so that who finds one knows what it is.
const PREFIX: &str = "watchbell-origin-";
/// Bytes of a token that nobody guesses.
const RANDOM: usize = 20;

/// A monitor's origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// As it is compared.
    pub origin: String,
    /// Where it stands.
    pub standing: Standing,
}

/// After a monitor's settings were written: another origin than before is another row, and its proof is
/// asked for at once.
pub(crate) async fn name(
    connection: &mut PgConnection,
    monitor: &Monitor,
    now: Timestamp,
) -> Result<()> {
    let Some(http) = &monitor.spec.http else {
        return forget(connection, monitor, None).await;
    };
    // It was judged when it was written; here it is only read.
    let named = http.origin.as_deref();
    let named = named.and_then(|text| Origin::parse(text, AddressPolicy::SelfHosted).ok());
    let Some(origin) = named.map(|origin| origin.to_string()) else {
        return forget(connection, monitor, None).await;
    };
    forget(connection, monitor, Some(&origin)).await?;
    let done = sqlx::query!(
        "INSERT INTO origins (account_id, monitor_id, origin, state, prove_at) VALUES ($1, $2, $3, 'unproven', $4)
         ON CONFLICT DO NOTHING",
        monitor.account_id.uuid(),
        monitor.id.uuid(),
        origin,
        now.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 1 {
        // Pages that show it may not write it.
        token(&mut *connection, monitor.account_id, &origin).await?;
        notify::proof_wanted(connection).await?;
    }
    Ok(())
}

async fn forget(connection: &mut PgConnection, monitor: &Monitor, but: Option<&str>) -> Result<()> {
    sqlx::query!(
        "DELETE FROM origins WHERE account_id = $1 AND monitor_id = $2 AND ($3::text IS NULL OR origin <> $3)",
        monitor.account_id.uuid(),
        monitor.id.uuid(),
        but
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What proves `origin` to be the account's: the same each time, and no other account's.
pub async fn token(
    connection: &mut PgConnection,
    account: AccountId,
    origin: &str,
) -> Result<String> {
    let mut fresh = [0_u8; 32];
    rand::fill(&mut fresh).map_err(|_| Error::Sealed("origin_seeds"))?;
    let seed = sqlx::query_scalar!(
        "INSERT INTO origin_seeds (account_id, seed) VALUES ($1, $2)
         ON CONFLICT ON CONSTRAINT origin_seeds_pkey DO UPDATE SET seed = origin_seeds.seed RETURNING seed",
        account.uuid(),
        &fresh[..]
    )
    .fetch_one(connection)
    .await?;
    Ok(token_of(&seed, origin))
}

/// The same where nothing may be written: `None` before the first was asked for.
pub async fn find_token(
    connection: &mut PgConnection,
    account: AccountId,
    origin: &str,
) -> Result<Option<String>> {
    let seed = sqlx::query_scalar!(
        "SELECT seed FROM origin_seeds WHERE account_id = $1",
        account.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(seed.map(|seed| token_of(&seed, origin)))
}

fn token_of(seed: &[u8], origin: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, seed);
    let tag = hmac::sign(&key, origin.as_bytes());
    let bytes = tag.as_ref().get(..RANDOM).unwrap_or_default();
    format!("{PREFIX}{}", hex::encode(bytes))
}

/// The origins of these monitors.
pub async fn list(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
) -> Result<Vec<(MonitorId, Stored)>> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT monitor_id, origin, state, proven_at AS "proven_at: jiff_sqlx::Timestamp", proven_by,
             asked_at AS "asked_at: jiff_sqlx::Timestamp", why, misses, prove_at AS "prove_at: jiff_sqlx::Timestamp",
             look_at AS "look_at: jiff_sqlx::Timestamp", looked_at AS "looked_at: jiff_sqlx::Timestamp",
             well_at AS "well_at: jiff_sqlx::Timestamp", failing,
             failing_since AS "failing_since: jiff_sqlx::Timestamp", failure AS "failure: Json<Failure>",
             told_at AS "told_at: jiff_sqlx::Timestamp"
           FROM origins WHERE account_id = $1 AND monitor_id = ANY ($2)"#,
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::into_stored).collect()
}

/// A monitor's origin.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    let found = list(connection, account, &[monitor]).await?;
    Ok(found.into_iter().next().map(|(_, stored)| stored))
}

/// The same, locked until the transaction ends.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
) -> Result<Option<Stored>> {
    sqlx::query!(
        "SELECT 1 AS one FROM origins WHERE account_id = $1 AND monitor_id = $2 FOR UPDATE",
        account.uuid(),
        monitor.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    find(connection, account, monitor).await
}

/// Writes where it stands; whoever had taken it has it no longer.
pub async fn save(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    standing: &Standing,
) -> Result<()> {
    sqlx::query!(
        "UPDATE origins SET state = $3, proven_at = $4, proven_by = $5, asked_at = $6, why = $7, misses = $8,
             prove_at = $9, look_at = $10, looked_at = $11, well_at = $12, failing = $13, failing_since = $14,
             failure = $15, told_at = $16, taken_at = NULL
         WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid(),
        standing.state.as_str(),
        standing.proven.map(|(at, _)| at.to_sqlx()) as _,
        standing.proven.map(|(_, how)| how.as_str()),
        standing.asked_at.map(|at| at.to_sqlx()) as _,
        standing.why.as_deref(),
        i32::try_from(standing.misses).unwrap_or(i32::MAX),
        standing.prove_at.to_sqlx() as _,
        standing.look_at.map(|at| at.to_sqlx()) as _,
        standing.looked_at.map(|at| at.to_sqlx()) as _,
        standing.well_at.map(|at| at.to_sqlx()) as _,
        i32::try_from(standing.failing).unwrap_or(i32::MAX),
        standing.failing_since.map(|at| at.to_sqlx()) as _,
        standing.failure.as_ref().map(Json) as _,
        standing.told_at.map(|at| at.to_sqlx()) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Has the proof asked for now; false when the monitor has no origin. Workers are woken when the
/// transaction commits.
pub async fn want_proof(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE origins SET prove_at = $3, taken_at = NULL WHERE account_id = $1 AND monitor_id = $2",
        account.uuid(),
        monitor.uuid(),
        now.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    notify::proof_wanted(connection).await?;
    Ok(done.rows_affected() == 1)
}

/// The origins that a region is to ask something now, longest due first; one whose taker fell silent is
/// named again. To be taken by [`claim`].
pub async fn list_due(
    connection: &mut PgConnection,
    region: &str,
    now: Timestamp,
    most: i64,
) -> Result<Vec<(AccountId, MonitorId)>> {
    let rows = sqlx::query!(
        "SELECT o.account_id, o.monitor_id FROM origins o
         JOIN monitors m ON m.account_id = o.account_id AND m.id = o.monitor_id
         JOIN accounts a ON a.id = o.account_id AND a.deleted_at IS NULL
         WHERE least(o.prove_at, o.look_at) <= $2 AND (o.taken_at IS NULL OR o.taken_at < $2 - interval '30 seconds')
           AND m.deleted_at IS NULL AND m.paused_at IS NULL AND (m.regions IS NULL OR $1 = ANY (m.regions))
         ORDER BY least(o.prove_at, o.look_at) LIMIT $3",
        region,
        now.to_sqlx() as _,
        most
    )
    .fetch_all(connection)
    .await?;
    let due = rows.into_iter().map(|row| {
        (
            AccountId::from_uuid(row.account_id),
            MonitorId::from_uuid(row.monitor_id),
        )
    });
    Ok(due.collect())
}

/// Takes one, unless somebody else has.
pub async fn claim(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<Option<Stored>> {
    let done = sqlx::query!(
        "UPDATE origins SET taken_at = $3
         WHERE account_id = $1 AND monitor_id = $2 AND least(prove_at, look_at) <= $3
           AND (taken_at IS NULL OR taken_at < $3 - interval '30 seconds')",
        account.uuid(),
        monitor.uuid(),
        now.to_sqlx() as _
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(None);
    }
    find(connection, account, monitor).await
}

struct Row {
    monitor_id: Uuid,
    origin: String,
    state: String,
    proven_at: Option<jiff_sqlx::Timestamp>,
    proven_by: Option<String>,
    asked_at: Option<jiff_sqlx::Timestamp>,
    why: Option<String>,
    misses: i32,
    prove_at: jiff_sqlx::Timestamp,
    look_at: Option<jiff_sqlx::Timestamp>,
    looked_at: Option<jiff_sqlx::Timestamp>,
    well_at: Option<jiff_sqlx::Timestamp>,
    failing: i32,
    failing_since: Option<jiff_sqlx::Timestamp>,
    failure: Option<Json<Failure>>,
    told_at: Option<jiff_sqlx::Timestamp>,
}

impl Row {
    fn into_stored(self) -> Result<(MonitorId, Stored)> {
        let monitor = MonitorId::from_uuid(self.monitor_id);
        let impossible = |column| Error::impossible("origins", column, monitor);
        let at = |at: Option<jiff_sqlx::Timestamp>| at.map(jiff_sqlx::Timestamp::to_jiff);
        let how = match self.proven_by.as_deref() {
            Some(word) => Some(How::parse(word).ok_or_else(|| impossible("proven_by"))?),
            None => None,
        };
        let standing = Standing {
            state: State::parse(&self.state).ok_or_else(|| impossible("state"))?,
            proven: at(self.proven_at).zip(how),
            asked_at: at(self.asked_at),
            why: self.why,
            misses: u32::try_from(self.misses).unwrap_or(0),
            prove_at: self.prove_at.to_jiff(),
            look_at: at(self.look_at),
            looked_at: at(self.looked_at),
            well_at: at(self.well_at),
            failing: u32::try_from(self.failing).unwrap_or(0),
            failing_since: at(self.failing_since),
            failure: self.failure.map(|failure| failure.0),
            told_at: at(self.told_at),
        };
        let origin = self.origin;
        Ok((monitor, Stored { origin, standing }))
    }
}

#[cfg(test)]
mod tests;
