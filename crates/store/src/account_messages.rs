//! Table `account_messages`: mails and texts about the account itself. What they say is sealed, for it
//! holds codes and links, and of somebody without an account the address too.
//!
//! A sender writes the row with [`insert`] and enqueues its job in the same transaction.

use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::delivery::retry::{LEASE, MAX_LOST_CLAIMS};
use domain::ids::{AccountId, UserId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::secrets::Place;
use crate::{Error, Result, Secrets};

/// A message to be written down.
#[derive(Debug, Clone)]
pub struct NewAccountMessage {
    /// Whose it is, if anyone's: it goes when the user goes.
    pub user_id: Option<UserId>,
    /// Of which account, if any: it goes when the account goes. A notice that must outlive both
    /// (an account's deletion) has neither.
    pub account_id: Option<AccountId>,
    /// How it is sent.
    pub channel: Channel,
    /// Mail address or E.164 number.
    pub address: String,
    /// What it says.
    pub message: AccountMessage,
    /// Not worth sending afterwards.
    pub expires_at: Option<Timestamp>,
}

/// A message under this caller's lease.
#[derive(Debug, Clone)]
pub struct ClaimedMessage {
    /// Its id, also its Message-ID's seed.
    pub id: Uuid,
    /// Of which account, if any.
    pub account_id: Option<AccountId>,
    /// How it is sent.
    pub channel: Channel,
    /// Mail address or E.164 number.
    pub address: String,
    /// What it says.
    pub message: AccountMessage,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// Proof of the claim.
    pub lease_token: Uuid,
    /// Claims so far, this one included.
    pub claims: u32,
    /// Sends that ended with a result so far.
    pub attempts: u32,
    /// Not worth sending any more.
    pub expired: bool,
}

impl ClaimedMessage {
    /// So many claims ended without a word that another would end so too.
    pub const fn is_lost(&self) -> bool {
        self.claims.saturating_sub(self.attempts) > MAX_LOST_CLAIMS
    }
}

fn place(row: &str) -> Place<'_> {
    Place {
        table: "account_messages",
        column: "data",
        row,
    }
}

/// Writes a message down, due at once. The caller enqueues its job in the same transaction.
pub async fn insert(
    connection: &mut PgConnection,
    secrets: &Secrets,
    new: &NewAccountMessage,
    now: Timestamp,
) -> Result<Uuid> {
    let id = Uuid::now_v7();
    let plain = serde_json::to_string(&new.message)
        .map_err(|_| Error::impossible("account_messages", "data", id))?;
    let sealed = secrets.seal(place(&id.to_string()), &plain)?;
    sqlx::query!(
        "INSERT INTO account_messages
             (id, user_id, account_id, channel, address, template, data, created_at, next_at, expires_at, pushed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $8)",
        id,
        new.user_id.map(UserId::uuid),
        new.account_id.map(AccountId::uuid),
        new.channel.as_str(),
        // Of these only the sealed message has it, and that is wiped when it is done.
        new.message.sealed_address().map_or(new.address.as_str(), |_| ""),
        new.message.template(),
        sealed,
        now.to_sqlx() as _,
        new.expires_at.map(|at| at.to_sqlx()) as _,
    )
    .execute(connection)
    .await?;
    Ok(id)
}

/// Takes a message under a lease; `None` when it is not due, already taken or done.
pub async fn claim(
    connection: &mut PgConnection,
    secrets: &Secrets,
    id: Uuid,
    now: Timestamp,
) -> Result<Option<ClaimedMessage>> {
    let token = Uuid::new_v4();
    let until = now + SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::from_secs(60));
    let row = sqlx::query!(
        r#"UPDATE account_messages
           SET state = 'sending', lease_token = $2, lease_until = $3, next_at = $3, claims = claims + 1
           WHERE id = $1 AND (state = 'pending' AND next_at <= $4 OR state = 'sending' AND lease_until <= $4)
           RETURNING account_id, channel, address, data, claims, attempts,
                     created_at AS "created_at: jiff_sqlx::Timestamp", expires_at AS "expires_at: jiff_sqlx::Timestamp""#,
        id,
        token,
        until.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let impossible = |column| Error::impossible("account_messages", column, id);
    let plain = secrets.open(place(&id.to_string()), &row.data)?;
    let message: AccountMessage = serde_json::from_str(&plain).map_err(|_| impossible("data"))?;
    Ok(Some(ClaimedMessage {
        id,
        account_id: row.account_id.map(AccountId::from_uuid),
        channel: Channel::parse(&row.channel).ok_or_else(|| impossible("channel"))?,
        address: message.sealed_address().map_or(row.address, str::to_owned),
        message,
        created_at: row.created_at.to_jiff(),
        lease_token: token,
        claims: u32::try_from(row.claims).map_err(|_| impossible("claims"))?,
        attempts: u32::try_from(row.attempts).map_err(|_| impossible("attempts"))?,
        expired: row.expires_at.is_some_and(|at| at.to_jiff() <= now),
    }))
}

