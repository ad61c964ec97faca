//! Escalation of incidents: what is due of a policy is told, once, under the incident's lock.
//!
//! A job wakes an incident when its next step or reminder is due, and a sweep finds what the queue lost.
//! Whoever comes first writes the messages and how far it has come in one transaction; whoever comes second
//! finds nothing due. Somebody who takes the incident waits for the same lock, so that one of both wins.

mod outlook;
mod snooze;

pub use outlook::{NextStep, Outlook, outlook};
pub use snooze::snooze;

use std::collections::HashSet;

use domain::alert::escalation::{self, Advance, Cursor, Effect, Escalation, Facts};
use domain::alert::{Reach, plan, policy};
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::delivery::payload::{Escalated, Reminded};
use domain::ids::{AccountId, ContactId, IncidentId};
use domain::incident::{Actor, Incident};
use domain::oncall::Duty;
use jiff::Timestamp;
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use store::escalations::{self, Stored};
use store::{Secrets, deliveries};

use crate::record::Scene;
use crate::tell::{self, Message, Written};
use crate::{Result, links, maintenance, timeline};

/// Rows in one sweep.
const BATCH: u32 = 500;
/// Why a step is told when its time has come.
const NOBODY: &str = "Nobody has it.";

/// What an incident's escalation looks at and writes.
struct Ground<'g> {
    incident: &'g Incident,
    contacts: Vec<Contact>,
    duties: Vec<Duty>,
    now: Timestamp,
}

impl<'g> Ground<'g> {
    async fn of(
        connection: &mut PgConnection,
        incident: &'g Incident,
        now: Timestamp,
    ) -> Result<Self> {
        let contacts = store::contacts::list(connection, incident.account_id).await?;
        let duties = store::oncall::list_duties(connection, incident.account_id, now).await?;
        Ok(Self {
            incident,
            contacts,
            duties,
            now,
        })
    }

    fn reach(&self, at: Timestamp) -> Reach<'_> {
        Reach {
            contacts: &self.contacts,
            duties: &self.duties,
            severity: self.incident.severity,
            at,
        }
    }

    fn reached(&self, escalation: &Escalation, step: usize, at: Timestamp) -> Vec<&Contact> {
        escalation.recipients.resolve(step, &self.reach(at))
    }

    /// The end of a contact's quiet hours. Of what is repeated until then one message waits.
    fn quiet_until(&self, id: ContactId) -> Option<Timestamp> {
        let contact = self.contacts.iter().find(|one| one.id == id)?;
        contact.quiet_until(self.incident.severity.is_critical(), self.now)
    }
}

/// Begins with an incident that opens, and tells the steps that are due at once. Says how many are told.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    incident: &Incident,
) -> Result<usize> {
    let (account, spec, now) = (scene.account_id, &scene.spec, scene.now);
    let policies = store::policies::list(connection, account).await?;
    let named = spec.contact_ids.as_deref();
    let mut escalation = policy::escalation(named, spec.policy_id, &policies, now);
    if incident.test {
        // One round tells who answers.
        escalation = escalation.once();
    }
    let ground = Ground::of(connection, incident, now).await?;
    let stored = Stored {
        escalation,
        snoozed_by: None,
        next_at: None,
    };
    escalations::insert(connection, account, incident.id, &stored).await?;
    let advance = ground.ask(&stored.escalation, None, escalation::advance);
    let told = follow(connection, &ground, &stored, advance, None).await?;
    for one in &told.written {
        let message = (one.delivery_id, one.contact_id, Some(incident.id));
        links::mint(connection, secrets, account, message, now).await?;
    }
    Ok(told.written.len())
}

