//! By which way messages of a channel leave this house.

use domain::contact::{Channel, Way};
use domain::delivery::retry::SEND_LIMIT;
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
use crate::email::{self, Mail, Sender};
use crate::error::NotifierError;
use crate::hook::{self, Post};
use crate::send::{Accepted, Trouble};
use crate::sms::{self, Gateway, Sms};

/// A message of any channel, ready to go. A new channel is a variant here.
#[derive(Debug, Clone)]
pub(crate) enum Message {
    Mail(Mail),
    Sms(Sms),
    Hook(Post),
}

impl Message {
    /// What it says, as short as it goes.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Mail(mail) => &mail.words.subject,
            Self::Sms(sms) => &sms.body,
            Self::Hook(post) => &post.text,
        }
    }
}

/// The ways of all channels.
#[derive(Debug, Clone)]
pub(crate) struct Ways {
    egress: Egress,
    sender: Sender,
    relays: Vec<Trusted<SmtpRelay>>,
    gateways: Vec<Gateway>,
    hooks: UserClient,
    local_outbox: bool,
}

impl Ways {
    pub(crate) fn new(config: &NotifierConfig, egress: &Egress) -> Result<Self, NotifierError> {
        Ok(Self {
            egress: egress.clone(),
            sender: Sender::parse(&config.mail_from, &config.base_url)?,
            relays: config.smtp.clone(),
            gateways: config
                .telephony
                .iter()
                .map(|provider| Gateway::new(egress, provider))
                .collect::<Result<_, _>>()?,
            hooks: UserClient::new(egress).map_err(NotifierError::Hooks)?,
            local_outbox: config.local_outbox,
        })
    }

    /// Messages of the channel go to the local outbox, and cost nothing.
    pub(crate) fn is_local(&self, channel: Channel) -> bool {
        let provided = match channel.way() {
            Way::Mail => !self.relays.is_empty(),
            Way::Text => !self.gateways.is_empty(),
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
        let deadline = Instant::now() + SEND_LIMIT;
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
                    email::send(&self.egress, &self.relays, &message, deadline).await
                }
                Message::Sms(text) => sms::send(&self.gateways, text, deadline).await,
                Message::Hook(post) => hook::send(&self.hooks, post, now, deadline).await,
            }
        };
        // The inner deadlines come first; this one holds even if a library overlooks them.
        match timeout(SEND_LIMIT + std::time::Duration::from_secs(2), sending).await {
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