/// What became of a send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageResult {
    /// The provider took it.
    Sent {
        /// By which way.
        provider: String,
        /// The provider's name for it.
        provider_id: Option<String>,
        /// The provider also says that it arrived (the local outbox).
        delivered: bool,
    },
    /// To be tried again.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Why.
        reason: String,
    },
    /// Refused for good.
    Failed(String),
    /// Tried as often as we try.
    GivenUp(String),
    /// Not sent on purpose.
    Skipped(String),
}

/// Writes the result of a send under its lease; `false` when the lease is another's by now. The secret
/// part of a message that is done is wiped.
pub async fn record(
    connection: &mut PgConnection,
    claimed: &ClaimedMessage,
    result: &MessageResult,
    now: Timestamp,
) -> Result<bool> {
    let (state, reason, next_at) = match result {
        MessageResult::Sent {
            delivered: true, ..
        } => ("delivered", None, now),
        MessageResult::Sent { .. } => ("sent", None, now),
        MessageResult::Retry { at, reason } => ("pending", Some(reason), *at),
        MessageResult::Failed(reason) => ("failed", Some(reason), now),
        MessageResult::GivenUp(reason) => ("given_up", Some(reason), now),
        MessageResult::Skipped(reason) => ("skipped", Some(reason), now),
    };
    let (provider, provider_id) = match result {
        MessageResult::Sent {
            provider,
            provider_id,
            ..
        } => (Some(provider), provider_id.as_ref()),
        _ => (None, None),
    };
    let done = sqlx::query!(
        "UPDATE account_messages
         SET state = $3, reason = $4, next_at = $5, pushed_at = $8, attempts = attempts + 1, lease_token = NULL,
             lease_until = NULL, provider = coalesce($6, provider), provider_id = coalesce($7, provider_id),
             accepted_at = CASE WHEN $3 IN ('sent', 'delivered') THEN $8 ELSE accepted_at END,
             data = CASE WHEN $3 = 'pending' THEN data ELSE '' END
         WHERE id = $1 AND lease_token = $2",
        claimed.id,
        claimed.lease_token,
        state,
        reason,
        next_at.to_sqlx() as _,
        provider,
        provider_id,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes back a message that is not sent yet, and wipes it.
pub async fn withdraw(connection: &mut PgConnection, id: Uuid, reason: &str) -> Result<()> {
    sqlx::query!(
        "UPDATE account_messages SET state = 'skipped', reason = $2, data = '', lease_token = NULL, lease_until = NULL
         WHERE id = $1 AND state IN ('pending', 'sending')",
        id,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends a message whose row cannot be read, so that it does not come back for ever.
pub async fn give_up_unreadable(
    connection: &mut PgConnection,
    id: Uuid,
    reason: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE account_messages SET state = 'given_up', reason = $2, data = '' WHERE id = $1 AND state IN ('pending', 'sending')",
        id,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Messages that the queue seems to have lost: due for ten seconds and not pushed for thirty.
pub async fn list_overdue(
    connection: &mut PgConnection,
    now: Timestamp,
) -> Result<Vec<(Uuid, Channel)>> {
    let rows = sqlx::query!(
        "SELECT id, channel FROM account_messages
         WHERE state IN ('pending', 'sending') AND next_at < $1 AND (pushed_at IS NULL OR pushed_at < $2)
         ORDER BY next_at LIMIT 500",
        (now - SignedDuration::from_secs(10)).to_sqlx() as _,
        (now - SignedDuration::from_secs(30)).to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let channel = Channel::parse(&row.channel)
                .ok_or_else(|| Error::impossible("account_messages", "channel", row.id))?;
            Ok((row.id, channel))
        })
        .collect()
}

/// Marks a message as pushed; `false` when another sweeper was first.
pub async fn mark_pushed(connection: &mut PgConnection, id: Uuid, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE account_messages SET pushed_at = $2
         WHERE id = $1 AND state IN ('pending', 'sending') AND (pushed_at IS NULL OR pushed_at < $3)",
        id,
        now.to_sqlx() as _,
        (now - SignedDuration::from_secs(30)).to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The provider's word on a text message; unknown ids change nothing.
pub async fn receipt(
    connection: &mut PgConnection,
    id: Uuid,
    arrived: bool,
    reason: Option<&str>,
) -> Result<bool> {
    let state = if arrived { "delivered" } else { "failed" };
    let done = sqlx::query!(
        "UPDATE account_messages SET state = $2, reason = $3 WHERE id = $1 AND state = 'sent'",
        id,
        state,
        reason,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Removes at most `most` messages that are older than their use.
pub async fn prune(connection: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM account_messages WHERE id IN (
             SELECT id FROM account_messages WHERE created_at < $1 LIMIT $2)",
        before.to_sqlx() as _,
        most,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}
