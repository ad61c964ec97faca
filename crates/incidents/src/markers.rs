//! Deploy markers in the incidents that came shortly after them.

use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::diagnosis::{CHANGED, EvidenceLine};
use domain::incident::{Actor, Diagnosis};
use domain::marker::{self, BEFORE, Marker};
use jiff::Timestamp;
use sqlx::PgConnection;

use crate::timeline::MOST_NOTES;
use crate::{By, Result, timeline};

/// What was changed shortly before a monitor's first failing look, the nearest first.
pub(crate) async fn before(
    connection: &mut PgConnection,
    account: AccountId,
    (monitor, tags): (MonitorId, &[String]),
    first_failure_at: Timestamp,
) -> Result<Vec<Marker>> {
    let from = first_failure_at
        .saturating_sub(BEFORE)
        .unwrap_or(Timestamp::MIN);
    let span = (from, first_failure_at);
    let mut found = store::markers::list_between(connection, account, span).await?;
    found.retain(|marker| marker.targets.covers(monitor, tags));
    Ok(marker::nearest(found, first_failure_at))
}

/// The diagnosis with a line for each of them: they stand beside it, and decide nothing.
pub(crate) fn shown(
    diagnosis: Option<Diagnosis>,
    markers: &[Marker],
    first_failure_at: Timestamp,
) -> Option<Diagnosis> {
    let mut diagnosis = diagnosis?;
    diagnosis
        .evidence
        .extend(markers.iter().map(|marker| EvidenceLine {
            label: CHANGED.to_owned(),
            value: marker.before(first_failure_at),
        }));
    Some(diagnosis)
}

/// Writes them into the timeline of an incident.
pub(crate) async fn note(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    (marker, first_failure_at): (&Marker, Timestamp),
    actor: &Actor,
) -> Result<()> {
    let text = format!("{}.", marker.before(first_failure_at));
    let entry = ("note", text);
    timeline::add(connection, account, incident, entry, (actor, marker.at)).await
}

/// Keeps a marker, and names it in the open incidents that came shortly after it: a pipeline often says at
/// its end what it did at its beginning.
pub async fn record_marker(
    connection: &mut PgConnection,
    account: AccountId,
    marker: &Marker,
    by: &By,
) -> Result<()> {
    store::markers::insert(connection, account, marker).await?;
    let until = marker.at.saturating_add(BEFORE).unwrap_or(Timestamp::MAX);
    let open = store::markers::list_open_incidents(connection, account, (marker.at, until)).await?;
    for (incident, monitor, tags, first_failure_at) in open {
        if !marker.targets.covers(monitor, &tags) || !marker.is_near(first_failure_at) {
            continue;
        }
        let notes = store::incidents::events::count(connection, account, incident, "note").await?;
        if notes < MOST_NOTES {
            let seen = (marker, first_failure_at);
            note(connection, account, incident, seen, &by.actor).await?;
            store::changes::notify(connection, account, "incident", incident).await?;
        }
    }
    Ok(())
}
