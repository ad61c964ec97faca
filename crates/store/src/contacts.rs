//! Contacts and the codes that prove them.

pub mod hooks;

use domain::account::EmailAddress;
use domain::contact::{Channel, Contact, QuietHours, code};
use domain::ids::{AccountId, ContactId, UserId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// The unique address of a contact in its account; [`Error::constraint`] names it.
pub const ADDRESS_KEY: &str = "contacts_address_key";

/// How a code fared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodeOutcome {
    /// Right: the contact is proven.
    Right,
    /// Wrong, with the tries that are left.
    Wrong {
        /// Tries left for this code.
        left: u32,
    },
    /// None is waiting: too old, tried too often, or never sent.
    Dead,
}

/// Writes a new contact. `canonical` is the form that two spellings of one address share.
pub async fn insert(
    connection: &mut PgConnection,
    account: AccountId,
    contact: &Contact,
    canonical: &str,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO contacts (account_id, id, channel, name, address, address_canonical, verified_at, in_default,
             call_on_recovery, created_at, updated_at, user_id, only_critical, quiet_hours)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, $9, $9, $11, $12, $13)",
        account.uuid(),
        contact.id.uuid(),
        contact.channel.as_str(),
        contact.name,
        contact.address,
        canonical,
        contact.verified_at.map(|at| at.to_sqlx()) as _,
        contact.in_default,
        contact.created_at.to_sqlx() as _,
        contact.call_on_recovery,
        contact.member_id.map(UserId::uuid),
        contact.only_critical,
        contact.quiet_hours.as_ref().map(Json) as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes name, whose it is, the wish to be called on recovery, and membership of the default policy.
pub async fn update(
    connection: &mut PgConnection,
    account: AccountId,
    contact: &Contact,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE contacts SET name = $3, in_default = $4, updated_at = $5, call_on_recovery = $6, user_id = $7,
             only_critical = $8, quiet_hours = $9, version = version + 1
         WHERE account_id = $1 AND id = $2",
        account.uuid(),
        contact.id.uuid(),
        contact.name,
        contact.in_default,
        now.to_sqlx() as _,
        contact.call_on_recovery,
        contact.member_id.map(UserId::uuid),
        contact.only_critical,
        contact.quiet_hours.as_ref().map(Json) as _,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Looks again at what waits for the end of a contact's quiet hours: they are others now.
pub async fn wake_quiet(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET next_at = $3
         WHERE account_id = $1 AND contact_id = $2 AND state = 'held' AND reason LIKE 'quiet until %' AND next_at > $3",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Removes a contact and its deliveries.
pub async fn delete(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
) -> Result<bool> {
    let done = sqlx::query!(
        "DELETE FROM contacts WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Locks a contact's row until the transaction ends; false when there is none.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM contacts WHERE account_id = $1 AND id = $2 FOR UPDATE"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.is_some())
}

/// The contact, if it is the account's.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
) -> Result<Option<Contact>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, channel, name, address, verified_at AS "verified_at: jiff_sqlx::Timestamp", in_default,
             call_on_recovery, (SELECT m.user_id FROM memberships m WHERE m.account_id = contacts.account_id
                 AND m.user_id = contacts.user_id) AS user_id, only_critical, quiet_hours AS "quiet_hours: Json<QuietHours>", disabled_reason,
             created_at AS "created_at: jiff_sqlx::Timestamp"
         FROM contacts WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?
    .map(Row::into_contact)
    .transpose()
}

/// Every contact of the account, oldest first.
pub async fn list(connection: &mut PgConnection, account: AccountId) -> Result<Vec<Contact>> {
    list_page(connection, account, None, u32::MAX).await
}

