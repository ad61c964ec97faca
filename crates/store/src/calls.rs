//! Table `calls`: what a call has to say, and what became of it. The provider's word about a call comes
//! in turns (answered, a key, the end), each of which may come twice or out of order.

mod outcome;

pub use outcome::Outcome;

use domain::alert::voice::Script;
use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::deliveries::claim::Claimed;
use crate::{Error, Result};

/// Turns of a call that are kept.
const MOST_TURNS: i32 = 30;

/// A key that was pressed and what was said to it; no key is the beginning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "a pair")]
pub struct Turn {
    pub key: Option<char>,
    pub said: String,
}

/// A call and the delivery it makes.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of calls and deliveries")]
pub struct Call {
    pub account_id: AccountId,
    pub delivery_id: DeliveryId,
    pub event: Event,
    pub incident_id: Option<IncidentId>,
    pub monitor_id: Option<MonitorId>,
    pub contact_id: ContactId,
    pub payload: serde_json::Value,
    pub state: DeliveryState,
    pub provider_id: Option<String>,
    pub claims: i32,
    pub attempts: i32,
    pub planned_at: Timestamp,
    pub script: Script,
    pub answered_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub outcome: Option<Outcome>,
    pub passed_to: Option<Vec<String>>,
    pub turns: Vec<Turn>,
}

impl Call {
    /// Its delivery as a claim that has ended, to plan what stands in for it.
    pub fn claimed(&self) -> Claimed {
        Claimed {
            account_id: self.account_id,
            id: self.delivery_id,
            event: self.event,
            channel: Channel::Voice,
            incident_id: self.incident_id,
            monitor_id: self.monitor_id,
            contact_id: self.contact_id,
            payload: self.payload.clone(),
            created_at: self.planned_at,
            lease_token: Uuid::nil(),
            number: u32::try_from(self.claims).unwrap_or(0),
            attempts: u32::try_from(self.attempts).unwrap_or(0),
            may_have_arrived: false,
            placed: self.provider_id.clone(),
        }
    }
}

