//! Tables `checks`, `checks_late`, `requested_checks` and `last_checks`: looks, one row each.

mod row;

pub use row::CheckRow;

use std::net::IpAddr;

use domain::check::{Check, VerdictKind};
use domain::ids::{AccountId, MonitorId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::types::ipnetwork::IpNetwork;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{Error, Result};
use row::{Columns, phases_array, whole_i32};

macro_rules! insert {
    ($columns:expr, $into:literal, $conflict:literal) => {
        sqlx::query!(
            $into
                + " (account_id, monitor_id, region, slot, at, verdict, total_us, phases, status, address, port, failure, attribution)
                   SELECT account_id, monitor_id, region, slot, at, verdict, total_us,
                          ARRAY[dns, connect, tls, send, first_byte, body], status, address, port, failure, attribution
                   FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::smallint[],
                               $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::integer[],
                               $13::integer[], $14::smallint[], $15::inet[], $16::integer[], $17::jsonb[], $18::text[])
                       AS t (account_id, monitor_id, region, slot, at, verdict, total_us,
                             dns, connect, tls, send, first_byte, body, status, address, port, failure, attribution) "
                + $conflict,
            &$columns.account_id,
            &$columns.monitor_id,
            &$columns.region,
            &$columns.slot as _,
            &$columns.at as _,
            &$columns.verdict,
            &$columns.total_us,
            &$columns.phases[0] as _,
            &$columns.phases[1] as _,
            &$columns.phases[2] as _,
            &$columns.phases[3] as _,
            &$columns.phases[4] as _,
            &$columns.phases[5] as _,
            &$columns.status as _,
            &$columns.address as _,
            &$columns.port as _,
            &$columns.failure as _,
            &$columns.attribution as _,
        )
    };
}

/// A look with whose it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Owned {
    /// Tenant.
    pub account_id: AccountId,
    /// Monitor.
    pub monitor_id: MonitorId,
    /// The look; one on the timetable.
    pub check: Check,
}

/// From this many on it pays to try without `ON CONFLICT`, which costs as much again as the insert.
const MANY: usize = 100;
/// What is older than this is kept apart until the packer merges it: its hour may be packed already.
const OLD: SignedDuration = SignedDuration::from_mins(30);
/// The same of what is so far ahead: a clock is wrong.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Appends looks of the timetable, in one statement while they are of this hour and new, as nearly all
/// are. A slot that is already recorded stays as it is. What is older than half an hour, or over five
/// minutes ahead of `now`, is kept apart until the packer merges it. Returns how many were new.
pub async fn insert_batch(
    connection: &mut PgConnection,
    looks: &[Owned],
    now: Timestamp,
) -> Result<u64> {
    let (hot, late): (Vec<&Owned>, Vec<&Owned>) = looks.iter().partition(|look| {
        let age = now.duration_since(look.check.slot.unwrap_or(look.check.at));
        -AHEAD <= age && age <= OLD
    });
    let mut new = insert_hot(connection, &Columns::of(&hot)).await?;
    if !late.is_empty() {
        let columns = Columns::of(&late);
        new += insert!(columns, "INSERT INTO checks_late", "ON CONFLICT DO NOTHING")
            .execute(connection)
            .await?
            .rows_affected();
    }
    Ok(new)
}

/// A batch in which a slot is recorded already, as after a lost answer, is written once more with that
/// in mind.
async fn insert_hot(connection: &mut PgConnection, columns: &Columns) -> Result<u64> {
    let count = columns.slot.len();
    if count >= MANY {
        let mut attempt = connection.begin().await?;
        match insert!(columns, "INSERT INTO checks", "")
            .execute(&mut *attempt)
            .await
        {
            Ok(done) => {
                attempt.commit().await?;
                return Ok(done.rows_affected());
            }
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => {
                attempt.rollback().await?;
            }
            Err(error) => return Err(error.into()),
        }
    } else if count == 0 {
        return Ok(0);
    }
    let done = insert!(columns, "INSERT INTO checks", "ON CONFLICT DO NOTHING")
        .execute(connection)
        .await?;
    Ok(done.rows_affected())
}

