//! Everything that a message may need to say.

use std::collections::BTreeMap;

use domain::check::Check;
use domain::contact::{Channel, Contact, Hook};
use domain::delivery::decide::OutageDelivery;
use domain::delivery::payload::Said;
use domain::delivery::{DeliveryState, Event};
use domain::ids::{AccountId, ContactId, DeliveryId, IncidentId};
use domain::incident::{Incident, Suppressed};
use domain::monitor::Monitor;
use domain::report::{Uptime, Window};
use domain::status::RegionVote;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use super::Claimed;
use crate::{Error, Result, Secrets};

/// Monitors behind an outage that its message names.
const NAMED: i64 = 5;

/// The account as its messages name it.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "columns of accounts")]
pub struct AccountFacts {
    pub name: String,
    pub timezone: String,
}

/// An incident and what is known beside it.
#[derive(Debug, Clone)]
pub struct IncidentFacts {
    /// The incident.
    pub incident: Incident,
    /// Start of the last good look before it.
    pub last_good_at: Option<Timestamp>,
    /// When its end was sure.
    pub resolved_confirmed_at: Option<Timestamp>,
}

/// Someone who is told of the same event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "columns of deliveries and contacts")]
pub struct Told {
    pub contact_id: ContactId,
    pub name: String,
    pub channel: Channel,
    pub state: DeliveryState,
    pub accepted_at: Option<Timestamp>,
}

/// What a delivery needs beside its own row. Parts that are gone are absent, and so are those that
/// the event does not have.
#[derive(Debug, Clone)]
pub struct Context {
    /// `None` when the account is deleted.
    pub account: Option<AccountFacts>,
    /// To whom.
    pub contact: Option<Contact>,
    /// Where to, if the contact is a hook.
    pub hook: Option<Hook>,
    /// To a program: when an earlier message about the same incident is looked at again.
    pub earlier: Option<Timestamp>,
    /// To a webhook: the last look at the monitor.
    pub last_check: Option<Check>,
    /// About which monitor.
    pub monitor: Option<Monitor>,
    /// About which incident.
    pub incident: Option<IncidentFacts>,
    /// The message about the outage to the same contact.
    pub outage: Option<OutageDelivery>,
    /// Of a closer look: what the message about the outage said of the cause to the same contact, by itself.
    pub said: Option<Said>,
    /// Nobody is to be told of its incident before, while nobody has it.
    pub snoozed_until: Option<Timestamp>,
    /// Who is told of the outage by now, this contact among them; later steps are left out.
    pub told: Vec<Told>,
    /// The contact's first mail about the incident, if it is another one.
    pub first_mail: Option<DeliveryId>,
    /// Names of regions by their id.
    pub regions: BTreeMap<String, String>,
    /// Of an outage: the first of what depends on its monitor and may be down behind it.
    pub dependents: (Vec<String>, u32),
    /// Of an incident: the first of what was down behind it.
    pub suppressed: (Vec<Suppressed>, u32),
    /// Of a recovery: what the regions say now.
    pub votes: Vec<RegionVote>,
    /// Of a recovery: the last 30 days.
    pub uptime: Option<Uptime>,
}

impl Context {
    /// What is known of the cause is not what the contact was told.
    pub fn is_news(&self) -> bool {
        let known = self
            .incident
            .as_ref()
            .map(|facts| &facts.incident.diagnosis);
        let said = self.said.as_ref();
        said.is_some_and(|said| said.is_outdated(known.and_then(Option::as_ref)))
    }

    /// Somebody has its incident.
    pub fn is_taken(&self) -> bool {
        let incident = self.incident.as_ref();
        incident.is_some_and(|facts| facts.incident.acknowledged_at.is_some())
    }
}

