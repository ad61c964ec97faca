//! Outages behind other outages: what stands behind something that is down is told of in its message.
//!
//! What is recorded of a monitor locks its own state alone; what it depends on is read without a lock, so
//! that two that are recorded at once never wait for each other. One that reads the other too early
//! waits, with a deadline in its own row, and a sweep decides ([`crate::decide_held`]).

use domain::alert::dependency::{self, Behind, WAITS};
use domain::ids::{AccountId, IncidentId, MonitorId};
use domain::incident::Suppressed;
use domain::status::RegionVote;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::Secrets;
use store::dependencies;
use store::look_requests::Reason;
use store::states::{self, Stored};

use crate::record::{self, Scene};
use crate::{Result, ask, timeline};

/// What becomes of the outage that began with `first_failure_at` and is told of at `until` at the latest.
pub(crate) async fn decide(
    connection: &mut PgConnection,
    scene: &Scene,
    (first_failure_at, until): (Timestamp, Timestamp),
) -> Result<Behind> {
    if !has_parents(scene) {
        return Ok(Behind::Open);
    }
    let (account, monitor, now) = (scene.account_id, scene.monitor_id, scene.now);
    let above =
        dependencies::list_ancestors(connection, account, monitor, first_failure_at, now).await?;
    Ok(dependency::behind(&above, first_failure_at, until, now))
}

/// Whether an outage that is sure now is kept from opening an incident, and behind what. One that is open
/// already goes on.
pub(crate) async fn holds(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    first_failure_at: Timestamp,
) -> Result<Option<states::Behind>> {
    let until = scene.now.saturating_add(WAITS).unwrap_or(Timestamp::MAX);
    let decided = decide(connection, scene, (first_failure_at, until)).await?;
    let behind = match decided {
        Behind::Open => return Ok(None),
        Behind::Hold(parent) => states::Behind {
            monitor_id: parent,
            until: None,
        },
        Behind::Wait { parent, until } => states::Behind {
            monitor_id: parent,
            until: Some(until),
        },
    };
    let (account, monitor) = (scene.account_id, scene.monitor_id);
    if store::incidents::find_open(connection, account, monitor)
        .await?
        .is_some()
    {
        return Ok(None);
    }
    if behind.until.is_some() {
        look_above(connection, secrets, scene, first_failure_at).await?;
    }
    Ok(Some(behind))
}

/// A region suspects an outage with this look: what it depends on is looked at while it makes sure, so
/// that nothing waits when it is.
pub(crate) async fn suspected(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    (known, vote): (&RegionVote, &RegionVote),
) -> Result<()> {
    let suspects = |vote: &RegionVote| {
        let candidate = vote.candidate.as_ref();
        candidate
            .filter(|candidate| candidate.kind == domain::check::VerdictKind::Down)
            .map(|candidate| candidate.since)
    };
    match (has_parents(scene), suspects(known), suspects(vote)) {
        (true, None, Some(since)) => look_above(connection, secrets, scene, since).await,
        _ => Ok(()),
    }
}

/// Asks for a look at everything above that was not seen well since.
pub(crate) async fn look_above(
    connection: &mut PgConnection,
    secrets: &Secrets,
    scene: &Scene,
    since: Timestamp,
) -> Result<()> {
    let (account, monitor, now) = (scene.account_id, scene.monitor_id, scene.now);
    let above = dependencies::list_ancestors(connection, account, monitor, since, now).await?;
    for parent in dependency::to_look_at(&above, since) {
        let Some(subject) = states::find_subject(connection, account, parent).await? else {
            continue;
        };
        let parent_scene = Scene {
            account_id: account,
            monitor_id: parent,
            spec: subject.spec,
            now,
        };
        let mut regions = Vec::new();
        for region in record::voters(connection, &parent_scene, None).await? {
            let which = (account, parent);
            let asked =
                dependencies::is_look_on_its_way(connection, which, &region, (since, now)).await?;
            if !asked {
                regions.push(region);
            }
        }
        let asked = (regions.as_slice(), Reason::Recheck);
        ask::ask(connection, secrets, (account, parent), asked, now).await?;
    }
    Ok(())
}

/// Writes down behind what the outage is from now on, where that changed, and names it in the incident of
/// what it stands behind.
pub(crate) async fn settle(
    connection: &mut PgConnection,
    scene: &Scene,
    before: &Stored,
    next: &Stored,
) -> Result<()> {
    if before.held_since.is_none() && next.held_since.is_none() {
        return Ok(());
    }
    let (account, monitor, now) = (scene.account_id, scene.monitor_id, scene.now);
    let behind = next.suppressed_by();
    let since = (next.state.since, now);
    let is_new = dependencies::set_behind(connection, (account, monitor), behind, since).await?;
    if before.suppressed_by() != behind {
        store::changes::notify(connection, account, "monitor", monitor).await?;
    }
    if let Some(parent) = behind.filter(|_| is_new)
        && let Some(open) = store::incidents::find_open(connection, account, parent).await?
    {
        name(connection, account, open.id, now).await?;
    }
    Ok(())
}

/// Ends what is written down of a monitor that starts anew.
pub(crate) async fn forget(
    connection: &mut PgConnection,
    (account, monitor): (AccountId, MonitorId),
    now: Timestamp,
) -> Result<()> {
    dependencies::set_behind(connection, (account, monitor), None, (now, now)).await?;
    Ok(())
}

/// Names in a new incident what is held behind its monitor already.
pub(crate) async fn name_held(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<()> {
    let (_, all) = dependencies::list_suppressed(connection, account, incident, 1).await?;
    if all > 0 {
        name(connection, account, incident, now).await?;
    }
    Ok(())
}

async fn name(
    connection: &mut PgConnection,
    account: AccountId,
    incident: IncidentId,
    now: Timestamp,
) -> Result<()> {
    let text = |held: &[Suppressed], all: u32| {
        let names: Vec<&str> = held.iter().map(|one| one.name.as_str()).collect();
        timeline::behind_it(&names, all)
    };
    dependencies::write_behind(connection, account, incident, now, text).await?;
    store::changes::notify(connection, account, "incident", incident).await?;
    Ok(())
}

fn has_parents(scene: &Scene) -> bool {
    scene
        .spec
        .depends_on
        .as_ref()
        .is_some_and(|parents| !parents.is_empty())
}
