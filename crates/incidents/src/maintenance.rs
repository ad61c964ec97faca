//! Maintenance: what it keeps from being told, and what becomes of that when it is over.
//!
//! The rule is one and the same on both edges: no incident opens while a monitor is in maintenance, and
//! none on a look that began inside. The state is stepped as ever; an outage that opens nothing is
//! marked at the state (`held_since`). It opens with the first look that begins after the end and still
//! fails; a sweep asks for that look at once. The mark and not the clock is what the sweep goes by: who
//! was dead at the end finds it later, and so does a recorder that was slow. An incident that was open
//! before stays open, and its end is told.

mod held;
mod windows;

use domain::alert::dependency::Behind;
use domain::status::{Look, MonitorState, Observed};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::maintenance::{self, covering};
use store::states::Stored;

use domain::ids::{AccountId, MonitorId};

pub use held::decide_held;
pub(crate) use held::open_held;
pub use windows::{
    change_window, create_window, delete_window, end_window, plan_ahead, tell_pages,
};

use crate::record::{Looked, Scene};
use crate::{Result, dependencies, escalation};

/// Maintenance that follows maintenance is followed so often.
const MOST_CHAINED: usize = 20;

/// Whether an outage that is sure now is kept from opening an incident. One that is open already goes on.
pub(crate) async fn holds(
    connection: &mut PgConnection,
    scene: &Scene,
    looked: Option<&Looked>,
) -> Result<bool> {
    let began = looked.map_or(scene.now, |looked| looked.look.at.min(scene.now));
    if !is_inside(connection, scene, began).await? {
        return Ok(false);
    }
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    Ok(store::incidents::find_open(connection, account, monitor)
        .await?
        .is_none())
}

/// Whether this look, which began after the maintenance, says that what was held is still so.
pub(crate) async fn is_over_for(
    connection: &mut PgConnection,
    scene: &Scene,
    before: &Stored,
    (state, look): (&MonitorState, &Look),
) -> Result<bool> {
    let still_down = before.held_since.is_some()
        && before.state.observed == Observed::Down
        && state.observed == Observed::Down
        && !state.confirming
        && look.verdict.kind == domain::check::VerdictKind::Down;
    if !still_down || is_inside(connection, scene, look.at.min(scene.now)).await? {
        return Ok(false);
    }
    // A sweep says when what it is behind works again; a look that it asked for begins after that.
    let asked = before.held_asked_at.is_some_and(|at| look.at >= at);
    let released = before
        .behind
        .is_none_or(|behind| behind.until.is_none() && asked);
    let when = (before.state.since, scene.now);
    Ok(released && dependencies::decide(connection, scene, when).await? == Behind::Open)
}

/// The monitor is in maintenance now, or was when it was looked at.
async fn is_inside(connection: &mut PgConnection, scene: &Scene, began: Timestamp) -> Result<bool> {
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    let now = covering(connection, account, monitor, scene.now).await?;
    if now.is_some() || began == scene.now {
        return Ok(now.is_some());
    }
    Ok(covering(connection, account, monitor, began)
        .await?
        .is_some())
}

/// When the maintenance ends in which a monitor is at an instant, with what follows on it.
pub(crate) async fn end_of(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    at: Timestamp,
) -> Result<Option<Timestamp>> {
    let mut last = None;
    for _ in 0..MOST_CHAINED {
        match covering(connection, account, monitor, last.unwrap_or(at)).await? {
            Some(end) => last = Some(end),
            None => break,
        }
    }
    Ok(last)
}

/// Moves messages of later steps that fall into maintenance to its end, and those whose maintenance is
/// gone back to when they are due.
pub(crate) async fn move_steps(
    connection: &mut PgConnection,
    account: AccountId,
    now: Timestamp,
) -> Result<()> {
    for step in maintenance::list_steps(connection, account, now).await? {
        let due = step.due.max(now);
        let end = end_of(connection, (account, step.monitor_id), due).await?;
        let at = end.unwrap_or(due);
        if at != step.not_before
            && maintenance::move_step(connection, account, &step, (at, now)).await?
        {
            let run_at = (at > now).then_some(at);
            jobs::enqueue_delivery(connection, step.channel, account, step.id, run_at).await?;
        }
    }
    escalation::retime(connection, account, now).await
}
