//! From words to a message with its headers.

use jiff::Timestamp;
use lettre::address::Envelope;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use serde_json::{Value, json};

use super::render::Words;
use crate::error::{NotifierError, RenderError};

/// Who mails come from, and the host of their Message-IDs.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    from: Mailbox,
    host: String,
}

impl Sender {
    pub(crate) fn parse(from: &str, base: &url::Url) -> Result<Self, NotifierError> {
        let from: Mailbox = from.parse().map_err(|_| NotifierError::MailFrom)?;
        Ok(Self {
            from,
            host: base
                .host_str()
                .unwrap_or("localhost")
                .trim_matches(['[', ']'])
                .to_owned(),
        })
    }

    fn message_id(&self, id: &str) -> String {
        format!("<{id}@{}>", self.host)
    }
}

/// One mail to one address. The same id makes the same Message-ID, whoever sends it and however often.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// `del_…`, or an account message's.
    pub(crate) id: String,
    pub(crate) to: String,
    pub(crate) words: Words,
    /// `incident.opened`, or `account.verify_email`.
    pub(crate) event: String,
    /// `inc_…`.
    pub(crate) incident: Option<String>,
    /// The contact's first mail of the incident.
    pub(crate) reply_to: Option<String>,
    /// Importance: high.
    pub(crate) urgent: bool,
}

impl Mail {
    /// Envelope and bytes as they go over the wire.
    pub(crate) fn message(
        &self,
        sender: &Sender,
        now: Timestamp,
    ) -> Result<(Envelope, Vec<u8>), RenderError> {
        let wrong = |error: &dyn std::error::Error| RenderError::Mail(error.to_string());
        let to: Address = self.to.parse().map_err(|error| wrong(&error))?;
        let mut builder = Message::builder()
            .from(sender.from.clone())
            .to(Mailbox::new(None, to.clone()))
            .subject(self.words.subject.clone())
            .date(now.into())
            .message_id(Some(sender.message_id(&self.id)));
        for (name, value) in self.headers(sender) {
            builder = builder.raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str(name),
                value,
            ));
        }
        let body =
            MultiPart::alternative_plain_html(self.words.text.clone(), self.words.html.clone());
        let message = builder.multipart(body).map_err(|error| wrong(&error))?;
        let envelope = Envelope::new(Some(sender.from.email.clone()), vec![to])
            .map_err(|error| wrong(&error))?;
        Ok((envelope, message.formatted()))
    }

    /// What is said beside From, To, Subject, Date and Message-ID.
    fn headers(&self, sender: &Sender) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("Auto-Submitted", "auto-generated".to_owned()),
            ("X-Auto-Response-Suppress", "All".to_owned()),
            ("X-Watchbell-Event", self.event.clone()),
        ];
        if let Some(incident) = &self.incident {
            headers.push(("X-Watchbell-Incident", incident.clone()));
        }
        if let Some(first) = &self.reply_to {
            headers.push(("In-Reply-To", sender.message_id(first)));
            headers.push(("References", sender.message_id(first)));
        }
        if self.urgent {
            headers.push(("Importance", "high".to_owned()));
        }
        headers
    }

    /// The headers as the local outbox shows them.
    pub(crate) fn shown_headers(&self, sender: &Sender) -> Value {
        let mut all = vec![
            ("From", sender.from.to_string()),
            ("To", self.to.clone()),
            ("Subject", self.words.subject.clone()),
            ("Message-ID", sender.message_id(&self.id)),
        ];
        all.extend(self.headers(sender));
        json!(all)
    }
}
