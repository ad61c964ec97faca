//! Table `outbox_messages`: what would have been sent, on a machine without providers. It exists only
//! where web and notifier are reached over loopback, so its rows belong to no tenant.

use domain::contact::Channel;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// How many are kept.
const KEPT: i64 = 1_000;

/// A message as a provider would have been given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxMessage {
    /// Its id.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// How it would have gone.
    pub channel: Channel,
    /// Mail address or number.
    pub recipient: String,
    /// Subject of a mail.
    pub subject: String,
    /// The text of a message, or the text part of a mail.
    pub text: String,
    /// The HTML part of a mail.
    pub html: String,
    /// Headers of a mail in order, as an array of pairs.
    pub headers: serde_json::Value,
}

/// Keeps a message. The same id twice is one message: a repeated send does not double.
pub async fn insert(connection: &mut PgConnection, message: &OutboxMessage) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox_messages (id, at, channel, recipient, subject, text, html, headers)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT ON CONSTRAINT outbox_messages_pkey DO NOTHING",
        message.id,
        message.at.to_sqlx() as _,
        message.channel.as_str(),
        message.recipient,
        message.subject,
        message.text,
        message.html,
        message.headers,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The latest, newest first.
pub async fn list(connection: &mut PgConnection, limit: i64) -> Result<Vec<OutboxMessage>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT id, at AS "at: jiff_sqlx::Timestamp", channel, recipient, subject, text, html, headers
           FROM outbox_messages ORDER BY at DESC, id DESC LIMIT $1"#,
        limit
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(Row::into_message).collect()
}

/// One message.
pub async fn find(connection: &mut PgConnection, id: Uuid) -> Result<Option<OutboxMessage>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, at AS "at: jiff_sqlx::Timestamp", channel, recipient, subject, text, html, headers
           FROM outbox_messages WHERE id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_message)
    .transpose()
}

/// Drops what is older than `before`, and all but the latest thousand.
pub async fn prune(connection: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM outbox_messages WHERE at < $2 OR id IN
             (SELECT id FROM outbox_messages ORDER BY at DESC, id DESC OFFSET $1)",
        KEPT,
        before.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

struct Row {
    id: Uuid,
    at: jiff_sqlx::Timestamp,
    channel: String,
    recipient: String,
    subject: String,
    text: String,
    html: String,
    headers: serde_json::Value,
}

impl Row {
    fn into_message(self) -> Result<OutboxMessage> {
        Ok(OutboxMessage {
            id: self.id,
            at: self.at.to_jiff(),
            channel: Channel::parse(&self.channel)
                .ok_or_else(|| Error::impossible("outbox_messages", "channel", self.id))?,
            recipient: self.recipient,
            subject: self.subject,
            text: self.text,
            html: self.html,
            headers: self.headers,
        })
    }
}
