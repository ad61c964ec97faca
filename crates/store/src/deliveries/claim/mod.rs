//! Taking a delivery under a lease, and writing down what became of it.
//!
//! A claim, what it decides and what it reserves are one transaction; so are a result, the fallback it
//! triggers and the next job. Between the two lies the send, at most twenty seconds under a lease of
//! sixty. Whoever comes after the lease has run out finds the claim lost and takes the next.

mod context;
mod fallback;
mod receipt;
mod result;
pub mod said;
mod siblings;
pub mod storm;
mod sweep;

use domain::contact::Channel;
use domain::delivery::Event;
use domain::delivery::retry::LEASE;
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use uuid::Uuid;

pub use context::{AccountFacts, Context, IncidentFacts, Told, load};
pub use fallback::{list_owner_addresses, plan_fallback};
pub use receipt::{Receipt, receipt};
pub use result::{
    FOR_THE_OUTAGE, SendResult, close, give_up_unreadable, hold, mark_superseded_by_recovery,
    plan_recovery, record, wake_held,
};
pub use siblings::{
    Unpaid, list_unpaid, lock_event, may_reach_someone, name_unpaid, step_may_reach_someone,
};
pub use sweep::{list_overdue, mark_pushed};

use crate::{Error, Result};

/// Its job comes when a delivery is due by the clock of whoever planned it, and ours may be behind that one.
/// A first try that is put off by no more than this is not left to the sweeper; a further one is never early, for
/// whoever is written to may have said when.
const EARLY: SignedDuration = SignedDuration::from_secs(2);

/// A delivery and the channel whose queue it waits in.
pub type Queued = (DeliveryId, Channel);

/// A delivery under this caller's lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// Its account.
    pub account_id: AccountId,
    /// Its id: the Message-ID's seed and the callback's key.
    pub id: DeliveryId,
    /// What it tells.
    pub event: Event,
    /// How it is sent.
    pub channel: Channel,
    /// The incident it tells of.
    pub incident_id: Option<IncidentId>,
    /// The monitor it tells of.
    pub monitor_id: Option<MonitorId>,
    /// To whom.
    pub contact_id: ContactId,
    /// Facts of the event that are in no other row.
    pub payload: serde_json::Value,
    /// When it was planned.
    pub created_at: Timestamp,
    /// Proof of the claim.
    pub lease_token: Uuid,
    /// Which claim this is, counted from 1.
    pub number: u32,
    /// Claims that ended with a result.
    pub attempts: u32,
    /// An earlier try may have arrived: it was lost, or its answer was missing.
    pub may_have_arrived: bool,
    /// The provider's name for an earlier try whose result was not written: it reported on it by itself.
    pub placed: Option<String>,
}

impl Claimed {
    /// Claims before this one that ended without a word.
    pub const fn lost_claims(&self) -> u32 {
        self.number.saturating_sub(1).saturating_sub(self.attempts)
    }
}

