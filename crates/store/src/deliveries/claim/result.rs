//! What becomes of a claimed delivery.

use domain::alert::plan::dedup_key;
use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::{Claimed, Queued};
use crate::{Error, Result};

/// How a send ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendResult {
    /// The provider took it.
    Accepted {
        /// By which way: `smtp`, `smtp2`, `twilio`, `twilio2`, `outbox`.
        provider: String,
        /// The provider's name for it.
        provider_id: Option<String>,
        /// It also arrived (the local outbox).
        delivered: bool,
        /// The provider's answer.
        message: String,
    },
    /// To be tried again.
    Retry {
        /// Not before.
        at: Timestamp,
        /// The try may have arrived all the same.
        ambiguous: bool,
        /// Why.
        message: String,
    },
    /// Refused for good.
    Failed(String),
    /// Tried as often as we try.
    GivenUp(String),
}

impl SendResult {
    const fn state(&self) -> DeliveryState {
        match self {
            Self::Accepted {
                delivered: true, ..
            } => DeliveryState::Delivered,
            Self::Accepted { .. } => DeliveryState::Sent,
            Self::Retry { .. } => DeliveryState::Pending,
            Self::Failed(_) => DeliveryState::Failed,
            Self::GivenUp(_) => DeliveryState::GivenUp,
        }
    }

    const fn outcome(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Retry {
                ambiguous: true, ..
            } => "ambiguous",
            Self::Retry { .. } => "retry",
            Self::Failed(_) => "refused",
            Self::GivenUp(_) => "given_up",
        }
    }

    fn message(&self) -> &str {
        match self {
            Self::Accepted { message, .. }
            | Self::Retry { message, .. }
            | Self::Failed(message)
            | Self::GivenUp(message) => message,
        }
    }
}

