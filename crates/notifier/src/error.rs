//! What can go wrong in this room. None of it leaves a handler: it is written into the row.

use thiserror::Error;

/// A text that cannot be made.
#[derive(Debug, Error)]
pub enum RenderError {
    /// A template failed.
    #[error("template: {0}")]
    Template(
        #[from]
        #[source]
        askama::Error,
    ),
    /// The row lacks what its event needs.
    #[error("the message lacks {0}")]
    Missing(&'static str),
    /// An address or header that no mail can carry.
    #[error("mail: {0}")]
    Mail(String),
}

/// A notifier that cannot start.
#[derive(Debug, Error)]
pub enum NotifierError {
    /// The sender's address cannot be read.
    #[error("WATCHBELL_MAIL_FROM must look like Watchbell <alerts@example.com>")]
    MailFrom,
    /// The client for webhooks and chat services cannot be set up.
    #[error("webhooks cannot be sent: {0}")]
    Hooks(#[source] egress::http::SendError),
    /// A provider's client cannot be set up.
    #[error("the text message provider cannot be used: {0}")]
    Provider(#[source] egress::http::SendError),
}
