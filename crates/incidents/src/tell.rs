//! From an event to rows in `deliveries`, each with its job.

use std::collections::HashSet;

use domain::alert::{self, Reach, Recipients, morning};
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId, MonitorId};
use domain::monitor::MonitorSpec;
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::deliveries::{self, Planned};

use crate::Result;

/// What is told.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub account_id: AccountId,
    pub event: Event,
    pub incident_id: Option<IncidentId>,
    pub monitor_id: Option<MonitorId>,
    /// What the event is about; planning it twice plans it once.
    pub subject: String,
    pub payload: Value,
    /// Not sent before this.
    pub wait_until: Option<Timestamp>,
    /// It can wait: people are told of it with others of its kind. Programs get every event at once.
    pub can_wait: bool,
}

impl Message {
    pub(crate) fn of_incident(
        event: Event,
        account_id: AccountId,
        incident_id: IncidentId,
        monitor_id: MonitorId,
    ) -> Self {
        Self {
            account_id,
            event,
            incident_id: Some(incident_id),
            monitor_id: Some(monitor_id),
            subject: incident_id.to_string(),
            payload: json!({}),
            wait_until: None,
            can_wait: false,
        }
    }
}

/// A message that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Written {
    pub delivery_id: DeliveryId,
    pub contact_id: ContactId,
    pub not_before: Timestamp,
}

/// Whom the monitor's owner wants told. What is no outage may have a policy of its own.
async fn recipients(
    connection: &mut PgConnection,
    (account, event): (AccountId, Event),
    spec: &MonitorSpec,
) -> Result<Recipients> {
    if event != Event::IncidentOpened
        && let Some(id) = store::accounts::find_notice_policy(connection, account).await?
        && let Some(policy) = store::policies::find(connection, account, id).await?
    {
        return Ok(policy.recipients());
    }
    if let Some(named) = &spec.contact_ids {
        return Ok(Recipients::Named(named.clone()));
    }
    let policies = store::policies::list(connection, account).await?;
    Ok(alert::policy::recipients(None, spec.policy_id, &policies))
}

/// Plans the message for everyone the monitor names.
pub(crate) async fn tell_recipients(
    connection: &mut PgConnection,
    message: &Message,
    spec: &MonitorSpec,
    wanted: impl Fn(&Contact) -> bool,
    now: Timestamp,
) -> Result<Vec<Written>> {
    let contacts = store::contacts::list(connection, message.account_id).await?;
    let wanted: Vec<Contact> = contacts.into_iter().filter(wanted).collect();
    let duties = store::oncall::list_duties(connection, message.account_id, now).await?;
    let reach = Reach {
        contacts: &wanted,
        duties: &duties,
        severity: spec.severity(),
        at: now,
    };
    let recipients = recipients(connection, (message.account_id, message.event), spec).await?;
    let account = store::accounts::find(connection, message.account_id).await?;
    let zone = account.map_or(TimeZone::UTC, |account| words::zone(&account.timezone));
    let earliest = message.wait_until.unwrap_or(now);
    let plan = alert::deliveries(message.event, &message.subject, &recipients, &reach);
    let mut written = Vec::with_capacity(plan.len());
    for planned in plan {
        let Some(contact) = wanted.iter().find(|contact| contact.id == planned.contact) else {
            continue;
        };
        let to = (contact.id, contact.channel);
        let earliest = match message.can_wait && !contact.channel.is_program() {
            true => {
                let lately = (message.account_id, contact.id);
                let since = now
                    .saturating_sub(morning::WITHIN)
                    .unwrap_or(Timestamp::MIN);
                let events = [Event::TlsExpiring, Event::DomainExpiring];
                let lately = deliveries::count_since(connection, lately, &events, since).await?;
                morning::when(lately, earliest, &zone)
            }
            false => earliest,
        };
        let not_before = planned.not_before.max(earliest);
        let when = (not_before, now);
        written.extend(write(connection, message, to, planned.dedup_key, when).await?);
    }
    Ok(written)
}

/// Plans the message for those contacts to whom the outage itself was told, all but `except`. Who was
/// called is called again only about the end, and only where that was asked for.
pub(crate) async fn tell_those_told(
    connection: &mut PgConnection,
    message: &Message,
    incident: IncidentId,
    except: &HashSet<ContactId>,
    now: Timestamp,
) -> Result<Vec<Written>> {
    let event = Event::IncidentOpened;
    let told = deliveries::list_told(connection, message.account_id, incident, event).await?;
    let mut written = Vec::with_capacity(told.len());
    for one in told {
        let called = one.channel == Channel::Voice
            && !(message.event == Event::IncidentResolved && one.call_on_recovery);
        if except.contains(&one.contact_id) || called {
            continue;
        }
        let dedup_key = alert::plan::dedup_key(message.event, &message.subject, one.contact_id);
        let to = (one.contact_id, one.channel);
        written.extend(write(connection, message, to, dedup_key, (now, now)).await?);
    }
    Ok(written)
}

/// Writes down that the message is not sent to `own`, where they were told of the outage.
pub(crate) async fn skip_own(
    connection: &mut PgConnection,
    message: &Message,
    incident: IncidentId,
    own: &HashSet<ContactId>,
    now: Timestamp,
) -> Result<()> {
    let event = Event::IncidentOpened;
    let told = deliveries::list_told(connection, message.account_id, incident, event).await?;
    for one in told {
        if own.contains(&one.contact_id) {
            let planned = planned(message, (one.contact_id, one.channel), now);
            deliveries::insert_skipped(connection, &planned, "this person did it", now).await?;
        }
    }
    Ok(())
}

/// One row and its job, unless it was planned before. The first moment is when it may be sent.
pub(crate) async fn write(
    connection: &mut PgConnection,
    message: &Message,
    (contact_id, channel): (ContactId, Channel),
    dedup_key: String,
    (not_before, now): (Timestamp, Timestamp),
) -> Result<Option<Written>> {
    let planned = Planned {
        dedup_key,
        not_before,
        ..planned(message, (contact_id, channel), now)
    };
    let Some(delivery_id) = deliveries::insert(connection, &planned, now).await? else {
        return Ok(None);
    };
    let run_at = (not_before > now).then_some(not_before);
    jobs::enqueue_delivery(connection, channel, message.account_id, delivery_id, run_at).await?;
    Ok(Some(Written {
        delivery_id,
        contact_id,
        not_before,
    }))
}

/// The row of a message to a contact, under the usual key.
fn planned(
    message: &Message,
    (contact_id, channel): (ContactId, Channel),
    now: Timestamp,
) -> Planned {
    Planned {
        account_id: message.account_id,
        event: message.event,
        incident_id: message.incident_id,
        monitor_id: message.monitor_id,
        contact_id,
        channel,
        dedup_key: alert::plan::dedup_key(message.event, &message.subject, contact_id),
        payload: message.payload.clone(),
        not_before: now,
    }
}
