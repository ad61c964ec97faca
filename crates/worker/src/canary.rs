//! The self-check: before a look may change a status, anchors on the internet must have answered
//! *after* it. What is seen while they are silent says nothing of the targets, and is held back.
//!
//! Canaries are looked at by the same prober code as monitors, through a way out of their own that
//! no budget of a target's address can hold up. A sitting (`domain::canary`) is run when a look wants
//! to decide something, shared by all who wait; when a look failed without an answer; and slowly at
//! all times. Lost sight becomes one row for each shard held ([`Sight`] says when), and when it is
//! back everything held is looked at again.

mod asked;
mod dead;
mod sight;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::canary::{self, Health, Trouble, Word};
use domain::check::VerdictKind;
use futures::future::join_all;
use jiff::Timestamp;
use metrics::{counter, gauge};
use probe::Prober;
use store::{Result, blind, canaries};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::metrics as names;
use crate::shared::Shared;
use asked::Asked;
use sight::{Change, Now, Sight};

/// The slow beat.
const BEAT: Duration = Duration::from_secs(20);
/// The beat while nothing is seen.
const BLIND_BEAT: Duration = Duration::from_secs(2);
/// How often what must be dead is looked at.
const DEAD_BEAT: Duration = Duration::from_secs(120);
/// A failing look asks for a sitting unless one began less than this before.
const POKED_AFTER: Duration = Duration::from_secs(5);
/// How often the answers of canaries are written down.
const STANDINGS_EVERY: Duration = Duration::from_secs(60);
/// One round with the database.
const DEADLINE: Duration = Duration::from_secs(6);
/// Everything held is looked at within this after sight is back.
const LOOK_AGAIN_OVER: Duration = Duration::from_secs(10);

/// What a worker asks to know whether it sees.
#[derive(Debug, Clone)]
pub struct CanaryConfig {
    /// A way out of their own: the operator's policy, no budget.
    pub prober: Prober,
    /// What always answers.
    pub urls: Vec<String>,
    /// What never does.
    pub known_dead: Vec<String>,
}

/// The canaries of a worker.
#[derive(Debug)]
pub(crate) struct Canaries {
    prober: Option<Prober>,
    asked: Vec<Asked>,
    known_dead: Vec<Asked>,
    sitting: tokio::sync::Mutex<()>,
    saving: tokio::sync::Mutex<()>,
    sight: Mutex<Sight>,
    /// A sitting is wanted before the next beat.
    poked: Notify,
    /// Something is to be written down.
    changed: Notify,
}

impl Canaries {
    pub(crate) fn new(config: Option<&CanaryConfig>) -> Self {
        let all = |urls: &[String]| urls.iter().map(|url| Asked::new(url)).collect::<Vec<_>>();
        let config = config.filter(|config| !config.urls.is_empty());
        Self {
            prober: config.map(|config| config.prober.clone()),
            asked: config.map(|config| all(&config.urls)).unwrap_or_default(),
            known_dead: config
                .map(|config| all(&config.known_dead))
                .unwrap_or_default(),
            sitting: tokio::sync::Mutex::default(),
            saving: tokio::sync::Mutex::default(),
            sight: Mutex::new(Sight::new(config.is_some())),
            poked: Notify::new(),
            changed: Notify::new(),
        }
    }

    fn sight(&self) -> MutexGuard<'_, Sight> {
        self.sight.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A look that began and ended then says nothing of its target.
    pub(crate) fn clouds(&self, began: Timestamp, ended: Timestamp) -> bool {
        self.sight().clouds(began, ended)
    }

    /// A look that ended then may decide: a sitting that began after it found us well.
    pub(crate) fn trusts(&self, ended: Timestamp) -> bool {
        self.sight().trusts(ended)
    }

    pub(crate) fn is_blind(&self) -> bool {
        self.sight().is_blind()
    }

    /// Since when, while it is blind.
    pub(crate) fn blind_since(&self) -> Option<Timestamp> {
        self.sight().blind_since()
    }

