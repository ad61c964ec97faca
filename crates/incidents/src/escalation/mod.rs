//! Escalation of incidents: what is due of a policy is told, once, under the incident's lock.
//!
//! A job wakes an incident when its next step or reminder is due, and a sweep finds what the queue lost.
//! Whoever comes first writes the messages and how far it has come in one transaction; whoever comes second
//! finds nothing due. Somebody who takes the incident waits for the same lock, so that one of both wins.

mod early;
mod outlook;
mod snooze;
mod steps;

pub use early::go_on;
pub(crate) use early::{Early, tell_early};
pub use outlook::{NextStep, Outlook, outlook};
pub use snooze::snooze;

use domain::alert::escalation::{self, Advance, Escalation, Facts};
use domain::alert::{Reach, plan, policy};
use domain::contact::Contact;
use domain::ids::{AccountId, ContactId, IncidentId};
use domain::incident::Incident;
use domain::oncall::Duty;
use jiff::Timestamp;
use sqlx::{PgConnection, PgPool};
use store::escalations::{self, Stored};
use store::{Secrets, deliveries};

use self::steps::follow;
use crate::record::Scene;
use crate::{Result, links, maintenance};

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

/// What an incident that opens tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Begun {
    /// Contacts that are told at once.
    pub(crate) told: usize,
    /// Somebody is told later.
    pub(crate) goes_on: bool,
    /// There are contacts that could be told, and they want critical monitors only.
    pub(crate) is_minor: bool,
}

/// Begins with an incident that opens, and tells the steps that are due at once.
pub(crate) async fn begin(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    incident: &Incident,
) -> Result<Begun> {
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
    let goes_on = advance.escalation.next.is_some();
    let told = follow(connection, &ground, &stored, advance, None).await?;
    for one in &told.written {
        let message = (one.delivery_id, one.contact_id, Some(incident.id));
        links::mint(connection, secrets, account, message, now).await?;
    }
    let named = (ground.contacts.as_slice(), ground.duties.as_slice());
    let named = plan::told(&stored.escalation.recipients, named);
    let unwanted = |one: &&Contact| !one.wants(incident.severity);
    Ok(Begun {
        told: told.written.len(),
        goes_on,
        is_minor: !named.is_empty() && named.iter().all(unwanted),
    })
}

type Rule = fn(&Escalation, &Facts<'_>, Timestamp) -> Advance;

/// How an incident goes on.
#[derive(Clone, Copy)]
pub(crate) struct Going<'w> {
    /// What is due by.
    rule: Rule,
    /// As a sentence.
    why: &'w str,
    /// A person asked for it: quiet hours do not hold it.
    pub(crate) asked: bool,
}

impl<'w> Going<'w> {
    /// By a rule alone.
    pub(crate) const fn by(rule: Rule, why: &'w str) -> Self {
        Self {
            rule,
            why,
            asked: false,
        }
    }

    /// What is due when its time has come.
    const fn in_time() -> Self {
        Self::by(escalation::advance, NOBODY)
    }
}

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
    go(connection, &incident, &stored, Going::in_time(), now).await?;
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
    going: Going<'_>,
    now: Timestamp,
) -> Result<Vec<String>> {
    let ground = Ground::of(connection, incident, now).await?;
    let (account, monitor) = (incident.account_id, incident.monitor_id);
    let until = maintenance::end_of(connection, (account, monitor), now).await?;
    let advance = ground.ask(&stored.escalation, until, going.rule);
    let told = follow(connection, &ground, stored, advance, Some(going)).await?;
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
    if incident.resolved_at.is_none() {
        let taken = "somebody had it before it was sent";
        deliveries::skip_snoozed(connection, account, id, taken, now).await?;
    }
    wake_snoozed(connection, incident, now).await
}

/// What a snooze holds is looked at again: it may hold no longer.
async fn wake_snoozed(
    connection: &mut PgConnection,
    incident: &Incident,
    now: Timestamp,
) -> Result<()> {
    let (account, id) = (incident.account_id, incident.id);
    for (delivery, channel) in deliveries::wake_snoozed(connection, account, id, now).await? {
        jobs::enqueue_delivery(connection, channel, account, delivery, None).await?;
    }
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
            go(connection, &incident, &stored, Going::in_time(), now).await?;
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
    let mut transaction = store::begin(pool).await?;
    let went = escalate(&mut transaction, of, now).await?;
    transaction.commit().await?;
    Ok(went)
}