/// Looks no longer wait for the disk: at most the last moment is lost when the database's machine
/// dies, and the timetable looks again. Lasts until the transaction ends.
pub async fn relax_commit(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("SET LOCAL synchronous_commit = off")
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps a look that somebody asked for. The same look twice is one.
pub async fn insert_requested(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    reason: &str,
    check: &Check,
) -> Result<()> {
    let failure = check.failure.as_ref().map(serde_json::to_value).transpose();
    let failure =
        failure.map_err(|_| Error::impossible("requested_checks", "failure", check.id))?;
    sqlx::query!(
        "INSERT INTO requested_checks (account_id, id, monitor_id, region, reason, at, verdict, total_us, phases, status,
             address, port, failure, attribution)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         ON CONFLICT (account_id, id) DO NOTHING",
        account.uuid(),
        check.id.uuid(),
        monitor.uuid(),
        check.region,
        reason,
        check.at.to_sqlx() as _,
        check.verdict.code(),
        whole_i32(check.total_us),
        &phases_array(&check.phases) as _,
        check.http_status.and_then(|status| i16::try_from(status).ok()),
        check.address.map(|address| IpNetwork::from(address.ip())),
        check.address.map(|address| i32::from(address.port())),
        failure,
        check.attribution.map(|attribution| attribution.as_str()),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes looks that were asked for before `before`, at most `most`; returns how many went.
pub async fn prune_requested(
    connection: &mut PgConnection,
    before: Timestamp,
    most: i64,
) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM requested_checks r USING (
             SELECT account_id, id FROM requested_checks WHERE at < $1 ORDER BY at LIMIT $2
         ) old WHERE r.account_id = old.account_id AND r.id = old.id",
        before.to_sqlx() as _,
        most
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Brings `last_checks` up to date with the looks that were asked for since `since`; those of the
/// timetable come into it when their hour is packed.
pub async fn refresh_last(connection: &mut PgConnection, since: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "INSERT INTO last_checks (account_id, monitor_id, region, check_id, at, slot, verdict, total_us, phases, status,
             address, port, failure, attribution)
         SELECT DISTINCT ON (account_id, monitor_id, region)
                account_id, monitor_id, region, id, at, NULL::timestamptz, verdict, total_us,
                phases, status, address, port, failure, attribution
         FROM requested_checks WHERE at >= $1
         ORDER BY account_id, monitor_id, region, at DESC
         ON CONFLICT (account_id, monitor_id, region) DO UPDATE SET
             check_id = excluded.check_id, at = excluded.at, slot = excluded.slot, verdict = excluded.verdict,
             total_us = excluded.total_us, phases = excluded.phases, status = excluded.status, address = excluded.address,
             port = excluded.port, failure = excluded.failure, attribution = excluded.attribution
         WHERE last_checks.at < excluded.at",
        since.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The last look at each of `monitors`, from any region.
pub async fn list_last(
    connection: &mut PgConnection,
    account: AccountId,
    monitors: &[MonitorId],
) -> Result<Vec<Owned>> {
    let ids: Vec<Uuid> = monitors.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query_as!(
        CheckRow,
        r#"SELECT DISTINCT ON (l.monitor_id) l.monitor_id AS "monitor_id!", l.region AS "region!", l.id,
                  l.slot AS "slot: jiff_sqlx::Timestamp", l.at AS "at!: jiff_sqlx::Timestamp", l.verdict AS "verdict!",
                  l.total_us AS "total_us!", l.phases AS "phases!: Vec<Option<i32>>", l.status, l.address, l.port,
                  l.failure, l.attribution
           FROM (
               SELECT monitor_id, region, nullif(check_id, '00000000-0000-0000-0000-000000000000') AS id, slot, at, verdict,
                      total_us, phases, status, address, port, failure, attribution
               FROM last_checks WHERE account_id = $1 AND monitor_id = ANY ($2)
               UNION ALL
               SELECT hot.* FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
                   SELECT monitor_id, region, NULL::uuid, slot, at, verdict, total_us, phases, status, address, port, failure, attribution
                   FROM checks WHERE account_id = $1 AND monitor_id = wanted.id ORDER BY slot DESC LIMIT 1
               ) hot
               UNION ALL
               SELECT asked.* FROM unnest($2::uuid[]) AS wanted (id) CROSS JOIN LATERAL (
                   SELECT monitor_id, region, id, NULL::timestamptz, at, verdict, total_us, phases, status, address, port, failure, attribution
                   FROM requested_checks WHERE account_id = $1 AND monitor_id = wanted.id ORDER BY at DESC LIMIT 1
               ) asked
           ) l
           ORDER BY l.monitor_id, l.at DESC"#,
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let monitor_id = MonitorId::from_uuid(row.monitor_id);
            Ok(Owned {
                account_id: account,
                monitor_id,
                check: row.into_check()?,
            })
        })
        .collect()
}

/// Start of the monitor's last good look on its timetable in `[since, before)`.
pub async fn find_last_good(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    (since, before): (Timestamp, Timestamp),
) -> Result<Option<Timestamp>> {
    let at = sqlx::query_scalar!(
        r#"SELECT max(at) AS "at: jiff_sqlx::Timestamp" FROM looks($1, $2, $3, $4) WHERE verdict IN (0, 1)"#,
        account.uuid(),
        monitor.uuid(),
        since.to_sqlx() as _,
        before.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(at.map(|at| at.to_jiff()))
}

/// The newest looks of a time, at most `limit`, the newest first: when, what it came to, how long it took
/// (microseconds), and which address answered.
pub async fn list_between(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    (since, before): (Timestamp, Timestamp),
    limit: i64,
) -> Result<Vec<(Timestamp, VerdictKind, u64, Option<IpAddr>)>> {
    let rows = sqlx::query!(
        r#"SELECT at AS "at!: jiff_sqlx::Timestamp", verdict AS "verdict!", total_us AS "total_us!", address
           FROM looks($1, $2, $3, $4) ORDER BY at DESC LIMIT $5"#,
        account.uuid(),
        monitor.uuid(),
        since.to_sqlx() as _,
        before.to_sqlx() as _,
        limit
    )
    .fetch_all(connection)
    .await?;
    let looks = rows.into_iter().filter_map(|row| {
        let took = u64::try_from(row.total_us).unwrap_or(0);
        let address = row.address.map(|address| address.ip());
        Some((
            row.at.to_jiff(),
            VerdictKind::from_code(row.verdict)?,
            took,
            address,
        ))
    });
    Ok(looks.collect())
}
