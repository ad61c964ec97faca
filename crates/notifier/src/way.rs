//! By which way messages of a channel leave this house.

use std::time::Duration;

use domain::contact::{Channel, Way};
use egress::Egress;
use egress::Trusted;
use egress::http::UserClient;
use egress::smtp::SmtpRelay;
use jiff::Timestamp;
use sqlx::PgPool;
use store::outbox::OutboxMessage;
use tokio::time::{Instant, timeout};
use uuid::Uuid;

use crate::config::NotifierConfig;
use crate::email::{self, Mail, Relay, Sender};
use crate::error::NotifierError;
use crate::failover::Providers;
use crate::hook::{self, Post};
use crate::send::{Accepted, Trouble};
use crate::sms::{self, Sms};
use crate::telephony::Gateway;
use crate::voice::{self, Call};

/// A message of any channel, ready to go. A new channel is a variant here.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Mail(Mail),
    Sms(Sms),
    Call(Call),
    Hook(Post),
}

impl Message {
    /// What it says, as short as it goes.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Mail(mail) => &mail.words.subject,
            Self::Sms(sms) => &sms.body,
            Self::Call(call) => &call.text,
            Self::Hook(post) => &post.text,
        }
    }

    /// The channel and number of a message that is paid for.
    pub(crate) fn paid_to(&self) -> Option<(Channel, &str)> {
        match self {
            Self::Sms(sms) => Some((Channel::Sms, &sms.to)),
            Self::Call(call) => Some((Channel::Voice, &call.to)),
            Self::Mail(_) | Self::Hook(_) => None,
        }
    }
}

/// The ways of all channels.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    sender: Sender,
    relays: Providers<Relay>,
    gateways: Providers<Gateway>,
    hooks: UserClient,
    local_outbox: bool,
    whole: Duration,
}

impl Ways {
    pub(crate) fn new(config: &NotifierConfig, egress: &Egress) -> Result<Self, NotifierError> {
        Ok(Self {
            sender: Sender::parse(&config.mail_from, &config.base_url)?,
            relays: Providers::new("smtp", config.patience.relay, relays(config, egress)),
            gateways: Providers::new(
                "twilio",
                config.patience.gateway,
                config
                    .telephony
                    .iter()
                    .map(|provider| Gateway::new(egress, provider))
                    .collect::<Result<_, _>>()?,
            ),
            hooks: UserClient::new(egress).map_err(NotifierError::Hooks)?,
            local_outbox: config.local_outbox,
            whole: config.patience.whole,
        })
    }

    /// Messages of the channel go to the local outbox, and cost nothing.
    pub(crate) fn is_local(&self, channel: Channel) -> bool {
        let provided = match channel.way() {
            Way::Mail => !self.relays.is_empty(),
            Way::Text | Way::Call => !self.gateways.is_empty(),
            Way::Hook => true,
        };
        self.local_outbox && !provided
    }

    /// Hands a message over within the limit of a whole send. `id` is the same on every try.
    pub(crate) async fn send(
        &self,
        pool: &PgPool,
        id: Uuid,
        message: &Message,
        now: Timestamp,
    ) -> Result<Accepted, Trouble> {
        let until = (now, Instant::now() + self.whole);
        let sending = async {
            match message {
                Message::Mail(mail) if self.is_local(Channel::Email) => {
                    self.keep(pool, self.outbox_mail(id, mail, now)).await
                }
                Message::Sms(text) if self.is_local(Channel::Sms) => {
                    self.keep(pool, outbox_sms(id, text, now)).await
                }
                Message::Mail(mail) => {
                    let message = mail
                        .message(&self.sender, now)
                        .map_err(|error| Trouble::ours(error.to_string()))?;
                    email::send(&self.relays, &message, until).await
                }
                Message::Call(call) if self.is_local(Channel::Voice) => {
                    let kept = self.keep(pool, outbox_call(id, call, now)).await?;
                    // It rings there until somebody presses a key; a code is only read.
                    Ok(Accepted {
                        delivered: call.of.is_none(),
                        ..kept
                    })
                }
                Message::Sms(text) => sms::send(&self.gateways, text, until).await,
                Message::Call(call) => voice::send(&self.gateways, call, until).await,
                Message::Hook(post) => hook::send(&self.hooks, post, now, until.1).await,
            }
        };
        // The inner deadlines come first; this one holds even if a library overlooks them.
        match timeout(self.whole + Duration::from_secs(2), sending).await {
            Ok(sent) => sent,
            Err(_) => Err(Trouble {
                ambiguous: true,
                ..Trouble::transient("the send took too long", None)
            }),
        }
    }

    async fn keep(&self, pool: &PgPool, message: OutboxMessage) -> Result<Accepted, Trouble> {
        let unkept = |error: &dyn std::fmt::Display| {
            Trouble::transient(format!("the local outbox: {error}"), None)
        };
        let mut connection = pool.acquire().await.map_err(|error| unkept(&error))?;
        store::outbox::insert(&mut connection, &message)
            .await
            .map_err(|error| unkept(&error))?;
        Ok(Accepted {
            provider: "outbox".to_owned(),
            provider_id: None,
            delivered: true,
            message: "Kept in the local outbox.".to_owned(),
        })
    }

    fn outbox_mail(&self, id: Uuid, mail: &Mail, now: Timestamp) -> OutboxMessage {
        OutboxMessage {
            id,
            at: now,
            channel: Channel::Email,
            recipient: mail.to.clone(),
            subject: mail.words.subject.clone(),
            text: mail.words.text.clone(),
            html: mail.words.html.clone(),
            headers: mail.shown_headers(&self.sender),
        }
    }
}

fn relays(config: &NotifierConfig, egress: &Egress) -> Vec<Relay> {
    let relay = |relay: &Trusted<SmtpRelay>| Relay {
        egress: egress.clone(),
        relay: relay.clone(),
    };
    config.smtp.iter().map(relay).collect()
}

fn outbox_sms(id: Uuid, text: &Sms, now: Timestamp) -> OutboxMessage {
    OutboxMessage {
        id,
        at: now,
        channel: Channel::Sms,
        recipient: text.to.clone(),
        subject: String::new(),
        text: text.body.clone(),
        html: String::new(),
        headers: serde_json::json!([]),
    }
}

fn outbox_call(id: Uuid, call: &Call, now: Timestamp) -> OutboxMessage {
    OutboxMessage {
        id,
        at: now,
        channel: Channel::Voice,
        recipient: call.to.clone(),
        subject: String::new(),
        text: call.text.clone(),
        html: String::new(),
        // Whose keys it has.
        headers: match call.of {
            None => serde_json::json!([]),
            Some((account, delivery)) => {
                serde_json::json!([["Account", account], ["Delivery", delivery]])
            }
        },
    }
}
