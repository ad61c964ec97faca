//! Hours that are over are packed, then their partitions go; days are rolled up.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use store::hours;

use super::Result;

/// An hour is packed this long after its end: later looks are kept apart and merged.
const AFTER: SignedDuration = SignedDuration::from_mins(45);
/// Hours in one round; more come in the next.
const HOURS: i64 = 6;
const DAYS: i64 = 4;

pub(super) async fn hours(pool: &PgPool, now: Timestamp) -> Result<()> {
    let before = now.checked_sub(AFTER).unwrap_or(now);
    let due = hours::list_to_pack(&mut *pool.acquire().await?, before, HOURS).await?;
    for hour in due {
        let mut transaction = store::begin(pool).await?;
        let packed = hours::pack(&mut transaction, hour, now).await?;
        transaction.commit().await?;
        if let Some(looks) = packed {
            tracing::debug!(%hour, looks, "an hour of looks is packed");
        }
    }
    let mut transaction = store::begin(pool).await?;
    hours::merge_late(&mut transaction, HOURS).await?;
    transaction.commit().await?;
    drop_packed(pool).await
}

/// Outside a transaction, step by step: wherever it is cut short, the next round goes on.
async fn drop_packed(pool: &PgPool) -> Result<()> {
    let mut connection = pool.acquire().await?;
    for (hour, detached) in hours::list_to_drop(&mut connection).await? {
        if !detached {
            hours::detach(&mut connection, hour).await?;
        }
        hours::drop_table(&mut connection, hour).await?;
    }
    Ok(())
}

pub(super) async fn days(pool: &PgPool, now: Timestamp) -> Result<()> {
    let mut transaction = store::begin(pool).await?;
    hours::roll_days(&mut transaction, now, DAYS).await?;
    transaction.commit().await?;
    Ok(())
}
