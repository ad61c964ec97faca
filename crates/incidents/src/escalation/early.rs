//! Going on to the next step of a policy before its time.

use domain::alert::escalation;
use domain::ids::{AccountId, IncidentId};
use domain::incident::Actor;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::{changes, escalations};

use super::Going;
use crate::{Result, timeline};

/// Why a step does not wait for its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Early {
    /// Nobody of the step before hears of it.
    Unheard,
    /// A person asked for it: neither a snooze nor quiet hours hold it.
    Asked,
}

/// The next step of the incident's policy is told at once, and those after it sooner by as much. Returns
/// whom it tells by name; nobody where it is over, somebody has it, or no step is left.
pub async fn go_on(
    connection: &mut PgConnection,
    of: (AccountId, IncidentId),
    why: &str,
    now: Timestamp,
) -> Result<Vec<String>> {
    tell_early(connection, of, (why, Early::Unheard), now).await
}

pub(crate) async fn tell_early(
    connection: &mut PgConnection,
    (account, incident): (AccountId, IncidentId),
    (why, early): (&str, Early),
    now: Timestamp,
) -> Result<Vec<String>> {
    let Some(found) = store::incidents::lock(connection, account, incident).await? else {
        return Ok(Vec::new());
    };
    if !found.is_open() || found.acknowledged_at.is_some() {
        return Ok(Vec::new());
    }
    if let Some(stored) = escalations::lock(connection, account, incident).await? {
        let going = match early {
            Early::Unheard => Going::by(escalation::go_on, why),
            Early::Asked => Going {
                asked: true,
                ..Going::by(escalation::pass_on, why)
            },
        };
        let names = super::go(connection, &found, &stored, going, now).await?;
        if names.is_empty() {
            let entry = ("note", timeline::step_told(why, &[]));
            let by = (&Actor::system(), now);
            timeline::add(connection, account, incident, entry, by).await?;
            changes::notify(connection, account, "incident", incident).await?;
        }
        return Ok(names);
    }
    // Opened before there were escalations: the messages of later steps are planned already.
    let brought = store::deliveries::bring_forward(connection, account, incident, now).await?;
    let mut names: Vec<String> = Vec::new();
    for one in brought {
        jobs::enqueue_delivery(connection, one.channel, account, one.id, None).await?;
        if !names.contains(&one.contact_name) {
            names.push(one.contact_name);
        }
    }
    let entry = ("note", timeline::step_told(why, &names));
    timeline::add(
        connection,
        account,
        incident,
        entry,
        (&Actor::system(), now),
    )
    .await?;
    changes::notify(connection, account, "incident", incident).await?;
    Ok(names)
}