/// Writes the result of a send under its lease; `false` when the lease is another's by now, and then
/// nothing is written. A receipt that came before the result is kept.
pub async fn record(
    connection: &mut PgConnection,
    claimed: &Claimed,
    result: &SendResult,
    now: Timestamp,
) -> Result<bool> {
    let (provider, provider_id) = match result {
        SendResult::Accepted {
            provider,
            provider_id,
            ..
        } => (Some(provider), provider_id.as_ref()),
        _ => (None, None),
    };
    let next_at = if let SendResult::Retry { at, .. } = result {
        *at
    } else {
        now
    };
    let state = result.state();
    let reason = (!state.was_told()).then(|| result.message());
    let done = sqlx::query!(
        "UPDATE deliveries
         SET state = CASE WHEN state = 'sending' THEN $4 ELSE state END,
             reason = CASE WHEN state = 'sending' THEN $5 ELSE reason END,
             next_at = $6, pushed_at = $9, attempts = attempts + 1, lease_token = NULL, lease_until = NULL,
             provider = coalesce($7, provider), provider_id = coalesce($8, provider_id),
             accepted_at = CASE WHEN $4 IN ('sent', 'delivered') THEN coalesce(accepted_at, $9) ELSE accepted_at END,
             delivered_at = CASE WHEN $4 = 'delivered' THEN coalesce(delivered_at, $9) ELSE delivered_at END,
             finished_at = CASE WHEN $4 IN ('sent', 'delivered', 'failed', 'given_up') THEN coalesce(finished_at, $9) END
         WHERE account_id = $1 AND id = $2 AND lease_token = $3",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        claimed.lease_token,
        state.as_str(),
        reason,
        next_at.to_sqlx() as _,
        provider,
        provider_id,
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    insert_attempt(
        connection,
        claimed,
        provider.map(String::as_str),
        result,
        now,
    )
    .await?;
    Ok(true)
}

async fn insert_attempt(
    connection: &mut PgConnection,
    claimed: &Claimed,
    provider: Option<&str>,
    result: &SendResult,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO delivery_attempts (account_id, delivery_id, number, at, provider, outcome, message)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT ON CONSTRAINT delivery_attempts_pkey DO NOTHING",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        i32::try_from(claimed.number).unwrap_or(i32::MAX),
        now.to_sqlx() as _,
        provider,
        result.outcome(),
        result.message(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a claim without a send: skipped, superseded or given up.
pub async fn close(
    connection: &mut PgConnection,
    claimed: &Claimed,
    state: DeliveryState,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET state = $4, reason = $5, lease_token = NULL, lease_until = NULL, finished_at = $6
         WHERE account_id = $1 AND id = $2 AND lease_token = $3",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        claimed.lease_token,
        state.as_str(),
        reason,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a delivery whose row cannot be read, so that it does not come back for ever.
pub async fn give_up_unreadable(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET state = 'given_up', reason = $3, finished_at = $4
         WHERE account_id = $1 AND id = $2 AND state IN ('pending', 'sending', 'held')",
        account.uuid(),
        id.uuid(),
        reason,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Why a message waits that another must precede.
pub const FOR_THE_OUTAGE: &str = "waits for the message about the outage";

/// Puts a claim back to wait. It does not count as a try.
pub async fn hold(
    connection: &mut PgConnection,
    claimed: &Claimed,
    (until, reason): (Timestamp, &str),
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET state = 'held', reason = $6, next_at = $4,
             pushed_at = $5, claims = claims - 1, lease_token = NULL, lease_until = NULL
         WHERE account_id = $1 AND id = $2 AND lease_token = $3",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        claimed.lease_token,
        until.to_sqlx() as _,
        now.to_sqlx() as _,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The recovery tells the outage too: the outage's own unsent message is not sent any more.
pub async fn mark_superseded_by_recovery(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    contact: ContactId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET state = 'superseded', reason = 'over before it was sent', finished_at = $4
         WHERE account_id = $1 AND incident_id = $2 AND contact_id = $3 AND event = 'incident.opened'
           AND state IN ('pending', 'held')",
        account.uuid(),
        incident.uuid(),
        contact.uuid(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Makes sure that a superseded outage has its recovery message, and returns it if it is to be woken.
pub async fn plan_recovery(
    connection: &mut PgConnection,
    outage: &Claimed,
    now: Timestamp,
) -> Result<Option<Queued>> {
    let Some(incident) = outage.incident_id else {
        return Ok(None);
    };
    let key = dedup_key(
        Event::IncidentResolved,
        &incident.to_string(),
        outage.contact_id,
    );
    let id = sqlx::query_scalar!(
        "INSERT INTO deliveries (account_id, id, event, incident_id, monitor_id, contact_id, channel, dedup_key,
             created_at, not_before, next_at, pushed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $9, $9)
         ON CONFLICT ON CONSTRAINT deliveries_dedup_key DO UPDATE SET next_at = excluded.next_at
             WHERE deliveries.state = 'held'
         RETURNING id",
        outage.account_id.uuid(),
        DeliveryId::generate().uuid(),
        Event::IncidentResolved.as_str(),
        incident.uuid(),
        outage.monitor_id.map(domain::ids::MonitorId::uuid),
        outage.contact_id.uuid(),
        outage.channel.as_str(),
        key,
        now.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(|id| (DeliveryId::from_uuid(id), outage.channel)))
}

/// Makes what waits for this delivery due now: later messages to the same contact about what it told of.
pub async fn wake_held(
    connection: &mut PgConnection,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<Vec<Queued>> {
    let rows = sqlx::query!(
        "UPDATE deliveries SET next_at = $4, pushed_at = $4
         WHERE account_id = $1 AND contact_id = $3 AND state = 'held' AND reason = $5 AND incident_id IN (
             SELECT incident_id FROM deliveries WHERE account_id = $1 AND (id = $2 OR merged_into = $2))
         RETURNING id, channel",
        claimed.account_id.uuid(),
        claimed.id.uuid(),
        claimed.contact_id.uuid(),
        now.to_sqlx() as _,
        FOR_THE_OUTAGE,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let id = DeliveryId::from_uuid(row.id);
            let channel = Channel::parse(&row.channel)
                .ok_or_else(|| Error::impossible("deliveries", "channel", id))?;
            Ok((id, channel))
        })
        .collect()
}
