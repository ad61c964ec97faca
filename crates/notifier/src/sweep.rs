//! The sweeper: pushes what the queue seems to have lost.

use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use store::{account_messages, deliveries::claim as deliveries};
use tokio_util::sync::CancellationToken;

use crate::room::{Room, StepError};

const EVERY: Duration = Duration::from_secs(3);

/// Sweeps until told to stop. An error ends one sweep, never the sweeper.
pub(crate) async fn run(room: Arc<Room>, shutdown: CancellationToken) {
    while !shutdown.is_cancelled() {
        if let Err(error) = sweep(&room).await {
            tracing::warn!(%error, "sweep of messages cut short");
        }
        let _ = tokio::time::timeout(EVERY, shutdown.cancelled()).await;
    }
}

/// One round over both tables.
pub(crate) async fn sweep(room: &Room) -> Result<(), StepError> {
    let now = room.clock.now();
    let overdue = deliveries::list_overdue(&mut *room.pool.acquire().await?, now).await?;
    for (account, id, channel) in overdue {
        let mut transaction = store::begin(&room.pool).await?;
        if deliveries::mark_pushed(&mut transaction, account, id, now).await? {
            jobs::enqueue_delivery(&mut transaction, channel, account, id, None).await?;
            transaction.commit().await?;
            counter!("watchbell_deliveries_swept_total", "channel" => channel.as_str())
                .increment(1);
        }
    }
    let overdue = account_messages::list_overdue(&mut *room.pool.acquire().await?, now).await?;
    for (message_id, _) in overdue {
        let mut transaction = store::begin(&room.pool).await?;
        if account_messages::mark_pushed(&mut transaction, message_id, now).await? {
            jobs::enqueue(&mut transaction, &jobs::AccountMessage { message_id }, None).await?;
            transaction.commit().await?;
        }
    }
    Ok(())
}
