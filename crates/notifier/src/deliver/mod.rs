//! One delivery: claim, decide, send, record.

mod attempt;
mod claim;
mod failure;
mod pay;
mod record;
#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::contact::Channel;
use domain::contact::hook::host_of_display;
use domain::delivery::retry::LEASE;
use domain::ids::{AccountId, DeliveryId};
use store::deliveries::claim::{Claimed, find_due, give_up_unreadable};
use tokio::task::JoinError;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::room::{Room, StepError};
use crate::send::{Accepted, Trouble};
use crate::shares::{Endpoint, STEP_ASIDE_AFTER, Work};
use crate::way::Message;

/// How long a delivery waits to be read while the database is away; less than a stop waits for us.
const PATIENCE: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(500);

/// A claimed delivery that is to be sent.
pub(crate) struct Ready {
    claimed: Claimed,
    message: Message,
    /// When its incident was sure, for the metric.
    confirmed_at: Option<jiff::Timestamp>,
    /// When it was claimed: its lease runs since.
    began: Instant,
}

/// Handles one job of a queue: what it names, or what waits behind it, is sent as places are free. Ends
/// when none of it holds a place any more; what has stepped aside goes on in [`Room::tasks`].
pub(crate) async fn handle(
    room: Arc<Room>,
    channel: Channel,
    account: AccountId,
    id: DeliveryId,
    shutdown: CancellationToken,
) {
    let work = match find_work_at_last(&room, channel, (account, id)).await {
        Ok(Some(work)) => work,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(account.id = %account, delivery.id = %id, %error, "delivery not read; it is swept up later");
            return;
        }
    };
    let started = room.shares(channel).enter(account, work);
    let lane = Lane {
        room,
        channel,
        account,
        shutdown,
    };
    send_all(lane, started).await;
}

/// The same, and a database that is away is waited for: the job is gone, and the sweeper comes late.
async fn find_work_at_last(
    room: &Room,
    channel: Channel,
    key: (AccountId, DeliveryId),
) -> Result<Option<Work>, StepError> {
    let until = Instant::now() + PATIENCE;
    loop {
        match find_work(room, channel, key).await {
            Err(error) if error.is_unavailable() && Instant::now() < until => sleep(PAUSE).await,
            ended => return ended,
        }
    }
}

async fn find_work(
    room: &Room,
    channel: Channel,
    (account, id): (AccountId, DeliveryId),
) -> Result<Option<Work>, StepError> {
    let mut connection = room.pool.acquire().await?;
    let due = find_due(&mut connection, account, id, room.clock.now()).await?;
    Ok(due.map(|due| Work {
        id,
        to: match channel.is_hook() {
            true => Endpoint::of_host(host_of_display(&due.address)),
            false => Endpoint::of_contact(due.contact),
        },
        again: due.again,
    }))
}

/// One account's part of a queue.
#[derive(Clone)]
struct Lane {
    room: Arc<Room>,
    channel: Channel,
    account: AccountId,
    shutdown: CancellationToken,
}

/// Sends `started`, and one after the other what may start in their places.
fn send_all(lane: Lane, mut started: Vec<Work>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        loop {
            if lane.shutdown.is_cancelled() {
                lane.room.shares(lane.channel).close(lane.account, &started);
                return;
            }
            let Some(work) = started.pop() else { return };
            for other in started.drain(..) {
                lane.room.tasks.spawn(send_all(lane.clone(), vec![other]));
            }
            started = send_one(&lane, work).await;
        }
    })
}

/// Sends one, and answers with what may start: at its end, or when it has stepped aside.
async fn send_one(lane: &Lane, work: Work) -> Vec<Work> {
    let began = Instant::now();
    let sending = deliver(Arc::clone(&lane.room), lane.account, work.id);
    // A task of its own: a panic must not keep the place, and it may go on without us.
    let mut sending = lane.room.tasks.spawn(sending);
    if let Ok(ended) = timeout(STEP_ASIDE_AFTER, &mut sending).await {
        return finish(lane, work, began, ended);
    }
    match lane
        .room
        .shares(lane.channel)
        .step_aside(lane.account, work.id)
    {
        Some(next) => {
            let aside = lane.clone();
            lane.room.tasks.spawn(async move {
                let next = finish(&aside, work, began, sending.await);
                send_all(aside, next).await;
            });
            next
        }
        None => finish(lane, work, began, sending.await),
    }
}

fn finish(lane: &Lane, work: Work, began: Instant, ended: Result<(), JoinError>) -> Vec<Work> {
    if let Err(error) = ended {
        tracing::error!(account.id = %lane.account, delivery.id = %work.id, %error, "a delivery panicked; it is swept up later");
    }
    lane.room
        .shares(lane.channel)
        .done(lane.account, work.id, began.elapsed())
}

/// Sends one delivery if it is due. Never fails: what went wrong is in its row, or it is swept up.
pub(crate) async fn deliver(room: Arc<Room>, account: AccountId, id: DeliveryId) {
    let ready = match attempt::claim(&room, account, id).await {
        Ok(Some(ready)) => ready,
        Ok(None) => return,
        Err(error) => return not_claimed(&room, account, id, &error).await,
    };
    let lease_ends = ready.began + LEASE;
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