type Rule = fn(&Escalation, &Facts<'_>, Timestamp) -> Advance;

impl Ground<'_> {
    fn ask(
        &self,
        escalation: &Escalation,
        maintenance_until: Option<Timestamp>,
        rule: Rule,
    ) -> Advance {
        self.with_facts(escalation, maintenance_until, |facts| {
            rule(escalation, facts, self.now)
        })
    }

    fn with_facts<T>(
        &self,
        escalation: &Escalation,
        maintenance_until: Option<Timestamp>,
        work: impl FnOnce(&Facts<'_>) -> T,
    ) -> T {
        let reaches =
            |step: usize, at: Timestamp| escalation.recipients.reached(step, &self.reach(at));
        work(&Facts {
            is_waiting: is_waiting(self.incident),
            maintenance_until,
            reaches: &reaches,
        })
    }
}

const fn is_waiting(incident: &Incident) -> bool {
    incident.resolved_at.is_none() && incident.acknowledged_at.is_none()
}

/// Tells what is due of an incident. Woken too early, or twice, it does nothing; true when it did
/// something.
pub async fn escalate(
    connection: &mut PgConnection,
    (account, id): (AccountId, IncidentId),
    now: Timestamp,
) -> Result<bool> {
    let Some((incident, stored)) = lock(connection, (account, id)).await? else {
        return Ok(false);
    };
    if stored.next_at.is_none_or(|at| at > now) {
        return Ok(false);
    }
    go(
        connection,
        &incident,
        &stored,
        (escalation::advance, NOBODY),
        now,
    )
    .await?;
    Ok(true)
}

/// The incident and its escalation, locked in this order.
pub(crate) async fn lock(
    connection: &mut PgConnection,
    (account, id): (AccountId, IncidentId),
) -> Result<Option<(Incident, Stored)>> {
    let Some(incident) = store::incidents::lock(connection, account, id).await? else {
        return Ok(None);
    };
    let stored = escalations::lock(connection, account, id).await?;
    Ok(stored.map(|stored| (incident, stored)))
}

/// Applies a rule to a locked escalation; names of those who are told by it.
pub(crate) async fn go(
    connection: &mut PgConnection,
    incident: &Incident,
    stored: &Stored,
    (rule, why): (Rule, &str),
    now: Timestamp,
) -> Result<Vec<String>> {
    let ground = Ground::of(connection, incident, now).await?;
    let (account, monitor) = (incident.account_id, incident.monitor_id);
    let until = maintenance::end_of(connection, (account, monitor), now).await?;
    let advance = ground.ask(&stored.escalation, until, rule);
    let told = follow(connection, &ground, stored, advance, Some(why)).await?;
    Ok(told.names)
}

/// Nothing more is told by itself: somebody has it, or it is over. The incident is locked.
pub(crate) async fn end(
    connection: &mut PgConnection,
    incident: &Incident,
    now: Timestamp,
) -> Result<()> {
    let (account, id) = (incident.account_id, incident.id);
    let Some(stored) = escalations::lock(connection, account, id).await? else {
        return Ok(());
    };
    let ground = Ground {
        incident,
        contacts: Vec::new(),
        duties: Vec::new(),
        now,
    };
    let advance = ground.ask(&stored.escalation, None, escalation::advance);
    follow(connection, &ground, &stored, advance, None).await?;
    Ok(())
}

/// Those of the account that wait for the end of maintenance, or no longer do, are woken at another time.
pub(crate) async fn retime(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<()> {
    for id in escalations::list_going_on(connection, account).await? {
        if let Some((incident, stored)) = lock(connection, (account, id)).await? {
            go(
                connection,
                &incident,
                &stored,
                (escalation::advance, NOBODY),
                now,
            )
            .await?;
        }
    }
    Ok(())
}

/// Tells everything that is due and that no job has told; the failure of one stops no other. Says how many
/// incidents went on.
pub async fn escalate_due(pool: &PgPool, now: Timestamp) -> Result<usize> {
    let mut connection = pool.acquire().await?;
    let due = escalations::list_due(&mut connection, now, BATCH).await?;
    drop(connection);
    let mut gone_on = 0;
    for one in due {
        match in_transaction(pool, one, now).await {
            Ok(went) => gone_on += usize::from(went),
            Err(error) => {
                tracing::error!(incident.id = %one.1, %error, "an escalation does not go on");
            }
        }
    }
    Ok(gone_on)
}

async fn in_transaction(
    pool: &PgPool,
    of: (AccountId, IncidentId),
    now: Timestamp,
) -> Result<bool> {
    let mut transaction = pool.begin().await?;
    let went = escalate(&mut transaction, of, now).await?;
    transaction.commit().await?;
    Ok(went)
}

/// What was told.
#[derive(Default)]
struct ToldNow {
    written: Vec<Written>,
    names: Vec<String>,
}

/// Writes what is due, how far it has come, and the job that wakes it next. `why` is absent while an incident opens.
async fn follow(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    stored: &Stored,
    advance: Advance,
    why: Option<&str>,
) -> Result<ToldNow> {
    let (account, id) = (ground.incident.account_id, ground.incident.id);
    let mut told = ToldNow::default();
    for effect in &advance.effects {
        match *effect {
            Effect::Tell(cursor) => {
                tell_step(connection, ground, &advance, (cursor, why), &mut told).await?
            }
            Effect::Remind(number) => remind(connection, ground, number, &told).await?,
        }
    }
    let next_at = match advance.next_at {
        Some(at) => {
            let monitor = (account, ground.incident.monitor_id);
            let end = maintenance::end_of(connection, monitor, at).await?;
            Some(end.unwrap_or(at))
        }
        None => None,
    };
    let after = Stored {
        escalation: advance.escalation,
        snoozed_by: stored.snoozed_by.clone(),
        next_at,
    };
    if after != *stored {
        escalations::save(connection, account, id, &after).await?;
    }
    // What is only looked at again is left to the sweep.
    if let (Some(at), true) = (after.next_at, advance.tells)
        && stored.next_at != after.next_at
    {
        let job = jobs::Escalate {
            account_id: account,
            incident_id: id,
        };
        jobs::enqueue(connection, &job, Some(at)).await?;
    }
    if why.is_some() && !advance.effects.is_empty() {
        store::changes::notify(connection, account, "incident", id).await?;
    }
    Ok(told)
}

/// Tells one step: who has not heard of the incident hears that it is down, who has hears it again, and
/// programs that were told before hear how it goes on.
async fn tell_step(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    advance: &Advance,
    (cursor, why): (Cursor, Option<&str>),
    told: &mut ToldNow,
) -> Result<()> {
    let incident = ground.incident;
    let (account, id, now) = (incident.account_id, incident.id, ground.now);
    let reached = ground.reached(&advance.escalation, cursor.step, now);
    let before = deliveries::list_planned(connection, account, id, Event::IncidentOpened).await?;
    let knew: HashSet<ContactId> = before.iter().map(|(contact, _)| *contact).collect();
    let opened = Message::of_incident(Event::IncidentOpened, account, id, incident.monitor_id);
    let names: Vec<String> = reached.iter().map(|one| one.name.clone()).collect();
    let again = Message {
        event: Event::IncidentEscalated,
        subject: format!("{id}:{}.{}", cursor.round + 1, cursor.step + 1),
        payload: json!(escalated(&advance.escalation, cursor, &names, why)),
        ..opened.clone()
    };
    for contact in &reached {
        let message = match knew.contains(&contact.id) {
            true => &again,
            false => &opened,
        };
        told.written
            .extend(write(connection, ground, message, (contact.id, contact.channel)).await?);
    }
    let programs = before.iter().filter(|(contact, channel)| {
        channel.is_program() && !reached.iter().any(|one| one.id == *contact)
    });
    for &to in programs {
        write(connection, ground, &again, to).await?;
    }
    if let Some(why) = why {
        let text = timeline::step_told(why, &names);
        let entry = (&Actor::system(), now);
        timeline::add(connection, account, id, ("escalated", text), entry).await?;
    }
    for name in names {
        if !told.names.contains(&name) {
            told.names.push(name);
        }
    }
    Ok(())
}

fn escalated(
    escalation: &Escalation,
    cursor: Cursor,
    names: &[String],
    why: Option<&str>,
) -> Escalated {
    let number = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    Escalated {
        step: number(cursor.step + 1),
        steps: number(escalation.recipients.steps()),
        round: cursor.round + 1,
        rounds: escalation.repeat + 1,
        told: names.to_vec(),
        why: why.unwrap_or(NOBODY).to_owned(),
    }
}

/// Reminds those who were told, but by calls, and not those who are told just now.
async fn remind(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    number: u32,
    told: &ToldNow,
) -> Result<()> {
    let incident = ground.incident;
    let (account, id, now) = (incident.account_id, incident.id, ground.now);
    let message = Message {
        subject: format!("{id}:{number}"),
        payload: json!(Reminded { number }),
        ..Message::of_incident(Event::IncidentReminded, account, id, incident.monitor_id)
    };
    let before = deliveries::list_planned(connection, account, id, Event::IncidentOpened).await?;
    let mut reminded = 0;
    for (contact, channel) in before {
        let is_told_now = told.written.iter().any(|one| one.contact_id == contact);
        if channel != Channel::Voice && !is_told_now {
            let written = write(connection, ground, &message, (contact, channel)).await?;
            reminded += usize::from(written.is_some());
        }
    }
    if reminded > 0 {
        let text = timeline::reminded(reminded);
        let entry = (&Actor::system(), now);
        timeline::add(connection, account, id, ("reminded", text), entry).await?;
    }
    Ok(())
}

async fn write(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    message: &Message,
    to: (ContactId, Channel),
) -> Result<Option<Written>> {
    let subject = match ground.quiet_until(to.0) {
        Some(until) if message.event != Event::IncidentOpened => {
            format!("{}:quiet:{}", ground.incident.id, until.as_second())
        }
        _ => message.subject.clone(),
    };
    let key = plan::dedup_key(message.event, &subject, to.0);
    tell::write(connection, message, to, key, (ground.now, ground.now)).await
}
