//! Tables `checks`, `checks_late`, `requested_checks` and `last_checks`: looks, one row each.

mod row;

pub use row::CheckRow;

use domain::check::Check;
use domain::ids::{AccountId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::ipnetwork::IpNetwork;
use uuid::Uuid;

use crate::{Error, Result};
use row::{Columns, phases_array, whole_i32};

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

/// Appends looks of the timetable in one statement. A slot that is already recorded stays as it is.
/// What is older than half an hour, or over five minutes ahead of `now`, is kept apart until the
/// packer merges it, since its hour may be packed already. Returns how many were new.
pub async fn insert_batch(
    connection: &mut PgConnection,
    looks: &[Owned],
    now: Timestamp,
) -> Result<u64> {
    let columns = Columns::of(looks);
    let done = sqlx::query_scalar!(
        r#"WITH given AS (
               SELECT account_id, monitor_id, region, slot, at, verdict, total_us,
                      ARRAY[dns, connect, tls, send, first_byte, body] AS phases, status, address, port, failure, attribution
               FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::smallint[],
                           $7::integer[], $8::integer[], $9::integer[], $10::integer[], $11::integer[], $12::integer[],
                           $13::integer[], $14::smallint[], $15::inet[], $16::integer[], $17::jsonb[], $18::text[])
                   AS t (account_id, monitor_id, region, slot, at, verdict, total_us,
                         dns, connect, tls, send, first_byte, body, status, address, port, failure, attribution)
           ), hot AS (
               INSERT INTO checks (account_id, monitor_id, region, slot, at, verdict, total_us, phases, status, address,
                                   port, failure, attribution)
               SELECT * FROM given
               WHERE slot BETWEEN $19::timestamptz - interval '30 minutes' AND $19 + interval '5 minutes'
               ON CONFLICT DO NOTHING RETURNING 1
           ), late AS (
               INSERT INTO checks_late (account_id, monitor_id, region, slot, at, verdict, total_us, phases, status,
                                        address, port, failure, attribution)
               SELECT * FROM given
               WHERE NOT slot BETWEEN $19 - interval '30 minutes' AND $19 + interval '5 minutes'
               ON CONFLICT DO NOTHING RETURNING 1
           )
           SELECT (SELECT count(*) FROM hot) + (SELECT count(*) FROM late) AS "count!""#,
        &columns.account_id,
        &columns.monitor_id,
        &columns.region,
        &columns.slot as _,
        &columns.at as _,
        &columns.verdict,
        &columns.total_us,
        &columns.phases[0] as _,
        &columns.phases[1] as _,
        &columns.phases[2] as _,
        &columns.phases[3] as _,
        &columns.phases[4] as _,
        &columns.phases[5] as _,
        &columns.status as _,
        &columns.address as _,
        &columns.port as _,
        &columns.failure as _,
        &columns.attribution as _,
        now.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(u64::try_from(done).unwrap_or(0))
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

/// Brings `last_checks` up to date from the looks since `since`.
pub async fn refresh_last(connection: &mut PgConnection, since: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "INSERT INTO last_checks (account_id, monitor_id, region, check_id, at, slot, verdict, total_us, phases, status,
             address, port, failure, attribution)
         SELECT DISTINCT ON (account_id, monitor_id, region) *
         FROM (
             SELECT account_id, monitor_id, region, '00000000-0000-0000-0000-000000000000'::uuid, at, slot, verdict, total_us,
                    phases, status, address, port, failure, attribution
             FROM checks WHERE slot >= $1
             UNION ALL
             SELECT account_id, monitor_id, region, id, at, NULL, verdict, total_us,
                    phases, status, address, port, failure, attribution
             FROM requested_checks WHERE at >= $1
         ) looked
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
        r#"SELECT wanted.id AS "monitor_id!", l.region AS "region!", l.id, l.slot AS "slot: jiff_sqlx::Timestamp",
                  l.at AS "at!: jiff_sqlx::Timestamp", l.verdict AS "verdict!", l.total_us AS "total_us!",
                  l.phases AS "phases!: Vec<Option<i32>>", l.status, l.address, l.port, l.failure, l.attribution
           FROM unnest($2::uuid[]) AS wanted (id)
           CROSS JOIN LATERAL (
               (SELECT region, nullif(check_id, '00000000-0000-0000-0000-000000000000') AS id, slot, at, verdict, total_us,
                       phases, status, address, port, failure, attribution
                FROM last_checks WHERE account_id = $1 AND monitor_id = wanted.id ORDER BY at DESC LIMIT 1)
               UNION ALL
               (SELECT region, NULL, slot, at, verdict, total_us, phases, status, address, port, failure, attribution
                FROM checks WHERE account_id = $1 AND monitor_id = wanted.id
                  AND slot > coalesce((SELECT max(slot) FROM last_checks WHERE account_id = $1 AND monitor_id = wanted.id),
                                      '-infinity'::timestamptz)
                ORDER BY slot DESC LIMIT 1)
               UNION ALL
               (SELECT region, id, NULL, at, verdict, total_us, phases, status, address, port, failure, attribution
                FROM requested_checks WHERE account_id = $1 AND monitor_id = wanted.id ORDER BY at DESC LIMIT 1)
               ORDER BY at DESC LIMIT 1
           ) l"#,
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
