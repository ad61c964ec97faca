//! Ending an incident, and telling those who were told of it.

use domain::delivery::Event;
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::{Actor, ResolvedReason};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::deliveries;

use crate::tell::{self, Message};
use crate::{Result, timeline};

/// How an incident ends.
pub(crate) struct End<'a> {
    pub reason: ResolvedReason,
    pub at: Timestamp,
    pub actor: &'a Actor,
}

/// Ends the monitor's open incident, if there is one.
pub(crate) async fn close_open(
    connection: &mut PgConnection,
    account: AccountId,
    monitor: MonitorId,
    end: &End<'_>,
    now: Timestamp,
) -> Result<Option<IncidentId>> {
    let Some(open) = store::incidents::lock_open(connection, account, monitor).await? else {
        return Ok(None);
    };
    let at = end.at.max(open.first_failure_at);
    store::incidents::close(connection, account, open.id, end.reason, (at, now)).await?;
    let text = timeline::resolved(end.reason, at.duration_since(open.first_failure_at));
    timeline::add(
        connection,
        account,
        open.id,
        ("resolved", text),
        (end.actor, at),
    )
    .await?;
    let over = "the outage was over before its step";
    let later = deliveries::skip_later(connection, account, open.id, over, now).await?;
    // Whether the outage has reached them is decided when this is claimed (`delivery::decide`).
    let message = Message::of_incident(Event::IncidentResolved, account, open.id, monitor);
    tell::tell_those_told(
        connection,
        &message,
        open.id,
        |one, _| later.contains(&one),
        now,
    )
    .await?;
    store::changes::notify(connection, account, "incident", open.id).await?;
    Ok(Some(open.id))
}
