//! One delivery: claim, decide, send, record.

mod claim;
mod failure;
mod record;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use domain::contact::Channel;
use domain::delivery::retry::LEASE;
use domain::ids::{AccountId, DeliveryId};
use store::deliveries::claim::{Claimed, give_up_unreadable};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::room::{Room, StepError};
use crate::send::{Accepted, Trouble};
use crate::way::Message;

/// A claimed delivery that is to be sent.
pub(crate) struct Ready {
    claimed: Claimed,
    message: Message,
    /// When its incident was sure, for the metric.
    confirmed_at: Option<jiff::Timestamp>,
}

/// Handles one job of a queue, and whatever waits behind it for the account's share.
pub(crate) async fn handle(
    room: Arc<Room>,
    channel: Channel,
    account: AccountId,
    id: DeliveryId,
    shutdown: CancellationToken,
) {
    let shares = match channel {
        Channel::Email => &room.mail_shares,
        Channel::Sms => &room.sms_shares,
    };
    let mut work = shares.enter(&account, id);
    while let Some(id) = work {
        // A task of its own: a panic must not keep the account's place.
        if let Err(error) = tokio::spawn(deliver(Arc::clone(&room), account, id)).await {
            tracing::error!(account.id = %account, delivery.id = %id, %error, "a delivery panicked; it is swept up later");
        }
        work = shares.next(&account);
        if shutdown.is_cancelled() {
            while work.is_some() {
                work = shares.next(&account);
            }
        }
    }
}

/// Sends one delivery if it is due. Never fails: what went wrong is in its row, or it is swept up.
pub(crate) async fn deliver(room: Arc<Room>, account: AccountId, id: DeliveryId) {
    let ready = match claim::claim(&room, account, id).await {
        Ok(Some(ready)) => ready,
        Ok(None) => return,
        Err(error) => return not_claimed(&room, account, id, &error).await,
    };
    let lease_ends = Instant::now() + LEASE;
    let sent = room
        .ways
        .send(&room.pool, id.uuid(), &ready.message, room.clock.now())
        .await;
    match &sent {
        Ok(accepted) => {
            tracing::info!(account.id = %account, delivery.id = %id, provider = accepted.provider, "delivery accepted")
        }
        Err(trouble) => {
            tracing::warn!(account.id = %account, delivery.id = %id, class = ?trouble.class, ambiguous = trouble.ambiguous, "delivery not accepted");
        }
    }
    record_until(&room, &ready, &sent, lease_ends).await;
}

/// Writes the result down, again and again while the lease lasts: a database that restarts must not
/// make us send twice.
async fn record_until(
    room: &Room,
    ready: &Ready,
    sent: &Result<Accepted, Trouble>,
    lease_ends: Instant,
) {
    let mut pause = Duration::from_millis(100);
    loop {
        match record::record(room, ready, sent).await {
            Ok(()) => return,
            Err(error) if Instant::now() + pause < lease_ends => {
                tracing::warn!(delivery.id = %ready.claimed.id, %error, "result not written yet");
                sleep(pause).await;
                pause = (pause * 2).min(Duration::from_secs(2));
            }
            Err(error) => {
                tracing::error!(delivery.id = %ready.claimed.id, %error, "result not written; the delivery is claimed again");
                return;
            }
        }
    }
}

async fn not_claimed(room: &Room, account: AccountId, id: DeliveryId, error: &StepError) {
    tracing::error!(account.id = %account, delivery.id = %id, %error, "delivery not claimed");
    if !error.is_unreadable() {
        return;
    }
    let ended = async {
        let mut connection = room.pool.acquire().await?;
        give_up_unreadable(
            &mut connection,
            account,
            id,
            &error.to_string(),
            room.clock.now(),
        )
        .await?;
        Ok::<(), StepError>(())
    };
    if let Err(error) = ended.await {
        tracing::error!(delivery.id = %id, %error, "unreadable delivery not ended");
    }
}
