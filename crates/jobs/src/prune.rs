//! The janitor: nothing else ever removes a job that failed, or a dead worker. What is done goes by itself.
//!
//! The queue's library makes these tables at run time, so the statements here cannot be checked at
//! compile time against our migrations, like the grants of [`migrate`](crate::migrate()).

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;

use crate::Result;

/// Finished jobs are kept this long, for whoever wonders.
const KEEP_JOBS: SignedDuration = SignedDuration::from_hours(24);
/// Workers that were not seen for this long are gone and hold no job.
const KEEP_WORKERS: SignedDuration = SignedDuration::from_hours(24);
/// Rows in one statement, so that no lock is held for long.
const BATCH: i64 = 5_000;

/// Removes jobs that were finished a day ago and workers that have been gone as long; says how many
/// jobs. Call it every few minutes; one call removes a bounded number.
pub async fn prune(pool: &PgPool, now: Timestamp) -> Result<u64> {
    let jobs = sqlx::query(
        "DELETE FROM apalis.jobs WHERE id IN (
            SELECT id FROM apalis.jobs
            WHERE status IN ('Done', 'Failed', 'Killed') AND done_at < to_timestamp($1)
            LIMIT $2)",
    )
    .bind((now - KEEP_JOBS).as_second() as f64)
    .bind(BATCH)
    .execute(pool)
    .await?
    .rows_affected();
    sqlx::query(
        "DELETE FROM apalis.workers AS gone
         WHERE last_seen < to_timestamp($1)
           AND NOT EXISTS (SELECT 1 FROM apalis.jobs WHERE lock_by = gone.id)",
    )
    .bind((now - KEEP_WORKERS).as_second() as f64)
    .execute(pool)
    .await?;
    Ok(jobs)
}
