//! A provider's last word on a text message, and what follows from it.

use domain::ids::{AccountId, DeliveryId};
use domain::telephony::{MessageStatus, error_words};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::deliveries::claim::{self, Receipt};
use store::{Secrets, changes};

use crate::Result;
use crate::contacts::tell_disabled;
use crate::unreached::{Unreached, tell_instead};

/// A status callback, after its signature was verified.
#[derive(Debug, Clone, Copy)]
pub struct Callback<'a> {
    /// The provider's id of the message.
    pub provider_id: &'a str,
    /// Its word.
    pub status: MessageStatus,
    /// Its reason.
    pub error_code: Option<u32>,
    /// Our public address, for the link in the notice to the owner.
    pub base: &'a str,
}

/// Takes the word on a delivery: a message that did not arrive is told another way, and a number that
/// cannot be reached any more is disabled with a notice to the owner. True when anything changed.
pub async fn receipt(
    connection: &mut PgConnection,
    secrets: &Secrets,
    (account, delivery): (AccountId, DeliveryId),
    callback: &Callback<'_>,
    now: Timestamp,
) -> Result<bool> {
    let word = (callback.provider_id, callback.status, callback.error_code);
    match claim::receipt(connection, account, delivery, word, now).await? {
        Receipt::Ignored => return Ok(false),
        Receipt::Delivered => {}
        Receipt::Failed {
            untold,
            reason,
            woken,
            disabled,
        } => {
            for claimed in &untold {
                let of = Unreached {
                    claimed,
                    reason: &reason,
                    text: None,
                    base: callback.base,
                };
                tell_instead(connection, secrets, &of, now).await?;
            }
            for (id, channel) in woken {
                jobs::enqueue_delivery(connection, channel, account, id, None).await?;
            }
            if let Some(contact) = disabled {
                let reason = callback
                    .error_code
                    .and_then(error_words)
                    .unwrap_or("the provider cannot reach the number");
                tell_disabled(
                    connection,
                    secrets,
                    (account, contact),
                    (reason, callback.base),
                    now,
                )
                .await?;
            }
        }
    }
    changes::notify(connection, account, "delivery", delivery).await?;
    Ok(true)
}
