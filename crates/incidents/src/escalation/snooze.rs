//! Leaving an incident alone for a while: nobody is told or reminded, and nobody has it.

use domain::ids::{AccountId, IncidentId};
use domain::incident::Incident;
use domain::words;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;
use store::escalations::{self, Stored};

use super::{Going, go, is_waiting, lock, wake_snoozed};
use crate::{By, Result, commands, timeline};

/// A snooze that differs less from the one before is the same.
const SAME: SignedDuration = SignedDuration::from_secs(60);

/// Someone wants nobody to be told before `until`, or no longer so. Changes nothing where somebody has the
/// incident or it is over; `None`: the account has no such incident.
pub async fn snooze(
    connection: &mut PgConnection,
    (account, id): (AccountId, IncidentId),
    until: Option<Timestamp>,
    by: &By,
    now: Timestamp,
) -> Result<Option<Incident>> {
    let Some((incident, stored)) = lock(connection, (account, id)).await? else {
        return Ok(store::incidents::find(connection, account, id).await?);
    };
    let before = stored.escalation.snoozed_until.filter(|at| *at > now);
    let is_same = match (before, until) {
        (None, None) => true,
        (Some(before), Some(until)) => before.duration_since(until).abs() < SAME,
        _ => false,
    };
    if is_same || !is_waiting(&incident) {
        return Ok(Some(incident));
    }
    let mut snoozed = Stored {
        snoozed_by: until.map(|_| by.actor.clone()),
        ..stored
    };
    snoozed.escalation.snoozed_until = until;
    escalations::save(connection, account, id, &snoozed).await?;
    let (action, text) = match until {
        Some(until) => {
            let found = store::accounts::find(connection, account).await?;
            let zone = found.map_or(TimeZone::UTC, |found| words::zone(&found.timezone));
            let text = format!("Snoozed until {}.", words::moment(until, &zone));
            ("incident.snoozed", text)
        }
        None => ("incident.unsnoozed", "The snooze was ended.".to_owned()),
    };
    let entry = ("snoozed", text);
    timeline::add(connection, account, id, entry, (&by.actor, now)).await?;
    commands::note(connection, account, by, action, (id, now)).await?;
    wake_snoozed(connection, &incident, now).await?;
    go(connection, &incident, &snoozed, Going::in_time(), now).await?;
    Ok(Some(incident))
}
