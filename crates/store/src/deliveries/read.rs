//! Deliveries as pages and the API show them.

use domain::contact::Channel;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use domain::incident::ResolvedReason;
use domain::monitor::{MonitorSpec, Settings};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use serde_json::Value;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, Result};

/// A message and what became of it.
#[derive(Debug, Clone, PartialEq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Delivery {
    pub id: DeliveryId,
    pub event: Event,
    pub incident_id: Option<IncidentId>,
    pub monitor_id: Option<MonitorId>,
    pub contact_id: ContactId,
    pub contact_name: String,
    pub channel: Channel,
    pub state: DeliveryState,
    pub reason: Option<String>,
    pub payload: Value,
    pub created_at: Timestamp,
    pub not_before: Timestamp,
    pub attempts: i32,
    pub accepted_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub price_micros: Option<i64>,
    /// Why its incident ended, if it did.
    pub resolved_reason: Option<ResolvedReason>,
    /// The monitor it is about; none where there is none any more.
    pub monitor_name: Option<String>,
}

/// One try to send a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Attempt {
    pub delivery_id: DeliveryId,
    pub number: i32,
    pub at: Timestamp,
    pub provider: Option<String>,
    pub outcome: String,
    pub message: String,
}

/// A contact that an event was planned for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the columns")]
pub struct Told {
    pub delivery_id: DeliveryId,
    pub contact_id: ContactId,
    pub channel: Channel,
    pub state: DeliveryState,
    /// Of a number that is called: also when it is over.
    pub call_on_recovery: bool,
}

/// The messages of an incident, oldest first.
pub async fn list_by_incident(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
) -> Result<Vec<Delivery>> {
    select(connection, account, Some(incident), None, u32::MAX).await
}

/// The latest messages to a contact, newest first.
pub async fn list_by_contact(
    connection: &mut PgConnection,
    account: AccountId,
    contact: ContactId,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let mut found = select(connection, account, None, Some(contact), limit).await?;
    found.reverse();
    Ok(found)
}

/// The latest `limit` messages, oldest first.
async fn select(
    connection: &mut PgConnection,
    account: AccountId,
    incident: Option<IncidentId>,
    contact: Option<ContactId>,
    limit: u32,
) -> Result<Vec<Delivery>> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT d.id, d.event, d.incident_id, d.monitor_id, d.contact_id, c.name AS contact_name, d.channel, d.state,
             d.reason, d.payload, d.created_at AS "created_at: jiff_sqlx::Timestamp",
             d.not_before AS "not_before: jiff_sqlx::Timestamp", d.attempts,
             d.accepted_at AS "accepted_at: jiff_sqlx::Timestamp",
             d.delivered_at AS "delivered_at: jiff_sqlx::Timestamp",
             d.finished_at AS "finished_at: jiff_sqlx::Timestamp", d.price_micros,
             i.resolved_reason AS "resolved_reason?", m.spec AS "spec?: Json<MonitorSpec>"
         FROM deliveries d JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
         LEFT JOIN incidents i ON i.account_id = d.account_id AND i.id = d.incident_id
         LEFT JOIN monitors m ON m.account_id = d.account_id AND m.id = d.monitor_id
         WHERE d.account_id = $1 AND ($2::uuid IS NULL OR d.incident_id = $2)
           AND ($3::uuid IS NULL OR d.contact_id = $3)
         ORDER BY d.created_at DESC, d.id DESC LIMIT $4"#,
        account.uuid(),
        incident.map(IncidentId::uuid),
        contact.map(ContactId::uuid),
        i64::from(limit)
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter().rev().map(Row::into_delivery).collect()
}

/// The attempts of an incident's messages, or of one message, in order.
pub async fn list_attempts(
    connection: &mut PgConnection,
    account: AccountId,
    deliveries: &[DeliveryId],
) -> Result<Vec<Attempt>> {
    let ids: Vec<Uuid> = deliveries.iter().map(|id| id.uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT delivery_id, number, at AS "at: jiff_sqlx::Timestamp", provider, outcome, message
         FROM delivery_attempts WHERE account_id = $1 AND delivery_id = ANY($2) ORDER BY delivery_id, number"#,
        account.uuid(),
        &ids
    )
    .fetch_all(connection)
    .await?;
    let attempts = rows.into_iter().map(|row| Attempt {
        delivery_id: DeliveryId::from_uuid(row.delivery_id),
        number: row.number,
        at: row.at.to_jiff(),
        provider: row.provider,
        outcome: row.outcome,
        message: row.message,
    });
    Ok(attempts.collect())
}

