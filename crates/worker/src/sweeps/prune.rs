//! What has outlived its use, in bounded batches.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use store::{checks, evidence, hours, leases, look_requests};

use super::Result;

/// Rows in one statement.
const BATCH: i64 = 5_000;
/// Statements in one round of one table.
const ROUNDS: u32 = 20;
/// An answer is of use while somebody may still look at it.
const REQUESTS: SignedDuration = SignedDuration::from_hours(24);
/// Looks on request are kept as long as the shortest history.
const REQUESTED: SignedDuration = SignedDuration::from_hours(24 * 92);
/// A body without evidence may be one that is just being stored.
const BODIES: SignedDuration = SignedDuration::from_hours(24);

pub(super) async fn all(pool: &PgPool, now: Timestamp) -> Result<()> {
    let before = |age: SignedDuration| now.checked_sub(age).unwrap_or(Timestamp::MIN);
    let mut connection = pool.acquire().await?;
    for _ in 0..ROUNDS {
        let gone = look_requests::prune(&mut connection, before(REQUESTS), BATCH).await?
            + checks::prune_requested(&mut connection, before(REQUESTED), BATCH).await?
            + hours::prune_reports(&mut connection, now, BATCH).await?
            + evidence::prune_bodies(&mut connection, before(BODIES), BATCH).await?;
        if gone == 0 {
            break;
        }
    }
    let months = hours::drop_old_months(&mut connection, now).await?;
    if months > 0 {
        tracing::info!(months, "months of history that no plan keeps are gone");
    }
    leases::prune_workers(&mut connection).await?;
    Ok(())
}
