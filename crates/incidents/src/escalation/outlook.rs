//! What comes next of an incident, as things stand.

use domain::alert::escalation::{Cursor, MAX_REMINDERS};
use domain::contact::Contact;
use domain::incident::{Actor, Incident};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::escalations;

use super::{Ground, is_waiting};
use crate::{Result, maintenance};

/// What comes next of an incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The step that is told next; `None` when nobody is left.
    pub next: Option<NextStep>,
    /// When those who were told are reminded.
    pub reminder_at: Option<Timestamp>,
    /// Nobody is told before, and who wants it so.
    pub snoozed: Option<(Timestamp, Actor)>,
}

/// A step that is to come.
#[derive(Debug, Clone, PartialEq)]
pub struct NextStep {
    /// When, unless somebody has it before.
    pub at: Timestamp,
    /// Whom it tells, as far as can be told now.
    pub contacts: Vec<Contact>,
    /// Which step of how many, counted from 1.
    pub step: (usize, usize),
    /// Which round of how many, counted from 1.
    pub round: (u32, u32),
}

/// Reads it; `None` where nothing comes any more by itself: somebody has it, it is over, or it opened before
/// there were escalations.
pub async fn outlook(
    connection: &mut PgConnection,
    incident: &Incident,
    now: Timestamp,
) -> Result<Option<Outlook>> {
    if !is_waiting(incident) {
        return Ok(None);
    }
    let account = incident.account_id;
    let Some(stored) = escalations::find(connection, account, incident.id).await? else {
        return Ok(None);
    };
    let ground = Ground::of(connection, incident, now).await?;
    let escalation = &stored.escalation;
    let monitor = (account, incident.monitor_id);
    let until = maintenance::end_of(connection, monitor, now).await?;
    let coming = ground.with_facts(escalation, until, |facts| escalation.coming(facts, now));
    let next = match coming {
        Some(coming) => {
            let Cursor { round, step } = coming.cursor;
            let end = maintenance::end_of(connection, monitor, coming.at).await?;
            let at = end.unwrap_or(coming.at).max(now);
            let contacts = ground.reached(escalation, step, at);
            Some(NextStep {
                at,
                contacts: contacts.into_iter().cloned().collect(),
                step: (step + 1, escalation.recipients.steps()),
                round: (round + 1, escalation.repeat + 1),
            })
        }
        None => None,
    };
    let snoozed = escalation.snoozed_until.filter(|until| *until > now);
    let reminder_at = escalation
        .reminder_at
        .filter(|_| escalation.reminders < MAX_REMINDERS);
    Ok(Some(Outlook {
        next,
        reminder_at: reminder_at.map(|at| snoozed.map_or(at, |until| until.max(at))),
        snoozed: snoozed.zip(stored.snoozed_by),
    }))
}