/// Whom an event of the incident was planned for, skipped messages left out.
pub async fn list_told(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    event: Event,
) -> Result<Vec<Told>> {
    let rows = sqlx::query!(
        "SELECT d.id, d.contact_id, d.channel, d.state, c.call_on_recovery FROM deliveries d
         JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
         WHERE d.account_id = $1 AND d.incident_id = $2 AND d.event = $3 AND d.state <> 'skipped'
         ORDER BY d.created_at, d.id",
        account.uuid(),
        incident.uuid(),
        event.as_str()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Told {
                delivery_id: DeliveryId::from_uuid(row.id),
                contact_id: ContactId::from_uuid(row.contact_id),
                channel: channel(&row.channel, row.id)?,
                state: state(&row.state, row.id)?,
                call_on_recovery: row.call_on_recovery,
            })
        })
        .collect()
}

/// Contacts that an event of the incident was planned for, whatever became of it, in order.
pub async fn list_planned(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    event: Event,
) -> Result<Vec<(ContactId, Channel)>> {
    let rows = sqlx::query!(
        "SELECT id, contact_id, channel FROM deliveries
         WHERE account_id = $1 AND incident_id = $2 AND event = $3 ORDER BY created_at, id",
        account.uuid(),
        incident.uuid(),
        event.as_str()
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok((
                ContactId::from_uuid(row.contact_id),
                channel(&row.channel, row.id)?,
            ))
        })
        .collect()
}

fn channel(word: &str, id: Uuid) -> Result<Channel> {
    Channel::parse(word).ok_or_else(|| Error::impossible("deliveries", "channel", id))
}

fn state(word: &str, id: Uuid) -> Result<DeliveryState> {
    DeliveryState::parse(word).ok_or_else(|| Error::impossible("deliveries", "state", id))
}

struct Row {
    id: Uuid,
    event: String,
    incident_id: Option<Uuid>,
    monitor_id: Option<Uuid>,
    contact_id: Uuid,
    contact_name: String,
    channel: String,
    state: String,
    reason: Option<String>,
    payload: Value,
    created_at: jiff_sqlx::Timestamp,
    not_before: jiff_sqlx::Timestamp,
    attempts: i32,
    accepted_at: Option<jiff_sqlx::Timestamp>,
    delivered_at: Option<jiff_sqlx::Timestamp>,
    finished_at: Option<jiff_sqlx::Timestamp>,
    price_micros: Option<i64>,
    resolved_reason: Option<String>,
    spec: Option<Json<MonitorSpec>>,
}

impl Row {
    fn into_delivery(self) -> Result<Delivery> {
        Ok(Delivery {
            id: DeliveryId::from_uuid(self.id),
            event: Event::parse(&self.event)
                .ok_or_else(|| Error::impossible("deliveries", "event", self.id))?,
            incident_id: self.incident_id.map(IncidentId::from_uuid),
            monitor_id: self.monitor_id.map(MonitorId::from_uuid),
            contact_id: ContactId::from_uuid(self.contact_id),
            contact_name: self.contact_name,
            channel: channel(&self.channel, self.id)?,
            state: state(&self.state, self.id)?,
            reason: self.reason,
            payload: self.payload,
            created_at: self.created_at.to_jiff(),
            not_before: self.not_before.to_jiff(),
            attempts: self.attempts,
            accepted_at: self.accepted_at.map(|at| at.to_jiff()),
            delivered_at: self.delivered_at.map(|at| at.to_jiff()),
            finished_at: self.finished_at.map(|at| at.to_jiff()),
            price_micros: self.price_micros,
            resolved_reason: self
                .resolved_reason
                .as_deref()
                .and_then(ResolvedReason::parse),
            monitor_name: self.spec.map(|spec| Settings::of(&spec.0).name),
        })
    }
}

/// How many messages of these events were planned for a contact since then.
pub async fn count_since(
    connection: &mut PgConnection,
    (account, contact): (AccountId, ContactId),
    events: &[Event],
    since: Timestamp,
) -> Result<u32> {
    let events: Vec<String> = events
        .iter()
        .map(|event| event.as_str().to_owned())
        .collect();
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM deliveries
           WHERE account_id = $1 AND contact_id = $2 AND created_at > $3 AND event = ANY($4)"#,
        account.uuid(),
        contact.uuid(),
        since.to_sqlx() as _,
        &events
    )
    .fetch_one(connection)
    .await?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}