/// Takes a delivery under a lease; `None` when it is not due, already taken or done.
///
/// The contact is locked first, so that what is sent to one contact is decided one after the other.
pub async fn claim(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Option<Claimed>> {
    if !lock_contact(connection, account, id).await? {
        return Ok(None);
    }
    let token = Uuid::new_v4();
    let until = now + SignedDuration::try_from(LEASE).unwrap_or(SignedDuration::from_secs(60));
    let row = sqlx::query!(
        r#"UPDATE deliveries
           SET state = 'sending', lease_token = $3, lease_until = $4, next_at = $4, claims = claims + 1
           WHERE account_id = $1 AND id = $2
             AND (state IN ('pending', 'held') AND next_at <= CASE claims WHEN 0 THEN $6::timestamptz ELSE $5 END
                 OR state = 'sending' AND lease_until <= $5)
           RETURNING event, channel, incident_id, monitor_id, contact_id, payload, claims, attempts,
                     provider_id, created_at AS "created_at: jiff_sqlx::Timestamp""#,
        account.uuid(),
        id.uuid(),
        token,
        until.to_sqlx() as _,
        now.to_sqlx() as _,
        (now + EARLY).to_sqlx() as _,
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let impossible = |column| Error::impossible("deliveries", column, id);
    let number = u32::try_from(row.claims).map_err(|_| impossible("claims"))?;
    mark_lost(connection, account, id, row.claims - 1, now).await?;
    Ok(Some(Claimed {
        account_id: account,
        id,
        event: Event::parse(&row.event).ok_or_else(|| impossible("event"))?,
        channel: Channel::parse(&row.channel).ok_or_else(|| impossible("channel"))?,
        incident_id: row.incident_id.map(IncidentId::from_uuid),
        monitor_id: row.monitor_id.map(MonitorId::from_uuid),
        contact_id: ContactId::from_uuid(row.contact_id),
        payload: row.payload,
        created_at: row.created_at.to_jiff(),
        lease_token: token,
        number,
        attempts: u32::try_from(row.attempts).map_err(|_| impossible("attempts"))?,
        may_have_arrived: may_have_arrived(connection, account, id).await?,
        placed: row.provider_id,
    }))
}

/// Whether the claim of `token` took place, for whoever did not hear of the end of its transaction. Waits for that
/// end: the contact is locked, as it was by the claim.
pub async fn is_held(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
    token: Uuid,
) -> Result<bool> {
    if !lock_contact(connection, account, id).await? {
        return Ok(false);
    }
    let held = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM deliveries
           WHERE account_id = $1 AND id = $2 AND state = 'sending' AND lease_token = $3"#,
        account.uuid(),
        id.uuid(),
        token,
    )
    .fetch_optional(connection)
    .await?;
    Ok(held.is_some())
}

/// A delivery that is due, for the order of sending; nothing is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// To whom.
    pub contact: ContactId,
    /// What may be shown of the contact's address.
    pub address: String,
    /// It was tried before.
    pub again: bool,
}

/// Whom a delivery goes to that is due.
pub async fn find_due(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<Option<Due>> {
    let row = sqlx::query!(
        "SELECT d.contact_id, d.claims, c.address FROM deliveries d
         JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
         WHERE d.account_id = $1 AND d.id = $2 AND d.state IN ('pending', 'sending', 'held')
           AND d.next_at <= CASE d.claims WHEN 0 THEN $4::timestamptz ELSE $3 END",
        account.uuid(),
        id.uuid(),
        now.to_sqlx() as _,
        (now + EARLY).to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Due {
        contact: ContactId::from_uuid(row.contact_id),
        address: row.address,
        again: row.claims > 0,
    }))
}

async fn lock_contact(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
) -> Result<bool> {
    let contact = sqlx::query_scalar!(
        "SELECT contact_id FROM deliveries WHERE account_id = $1 AND id = $2",
        account.uuid(),
        id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(contact) = contact else {
        return Ok(false);
    };
    // NO KEY: a plan that refers to the contact need not wait.
    let locked = sqlx::query_scalar!(
        r#"SELECT 1 AS "one!" FROM contacts WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE"#,
        account.uuid(),
        contact
    )
    .fetch_optional(connection)
    .await?;
    Ok(locked.is_some())
}

/// The claim before this one left no result: its process died, or was cut off for too long.
async fn mark_lost(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
    number: i32,
    now: Timestamp,
) -> Result<()> {
    if number < 1 {
        return Ok(());
    }
    sqlx::query!(
        "INSERT INTO delivery_attempts (account_id, delivery_id, number, at, outcome, message)
         VALUES ($1, $2, $3, $4, 'lost', 'The sender stopped before it could write down a result.')
         ON CONFLICT ON CONSTRAINT delivery_attempts_pkey DO NOTHING",
        account.uuid(),
        id.uuid(),
        number,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn may_have_arrived(
    connection: &mut PgConnection,
    account: AccountId,
    id: DeliveryId,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM delivery_attempts
           WHERE account_id = $1 AND delivery_id = $2 AND outcome IN ('lost', 'ambiguous')) AS "found!""#,
        account.uuid(),
        id.uuid()
    )
    .fetch_one(connection)
    .await?)
}