/// At most `limit` contacts made after `after`, oldest first.
pub async fn list_page(
    connection: &mut PgConnection,
    account: AccountId,
    after: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Contact>> {
    sqlx::query_as!(
        Row,
        r#"SELECT id, channel, name, address, verified_at AS "verified_at: jiff_sqlx::Timestamp", in_default,
             call_on_recovery, (SELECT m.user_id FROM memberships m WHERE m.account_id = contacts.account_id
                 AND m.user_id = contacts.user_id) AS user_id, only_critical, quiet_hours AS "quiet_hours: Json<QuietHours>", disabled_reason,
             created_at AS "created_at: jiff_sqlx::Timestamp"
         FROM contacts WHERE account_id = $1 AND ($2::uuid IS NULL OR id > $2) ORDER BY id LIMIT $3"#,
        account.uuid(),
        after.map(ContactId::uuid),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(Row::into_contact)
    .collect()
}

/// How many contacts count against the plan. Take the account's lock first.
pub async fn count(connection: &mut PgConnection, account: AccountId) -> Result<u32> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM contacts WHERE account_id = $1"#,
        account.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Those of `ids` that are the account's.
pub async fn list_known(
    connection: &mut PgConnection,
    account: AccountId,
    ids: &[ContactId],
) -> Result<Vec<ContactId>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
    let known = sqlx::query_scalar!(
        "SELECT id FROM contacts WHERE account_id = $1 AND id = ANY ($2)",
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().map(ContactId::from_uuid).collect())
}

/// When the last code was sent.
pub async fn find_code_sent_at(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
) -> Result<Option<Timestamp>> {
    let sent = sqlx::query_scalar!(
        r#"SELECT code_sent_at AS "at: jiff_sqlx::Timestamp" FROM contacts WHERE account_id = $1 AND id = $2"#,
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(connection)
    .await?;
    Ok(sent.flatten().map(|at| at.to_jiff()))
}

/// Puts a fresh code in place of any older one.
pub async fn set_code(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
    hash: &[u8],
    (now, expires_at): (Timestamp, Timestamp),
) -> Result<()> {
    sqlx::query!(
        "UPDATE contacts SET code_hash = $3, code_attempts = 0, code_sent_at = $4, code_expires_at = $5
         WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        hash,
        now.to_sqlx() as _,
        expires_at.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts a try and judges it in one statement, so that racing guesses are all counted. Commit the
/// transaction whatever the outcome.
pub async fn try_code(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
    hash: &[u8],
    now: Timestamp,
) -> Result<CodeOutcome> {
    let judged = sqlx::query!(
        r#"UPDATE contacts SET
             code_attempts = code_attempts + 1,
             verified_at = CASE WHEN code_hash = $3 THEN coalesce(verified_at, $4) ELSE verified_at END,
             updated_at = CASE WHEN code_hash = $3 THEN $4 ELSE updated_at END,
             version = CASE WHEN code_hash = $3 THEN version + 1 ELSE version END,
             disabled_reason = CASE WHEN code_hash = $3 THEN NULL ELSE disabled_reason END,
             disabled_at = CASE WHEN code_hash = $3 THEN NULL ELSE disabled_at END,
             code_expires_at = CASE WHEN code_hash = $3 THEN $4 ELSE code_expires_at END
         WHERE account_id = $1 AND id = $2 AND code_hash IS NOT NULL AND code_expires_at > $4 AND code_attempts < $5
         RETURNING code_attempts, code_hash = $3 AS "right!""#,
        account.uuid(),
        id.uuid(),
        hash,
        now.to_sqlx() as _,
        code::MAX_ATTEMPTS
    )
    .fetch_optional(connection)
    .await?;
    Ok(match judged {
        None => CodeOutcome::Dead,
        Some(row) if row.right => CodeOutcome::Right,
        Some(row) => CodeOutcome::Wrong {
            left: u32::try_from(code::MAX_ATTEMPTS - row.code_attempts).unwrap_or(0),
        },
    })
}

/// Nothing is sent to it any more, for the reason its owner reads.
pub async fn mark_disabled(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
    reason: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE contacts SET disabled_reason = $3, disabled_at = $4, updated_at = $4, version = version + 1
         WHERE account_id = $1 AND id = $2 AND disabled_reason IS NULL",
        account.uuid(),
        id.uuid(),
        reason,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A mail contact, found by its address over all accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OfAddress {
    /// Its account.
    pub account_id: AccountId,
    /// The contact.
    pub id: ContactId,
    /// Alerts were sent to it.
    pub was_usable: bool,
}

/// The mail contacts with that address over all accounts, but for those that are disabled for `reason` already. Not
/// under the tenant's role.
pub async fn list_of_mail_address(
    connection: &mut PgConnection,
    address: &EmailAddress,
    reason: &str,
) -> Result<Vec<OfAddress>> {
    let rows = sqlx::query!(
        r#"SELECT account_id, id, verified_at IS NOT NULL AND disabled_reason IS NULL AS "was_usable!" FROM contacts
           WHERE channel = 'email' AND address_canonical = $1 AND disabled_reason IS DISTINCT FROM $2
           ORDER BY account_id, id"#,
        address.canonical(),
        reason
    )
    .fetch_all(connection)
    .await?;
    let found = rows.into_iter().map(|row| OfAddress {
        account_id: AccountId::from_uuid(row.account_id),
        id: ContactId::from_uuid(row.id),
        was_usable: row.was_usable,
    });
    Ok(found.collect())
}

/// Disables a contact because of `reason`, whatever it was disabled for before; a code that is under way to it is
/// dead.
pub async fn mark_refused(
    connection: &mut PgConnection,
    (account, id): (AccountId, ContactId),
    reason: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE contacts SET disabled_reason = $3, disabled_at = $4, updated_at = $4, version = version + 1,
             code_hash = NULL
         WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid(),
        reason,
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The test message of a hook arrived: it is proven, and what stopped it is over.
pub async fn mark_proven(
    connection: &mut PgConnection,
    account: AccountId,
    id: ContactId,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE contacts SET verified_at = coalesce(verified_at, $3), disabled_reason = NULL, disabled_at = NULL,
             updated_at = $3, version = version + 1
         WHERE account_id = $1 AND id = $2 AND (verified_at IS NULL OR disabled_reason IS NOT NULL)",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct Row {
    id: Uuid,
    channel: String,
    name: String,
    address: String,
    verified_at: Option<jiff_sqlx::Timestamp>,
    in_default: bool,
    call_on_recovery: bool,
    user_id: Option<Uuid>,
    only_critical: bool,
    quiet_hours: Option<Json<QuietHours>>,
    disabled_reason: Option<String>,
    created_at: jiff_sqlx::Timestamp,
}

impl Row {
    fn into_contact(self) -> Result<Contact> {
        let id = ContactId::from_uuid(self.id);
        Ok(Contact {
            id,
            channel: Channel::parse(&self.channel)
                .ok_or_else(|| Error::impossible("contacts", "channel", id))?,
            name: self.name,
            address: self.address,
            verified_at: self.verified_at.map(|at| at.to_jiff()),
            in_default: self.in_default,
            call_on_recovery: self.call_on_recovery,
            member_id: self.user_id.map(UserId::from_uuid),
            only_critical: self.only_critical,
            quiet_hours: self.quiet_hours.map(|hours| hours.0),
            disabled_reason: self.disabled_reason,
            created_at: self.created_at.to_jiff(),
        })
    }
}

#[cfg(test)]
mod tests;
