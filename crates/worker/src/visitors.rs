//! Looks that visitors ask for without an account: rows, answered like any request, kept apart so that
//! they never take a member's room.

use std::sync::Arc;
use std::time::Duration;

use domain::tools::clean;
use store::Result;
use store::tool_looks::{self, Taken};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::requests::look_without_monitor;
use crate::rounds;
use crate::shared::Shared;

const POLL: Duration = Duration::from_secs(1);

/// Whose looks: each has room of its own, so that many hanging targets that are watched never hold up
/// somebody at a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// Somebody waits at a page.
    Visitors,
    /// Rounds of watched targets.
    Watched,
}

impl Lane {
    fn of(self, shared: &Shared) -> (usize, &Notify) {
        match self {
            Self::Visitors => (shared.config.visitor_looks, &shared.visitors),
            Self::Watched => (shared.config.watched_looks, &shared.watched),
        }
    }
}

pub(crate) async fn run(shared: Arc<Shared>, lane: Lane, stop: CancellationToken) {
    let (most, called) = lane.of(&shared);
    let room = Arc::new(Semaphore::new(most.max(1)));
    let round = || start_open(&shared, lane, &room);
    rounds::run("the looks of visitors", (POLL, called), &stop, round).await;
}

async fn start_open(shared: &Arc<Shared>, lane: Lane, room: &Arc<Semaphore>) -> Result<()> {
    let free = i64::try_from(room.available_permits()).unwrap_or(i64::MAX);
    if free == 0 {
        return Ok(());
    }
    let mut connection = shared.pool.acquire().await?;
    let of = (shared.config.region.as_str(), lane == Lane::Watched);
    let open = tool_looks::take(&mut connection, of, shared.now(), free).await?;
    drop(connection);
    for taken in open {
        let Ok(permit) = room.clone().try_acquire_owned() else {
            return Ok(());
        };
        let shared = shared.clone();
        shared.clone().tasks.spawn(async move {
            if let Err(error) = answer(&shared, &taken).await {
                tracing::warn!(%error, "a look of a visitor was not answered");
            }
            drop(permit);
            lane.of(&shared).1.notify_one();
            if lane == Lane::Watched {
                shared.watches.notify_one();
            }
        });
    }
    Ok(())
}

async fn answer(shared: &Shared, taken: &Taken) -> Result<()> {
    let narrow = shared.config.visitors.as_ref();
    let prober = narrow.filter(|_| !taken.inside).unwrap_or(&shared.prober);
    // Owners come before strangers where an address has little room.
    let mut result = look_without_monitor(shared, &prober.yielding(), &taken.spec).await;
    // Anybody may have this page made: it shows how a site answers, and is no way to read one.
    result.excerpt = None;
    let mut result = serde_json::to_value(result).unwrap_or_default();
    clean(&mut result);
    let mut transaction = store::begin(&shared.pool).await?;
    let key = (taken.run_id, shared.config.region.as_str(), taken.part);
    tool_looks::mark_done(&mut transaction, key, &result, shared.now()).await?;
    transaction.commit().await?;
    Ok(())
}
