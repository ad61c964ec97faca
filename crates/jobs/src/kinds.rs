//! The jobs there are.

use domain::contact::{Channel, Way};
use domain::ids::{AccountId, DeliveryId, IncidentId, MonitorId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Job, Result, enqueue, queues};

/// Sends one delivery by mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in deliveries")]
pub struct DeliverEmail {
    pub account_id: AccountId,
    pub delivery_id: DeliveryId,
}

/// Sends one delivery as a text message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in deliveries")]
pub struct DeliverSms {
    pub account_id: AccountId,
    pub delivery_id: DeliveryId,
}

/// Makes one delivery as a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in deliveries")]
pub struct DeliverVoice {
    pub account_id: AccountId,
    pub delivery_id: DeliveryId,
}

/// Posts one delivery to the URL of a webhook or chat contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in deliveries")]
pub struct DeliverHook {
    pub account_id: AccountId,
    pub delivery_id: DeliveryId,
}

/// Sends one mail or text about the account itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in account_messages")]
pub struct AccountMessage {
    pub message_id: Uuid,
}

/// Goes on with the escalation of an incident, if that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in escalations")]
pub struct Escalate {
    pub account_id: AccountId,
    pub incident_id: IncidentId,
}

/// Does one periodic work once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the name of the sweep")]
pub struct Sweep {
    pub name: String,
}

/// Erases the history of an account, or of one of its monitors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the key of the row in erasures")]
pub struct Erase {
    pub account_id: AccountId,
    pub monitor_id: Option<MonitorId>,
}

impl Job for DeliverEmail {
    const QUEUE: &'static str = queues::DELIVER_EMAIL;
}
impl Job for DeliverSms {
    const QUEUE: &'static str = queues::DELIVER_SMS;
}
impl Job for DeliverVoice {
    const QUEUE: &'static str = queues::DELIVER_VOICE;
}
impl Job for DeliverHook {
    const QUEUE: &'static str = queues::DELIVER_HOOK;
}
impl Job for AccountMessage {
    const QUEUE: &'static str = queues::ACCOUNT_MESSAGE;
}
impl Job for Escalate {
    const QUEUE: &'static str = queues::ESCALATE;
}
impl Job for Sweep {
    const QUEUE: &'static str = queues::SWEEP;
}
impl Job for Erase {
    const QUEUE: &'static str = queues::ERASE;
}

/// Enqueues the sending of a delivery in its channel's queue.
pub async fn enqueue_delivery(
    connection: &mut PgConnection,
    channel: Channel,
    account_id: AccountId,
    delivery_id: DeliveryId,
    run_at: Option<Timestamp>,
) -> Result<()> {
    match channel.way() {
        Way::Mail => {
            enqueue(
                connection,
                &DeliverEmail {
                    account_id,
                    delivery_id,
                },
                run_at,
            )
            .await
        }
        Way::Text => {
            enqueue(
                connection,
                &DeliverSms {
                    account_id,
                    delivery_id,
                },
                run_at,
            )
            .await
        }
        Way::Call => {
            enqueue(
                connection,
                &DeliverVoice {
                    account_id,
                    delivery_id,
                },
                run_at,
            )
            .await
        }
        Way::Hook => {
            enqueue(
                connection,
                &DeliverHook {
                    account_id,
                    delivery_id,
                },
                run_at,
            )
            .await
        }
    }
}
