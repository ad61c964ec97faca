//! One message about the account itself: claim, send, record. Nobody pays for these.

use std::sync::Arc;
use std::time::Duration;

use askama::Template as _;
use domain::account::EmailAddress;
use domain::contact::Way;
use domain::delivery::AccountMessage;
use domain::delivery::retry::{ErrorClass, LEASE, next_attempt};
use domain::telephony::message_callback;
use metrics::counter;
use sqlx::PgConnection;
use store::account_messages::{self as rows, ClaimedMessage, MessageResult};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::email::Mail;
use crate::email::render::AccountBrief;
use crate::error::RenderError;
use crate::room::{Room, StepError};
use crate::send::{Accepted, Trouble};
use crate::sms::Sms;
use crate::voice::{Call, Speech, Twiml};
use crate::way::Message;
use crate::{email, sms, voice};

/// Sends one message if it is due. Never fails: what went wrong is in its row, or it is swept up.
pub(crate) async fn handle(room: Arc<Room>, id: Uuid) {
    let (claimed, wanted) = match claim(&room, id).await {
        Ok(Some(claimed)) => claimed,
        Ok(None) => return,
        Err(error) => {
            tracing::error!(message.id = %id, %error, "message not claimed");
            if error.is_unreadable() {
                end_unreadable(&room, id, &error).await;
            }
            return;
        }
    };
    let lease_ends = Instant::now() + LEASE;
    let result = match wanted {
        true => outcome(&room, &claimed).await,
        false => MessageResult::Skipped(incidents::NOT_WANTED.to_owned()),
    };
    let mut pause = Duration::from_millis(100);
    while let Err(error) = record(&room, &claimed, &result).await {
        if Instant::now() + pause >= lease_ends {
            tracing::error!(message.id = %id, %error, "result not written; the message is claimed again");
            return;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(2));
    }
}

/// The message, and whether its reader still takes it.
async fn claim(room: &Room, id: Uuid) -> Result<Option<(ClaimedMessage, bool)>, StepError> {
    let mut connection = store::begin(&room.pool).await?;
    let claimed = rows::claim(&mut connection, &room.secrets, id, room.clock.now()).await?;
    let wanted = match &claimed {
        Some(claimed) => is_wanted(&mut connection, room, claimed).await?,
        None => true,
    };
    connection.commit().await?;
    Ok(claimed.map(|claimed| (claimed, wanted)))
}

/// False of what an account, or somebody without one, has us write to an address whose owner wants that no more. A sign-up is
/// how they take it back, so its mail goes.
async fn is_wanted(
    connection: &mut PgConnection,
    room: &Room,
    claimed: &ClaimedMessage,
) -> Result<bool, StepError> {
    let of_an_account = matches!(
        claimed.message,
        AccountMessage::ContactCode { .. } | AccountMessage::ChangeEmailNew { .. }
    ) || claimed.message.sealed_address().is_some();
    if !of_an_account || claimed.channel.way() != Way::Mail {
        return Ok(true);
    }
    let Ok(address) = EmailAddress::parse(&claimed.address) else {
        return Ok(true);
    };
    let blocked = store::unconfirmed::is_blocked(connection, &room.secrets, &address).await?;
    Ok(!blocked)
}

/// The page on which the reader of a mail that proves an address says that it was somebody else.
fn not_me(room: &Room, claimed: &ClaimedMessage) -> Result<Option<String>, RenderError> {
    if !claimed.message.is_to_unconfirmed() {
        return Ok(None);
    }
    let token = incidents::links::not_me_token(&room.secrets, &claimed.address, room.clock.now())
        .map_err(|_| RenderError::Missing("a key that seals"))?;
    Ok(Some(format!("{}/not-me/{token}", room.base)))
}

async fn end_unreadable(room: &Room, id: Uuid, error: &StepError) {
    let ended = async {
        let mut connection = room.pool.acquire().await?;
        rows::give_up_unreadable(&mut connection, id, &error.to_string()).await?;
        Ok::<(), StepError>(())
    };
    if let Err(error) = ended.await {
        tracing::error!(message.id = %id, %error, "unreadable message not ended");
    }
}

async fn outcome(room: &Room, claimed: &ClaimedMessage) -> MessageResult {
    if claimed.expired {
        return MessageResult::Skipped("it ran out before it could be sent".to_owned());
    }
    if claimed.is_lost() {
        return MessageResult::GivenUp("five tries ended without a result".to_owned());
    }
    let sent = match render(room, claimed) {
        Ok(message) if offered(room, claimed) => {
            room.ways
                .send(&room.pool, claimed.id, &message, room.clock.now())
                .await
        }
        Ok(_) => Err(Trouble {
            class: ErrorClass::Permanent {
                disable_contact: false,
            },
            ambiguous: false,
            contact_reason: None,
            message: format!(
                "{} to that country are not offered",
                claimed.channel.plural()
            ),
        }),
        Err(error) => Err(Trouble::ours(error.to_string())),
    };
    result_of(room, claimed, sent)
}