/// Reads it in the transaction of the claim. The message about the outage is locked.
pub async fn load(
    connection: &mut PgConnection,
    secrets: &Secrets,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<Context> {
    let account = claimed.account_id;
    let monitor = match claimed.monitor_id {
        Some(id) => crate::monitors::find_with_deleted(connection, secrets, account, id).await?,
        None => None,
    };
    let mut context = Context {
        account: find_account(connection, account).await?,
        contact: crate::contacts::find(connection, account, claimed.contact_id).await?,
        hook: None,
        earlier: None,
        last_check: None,
        monitor,
        incident: None,
        outage: None,
        said: None,
        snoozed_until: None,
        told: Vec::new(),
        first_mail: None,
        regions: BTreeMap::new(),
        dependents: (Vec::new(), 0),
        suppressed: (Vec::new(), 0),
        votes: Vec::new(),
        uptime: None,
    };
    if claimed.channel.is_hook() {
        let id = claimed.contact_id;
        context.hook = crate::contacts::hooks::find(connection, secrets, account, id, now).await?;
    }
    if let (Channel::Webhook, Some(monitor)) = (claimed.channel, claimed.monitor_id) {
        let mut last = crate::reports::last_checks(connection, account, &[monitor]).await?;
        context.last_check = last.remove(&monitor);
    }
    if let Some(incident) = claimed.incident_id {
        if claimed.channel.is_program() {
            context.earlier = find_earlier(connection, claimed, incident, now).await?;
        }
        context.incident = find_incident(connection, account, incident).await?;
        context.outage = lock_outage(connection, account, incident, claimed.contact_id).await?;
        context.snoozed_until =
            crate::escalations::find_snooze(connection, account, incident, now).await?;
        context.told = list_told(connection, account, incident, now).await?;
        context.first_mail = find_first_mail(connection, claimed, incident).await?;
        context.regions = list_regions(connection).await?;
        context.suppressed =
            crate::dependencies::list_suppressed(connection, account, incident, 50).await?;
    }
    if let (Event::IncidentDiagnosed, Some(incident)) = (claimed.event, claimed.incident_id) {
        let contact = claimed.contact_id;
        context.said = super::said::find(connection, account, incident, contact).await?;
    }
    if let (Event::IncidentOpened, Some(monitor)) = (claimed.event, claimed.monitor_id) {
        let (named, all) =
            crate::dependencies::list_dependents(connection, account, monitor, NAMED).await?;
        context.dependents = (named.into_iter().map(|(_, name)| name).collect(), all);
    }
    if let (Event::IncidentResolved, Some(monitor)) = (claimed.event, claimed.monitor_id) {
        context.votes = crate::states::votes::list(connection, account, monitor).await?;
        context.uptime = Some(
            crate::reports::uptime(connection, account, monitor, Window::last_days(now, 30))
                .await?,
        );
    }
    Ok(context)
}

async fn find_account(
    connection: &mut PgConnection,
    id: AccountId,
) -> Result<Option<AccountFacts>> {
    Ok(sqlx::query_as!(
        AccountFacts,
        "SELECT name, timezone FROM accounts WHERE id = $1 AND deleted_at IS NULL",
        id.uuid()
    )
    .fetch_optional(connection)
    .await?)
}

async fn find_incident(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
) -> Result<Option<IncidentFacts>> {
    let incident = crate::incidents::find(connection, account, id).await?;
    Ok(incident.map(|incident| IncidentFacts {
        last_good_at: incident.last_good_at,
        resolved_confirmed_at: incident.resolved_confirmed_at,
        incident,
    }))
}

async fn lock_outage(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    contact: ContactId,
) -> Result<Option<OutageDelivery>> {
    let row = sqlx::query!(
        r#"SELECT o.id, o.state, o.next_at AS "next_at: jiff_sqlx::Timestamp", l.state AS "leader?",
             l.next_at AS "leader_next_at?: jiff_sqlx::Timestamp",
             o.accepted_at AS "accepted_at: jiff_sqlx::Timestamp", o.payload ? 'passed_over' AS "passed_over!" FROM deliveries o
           LEFT JOIN deliveries l ON l.account_id = o.account_id AND l.id = o.merged_into AND o.state = 'merged'
           WHERE o.account_id = $1 AND o.incident_id = $2 AND o.contact_id = $3 AND o.event = 'incident.opened'
           FOR NO KEY UPDATE OF o"#,
        account.uuid(),
        incident.uuid(),
        contact.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let id = DeliveryId::from_uuid(row.id);
    let impossible = || Error::impossible("deliveries", "state", id);
    // What was told together stands where the message stands that tells it.
    if let (Some(leader), Some(next_at)) = (row.leader, row.leader_next_at) {
        let leader = DeliveryState::parse(&leader).ok_or_else(impossible)?;
        return Ok(Some(OutageDelivery {
            state: match leader.is_final() {
                true => leader,
                false => DeliveryState::Sending,
            },
            may_have_arrived: true,
            next_at: next_at.to_jiff(),
            accepted_at: row.accepted_at.map(|at| at.to_jiff()),
            passed_over: false,
        }));
    }
    let state = DeliveryState::parse(&row.state).ok_or_else(impossible)?;
    if matches!(
        state,
        DeliveryState::Failed | DeliveryState::GivenUp | DeliveryState::Skipped
    ) && let Some(at) = find_told_later(connection, account, incident, contact).await?
    {
        return Ok(Some(OutageDelivery {
            state: DeliveryState::Sent,
            may_have_arrived: true,
            next_at: at,
            accepted_at: Some(at),
            passed_over: false,
        }));
    }
    Ok(Some(OutageDelivery {
        state,
        may_have_arrived: super::may_have_arrived(connection, account, id).await?,
        next_at: row.next_at.to_jiff(),
        accepted_at: row.accepted_at.map(|at| at.to_jiff()),
        passed_over: row.passed_over,
    }))
}

/// When a later step reached a contact whom the first message did not reach.
async fn find_told_later(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    contact: ContactId,
) -> Result<Option<Timestamp>> {
    let at = sqlx::query_scalar!(
        r#"SELECT max(coalesce(accepted_at, finished_at)) AS "at: jiff_sqlx::Timestamp" FROM deliveries
           WHERE account_id = $1 AND incident_id = $2 AND contact_id = $3 AND event = 'incident.escalated'
             AND state IN ('sent', 'delivered', 'merged')"#,
        account.uuid(),
        incident.uuid(),
        contact.uuid()
    )
    .fetch_one(connection)
    .await?;
    Ok(at.map(|at| at.to_jiff()))
}

/// When the next of the messages planned before this one is looked at again; `None` when all have come
/// to their end. Nothing waits for a closer look's. What is being sent may end at this moment, unseen by the message that it would wake.
async fn find_earlier(
    connection: &mut PgConnection,
    claimed: &Claimed,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Option<Timestamp>> {
    let next = sqlx::query_scalar!(
        r#"SELECT min(CASE state WHEN 'sending' THEN least(next_at, $6::timestamptz + interval '2 seconds')
                      ELSE next_at END) AS "at: jiff_sqlx::Timestamp"
           FROM deliveries
           WHERE account_id = $1 AND incident_id = $2 AND contact_id = $3 AND id <> $4
             AND (created_at, id) < ($5, $4) AND state IN ('pending', 'sending', 'held')
             AND event <> 'incident.diagnosed'"#,
        claimed.account_id.uuid(),
        incident.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
        claimed.created_at.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(next.map(|at| at.to_jiff()))
}

async fn list_told(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<Vec<Told>> {
    let rows = sqlx::query!(
        r#"SELECT d.contact_id, c.name, d.channel, d.state, d.accepted_at AS "accepted_at: jiff_sqlx::Timestamp"
           FROM deliveries d JOIN contacts c ON c.account_id = d.account_id AND c.id = d.contact_id
           WHERE d.account_id = $1 AND d.incident_id = $2 AND d.event = 'incident.opened'
             AND d.state NOT IN ('skipped', 'superseded') AND d.not_before <= $3
           ORDER BY d.not_before, d.id LIMIT 50"#,
        account.uuid(),
        incident.uuid(),
        now.to_sqlx() as _
    )
    .fetch_all(connection)
    .await?;
    rows.into_iter()
        .map(|row| {
            let impossible = |column| Error::impossible("deliveries", column, incident);
            Ok(Told {
                contact_id: ContactId::from_uuid(row.contact_id),
                name: row.name,
                channel: Channel::parse(&row.channel).ok_or_else(|| impossible("channel"))?,
                state: DeliveryState::parse(&row.state).ok_or_else(|| impossible("state"))?,
                accepted_at: row.accepted_at.map(|at| at.to_jiff()),
            })
        })
        .collect()
}

async fn find_first_mail(
    connection: &mut PgConnection,
    claimed: &Claimed,
    incident: IncidentId,
) -> Result<Option<DeliveryId>> {
    let id = sqlx::query_scalar!(
        "SELECT id FROM deliveries
         WHERE account_id = $1 AND incident_id = $2 AND contact_id = $3 AND channel = 'email' AND id <> $4
           AND created_at <= $5 AND (accepted_at IS NOT NULL OR event = 'incident.opened')
           AND state NOT IN ('skipped', 'superseded')
         ORDER BY created_at, id LIMIT 1",
        claimed.account_id.uuid(),
        incident.uuid(),
        claimed.contact_id.uuid(),
        claimed.id.uuid(),
        claimed.created_at.to_sqlx() as _,
    )
    .fetch_optional(connection)
    .await?;
    Ok(id.map(DeliveryId::from_uuid))
}

async fn list_regions(connection: &mut PgConnection) -> Result<BTreeMap<String, String>> {
    let rows = sqlx::query!("SELECT id, name FROM regions")
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}