/// Keeps what a call has to say; one that is tried again says what is known now. Returns when it was
/// first kept.
pub async fn put(
    connection: &mut PgConnection,
    account: AccountId,
    delivery: DeliveryId,
    script: &Script,
    now: Timestamp,
) -> Result<Timestamp> {
    let at = sqlx::query_scalar!(
        r#"INSERT INTO calls (account_id, delivery_id, script, created_at) VALUES ($1, $2, $3, $4)
           ON CONFLICT ON CONSTRAINT calls_pkey DO UPDATE SET script = excluded.script
           RETURNING created_at AS "at: jiff_sqlx::Timestamp""#,
        account.uuid(),
        delivery.uuid(),
        Json(script) as _,
        now.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(at.to_jiff())
}

/// The call of a delivery, both rows locked; `None` when the account has no such call.
pub async fn lock(
    connection: &mut PgConnection,
    account: AccountId,
    delivery: DeliveryId,
) -> Result<Option<Call>> {
    // The delivery first, as where it is claimed.
    sqlx::query!(
        "SELECT 1 AS one FROM deliveries WHERE account_id = $1 AND id = $2 FOR NO KEY UPDATE",
        account.uuid(),
        delivery.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    sqlx::query!(
        "SELECT 1 AS one FROM calls WHERE account_id = $1 AND delivery_id = $2 FOR NO KEY UPDATE",
        account.uuid(),
        delivery.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    find(connection, account, delivery).await
}

/// The call of a delivery.
pub async fn find(
    connection: &mut PgConnection,
    account: AccountId,
    delivery: DeliveryId,
) -> Result<Option<Call>> {
    let row = sqlx::query!(
        r#"SELECT d.event, d.incident_id, d.monitor_id, d.contact_id, d.payload, d.state, d.provider_id, d.claims,
             d.attempts, d.created_at AS "planned_at: jiff_sqlx::Timestamp", c.script AS "script: Json<Script>",
             c.answered_at AS "answered_at: jiff_sqlx::Timestamp", c.ended_at AS "ended_at: jiff_sqlx::Timestamp",
             c.outcome, c.passed_to AS "passed_to: Json<Vec<String>>", c.turns AS "turns: Json<Vec<Turn>>"
           FROM calls c JOIN deliveries d ON d.account_id = c.account_id AND d.id = c.delivery_id
           WHERE c.account_id = $1 AND c.delivery_id = $2 AND d.channel = 'voice'"#,
        account.uuid(),
        delivery.uuid()
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let impossible = |column| Error::impossible("calls", column, delivery);
    Ok(Some(Call {
        account_id: account,
        delivery_id: delivery,
        event: Event::parse(&row.event).ok_or_else(|| impossible("event"))?,
        incident_id: row.incident_id.map(IncidentId::from_uuid),
        monitor_id: row.monitor_id.map(MonitorId::from_uuid),
        contact_id: ContactId::from_uuid(row.contact_id),
        payload: row.payload,
        state: DeliveryState::parse(&row.state).ok_or_else(|| impossible("state"))?,
        provider_id: row.provider_id,
        claims: row.claims,
        attempts: row.attempts,
        planned_at: row.planned_at.to_jiff(),
        script: row.script.0,
        answered_at: row.answered_at.map(|at| at.to_jiff()),
        ended_at: row.ended_at.map(|at| at.to_jiff()),
        outcome: row
            .outcome
            .map(|word| Outcome::parse(&word).ok_or_else(|| impossible("outcome")))
            .transpose()?,
        passed_to: row.passed_to.map(|names| names.0),
        turns: row.turns.0,
    }))
}

/// The provider's name for a call, from whichever word of it comes first.
pub async fn set_provider_id(
    connection: &mut PgConnection,
    call: &Call,
    provider_id: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE deliveries SET provider_id = $3, accepted_at = coalesce(accepted_at, $4)
         WHERE account_id = $1 AND id = $2 AND provider_id IS NULL",
        call.account_id.uuid(),
        call.delivery_id.uuid(),
        provider_id,
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Somebody or something answered, and this was said.
pub async fn add_turn(
    connection: &mut PgConnection,
    call: &Call,
    turn: &Turn,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE calls SET answered_at = coalesce(answered_at, $4),
             turns = CASE WHEN jsonb_array_length(turns) < $5::int THEN turns || $3::jsonb ELSE turns END
         WHERE account_id = $1 AND delivery_id = $2",
        call.account_id.uuid(),
        call.delivery_id.uuid(),
        serde_json::json!([turn]),
        now.to_sqlx() as _,
        MOST_TURNS,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What a key or a machine decided; the first word holds.
pub async fn set_outcome(
    connection: &mut PgConnection,
    call: &Call,
    outcome: Outcome,
    passed_to: Option<&[String]>,
) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE calls SET outcome = $3, passed_to = $4
         WHERE account_id = $1 AND delivery_id = $2 AND (outcome IS NULL OR outcome = 'no_key')",
        call.account_id.uuid(),
        call.delivery_id.uuid(),
        outcome.as_str(),
        passed_to.map(|names| serde_json::json!(names)),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The call is over: its delivery is final, and its history says how it ended.
pub async fn end(
    connection: &mut PgConnection,
    call: &Call,
    outcome: Outcome,
    now: Timestamp,
) -> Result<()> {
    let (state, reason) = if outcome.is_unheard() {
        (
            DeliveryState::Failed,
            Some(outcome.sentence().trim_end_matches('.').to_lowercase()),
        )
    } else {
        (DeliveryState::Delivered, None)
    };
    sqlx::query!(
        "UPDATE calls SET ended_at = $4, outcome = coalesce(outcome, $3) WHERE account_id = $1 AND delivery_id = $2",
        call.account_id.uuid(),
        call.delivery_id.uuid(),
        outcome.as_str(),
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "UPDATE deliveries SET state = $3, reason = $4, accepted_at = coalesce(accepted_at, $5),
             delivered_at = CASE WHEN $3 = 'delivered' THEN $5 ELSE delivered_at END, finished_at = $5
         WHERE account_id = $1 AND id = $2",
        call.account_id.uuid(),
        call.delivery_id.uuid(),
        state.as_str(),
        reason,
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO delivery_attempts (account_id, delivery_id, number, at, provider, outcome, message)
         SELECT account_id, id, claims + 1, $3, provider, $4, $5 FROM deliveries WHERE account_id = $1 AND id = $2
         ON CONFLICT ON CONSTRAINT delivery_attempts_pkey DO NOTHING",
        call.account_id.uuid(),
        call.delivery_id.uuid(),
        now.to_sqlx() as _,
        outcome.as_str(),
        outcome.sentence(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Another call about the incident is being placed or goes on. One of which no word came for five minutes
/// does not count.
pub async fn another_goes_on(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    except: DeliveryId,
    now: Timestamp,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (
             SELECT 1 FROM deliveries d
             LEFT JOIN calls c ON c.account_id = d.account_id AND c.delivery_id = d.id
             WHERE d.account_id = $1 AND d.incident_id = $2 AND d.id <> $3 AND d.channel = 'voice'
               AND d.event IN ('incident.opened', 'incident.escalated') AND d.not_before <= $4
               AND (d.state = 'sending' OR d.state = 'pending' AND d.attempts = 0
                    OR d.state = 'sent' AND c.outcome IS NULL
                       AND d.accepted_at > $4::timestamptz - interval '5 minutes')) AS "found!""#,
        account.uuid(),
        incident.uuid(),
        except.uuid(),
        now.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?)
}

/// The provider's names of other calls or text messages to a contact since `since`: what is looked for is
/// none of these.
pub async fn list_other_provider_ids(
    connection: &mut PgConnection,
    claimed: &Claimed,
    since: Timestamp,
) -> Result<Vec<String>> {
    let ids = sqlx::query_scalar!(
        r#"SELECT provider_id AS "id!" FROM deliveries
           WHERE account_id = $1 AND contact_id = $2 AND id <> $3 AND provider_id IS NOT NULL
             AND created_at > $4::timestamptz - interval '2 days'"#,
        claimed.account_id.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
        since.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    Ok(ids)
}
