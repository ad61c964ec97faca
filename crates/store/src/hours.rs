//! Tables `hours`, `check_hours`, `check_days` and `days`: looks packed by the hour.
//!
//! An hour goes hot -> packed -> detached -> dropped, and each step may be repeated after a crash.
//! Where its looks are is decided by `hours` alone, and read through the SQL function `looks`.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::Result;

/// Makes the partitions that looks at `at` need.
pub async fn ensure_partitions(connection: &mut PgConnection, at: Timestamp) -> Result<()> {
    sqlx::query!(
        r#"SELECT ensure_partitions($1) AS "done: ()""#,
        at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Hours that ended before `before` and are not packed yet, oldest first.
pub async fn list_to_pack(
    connection: &mut PgConnection,
    before: Timestamp,
    limit: i64,
) -> Result<Vec<Timestamp>> {
    let hours = sqlx::query_scalar!(
        r#"SELECT hour AS "hour: jiff_sqlx::Timestamp" FROM hours
           WHERE state = 'hot' AND hour + interval '1 hour' <= $1 ORDER BY hour LIMIT $2"#,
        before.to_sqlx() as _,
        limit
    )
    .fetch_all(connection)
    .await?;
    Ok(hours
        .into_iter()
        .map(jiff_sqlx::Timestamp::to_jiff)
        .collect())
}

/// Packs an hour inside the caller's transaction; `None` when somebody else has. Its day is to be
/// rolled up (again).
pub async fn pack(
    connection: &mut PgConnection,
    hour: Timestamp,
    now: Timestamp,
) -> Result<Option<u64>> {
    let packed = sqlx::query_scalar!(
        "SELECT pack_hour($1, $2)",
        hour.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .fetch_one(&mut *connection)
    .await?;
    if packed.is_some() {
        mark_day(connection, hour).await?;
    }
    Ok(packed.and_then(|looks| u64::try_from(looks).ok()))
}

async fn mark_day(connection: &mut PgConnection, hour: Timestamp) -> Result<()> {
    sqlx::query!(
        "INSERT INTO days (day) VALUES (($1::timestamptz AT TIME ZONE 'UTC')::date)
         ON CONFLICT (day) DO UPDATE SET rolled_at = NULL",
        hour.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Packed hours whose partition is still there, with whether it is detached already.
pub async fn list_to_drop(connection: &mut PgConnection) -> Result<Vec<(Timestamp, bool)>> {
    let rows = sqlx::query!(
        r#"SELECT hour AS "hour: jiff_sqlx::Timestamp", state = 'detached' AS "detached!" FROM hours
           WHERE state IN ('packed', 'detached') ORDER BY hour"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.hour.to_jiff(), row.detached))
        .collect())
}

/// Takes a packed hour's partition off `checks` without stopping readers or writers. Not inside a
/// transaction. One that was cut short is finished.
pub async fn detach(connection: &mut PgConnection, hour: Timestamp) -> Result<()> {
    let attached = sqlx::query_scalar!(
        r#"SELECT i.inhdetachpending AS "pending!" FROM pg_inherits i
           WHERE i.inhrelid = to_regclass(checks_partition($1))"#,
        hour.to_sqlx() as _
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(pending) = attached {
        let how = if pending { "FINALIZE" } else { "CONCURRENTLY" };
        let statement = format!(
            "ALTER TABLE checks DETACH PARTITION {} {how}",
            partition(hour)
        );
        connection.execute(AssertSqlSafe(statement)).await?;
    }
    sqlx::query!(
        "UPDATE hours SET state = 'detached' WHERE hour = $1 AND state = 'packed'",
        hour.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Drops a detached hour's table, in one transaction. A look that was written into it after it was
/// packed is kept with the late ones.
pub async fn drop_table(connection: &mut PgConnection, hour: Timestamp) -> Result<()> {
    sqlx::query!(r#"SELECT drop_hour($1) AS "done: ()""#, hour.to_sqlx() as _)
        .execute(connection)
        .await?;
    Ok(())
}

/// The partition's name: digits of the hour, so that nothing can be smuggled into a statement.
fn partition(hour: Timestamp) -> String {
    let hour = hour.to_zoned(jiff::tz::TimeZone::UTC);
    format!(
        "checks_{:04}{:02}{:02}{:02}",
        hour.year(),
        hour.month(),
        hour.day(),
        hour.hour()
    )
}

/// Merges looks that came after their hour was packed; returns how many found a place.
pub async fn merge_late(connection: &mut PgConnection, limit: i64) -> Result<u64> {
    let hours = sqlx::query_scalar!(
        r#"SELECT DISTINCT h.hour AS "hour!: jiff_sqlx::Timestamp" FROM checks_late l
           JOIN hours h ON h.hour = date_trunc('hour', l.slot, 'UTC') AND h.state <> 'hot' LIMIT $1"#,
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut merged = 0;
    for hour in hours {
        let done = sqlx::query_scalar!(r#"SELECT merge_late($1) AS "merged!""#, hour as _)
            .fetch_one(&mut *connection)
            .await?;
        mark_day(connection, hour.to_jiff()).await?;
        merged += u64::try_from(done).unwrap_or(0);
    }
    Ok(merged)
}

/// Rolls up the days whose hours are all packed and that are new or changed; returns how many.
pub async fn roll_days(connection: &mut PgConnection, now: Timestamp, limit: i64) -> Result<usize> {
    let days = sqlx::query_scalar!(
        r#"SELECT day AS "day: jiff_sqlx::Date" FROM days d
           WHERE rolled_at IS NULL AND (day + 1)::timestamp AT TIME ZONE 'UTC' <= $1
             AND NOT EXISTS (SELECT FROM hours h WHERE h.state = 'hot'
                 AND h.hour >= d.day::timestamp AT TIME ZONE 'UTC' AND h.hour < (d.day + 1)::timestamp AT TIME ZONE 'UTC')
           ORDER BY day LIMIT $2"#,
        now.to_sqlx() as _,
        limit
    )
    .fetch_all(&mut *connection)
    .await?;
    for day in &days {
        roll_day(connection, day.to_jiff(), now).await?;
    }
    Ok(days.len())
}

async fn roll_day(connection: &mut PgConnection, day: Date, now: Timestamp) -> Result<()> {
    sqlx::query_scalar!("SELECT roll_day($1)", day.to_sqlx() as _)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query!(
        "UPDATE days SET rolled_at = $2 WHERE day = $1",
        day.to_sqlx() as _,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes history that has outlived every plan that it was kept for; returns what went.
pub async fn drop_old_months(connection: &mut PgConnection, now: Timestamp) -> Result<u32> {
    let dropped = sqlx::query_scalar!(
        r#"SELECT drop_old_months($1) AS "dropped!""#,
        now.to_sqlx() as _
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(dropped).unwrap_or(0))
}

/// Removes rolled-up days, statuses and blind times older than their account's history.
pub async fn prune_reports(
    connection: &mut PgConnection,
    now: Timestamp,
    most: i64,
) -> Result<u64> {
    let days = sqlx::query!(
        "DELETE FROM check_days d USING (
             SELECT c.account_id, c.monitor_id, c.region, c.day FROM check_days c
             LEFT JOIN subscriptions s ON s.account_id = c.account_id
             WHERE c.day < ($1::timestamptz AT TIME ZONE 'UTC')::date - make_interval(months => history_months(s.plan))
             LIMIT $2
         ) old
         WHERE d.account_id = old.account_id AND d.monitor_id = old.monitor_id AND d.region = old.region AND d.day = old.day",
        now.to_sqlx() as _,
        most
    )
    .execute(&mut *connection)
    .await?;
    let statuses = sqlx::query!(
        "DELETE FROM status_intervals d USING (
             SELECT c.account_id, c.monitor_id, c.started_at FROM status_intervals c
             LEFT JOIN subscriptions s ON s.account_id = c.account_id
             WHERE c.ended_at < $1::timestamptz - make_interval(months => history_months(s.plan)) LIMIT $2
         ) old
         WHERE d.account_id = old.account_id AND d.monitor_id = old.monitor_id AND d.started_at = old.started_at",
        now.to_sqlx() as _,
        most
    )
    .execute(&mut *connection)
    .await?;
    let longest = now
        .checked_sub(SignedDuration::from_hours(24 * 31 * 24))
        .unwrap_or(Timestamp::MIN);
    let blind = sqlx::query!(
        "DELETE FROM blind_intervals WHERE ended_at < $1",
        longest.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(days.rows_affected() + statuses.rows_affected() + blind.rows_affected())
}

/// Makes this session the one leader of the sweeps, until it ends; false while another one is.
pub async fn try_lead(connection: &mut PgConnection) -> Result<bool> {
    let leads = sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtext('watchbell.sweeps')) AS "leads!""#
    )
    .fetch_one(connection)
    .await?;
    Ok(leads)
}

#[cfg(test)]
mod plans;
#[cfg(test)]
mod races;
#[cfg(test)]
mod tests;
