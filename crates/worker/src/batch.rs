//! Appends looks in batches: at most a second old, at most a thousand in a statement, at most two
//! statements at once. When more comes than the database takes, no look begins until it has caught up;
//! while it is gone, looks go on and wait in the buffer.

use std::collections::BTreeSet;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::{counter, gauge};
use sqlx::PgPool;
use store::checks::{self, Owned};
use store::leases::Progress;
use store::{Error, hours, leases};
use tokio::sync::oneshot;
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
/// Looks that wait to be stored, and are not becoming fewer, from which on no other begins.
const BEHIND: usize = 10 * ROWS;
/// Looks wait this long at most for a database that says nothing.
const PATIENCE: Duration = Duration::from_secs(1);

/// Records on a thread of its own, with connections of its own, until `drained`. Beside thousands of
/// looks that are ready to run each step of a statement would wait for all of them. Resolves at its end.
pub(crate) fn spawn(
    shared: Arc<Shared>,
    drained: CancellationToken,
) -> io::Result<oneshot::Receiver<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (told, ended) = oneshot::channel();
    let work = async move {
        let options = shared.pool.options().clone().max_connections(2);
        let pool = options.connect_lazy_with((*shared.pool.connect_options()).clone());
        run(&shared, &pool, drained).await;
        pool.close().await;
    };
    std::thread::Builder::new()
        .name("recorder".to_owned())
        .spawn(move || {
            runtime.block_on(work);
            // Nobody waits for it when the worker was dropped.
            let _unheard = told.send(());
        })?;
    Ok(ended)
}

async fn run(shared: &Shared, pool: &PgPool, drained: CancellationToken) {
    let mut told = None;
    let mut before = usize::MAX;
    loop {
        let ending = drained.is_cancelled();
        let tell = ending || told.is_none_or(|at: Instant| at.elapsed() >= PROGRESS_EVERY);
        if tell {
            told = Some(Instant::now());
        }
        let mut flushed = pin!(flush(shared, pool, tell));
        let outcome = match tokio::time::timeout(PATIENCE, &mut flushed).await {
            Ok(outcome) => outcome,
            Err(_) => {
                shared.pace.set_behind(false);
                flushed.await
            }
        };
        let left = outcome.as_ref().ok().copied();
        let behind = left.is_some_and(|left| is_behind(before, left));
        shared.pace.set_behind(behind);
        before = left.unwrap_or(usize::MAX);
        match outcome {
            Ok(left) if left >= ROWS => continue,
            Ok(_) if ending => return tell_progress(shared).await,
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

/// Whether more looks came than were stored while a batch was, and many wait: `before` it, and now.
/// What waits since the database was gone becomes fewer, and holds nobody up.
const fn is_behind(before: usize, left: usize) -> bool {
    left >= BEHIND && left >= before
}

/// Writes how far each shard has come, the last batch included: whoever takes the shards next looks at
/// nothing again that is stored.
pub(crate) async fn tell_progress(shared: &Shared) {
    let none = Gaps::new();
    let written = write(shared, &shared.pool, &[], &none, true);
    match tokio::time::timeout(DEADLINE, written).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "some slots will be looked at twice"),
        Err(_) => tracing::warn!("some slots will be looked at twice: the database takes too long"),
    }
}

/// Stores one batch, or two when there are as many; how many looks are left.
async fn flush(shared: &Shared, pool: &PgPool, tell: bool) -> Result<usize, Error> {
    let (first, second, gaps) = {
        let mut buffer = shared.buffer();
        let first = buffer.take(ROWS);
        let rest = if buffer.len() >= ROWS { ROWS } else { 0 };
        (first, buffer.take(rest), buffer.take_gaps())
    };
    let none = Gaps::new();
    let stored = tokio::join!(
        store(shared, pool, &first, &gaps, tell),
        store(shared, pool, &second, &none, false),
    );
    // What is put back goes in front: the newer first.
    let later = settle(shared, second, none, stored.1);
    settle(shared, first, gaps, stored.0).and(later)?;
    let left = shared.buffer().len();
    gauge!(names::BUFFERED).set(f64::from(u32::try_from(left).unwrap_or(u32::MAX)));
    Ok(left)
}

async fn store(
    shared: &Shared,
    pool: &PgPool,
    looks: &[Owned],
    gaps: &Gaps,
    tell: bool,
) -> Result<(), Error> {
    let written = write(shared, pool, looks, gaps, tell);
    match tokio::time::timeout(DEADLINE, written).await {
        Ok(Err(error)) if !error.is_unavailable() => rescue(shared, pool, looks, gaps, error).await,
        Ok(outcome) => outcome,
        Err(_) => Err(Error::Database(sqlx::Error::PoolTimedOut)),
    }
}

/// Lets go of what is stored, and keeps what is not.
fn settle(
    shared: &Shared,
    looks: Vec<Owned>,
    gaps: Gaps,
    outcome: Result<(), Error>,
) -> Result<(), Error> {
    match &outcome {
        Ok(()) => shared.let_go(&looks),
        Err(_) => {
            let now = shared.now();
            let mut buffer = shared.buffer();
            buffer.put_back_gaps(gaps);
            let dropped = buffer.put_back(looks, now);
            drop(buffer);
            shared.let_go(&dropped);
            counter!(names::DROPPED).increment(dropped.len() as u64);
        }
    }
    outcome
}

/// One transaction: the looks, the gaps, and how far each shard has come by the batch before.
async fn write(
    shared: &Shared,
    pool: &PgPool,
    looks: &[Owned],
    gaps: &Gaps,
    tell: bool,
) -> Result<(), Error> {
    let progress: Vec<Progress> = if tell {
        shared.book().shards.progress()
    } else {
        Vec::new()
    };
    if looks.is_empty() && gaps.is_empty() && progress.is_empty() {
        return Ok(());
    }
    let region = &shared.config.region;
    let mut transaction = store::begin(pool).await?;
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
async fn rescue(
    shared: &Shared,
    pool: &PgPool,
    looks: &[Owned],
    gaps: &Gaps,
    error: Error,
) -> Result<(), Error> {
    let hours: BTreeSet<Timestamp> = looks
        .iter()
        .filter_map(|look| look.check.slot)
        .filter_map(hour_of)
        .collect();
    let mut connection = pool.acquire().await?;
    for hour in hours {
        hours::ensure_partitions(&mut connection, hour).await?;
    }
    drop(connection);
    let Err(still) = write(shared, pool, looks, gaps, false).await else {
        return Ok(());
    };
    if still.is_unavailable() {
        return Err(still);
    }
    tracing::error!(%error, looks = looks.len(), "a batch of looks is refused; storing them one by one");
    write(shared, pool, &[], gaps, false).await?;
    for look in looks {
        match write(
            shared,
            pool,
            std::slice::from_ref(look),
            &Gaps::new(),
            false,
        )
        .await
        {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_held_up_while_more_come_than_are_stored_and_not_for_what_an_outage_left() {
        assert!(!is_behind(0, BEHIND - 1));
        assert!(is_behind(BEHIND - 1, BEHIND));
        assert!(is_behind(BEHIND, BEHIND + ROWS));
        assert!(!is_behind(BEHIND + ROWS, BEHIND), "it catches up");
        assert!(!is_behind(usize::MAX, 500_000), "nothing is known yet");
    }
}
