//! The transaction of a result: state, wallet, fallback, next job.

use domain::contact::Channel;
use domain::delivery::retry::{ErrorClass, next_attempt, waits_too_long};
use domain::delivery::{DeliveryState, Event};
use jiff::Timestamp;
use metrics::{counter, histogram};
use sqlx::PgConnection;
use store::deliveries::claim::{self as rows, Claimed, SendResult};
use store::wallets;

use super::Ready;
use super::failure::{self, Failure};
use crate::room::{Room, StepError};
use crate::send::{Accepted, Trouble};

/// Writes down how the send ended.
pub(super) async fn record(
    room: &Room,
    ready: &Ready,
    sent: &Result<Accepted, Trouble>,
) -> Result<(), StepError> {
    let now = room.clock.now();
    let mut transaction = store::begin(&room.pool).await?;
    match sent {
        Ok(accepted) => settle_accepted(room, &mut transaction, ready, accepted, now).await?,
        Err(trouble) => {
            let text = ready.message.text();
            settle_trouble(room, &mut transaction, &ready.claimed, trouble, text, now).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

async fn settle_accepted(
    room: &Room,
    connection: &mut PgConnection,
    ready: &Ready,
    accepted: &Accepted,
    now: Timestamp,
) -> Result<(), StepError> {
    let claimed = &ready.claimed;
    let result = SendResult::Accepted {
        provider: accepted.provider.clone(),
        provider_id: accepted.provider_id.clone(),
        delivered: accepted.delivered,
        message: accepted.message.clone(),
    };
    if !rows::record(connection, claimed, &result, now).await? {
        warn_lost(claimed);
        return Ok(());
    }
    rows::storm::mark_told(connection, claimed, &result, now).await?;
    if claimed.event == Event::ContactTest && claimed.channel.is_hook() {
        store::contacts::mark_proven(connection, claimed.account_id, claimed.contact_id, now)
            .await?;
    }
    if let Some(confirmed) = ready.confirmed_at {
        let seconds = now.duration_since(confirmed).as_secs_f64();
        histogram!("watchbell_confirmed_to_accepted_seconds", "channel" => claimed.channel.as_str()).record(seconds);
    }
    let state = if accepted.delivered {
        DeliveryState::Delivered
    } else {
        DeliveryState::Sent
    };
    finish(room, connection, claimed, state, now).await
}

/// Writes down a try that did not work: the next one, or the end and its consequences.
pub(super) async fn settle_trouble(
    room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    trouble: &Trouble,
    text: &str,
    now: Timestamp,
) -> Result<(), StepError> {
    let result = result_of(claimed, trouble, now);
    if !rows::record(connection, claimed, &result, now).await? {
        warn_lost(claimed);
        return Ok(());
    }
    let state = match &result {
        SendResult::Retry { at, .. } => {
            jobs::enqueue_delivery(
                connection,
                claimed.channel,
                claimed.account_id,
                claimed.id,
                Some(*at),
            )
            .await?;
            // What waited for its turn before its first try has not been in trouble for as long.
            let begun = match claimed.attempts {
                0 => now,
                _ => claimed.created_at,
            };
            if waits_too_long(begun, *at) {
                let reason = &trouble.message;
                failure::tell_meanwhile(connection, claimed, Failure { reason, text }, now).await?;
            }
            notify(connection, claimed).await?;
            counter!("watchbell_delivery_retries_total", "channel" => claimed.channel.as_str())
                .increment(1);
            return Ok(());
        }
        SendResult::GivenUp(_) => DeliveryState::GivenUp,
        _ => DeliveryState::Failed,
    };
    if claimed.channel.is_phone() {
        let text = match claimed.channel {
            Channel::Voice => "Call not placed",
            _ => "Text message not delivered",
        };
        wallets::refund(connection, claimed.account_id, (claimed.id, text), now).await?;
    }
    let reason = trouble.contact_reason.unwrap_or(&trouble.message);
    if let (
        ErrorClass::Permanent {
            disable_contact: true,
        },
        Some(reason),
    ) = (&trouble.class, trouble.contact_reason)
    {
        failure::disable_contact(room, connection, claimed, reason, now).await?;
    }
    failure::tell(room, connection, claimed, Failure { reason, text }, now).await?;
    failure::part_untold(room, connection, claimed, (state, reason), now).await?;
    finish(room, connection, claimed, state, now).await
}

fn result_of(claimed: &Claimed, trouble: &Trouble, now: Timestamp) -> SendResult {
    let message = trouble.message.clone();
    let jitter = f64::from(store::secrets::random_u32()) / f64::from(u32::MAX);
    match next_attempt(claimed.attempts + 1, &trouble.class, jitter, now) {
        Some(at) => SendResult::Retry {
            at,
            ambiguous: trouble.ambiguous,
            message,
        },
        None if matches!(trouble.class, ErrorClass::Permanent { .. }) => {
            SendResult::Failed(message)
        }
        None => SendResult::GivenUp(message),
    }
}

/// What follows every end: those that waited are woken, pages and figures hear of it.
pub(super) async fn finish(
    _room: &Room,
    connection: &mut PgConnection,
    claimed: &Claimed,
    state: DeliveryState,
    now: Timestamp,
) -> Result<(), StepError> {
    counter!("watchbell_deliveries_total", "channel" => claimed.channel.as_str(), "state" => state.as_str()).increment(1);
    for (id, channel) in rows::wake_held(connection, claimed, now).await? {
        jobs::enqueue_delivery(connection, channel, claimed.account_id, id, None).await?;
    }
    notify(connection, claimed).await
}

async fn notify(connection: &mut PgConnection, claimed: &Claimed) -> Result<(), StepError> {
    for incident in rows::storm::list_incidents(connection, claimed).await? {
        store::changes::notify(connection, claimed.account_id, "incident", incident).await?;
    }
    match claimed.incident_id {
        Some(incident) => {
            store::changes::notify(connection, claimed.account_id, "incident", incident).await?
        }
        None => {
            store::changes::notify(
                connection,
                claimed.account_id,
                "contact",
                claimed.contact_id,
            )
            .await?
        }
    }
    Ok(())
}

fn warn_lost(claimed: &Claimed) {
    tracing::warn!(delivery.id = %claimed.id, "the lease had passed to another; this result is not counted");
}
