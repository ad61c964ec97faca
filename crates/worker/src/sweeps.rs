//! Housekeeping by one leader: partitions ahead, packing, roll-ups, last looks, pruning, erasing.
//!
//! The leader is whoever holds an advisory lock on a connection of its own; when that ends, the lock
//! does. Every sweep may be cut short anywhere and goes on where it was. To add one: a function and
//! a line in [`Sweep::ALL`].

mod erase;
mod overdue;
mod pack;
mod prune;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use sqlx::PgPool;
use store::{Secrets, checks, hours};
use tokio_util::sync::CancellationToken;

use crate::metrics as names;

/// How often the lock is asked for, and the leader's sweeps are looked through.
const TICK: Duration = Duration::from_secs(5);
/// A sweep that takes longer is cut short and goes on in its next round.
const DEADLINE: Duration = Duration::from_secs(300);

/// What kept a sweep from its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// A transaction over states and incidents.
    #[error(transparent)]
    Incidents(#[from] incidents::Error),
    /// The job queue.
    #[error(transparent)]
    Jobs(#[from] jobs::Error),
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

type Result<T> = std::result::Result<T, Error>;

/// What is swept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sweep {
    /// Partitions of this and the next three hours.
    Partitions,
    /// The last look of every monitor that was asked for.
    LastChecks,
    /// Statuses that nobody decided, and quiet notices.
    Overdue,
    /// Hours that are over.
    Pack,
    /// Days whose hours are packed.
    Days,
    /// What has outlived its use.
    Prune,
    /// History of what was deleted.
    Erase,
    /// What plans include for the month.
    Credits,
    /// Times of maintenance windows in the coming days.
    Maintenance,
}

impl Sweep {
    /// All sweeps with the seconds between their rounds.
    const ALL: [(Self, i64); 9] = [
        (Self::Partitions, 600),
        (Self::Overdue, 5),
        (Self::LastChecks, 3_600),
        (Self::Pack, 60),
        (Self::Days, 600),
        (Self::Prune, 3_600),
        (Self::Erase, 60),
        (Self::Credits, 300),
        (Self::Maintenance, 300),
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Partitions => "partitions",
            Self::LastChecks => "last_checks",
            Self::Overdue => "overdue",
            Self::Pack => "pack",
            Self::Days => "days",
            Self::Prune => "prune",
            Self::Erase => "erase",
            Self::Credits => "credits",
            Self::Maintenance => "maintenance",
        }
    }
}

/// Sweeps until `stop` is cancelled, whenever this process is the leader.
pub async fn run(pool: PgPool, secrets: Secrets, clock: Arc<dyn Clock>, stop: CancellationToken) {
    crate::metrics::describe();
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => return,
            outcome = lead(&pool, &secrets, &*clock) => if let Err(error) = outcome {
                tracing::warn!(%error, "housekeeping pauses");
            },
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Leads until the connection with the lock is lost.
async fn lead(pool: &PgPool, secrets: &Secrets, clock: &dyn Clock) -> Result<()> {
    let mut lock = pool.acquire().await?.detach();
    // Looks need their partitions whoever leads.
    hours::ensure_partitions(&mut lock, clock.now()).await?;
    if !hours::try_lead(&mut lock).await? {
        return Ok(());
    }
    let mut due = Sweep::ALL.map(|(sweep, every)| (sweep, every, Timestamp::MIN));
    loop {
        for (sweep, every, at) in &mut due {
            let now = clock.now();
            if *at > now {
                continue;
            }
            round(pool, secrets, *sweep, now).await;
            *at = clock
                .now()
                .checked_add(SignedDuration::from_secs(*every))
                .unwrap_or(Timestamp::MAX);
        }
        tokio::time::sleep(TICK).await;
        // The lock lives as long as its session does.
        sqlx::Connection::ping(&mut lock).await?;
    }
}

/// One round of one sweep; its failure stops no other.
async fn round(pool: &PgPool, secrets: &Secrets, sweep: Sweep, now: Timestamp) {
    let outcome = match tokio::time::timeout(DEADLINE, once(pool, secrets, sweep, now)).await {
        Ok(Ok(())) => "done",
        Ok(Err(error)) => {
            tracing::warn!(%error, sweep = sweep.name(), "a round of housekeeping failed");
            "failed"
        }
        Err(_) => {
            tracing::warn!(
                sweep = sweep.name(),
                "a round of housekeeping takes too long"
            );
            "cut_short"
        }
    };
    counter!(names::SWEEPS, "sweep" => sweep.name(), "outcome" => outcome).increment(1);
}

/// Does one round of one sweep.
pub async fn once(pool: &PgPool, secrets: &Secrets, sweep: Sweep, now: Timestamp) -> Result<()> {
    match sweep {
        Sweep::Partitions => partitions(pool, now).await,
        Sweep::LastChecks => {
            let since = now
                .checked_sub(SignedDuration::from_hours(3))
                .unwrap_or(now);
            checks::refresh_last(&mut *pool.acquire().await?, since).await?;
            Ok(())
        }
        Sweep::Overdue => overdue::all(pool, secrets, now).await,
        Sweep::Pack => pack::hours(pool, now).await,
        Sweep::Days => pack::days(pool, now).await,
        Sweep::Prune => prune::all(pool, now).await,
        Sweep::Erase => erase::all(pool, now).await,
        Sweep::Credits => {
            incidents::grant_plan_credits(pool, now).await?;
            Ok(())
        }
        Sweep::Maintenance => {
            incidents::plan_ahead(pool, now).await?;
            Ok(())
        }
    }
}

async fn partitions(pool: &PgPool, now: Timestamp) -> Result<()> {
    let mut connection = pool.acquire().await?;
    for hour in 0..=3 {
        let at = now
            .checked_add(SignedDuration::from_hours(hour))
            .unwrap_or(now);
        hours::ensure_partitions(&mut connection, at).await?;
    }
    Ok(())
}
