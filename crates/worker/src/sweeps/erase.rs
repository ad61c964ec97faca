//! The history of deleted monitors (seven days after) and accounts (at once), in bounded batches,
//! and then they themselves.

use jiff::{SignedDuration, Timestamp};
use sqlx::PgPool;
use store::checks;
use store::erasures::{self, Erasure};

use super::Result;

/// A deleted monitor may be restored this long.
const RESTORABLE: SignedDuration = SignedDuration::from_hours(24 * 7);
/// Erasures in one round.
const AT_ONCE: i64 = 50;
/// Rows of each table in one statement.
const BATCH: i64 = 5_000;
/// Statements for one erasure in one round; the next goes on.
const ROUNDS: u32 = 40;

pub(super) async fn all(pool: &PgPool, now: Timestamp) -> Result<()> {
    let before = now.checked_sub(RESTORABLE).unwrap_or(Timestamp::MIN);
    let mut connection = pool.acquire().await?;
    erasures::request_due(&mut connection, before, now).await?;
    let open = erasures::list_open(&mut connection, AT_ONCE).await?;
    drop(connection);
    for erasure in open {
        if let Err(error) = one(pool, erasure, now).await {
            tracing::warn!(%error, account.id = %erasure.account_id, "erasing goes on in the next round");
        }
    }
    Ok(())
}

async fn one(pool: &PgPool, erasure: Erasure, now: Timestamp) -> Result<()> {
    let mut connection = pool.acquire().await?;
    if !erasures::still_wanted(&mut connection, erasure).await? {
        return Ok(erasures::cancel(&mut connection, erasure).await?);
    }
    for _ in 0..ROUNDS {
        let mut transaction = store::begin(pool).await?;
        checks::relax_commit(&mut transaction).await?;
        let gone = erasures::erase_some(&mut transaction, erasure, BATCH).await?;
        transaction.commit().await?;
        if gone == 0 {
            let mut transaction = store::begin(pool).await?;
            erasures::finish(&mut transaction, erasure, now).await?;
            transaction.commit().await?;
            tracing::info!(account.id = %erasure.account_id, "deleted history is erased");
            return Ok(());
        }
    }
    Ok(())
}
