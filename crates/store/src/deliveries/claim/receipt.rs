//! The provider's last word on a text message.

use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use domain::telephony::{MessageStatus, disables_number, error_words};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Claimed, Queued};
use crate::{Error, Result, wallets};

/// What a receipt changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receipt {
    /// No such delivery, or a word that changes nothing.
    Ignored,
    /// It arrived; its price is settled.
    Delivered,
    /// It did not arrive; its price is given back. Who is told instead is the caller's to say in the same
    /// transaction.
    Failed {
        /// The message, and those that it was to tell of besides.
        untold: Vec<Claimed>,
        /// Why, as part of a sentence.
        reason: String,
        /// Deliveries to enqueue.
        woken: Vec<Queued>,
        /// Nothing more is sent to the contact.
        disabled: Option<ContactId>,
    },
}

/// Takes the provider's word. Words may come twice, out of order, and before the send's own result.
/// `provider_id` must be the one the provider gave, unless the send's result is not written yet.
pub async fn receipt(
    connection: &mut PgConnection,
    account: AccountId,
    delivery: DeliveryId,
    (provider_id, status, error_code): (&str, MessageStatus, Option<u32>),
    now: Timestamp,
) -> Result<Receipt> {
    let state = match status {
        MessageStatus::OnItsWay => return Ok(Receipt::Ignored),
        MessageStatus::Delivered => DeliveryState::Delivered,
        MessageStatus::Failed => DeliveryState::Failed,
    };
    let reason = (state == DeliveryState::Failed).then(|| reason(error_code));
    let row = sqlx::query!(
        r#"UPDATE deliveries SET state = $4, reason = $5, provider_id = $3, accepted_at = coalesce(accepted_at, $6),
               delivered_at = CASE WHEN $4 = 'delivered' THEN $6 ELSE delivered_at END, finished_at = $6
           WHERE account_id = $1 AND id = $2 AND channel = 'sms' AND state IN ('sending', 'sent')
             AND (provider_id IS NULL OR provider_id = $3)
           RETURNING event, incident_id, monitor_id, contact_id, payload, claims, attempts,
                     created_at AS "created_at: jiff_sqlx::Timestamp""#,
        account.uuid(),
        delivery.uuid(),
        provider_id,
        state.as_str(),
        reason,
        now.to_sqlx() as _,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else {
        return Ok(Receipt::Ignored);
    };
    if state == DeliveryState::Delivered {
        wallets::settle(
            connection,
            account,
            (delivery, "Text message delivered"),
            now,
        )
        .await?;
        return Ok(Receipt::Delivered);
    }
    wallets::refund(
        connection,
        account,
        (delivery, "Text message not delivered"),
        now,
    )
    .await?;
    let failed = Claimed {
        account_id: account,
        id: delivery,
        event: Event::parse(&row.event)
            .ok_or_else(|| Error::impossible("deliveries", "event", delivery))?,
        channel: Channel::Sms,
        incident_id: row.incident_id.map(IncidentId::from_uuid),
        monitor_id: row.monitor_id.map(MonitorId::from_uuid),
        contact_id: ContactId::from_uuid(row.contact_id),
        payload: row.payload,
        created_at: row.created_at.to_jiff(),
        lease_token: Uuid::nil(),
        number: u32::try_from(row.claims).unwrap_or(0),
        attempts: u32::try_from(row.attempts).unwrap_or(0),
        may_have_arrived: false,
        placed: None,
    };
    fail(
        connection,
        &failed,
        reason.as_deref().unwrap_or_default(),
        error_code,
        now,
    )
    .await
}

async fn fail(
    connection: &mut PgConnection,
    failed: &Claimed,
    reason: &str,
    error_code: Option<u32>,
    now: Timestamp,
) -> Result<Receipt> {
    let mut disabled = None;
    if error_code.is_some_and(disables_number)
        && crate::contacts::mark_disabled(
            connection,
            failed.account_id,
            failed.contact_id,
            reason,
            now,
        )
        .await?
    {
        disabled = Some(failed.contact_id);
    }
    let mut untold = vec![failed.clone()];
    let state = (DeliveryState::Failed, reason);
    untold.extend(super::storm::mark_untold(connection, failed, state, now).await?);
    let woken = super::wake_held(connection, failed, now).await?;
    Ok(Receipt::Failed {
        untold,
        reason: reason.to_owned(),
        woken,
        disabled,
    })
}

fn reason(error_code: Option<u32>) -> String {
    match error_code {
        Some(code) => match error_words(code) {
            Some(words) => words.to_owned(),
            None => format!("the network did not deliver it (error {code})"),
        },
        None => "the network did not deliver it".to_owned(),
    }
}
