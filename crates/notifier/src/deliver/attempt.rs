//! A claim, until it is known whether it took place: the database may go away at any moment of it.

use std::time::Duration;

use domain::ids::{AccountId, DeliveryId};
use store::deliveries::claim as rows;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::Ready;
use super::claim::prepare;
use crate::room::{Room, StepError};

/// A database that is away is waited for this long. What was claimed before has still time for its send, of a lease
/// of sixty seconds.
const PATIENCE: Duration = Duration::from_secs(30);
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Claims the delivery; `None` when there is nothing to send. A database that is away for a while is waited for.
pub(super) async fn claim(
    room: &Room,
    account: AccountId,
    id: DeliveryId,
) -> Result<Option<Ready>, StepError> {
    let until = Instant::now() + PATIENCE;
    let mut pause = SHORTEST_PAUSE;
    loop {
        match attempt(room, (account, id), until).await {
            Err(error) if error.is_unavailable() && Instant::now() + pause < until => {
                tracing::warn!(delivery.id = %id, %error, "not claimed yet");
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            ended => return ended,
        }
    }
}

async fn attempt(
    room: &Room,
    (account, id): (AccountId, DeliveryId),
    until: Instant,
) -> Result<Option<Ready>, StepError> {
    let (now, began) = (room.clock.now(), Instant::now());
    let mut transaction = store::begin(&room.pool).await?;
    let Some(claimed) = rows::claim(&mut transaction, account, id, now).await? else {
        return Ok(None);
    };
    let token = claimed.lease_token;
    let context = rows::load(&mut transaction, &room.secrets, &claimed, now).await?;
    let ready = prepare(room, &mut transaction, claimed, &context, now).await?;
    let Err(error) = transaction.commit().await else {
        return Ok(ready.map(|ready| Ready { began, ..ready }));
    };
    // Whether it took place nobody has said. If it did, nobody else takes it before its lease ends.
    match ready {
        Some(ready) if was_committed(room, (account, id), token, until).await => {
            Ok(Some(Ready { began, ..ready }))
        }
        _ => Err(error.into()),
    }
}

async fn was_committed(
    room: &Room,
    (account, id): (AccountId, DeliveryId),
    token: Uuid,
    until: Instant,
) -> bool {
    let mut pause = SHORTEST_PAUSE;
    loop {
        let asked = async {
            let mut transaction = store::begin(&room.pool).await?;
            rows::is_held(&mut transaction, account, id, token).await
        };
        match asked.await {
            Ok(held) => return held,
            Err(_) if Instant::now() + pause < until => {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
            Err(_) => return false,
        }
    }
}
