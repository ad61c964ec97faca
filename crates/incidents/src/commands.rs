//! What people do with an incident: take it, end it, comment on it.

use domain::check::VerdictKind;
use domain::delivery::Event;
use domain::ids::{AccountId, ContactId, IncidentId};
use domain::incident::{Actor, Incident, ResolvedReason};
use domain::status::Observed;
use jiff::Timestamp;
use serde_json::json;
use sqlx::PgConnection;
use store::audit;
use store::states::{self, votes};

use crate::closing::{self, End};
use crate::tell::{self, Message};
use crate::{Result, drill, escalation, own, timeline};

/// Who does something, and under which addresses that person is told of things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// As people read it.
    pub actor: Actor,
    /// The contact that answered an alert.
    pub contact_id: Option<ContactId>,
    /// The mail address of the user who signed in.
    pub email: Option<String>,
}

impl By {
    /// Someone without an address of their own: a program, or Watchbell itself.
    pub const fn actor(actor: Actor) -> Self {
        Self {
            actor,
            contact_id: None,
            email: None,
        }
    }
}

/// How an attempt to end an incident fared.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// It is over; or it was over before.
    Resolved(Box<Incident>),
    /// It still fails, and force was not asked for.
    StillFailing,
    /// The account has no such incident.
    NotFound,
}

/// Someone takes the incident. The first one has it; later ones change nothing. A fire drill is answered and not taken. `None`: the account
/// has no such incident.
pub async fn acknowledge(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    by: &By,
    now: Timestamp,
) -> Result<Option<Incident>> {
    if let Some(incident) = store::incidents::find(connection, account, id).await?
        && incident.test
    {
        drill::answer(connection, &incident, by, now).await?;
        return Ok(Some(incident));
    }
    if store::incidents::mark_acknowledged(connection, account, id, &by.actor, now).await? {
        let text = format!("{} has it.", by.actor.name);
        let entry = ("acknowledged", text);
        timeline::add(connection, account, id, entry, (&by.actor, now)).await?;
        note(connection, account, by, "incident.acknowledged", (id, now)).await?;
        tell_the_others(connection, account, id, by, now).await?;
    }
    Ok(store::incidents::find(connection, account, id).await?)
}

/// The others are told who has it: everyone who was told of the outage but the taker. In an account
/// of one person nobody else is there, and a text message would cost for nothing.
async fn tell_the_others(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    by: &By,
    now: Timestamp,
) -> Result<()> {
    let Some(incident) = store::incidents::find(connection, account, id).await? else {
        return Ok(());
    };
    escalation::end(connection, &incident, now).await?;
    let taken = "somebody took it before its step";
    let later = store::deliveries::skip_later(connection, account, id, taken, now).await?;
    let mut except = own::contacts(connection, account, by).await?;
    except.extend(later);
    let mut message = Message::of_incident(
        Event::IncidentAcknowledged,
        account,
        id,
        incident.monitor_id,
    );
    message.payload = json!({ "by": by.actor, "at": now });
    tell::tell_those_told(connection, &message, id, &except, now).await?;
    Ok(())
}

/// Someone ends the incident. While the target still fails that takes `force`, and then no new
/// incident opens until it was up once.
pub async fn resolve(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    by: &By,
    force: bool,
    now: Timestamp,
) -> Result<Resolution> {
    let Some(incident) = store::incidents::find(connection, account, id).await? else {
        return Ok(Resolution::NotFound);
    };
    if incident.test {
        drill::end(connection, (account, id), &by.actor, now).await?;
        note(connection, account, by, "incident.resolved", (id, now)).await?;
        let ended = store::incidents::find(connection, account, id).await?;
        return Ok(ended.map_or(Resolution::NotFound, |ended| {
            Resolution::Resolved(Box::new(ended))
        }));
    }
    let monitor = incident.monitor_id;
    // The state first, as everywhere: two locks taken in two orders would wait for each other.
    let state = states::lock(connection, account, monitor).await?;
    let Some(incident) = store::incidents::lock(connection, account, id).await? else {
        return Ok(Resolution::NotFound);
    };
    if !incident.is_open() {
        return Ok(Resolution::Resolved(Box::new(incident)));
    }
    if let Some(mut stored) = state {
        let cast = votes::list(connection, account, monitor).await?;
        // A heartbeat has no votes: it fails until the next good one.
        let waits = stored.state.failure.as_ref().is_some_and(|failure| {
            use domain::check::FailureClass::{HeartbeatFailed, HeartbeatMissed};
            matches!(failure.class, HeartbeatFailed | HeartbeatMissed)
        });
        let fails = waits
            || cast
                .iter()
                .any(|vote| vote.verdict == Some(VerdictKind::Down));
        if stored.state.observed == Observed::Down && fails && !force {
            return Ok(Resolution::StillFailing);
        }
        stored.state.quiet_until_up = true;
        states::save(connection, account, monitor, &stored).await?;
    }
    let end = End {
        reason: ResolvedReason::Manual,
        at: now,
        by,
    };
    closing::close_open(connection, account, monitor, &end, now).await?;
    note(connection, account, by, "incident.resolved", (id, now)).await?;
    store::changes::notify(connection, account, "monitor", monitor).await?;
    let closed = store::incidents::find(connection, account, id).await?;
    Ok(closed.map_or(Resolution::NotFound, |closed| {
        Resolution::Resolved(Box::new(closed))
    }))
}

/// Someone writes a comment into the timeline; false when the account has no such incident.
pub async fn comment(
    connection: &mut PgConnection,
    account: AccountId,
    id: IncidentId,
    (by, text): (&By, &str),
    now: Timestamp,
) -> Result<bool> {
    if store::incidents::lock(connection, account, id)
        .await?
        .is_none()
    {
        return Ok(false);
    }
    let entry = ("comment", text.to_owned());
    timeline::add(connection, account, id, entry, (&by.actor, now)).await?;
    note(connection, account, by, "incident.commented", (id, now)).await?;
    Ok(true)
}

pub(crate) async fn note(
    connection: &mut PgConnection,
    account: AccountId,
    by: &By,
    action: &str,
    (id, at): (IncidentId, Timestamp),
) -> Result<()> {
    let entry = audit::Entry {
        account_id: account,
        actor: &by.actor,
        action,
        subject: id.to_string(),
        details: json!({}),
        at,
    };
    audit::insert(connection, &entry).await?;
    store::changes::notify(connection, account, "incident", id).await?;
    Ok(())
}
