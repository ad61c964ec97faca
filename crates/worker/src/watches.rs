//! What is watched for people without an account: rounds of looks are asked for and judged, and whoever waits is
//! told.
//!
//! Every worker goes round, not one leader; each row is changed under its lock, so that two who tell tell once.

use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::shared::Shared;

/// Between two rounds that nobody called for.
const POLL: Duration = Duration::from_secs(2);
/// Between two rounds at least, however many looks are answered.
const REST: Duration = Duration::from_millis(200);
/// One round with the database; what is left over is for the next.
const DEADLINE: Duration = Duration::from_secs(60);

/// Rounds until `stop` is cancelled.
pub(crate) async fn run(shared: &Shared, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
            () = shared.watches.notified() => {}
        }
        let round = incidents::watches::round(&shared.pool, &shared.secrets, shared.now());
        match timeout(DEADLINE, round).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "what is watched waits for the database"),
            Err(_) => tracing::warn!("a round of what is watched takes too long"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(REST) => {}
        }
    }
}
