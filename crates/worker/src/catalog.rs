//! Keeps the timetable in step with the monitors: shards that were taken are loaded, changes come by
//! NOTIFY, and a reconcile finds what a lost notice left out.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::ids::{AccountId, MonitorId};
use store::monitors::timetable::{self, Scheduled};
use store::{Error, Result};
use tokio_util::sync::CancellationToken;

use crate::book::SeenCertificate;
use crate::plan::{Known, Plan};
use crate::shared::Shared;

const RECONCILE: Duration = Duration::from_secs(30);
/// Waits between two attempts to read everything anew.
const AGAIN: Duration = Duration::from_secs(1);
/// Shards that are read in one statement: all of a million monitors would not fit into memory.
const AT_ONCE: usize = 8;
/// More changes among those compared at a time are read by shard and not one by one.
const MANY: usize = 20;
/// Monitors that are compared at a time, some: looks wait while an answer is taken apart. All 70,000 of a
/// busy worker at once held up every look for a sixth of a second, twice a minute.
const COMPARED: usize = 500;
/// Between two of those.
const REST: Duration = Duration::from_millis(5);

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut due = tokio::time::interval(RECONCILE);
    due.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    due.tick().await;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = shared.moved.notified() => {
                if let Err(error) = reload_all(&shared).await {
                    tracing::warn!(%error, "states are read anew later");
                    tokio::time::sleep(AGAIN).await;
                    shared.moved.notify_one();
                }
                continue;
            }
            _ = due.tick() => {}
        }
        let Some(compared) = stop.run_until_cancelled(reconcile(&shared)).await else {
            return;
        };
        if let Err(error) = compared {
            tracing::warn!(%error, "the timetable could not be compared with the monitors");
        }
    }
}

/// Loads the shards that were taken and are not in the timetable yet.
pub(crate) async fn load_taken(shared: &Shared) -> Result<()> {
    let shards = shared.book().shards.unloaded();
    if shards.is_empty() {
        return Ok(());
    }
    // The first are looked at while the others are still read.
    for some in shards.chunks(AT_ONCE) {
        load(shared, some, true).await?;
        let mut book = shared.book();
        for shard in some {
            book.shards.loaded(*shard);
        }
        drop(book);
        shared.pace.due.notify_one();
    }
    Ok(())
}

/// Reads everything that is held anew. A standby that took over may not have the last that this worker
/// wrote: a status that is believed to be settled would never be written again.
async fn reload_all(shared: &Shared) -> Result<()> {
    let shards = shared.book().shards.numbers();
    for some in shards.chunks(AT_ONCE) {
        load(shared, some, false).await?;
    }
    Ok(())
}

async fn load(shared: &Shared, shards: &[i16], taken: bool) -> Result<()> {
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let found = timetable::list_by_shards(&mut connection, &shared.secrets, region, shards).await?;
    drop(connection);
    let now = shared.now();
    for scheduled in found {
        match scheduled {
            Ok(scheduled) => put(shared, &scheduled, taken, now),
            Err(error) => tracing::error!(%error, "a monitor cannot be read and is not looked at"),
        }
    }
    Ok(())
}

fn put(shared: &Shared, scheduled: &Scheduled, taken: bool, now: jiff::Timestamp) {
    let plan = Plan::of(scheduled, &shared.config.region);
    let mut book = shared.book();
    // Lost meanwhile.
    let Some(recorded) = book.shards.recorded(plan.shard) else {
        return;
    };
    // A look on request after the last slot that is recorded stands for no slot.
    let since = taken.then_some(recorded);
    let (id, config_version) = (plan.monitor_id, plan.config_version);
    book.upsert(plan, Known::of(scheduled), since, now);
    if let Some((entry, seen)) = book.get_mut(id).zip(scheduled.certificate.as_ref()) {
        // What is recorded is not recorded again by whoever takes a shard.
        entry.certificate.get_or_insert_with(|| {
            Box::new(SeenCertificate {
                config_version,
                fingerprint: seen.fingerprint.clone(),
                problem: seen.problem,
                at: seen.at,
            })
        });
    }
}

/// Reads one monitor anew and puts it into the timetable, or takes it out.
pub(crate) async fn reload(shared: &Shared, account: AccountId, id: MonitorId) -> Result<()> {
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let found =
        timetable::find_scheduled(&mut connection, &shared.secrets, region, (account, id)).await?;
    drop(connection);
    match found {
        Some(scheduled) => put(shared, &scheduled, false, shared.now()),
        None => shared.book().remove(id),
    }
    shared.pace.due.notify_one();
    Ok(())
}

/// Compares the timetable with the monitors of the shards that are held. What is known is written down
/// before the database is asked: what comes meanwhile, by a shard that is taken or a monitor that is made,
/// is not in its answer and yet not gone.
pub(crate) async fn reconcile(shared: &Shared) -> Result<()> {
    let (shards, known, monitors) = {
        let book = shared.book();
        (book.shards.numbers(), book.versions(), book.len())
    };
    let at_once = COMPARED * shards.len() / monitors.max(1);
    for some in shards.chunks(at_once.max(1)) {
        let known = some.iter().filter_map(|shard| known.get(shard));
        compare(shared, some, known.flatten().copied().collect()).await?;
        tokio::time::sleep(REST).await;
    }
    Ok(())
}

async fn compare(shared: &Shared, shards: &[i16], known: HashMap<MonitorId, i64>) -> Result<()> {
    let mut connection = shared.pool.acquire().await?;
    let stored = timetable::list_versions(&mut connection, &shared.config.region, shards).await?;
    drop(connection);
    let present: HashSet<MonitorId> = stored.iter().map(|(_, id, _)| *id).collect();
    let gone = known.keys().filter(|id| !present.contains(id));
    for id in gone {
        shared.book().remove(*id);
    }
    let changed: Vec<(AccountId, MonitorId)> = stored
        .iter()
        .filter(|(_, id, version)| known.get(id) != Some(version))
        .map(|(account, id, _)| (*account, *id))
        .collect();
    if changed.len() > MANY {
        return load(shared, shards, false).await;
    }
    for (account, id) in changed {
        match reload(shared, account, id).await {
            Err(Error::Database(error)) => return Err(error.into()),
            Err(error) => tracing::error!(%error, monitor.id = %id, "a monitor cannot be read"),
            Ok(()) => {}
        }
    }
    Ok(())
}

impl Shared {
    /// Reads one monitor anew in the background.
    pub(crate) fn reload(self: &Arc<Self>, account: AccountId, id: MonitorId) {
        let shared = self.clone();
        self.tasks.spawn(async move {
            let _turn = shared.reloads.acquire().await;
            if let Err(error) = reload(&shared, account, id).await {
                tracing::warn!(%error, monitor.id = %id, "a changed monitor is read later");
            }
        });
    }
}
