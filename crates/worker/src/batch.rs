//! Appends looks in batches: at most a second old, at most a thousand in a statement.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};
use store::checks::{self, Owned};
use store::leases::Progress;
use store::{Error, hours, leases};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::buffer::Gaps;
use crate::metrics as names;
use crate::shared::Shared;

/// Rows in one statement.
pub(crate) const ROWS: usize = 1_000;
const EVERY: Duration = Duration::from_secs(1);
/// How often it is written how far each shard has come.
const PROGRESS_EVERY: Duration = Duration::from_secs(3);
/// One statement, however slow the database.
const DEADLINE: Duration = Duration::from_secs(20);

pub(crate) async fn run(shared: Arc<Shared>, drained: CancellationToken) {
    let mut told = None;
    loop {
        let ending = drained.is_cancelled();
        let tell = ending || told.is_none_or(|at: Instant| at.elapsed() >= PROGRESS_EVERY);
        if tell {
            told = Some(Instant::now());
        }
        match flush(&shared, tell).await {
            Ok(full) if full => continue,
            Ok(_) if ending => return tell_progress(&shared).await,
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, waiting = shared.buffer().len(), "looks wait for the database");
                if ending {
                    return;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = drained.cancelled() => {}
            () = shared.full.notified() => {}
        }
    }
}

/// Writes how far each shard has come, the last batch included: whoever takes the shards next looks at
/// nothing again that is stored.
pub(crate) async fn tell_progress(shared: &Shared) {
    match tokio::time::timeout(DEADLINE, write(shared, &[], &Gaps::new(), true)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "some slots will be looked at twice"),
        Err(_) => tracing::warn!("some slots will be looked at twice: the database takes too long"),
    }
}

/// Stores one batch; true when there is more than a batch left.
async fn flush(shared: &Shared, tell: bool) -> Result<bool, Error> {
    let (looks, gaps) = {
        let mut buffer = shared.buffer();
        (buffer.take(ROWS), buffer.take_gaps())
    };
    let outcome = match tokio::time::timeout(DEADLINE, write(shared, &looks, &gaps, tell)).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Database(sqlx::Error::PoolTimedOut)),
    };
    let outcome = match outcome {
        Err(error) if !error.is_unavailable() => rescue(shared, &looks, &gaps, error).await,
        other => other,
    };
    let now = shared.now();
    match outcome {
        Ok(()) => shared.let_go(&looks),
        Err(error) => {
            let mut buffer = shared.buffer();
            buffer.put_back_gaps(gaps);
            let dropped = buffer.put_back(looks, now);
            drop(buffer);
            shared.let_go(&dropped);
            counter!(names::DROPPED).increment(dropped.len() as u64);
            return Err(error);
        }
    }
    let left = shared.buffer().len();
    gauge!(names::BUFFERED).set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
    Ok(left >= ROWS)
}

/// One transaction: the looks, the gaps, and how far each shard has come by the batch before.
async fn write(shared: &Shared, looks: &[Owned], gaps: &Gaps, tell: bool) -> Result<(), Error> {
    let progress: Vec<Progress> = if tell {
        shared.book().shards.progress()
    } else {
        Vec::new()
    };
    if looks.is_empty() && gaps.is_empty() && progress.is_empty() {
        return Ok(());
    }
    let region = &shared.config.region;
    let mut transaction = shared.pool.begin().await?;
    checks::relax_commit(&mut transaction).await?;
    if !looks.is_empty() {
        let stored = checks::insert_batch(&mut transaction, looks, shared.now()).await?;
        counter!(names::STORED).increment(stored);
    }
    for (shard, (from, to)) in gaps {
        let to = to.checked_add(SignedDuration::from_secs(60)).unwrap_or(*to);
        leases::insert_blind(&mut transaction, region, (*shard, *from, to), "buffer_full").await?;
    }
    if !progress.is_empty() {
        leases::mark_recorded(
            &mut transaction,
            region,
            &shared.config.worker_id,
            &progress,
        )
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// A batch that the database refuses: its hour has no partition yet, or one row cannot be stored.
/// That row is left out, so that it never stops the others.
async fn rescue(shared: &Shared, looks: &[Owned], gaps: &Gaps, error: Error) -> Result<(), Error> {
    let hours: BTreeSet<Timestamp> = looks
        .iter()
        .filter_map(|look| look.check.slot)
        .filter_map(hour_of)
        .collect();
    let mut connection = shared.pool.acquire().await?;
    for hour in hours {
        hours::ensure_partitions(&mut connection, hour).await?;
    }
    drop(connection);
    let Err(still) = write(shared, looks, gaps, false).await else {
        return Ok(());
    };
    if still.is_unavailable() {
        return Err(still);
    }
    tracing::error!(%error, looks = looks.len(), "a batch of looks is refused; storing them one by one");
    write(shared, &[], gaps, false).await?;
    for look in looks {
        match write(shared, std::slice::from_ref(look), &Gaps::new(), false).await {
            Ok(()) => {}
            Err(error) if error.is_unavailable() => return Err(error),
            Err(error) => {
                tracing::error!(%error, monitor.id = %look.monitor_id, "a look cannot be stored")
            }
        }
    }
    Ok(())
}

fn hour_of(slot: Timestamp) -> Option<Timestamp> {
    Timestamp::from_second(slot.as_second().div_euclid(3600) * 3600).ok()
}
