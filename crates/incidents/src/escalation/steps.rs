//! What is due of an incident becomes messages, an entry of its timeline, and the job that wakes it next.

use std::collections::HashSet;

use domain::alert::escalation::{Advance, Cursor, Effect, Escalation};
use domain::alert::plan;
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::delivery::payload::{Escalated, Reminded};
use domain::ids::ContactId;
use domain::incident::Actor;
use serde_json::json;
use sqlx::PgConnection;
use store::deliveries;
use store::escalations::{self, Stored};

use super::{Going, Ground, NOBODY, wake_snoozed};
use crate::tell::{self, Message, Written};
use crate::{Result, maintenance, timeline};

/// Marks a message that a person asked for: it does not wait for the end of quiet hours.
const ASKED: &str = "asked";

/// What was told.
#[derive(Default)]
pub(super) struct ToldNow {
    pub(super) written: Vec<Written>,
    pub(super) names: Vec<String>,
}

/// Writes what is due, how far it has come, and the job that wakes it next. `going` is absent while an incident opens.
pub(super) async fn follow(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    stored: &Stored,
    advance: Advance,
    going: Option<Going<'_>>,
) -> Result<ToldNow> {
    let (account, id) = (ground.incident.account_id, ground.incident.id);
    let mut told = ToldNow::default();
    for effect in &advance.effects {
        match *effect {
            Effect::Tell(cursor) => {
                tell_step(connection, ground, &advance, (cursor, going), &mut told).await?
            }
            Effect::Later(cursor) => {
                let step = ground.reached(&advance.escalation, cursor.step, ground.now);
                tell_later(connection, ground, &step).await?;
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
    let is_snoozed = advance.escalation.snoozed_until.is_some();
    if stored.escalation.snoozed_until.is_some() && !is_snoozed {
        wake_snoozed(connection, ground.incident, ground.now).await?;
    }
    let after = Stored {
        escalation: advance.escalation,
        snoozed_by: stored.snoozed_by.clone().filter(|_| is_snoozed),
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
    if going.is_some() && !advance.effects.is_empty() {
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
    (cursor, going): (Cursor, Option<Going<'_>>),
    told: &mut ToldNow,
) -> Result<()> {
    let incident = ground.incident;
    let (account, id, now) = (incident.account_id, incident.id, ground.now);
    let reached = ground.reached(&advance.escalation, cursor.step, now);
    let before = deliveries::list_planned(connection, account, id, Event::IncidentOpened).await?;
    let knew: HashSet<ContactId> = before.iter().map(|(contact, _)| *contact).collect();
    let asked = going.is_some_and(|going| going.asked);
    let why = going.map(|going| going.why);
    let mut opened = Message::of_incident(Event::IncidentOpened, account, id, incident.monitor_id);
    let names: Vec<String> = reached.iter().map(|one| one.name.clone()).collect();
    let mut again = Message {
        event: Event::IncidentEscalated,
        subject: format!("{id}:{}.{}", cursor.round + 1, cursor.step + 1),
        payload: json!(escalated(&advance.escalation, cursor, &names, why)),
        ..opened.clone()
    };
    if asked {
        opened.payload[ASKED] = json!(true);
        again.payload[ASKED] = json!(true);
    }
    for contact in &reached {
        if asked && release(connection, ground, contact.id).await? {
            continue;
        }
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

/// The message about the outage that waits for the end of the contact's quiet hours is sent now, if there is one.
async fn release(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    contact: ContactId,
) -> Result<bool> {
    let (account, of) = (ground.incident.account_id, (ground.incident.id, contact));
    let Some((id, channel)) =
        deliveries::release_quiet(connection, account, of, ground.now).await?
    else {
        return Ok(false);
    };
    jobs::enqueue_delivery(connection, channel, account, id, None).await?;
    Ok(true)
}

/// Those who were passed over in their quiet hours hear of it at the end of them, unless it is over by then or
/// somebody has it.
async fn tell_later(
    connection: &mut PgConnection,
    ground: &Ground<'_>,
    step: &[&Contact],
) -> Result<()> {
    let incident = ground.incident;
    let (account, id) = (incident.account_id, incident.id);
    let message = Message {
        payload: json!({ "passed_over": true }),
        ..Message::of_incident(Event::IncidentOpened, account, id, incident.monitor_id)
    };
    let mut names = Vec::new();
    for contact in step {
        let written = write(connection, ground, &message, (contact.id, contact.channel)).await?;
        names.extend(written.map(|_| contact.name.clone()));
    }
    if !names.is_empty() {
        let text = timeline::passed_over(&names);
        let entry = (&Actor::system(), ground.now);
        timeline::add(connection, account, id, ("note", text), entry).await?;
    }
    Ok(())
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
    let is_asked = message.payload.get(ASKED).is_some();
    let subject = match ground.quiet_until(to.0) {
        Some(until) if message.event != Event::IncidentOpened && !is_asked => {
            format!("{}:quiet:{}", ground.incident.id, until.as_second())
        }
        _ => message.subject.clone(),
    };
    let key = plan::dedup_key(message.event, &subject, to.0);
    tell::write(connection, message, to, key, (ground.now, ground.now)).await
}