    /// What the worker says of itself with its leases.
    pub(crate) fn beat(&self) -> store::leases::Beat {
        let sight = self.sight();
        store::leases::Beat {
            healthy: !sight.is_blind(),
            self_check: sight.is_checking(),
        }
    }

    /// A look got no answer: perhaps nothing does.
    pub(crate) fn poke(&self, now: Timestamp) {
        let due = self
            .sight()
            .last_began()
            .is_none_or(|began| crate::clock::later(began, POKED_AFTER) <= now);
        if self.prober.is_some() && due {
            self.poked.notify_one();
        }
    }

    /// Shards were taken: an open blind time of theirs goes on or ends with what we see.
    pub(crate) fn shards_taken(&self, now: Timestamp) {
        self.sight().write_again(now);
        self.changed.notify_one();
    }
}

/// Asks, writes down, and looks again when sight is back, until `stop`.
pub(crate) async fn run(shared: std::sync::Arc<Shared>, stop: CancellationToken) {
    let canaries = &shared.canaries;
    let (mut dead_asked, mut standings_written) = (None, None);
    let mut beats = true;
    loop {
        if beats && canaries.prober.is_some() {
            let dead_due = dead_asked.is_none_or(|at: Instant| at.elapsed() >= DEAD_BEAT);
            if dead_due {
                dead_asked = Some(Instant::now());
            }
            let beat = async {
                tokio::join!(since(&shared, shared.now()), async {
                    if dead_due {
                        dead::ask(&shared).await;
                    }
                })
            };
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beat => {}
            }
        }
        let standings_due =
            standings_written.is_none_or(|at: Instant| at.elapsed() >= STANDINGS_EVERY);
        let saved = async {
            save(&shared).await?;
            if standings_due && canaries.prober.is_some() {
                write_standings(&shared).await?;
                standings_written = Some(Instant::now());
            }
            Ok::<(), store::Error>(())
        };
        match tokio::time::timeout(DEADLINE, saved).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the state of our sight is not written yet"),
            Err(_) => tracing::warn!("writing the state of our sight takes too long"),
        }
        let unsaved = canaries.sight().to_write().is_some();
        let wait = if canaries.is_blind() || unsaved {
            BLIND_BEAT
        } else {
            BEAT
        };
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(wait) => beats = true,
            () = canaries.poked.notified() => beats = true,
            () = canaries.changed.notified() => beats = false,
        }
    }
}

/// What a sitting says that began at `after` or later; waits for one, and runs it when nobody does.
/// `None`: it cannot be said, since it is not known who has ever answered.
pub(crate) async fn since(shared: &Shared, after: Timestamp) -> Option<Health> {
    let canaries = &shared.canaries;
    let Some(prober) = &canaries.prober else {
        return Some(Health::Off);
    };
    let _one = canaries.sitting.lock().await;
    if let Some(health) = canaries.sight().health_since(after) {
        return Some(health);
    }
    if let Err(error) = load(shared).await {
        tracing::warn!(%error, "canaries cannot be read");
        return None;
    }
    let began = shared.now().max(after);
    let health = sit(canaries, prober, shared).await;
    let change = canaries.sight().conclude(health, began);
    say(shared, health, change);
    Some(health)
}

/// Reads once who has ever answered from this region.
async fn load(shared: &Shared) -> Result<()> {
    if shared.canaries.sight().has_standings() {
        return Ok(());
    }
    let known = async {
        let mut connection = shared.pool.acquire().await?;
        canaries::list(&mut connection, &shared.config.region).await
    };
    let known = tokio::time::timeout(DEADLINE, known)
        .await
        .map_err(|_| store::Error::Database(sqlx::Error::PoolTimedOut))??;
    let asked = &shared.canaries.asked;
    let standings = asked
        .iter()
        .map(|one| known.get(&one.url).copied().unwrap_or_default())
        .collect();
    shared.canaries.sight().set_standings(standings);
    Ok(())
}

