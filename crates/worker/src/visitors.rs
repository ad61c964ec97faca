//! Looks that visitors ask for without an account: rows, answered like any request, kept apart so that
//! they never take a member's room.

use std::sync::Arc;
use std::time::Duration;

use domain::tools::clean;
use store::Result;
use store::tool_looks::{self, Taken};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::requests::look_without_monitor;
use crate::rounds;
use crate::shared::Shared;

const POLL: Duration = Duration::from_secs(1);

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(shared.config.visitor_looks.max(1)));
    let called = (POLL, &shared.visitors);
    let round = || start_open(&shared, &room);
    rounds::run("the looks of visitors", called, &stop, round).await;
}

async fn start_open(shared: &Arc<Shared>, room: &Arc<Semaphore>) -> Result<()> {
    let free = i64::try_from(room.available_permits()).unwrap_or(i64::MAX);
    if free == 0 {
        return Ok(());
    }
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let open = tool_looks::take(&mut connection, region, shared.now(), free).await?;
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
            shared.visitors.notify_one();
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
