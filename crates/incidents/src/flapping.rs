//! Incidents of targets that go down and come back again and again: one stays open and says how often.

use domain::incident::{Actor, ResolvedReason};
use domain::status::{Shown, flapping};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::states::intervals;

use crate::closing::{self, End};
use crate::record::Scene;
use crate::{By, Result, timeline};

/// Ends the open incident of a target that works again, unless it flaps; then it stays open, at least
/// until the time that is returned.
pub(crate) async fn recovered(
    connection: &mut PgConnection,
    scene: &Scene,
    recovered_at: Timestamp,
) -> Result<Recovered> {
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    let since = flapping::begins(recovered_at);
    let outages = intervals::list_begins(connection, account, monitor, Shown::Down, since).await?;
    let Some((until, count)) = flapping::stays_open(&outages, recovered_at) else {
        return close(connection, scene, recovered_at).await;
    };
    note(connection, scene, timeline::flapping(count)).await?;
    Ok(Recovered {
        closed: None,
        open_until: Some(until),
    })
}

/// What became of an incident whose target works again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Recovered {
    pub closed: Option<domain::ids::IncidentId>,
    pub open_until: Option<Timestamp>,
}

/// Ends, for a target that is not down since `since`, an incident that was kept open.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    scene: &Scene,
    since: Timestamp,
) -> Result<Recovered> {
    let open = store::incidents::find_open(connection, scene.account_id, scene.monitor_id).await?;
    let steady_at = flapping::steady_at(since);
    match open {
        None => Ok(Recovered {
            closed: None,
            open_until: None,
        }),
        Some(_) if steady_at <= scene.now => close(connection, scene, since).await,
        Some(_) => Ok(Recovered {
            closed: None,
            open_until: Some(steady_at),
        }),
    }
}

async fn close(
    connection: &mut PgConnection,
    scene: &Scene,
    recovered_at: Timestamp,
) -> Result<Recovered> {
    let system = By::actor(Actor::system());
    let end = End {
        reason: ResolvedReason::Recovered,
        at: recovered_at,
        by: &system,
    };
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    let closed = closing::close_open(connection, account, monitor, &end, scene.now).await?;
    Ok(Recovered {
        closed,
        open_until: None,
    })
}

/// Writes into the open incident that the target is down again.
pub(crate) async fn down_again(connection: &mut PgConnection, scene: &Scene) -> Result<()> {
    note(connection, scene, timeline::down_again()).await
}

async fn note(connection: &mut PgConnection, scene: &Scene, text: String) -> Result<()> {
    let (account, now) = (scene.account_id, scene.now);
    let open = store::incidents::find_open(connection, account, scene.monitor_id).await?;
    let Some(open) = open else { return Ok(()) };
    let notes = store::incidents::events::count(connection, account, open.id, "note").await?;
    if notes < timeline::MOST_NOTES {
        let by = (&Actor::system(), now);
        timeline::add(connection, account, open.id, ("note", text), by).await?;
        store::changes::notify(connection, account, "incident", open.id).await?;
    }
    Ok(())
}