async fn sit(canaries: &Canaries, prober: &Prober, shared: &Shared) -> Health {
    let trouble = canaries.sight().trouble();
    let before = canaries.sight().standings();
    let mut rounds: Vec<Vec<Word>> = Vec::new();
    loop {
        let at = shared.now();
        let looks = canaries.asked.iter().map(|one| one.look(prober, at));
        let answered: Vec<bool> = join_all(looks)
            .await
            .into_iter()
            .map(|(_, verdict)| !matches!(verdict.kind, VerdictKind::Down | VerdictKind::Unknown))
            .collect();
        for answered in &answered {
            let outcome = if *answered { "answered" } else { "silent" };
            counter!(names::CANARY_LOOKS, "outcome" => outcome).increment(1);
        }
        let after = canaries.sight().take_in(&answered, at);
        rounds.push(canary::words(&before, &after, &answered));
        if let Some(health) = canary::judge(&rounds, trouble) {
            return health;
        }
    }
}

fn say(shared: &Shared, health: Health, change: Change) {
    gauge!(names::BLIND).set(f64::from(u8::from(matches!(health, Health::Blind(_)))));
    gauge!(names::SELF_CHECK).set(f64::from(u8::from(health != Health::Off)));
    match (change, health) {
        (Change::Lost, Health::Blind(trouble)) => {
            tracing::error!(
                reason = trouble.as_str(),
                "our own way out is in trouble: nothing opens or closes until it is back"
            );
            shared.canaries.changed.notify_one();
        }
        (Change::Back, _) => {
            tracing::warn!("our own way out is back: everything held is looked at again");
            look_again(shared);
            shared.canaries.changed.notify_one();
        }
        (Change::First, Health::Off) => {
            tracing::warn!("no canary has ever answered from this region: the self-check is off");
        }
        _ => {}
    }
}

/// Looks at everything held once more, spread over [`LOOK_AGAIN_OVER`].
fn look_again(shared: &Shared) {
    shared.book().look_again(shared.now(), LOOK_AGAIN_OVER);
    shared.pace.due.notify_one();
}

/// Whether something about our sight must be written before a look may be recorded.
pub(crate) fn must_save(shared: &Shared) -> bool {
    shared.canaries.sight().to_write().is_some()
}

/// Writes what we have seen of our own sight for the shards held.
pub(crate) async fn save(shared: &Shared) -> Result<()> {
    let canaries = &shared.canaries;
    let _one = canaries.saving.lock().await;
    let Some(wanted) = canaries.sight().to_write() else {
        return Ok(());
    };
    let region = &shared.config.region;
    let shards = shared.book().shards.numbers();
    let mut transaction = store::begin(&shared.pool).await?;
    for span in &wanted.missed {
        let reason = span.trouble.as_str();
        blind::begin(&mut transaction, region, &shards, span.since, reason).await?;
        let until = span.until.unwrap_or(span.since);
        blind::end(&mut transaction, region, &shards, until).await?;
    }
    let mut ended = 0;
    match wanted.now {
        Now::Blind(span) => {
            let reason = span.trouble.as_str();
            blind::begin(&mut transaction, region, &shards, span.since, reason).await?;
            if span.trouble == Trouble::Loss {
                blind::call_it_loss(&mut transaction, region, &shards).await?;
            }
        }
        Now::Sees(since) => ended = blind::end(&mut transaction, region, &shards, since).await?,
    }
    transaction.commit().await?;
    canaries.sight().written(&wanted);
    if ended > 0 {
        // Another process was blind here, and what it held waits for a look.
        look_again(shared);
    }
    Ok(())
}

async fn write_standings(shared: &Shared) -> Result<()> {
    let canaries = &shared.canaries;
    let urls = canaries.asked.iter().map(|one| one.url.clone());
    let rows: Vec<_> = urls.zip(canaries.sight().standings()).collect();
    let mut connection = shared.pool.acquire().await?;
    canaries::upsert(&mut connection, &shared.config.region, &rows).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_canaries_everything_is_believed() {
        let off = Canaries::new(None);
        let then = Timestamp::UNIX_EPOCH;
        assert!(off.trusts(then) && !off.clouds(then, then) && !off.is_blind());
        assert!(!off.beat().self_check);
    }
}
