//! Steps of policies and reminders that are due and that no job has told: the queue may have lost them.
//!
//! Every worker goes round, not one leader: what somebody waits for must not stand behind
//! housekeeping. A step is told under the lock of its incident, so that two who tell it tell it once.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(2);
/// One round with the database; what is left over is for the next.
const DEADLINE: Duration = Duration::from_secs(60);

/// Rounds until `stop` is cancelled.
pub(crate) async fn run(shared: &Shared, stop: CancellationToken) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = rounds.tick() => {}
        }
        match timeout(DEADLINE, round(shared)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "escalations wait for the database"),
            Err(_) => tracing::warn!("a round of escalations takes too long"),
        }
    }
}

async fn round(shared: &Shared) -> Result<(), incidents::Error> {
    incidents::escalate_due(&shared.pool, shared.now()).await?;
    incidents::end_drills(&shared.pool, shared.now()).await?;
    Ok(())
}