/// A code is free for the account, and so it goes only where texts are sold at all: pumping codes to
/// costly numbers is a trade.
fn offered(room: &Room, claimed: &ClaimedMessage) -> bool {
    !claimed.channel.is_phone()
        || room.ways.is_local(claimed.channel)
        || room.prices.of(claimed.channel, &claimed.address).is_some()
}

fn render(room: &Room, claimed: &ClaimedMessage) -> Result<Message, RenderError> {
    Ok(match claimed.channel.way() {
        Way::Mail => Message::Mail(Mail {
            id: format!("msg_{}", claimed.id.simple()),
            to: claimed.address.clone(),
            words: email::render::account(AccountBrief {
                message: &claimed.message,
                base: &room.base,
                not_me: not_me(room, claimed)?.as_deref(),
            })?,
            event: format!("account.{}", claimed.message.template()),
            incident: None,
            reply_to: None,
            urgent: false,
        }),
        Way::Text => Message::Sms(Sms {
            to: claimed.address.clone(),
            body: sms::account(&claimed.message)?,
            callback: Some(message_callback(&room.base, claimed.id)),
            maybe_sent_since: (claimed.claims > 1).then_some(claimed.created_at),
            not_these: Vec::new(),
        }),
        Way::Call => {
            let text = voice::code(&claimed.message)?;
            let say = [text.clone()];
            Message::Call(Call {
                to: claimed.address.clone(),
                speech: Speech::Fixed(Twiml::new(&say, None).render()?),
                text,
                callback: message_callback(&room.base, claimed.id),
                of: None,
                placed: None,
                maybe_placed_since: (claimed.claims > 1).then_some(claimed.created_at),
                not_these: Vec::new(),
            })
        }
        Way::Hook => {
            return Err(RenderError::Missing(
                "an address: nothing of the account goes to a hook",
            ));
        }
    })
}

fn result_of(
    room: &Room,
    claimed: &ClaimedMessage,
    sent: Result<Accepted, Trouble>,
) -> MessageResult {
    let mut trouble = match sent {
        Ok(accepted) => {
            return MessageResult::Sent {
                provider: accepted.provider,
                provider_id: accepted.provider_id,
                delivered: accepted.delivered,
            };
        }
        Err(trouble) => trouble,
    };
    if claimed.message.sealed_address().is_some() {
        // Servers like to repeat the address in what they say, and no column may keep it.
        trouble.message = trouble.message.replace(&claimed.address, "the address");
    }
    tracing::warn!(message.id = %claimed.id, class = ?trouble.class, ambiguous = trouble.ambiguous, "message not accepted");
    let jitter = f64::from(store::secrets::random_u32()) / f64::from(u32::MAX);
    match next_attempt(
        claimed.attempts + 1,
        &trouble.class,
        jitter,
        room.clock.now(),
    ) {
        Some(at) => MessageResult::Retry {
            at,
            reason: trouble.message,
        },
        None if matches!(trouble.class, ErrorClass::Permanent { .. }) => {
            MessageResult::Failed(trouble.message)
        }
        None => MessageResult::GivenUp(trouble.message),
    }
}

async fn record(
    room: &Room,
    claimed: &ClaimedMessage,
    result: &MessageResult,
) -> Result<(), StepError> {
    let mut transaction = store::begin(&room.pool).await?;
    if !rows::record(&mut transaction, claimed, result, room.clock.now()).await? {
        tracing::warn!(message.id = %claimed.id, "the lease had passed to another; this result is not counted");
        return Ok(());
    }
    if let MessageResult::Retry { at, .. } = result {
        jobs::enqueue(
            &mut transaction,
            &jobs::AccountMessage {
                message_id: claimed.id,
            },
            Some(*at),
        )
        .await?;
    }
    transaction.commit().await?;
    let state = match result {
        MessageResult::Sent { .. } => "sent",
        MessageResult::Retry { .. } => "retry",
        MessageResult::Failed(_) => "failed",
        MessageResult::GivenUp(_) => "given_up",
        MessageResult::Skipped(_) => "skipped",
    };
    counter!("watchbell_account_messages_total", "channel" => claimed.channel.as_str(), "state" => state).increment(1);
    Ok(())
}
