//! Ending an incident, and telling those who were told of it.

use domain::delivery::Event;
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::ResolvedReason;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::deliveries;

use crate::tell::{self, Message};
use crate::{By, Result, escalation, own, timeline};

/// How an incident ends.
pub(crate) struct End<'a> {
    pub reason: ResolvedReason,
    pub at: Timestamp,
    pub by: &'a By,
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
        (&end.by.actor, at),
    )
    .await?;
    let closed = store::incidents::find(connection, account, open.id).await?;
    escalation::end(connection, closed.as_ref().unwrap_or(&open), now).await?;
    let over = "the outage was over before its step";
    let later = deliveries::skip_later(connection, account, open.id, over, now).await?;
    // Whether the outage has reached them is decided when this is claimed (`delivery::decide`).
    let message = Message::of_incident(Event::IncidentResolved, account, open.id, monitor);
    let own = own::contacts(connection, account, end.by).await?;
    let except = own.iter().copied().chain(later).collect();
    tell::tell_those_told(connection, &message, open.id, &except, now).await?;
    // Whoever ends it knows. Written down all the same, so that nothing plans it later.
    tell::skip_own(connection, &message, open.id, &own, now).await?;
    store::changes::notify(connection, account, "incident", open.id).await?;
    Ok(Some(open.id))
}
