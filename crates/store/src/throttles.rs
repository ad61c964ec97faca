//! Counters against guessing and flooding, in fixed windows.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Counts one more event of `scope` for a key and gives the count of this window. One statement, so
/// that racing events are each counted.
pub async fn count(
    connection: &mut PgConnection,
    scope: &str,
    key_hash: &[u8],
    window: Duration,
    now: Timestamp,
) -> Result<u32> {
    let start = window_start(window, now);
    let count = sqlx::query_scalar!(
        "INSERT INTO throttles (scope, key_hash, window_start, count) VALUES ($1, $2, $3, 1)
         ON CONFLICT ON CONSTRAINT throttles_pkey DO UPDATE SET count = throttles.count + 1
         RETURNING count",
        scope,
        key_hash,
        start.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Takes one event back from the window that `now` lies in.
pub async fn give_back(
    connection: &mut PgConnection,
    scope: &str,
    key_hash: &[u8],
    window: Duration,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE throttles SET count = count - 1
         WHERE scope = $1 AND key_hash = $2 AND window_start = $3 AND count > 0",
        scope,
        key_hash,
        window_start(window, now).to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes at most `most` windows that began before `before`.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM throttles WHERE (scope, key_hash, window_start) IN (
             SELECT scope, key_hash, window_start FROM throttles WHERE window_start < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// When the window of `now` began.
pub fn window_start(window: Duration, now: Timestamp) -> Timestamp {
    let length = i64::try_from(window.as_secs()).unwrap_or(i64::MAX).max(1);
    let second = now.as_second();
    Timestamp::from_second(second - second.rem_euclid(length)).unwrap_or(now)
}

/// Time until the window of `now` is over.
pub fn window_left(window: Duration, now: Timestamp) -> Duration {
    let end = SignedDuration::try_from(window).unwrap_or(SignedDuration::ZERO)
        - now.duration_since(window_start(window, now));
    Duration::try_from(end)
        .unwrap_or(Duration::from_secs(1))
        .max(Duration::from_secs(1))
}
