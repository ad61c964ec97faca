//! What good answers look like, for the incident that may follow: compared at each look by a mark in memory, and
//! with what is stored only where that is another. It yields to everything else: what finds no room, or no
//! database, comes with the next look.

use std::collections::HashMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::answer::{self, Answer};
use domain::check::{Observation, Verdict};
use domain::ids::MonitorId;
use domain::monitor::Kind;
use incidents::SeenAnswer;
use jiff::Timestamp;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::plan::Plan;
use crate::scrub::scrub;
use crate::shared::Shared;

const EVERY: Duration = Duration::from_secs(1);
/// Monitors in one statement: after a start each is compared once, without anybody noticing it.
const BATCH: usize = 200;
/// Monitors that wait.
const ROOM: usize = 2 * BATCH;
/// One batch, however slow the database.
const DEADLINE: Duration = Duration::from_secs(20);
/// Answers that are others each time are compared so often in this time, seconds, after the first.
const RESTLESS: i64 = 60;
const OFTEN: u8 = 4;

/// The answer of a monitor that is stored; there is one for each monitor, so it is small.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    mark: NonZeroU64,
    /// Unix seconds.
    at: u32,
    /// The lowest bits of the version of the settings that it was compared under.
    version: u16,
    /// Answers before it, in this, that were others shortly after each other.
    others: u8,
}

impl Kept {
    /// To be compared; `None` where there is nothing to compare.
    fn new(
        before: Option<Self>,
        (mark, at): (NonZeroU64, Timestamp),
        config_version: i64,
    ) -> Option<Self> {
        let lowest = |value: i64| u32::try_from(value & i64::from(u32::MAX)).unwrap_or(0);
        let mut fresh = Self {
            mark,
            at: lowest(at.as_second()),
            version: u16::try_from(config_version & i64::from(u16::MAX)).unwrap_or(0),
            others: 0,
        };
        let Some(before) = before.filter(|before| before.version == fresh.version) else {
            return Some(fresh);
        };
        let age = i64::from(fresh.at) - i64::from(before.at);
        if age < RESTLESS {
            fresh.others = before.others.saturating_add(1);
        }
        (mark != before.mark && fresh.others <= OFTEN).then_some(fresh)
    }
}

/// Answers that wait to be compared.
#[derive(Default)]
pub(crate) struct Answers(Mutex<HashMap<MonitorId, (Kept, SeenAnswer)>>);

impl Answers {
    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<MonitorId, (Kept, SeenAnswer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Vec<(Kept, SeenAnswer)> {
        let mut waiting = self.waiting();
        let ids: Vec<MonitorId> = waiting.keys().take(BATCH).copied().collect();
        let taken = ids.iter().filter_map(|id| waiting.remove(id));
        taken.collect()
    }
}

/// Takes up a good answer, if it may be another than the one that is stored.
pub(crate) fn keep(
    shared: &Shared,
    plan: &Plan,
    seen: &Observation,
    (verdict, clouded): (&Verdict, bool),
) {
    let is_registration = plan.settings.target.kind() == Kind::Domain;
    if !verdict.kind.is_good() || clouded || is_registration {
        return;
    }
    let at = seen.at;
    let seen_now = (answer::mark(seen), at);
    let id = plan.monitor_id;
    let before = shared.book().get_mut(id).map(|entry| entry.answer);
    let fresh = before.and_then(|before| Kept::new(before, seen_now, plan.config_version));
    let Some(fresh) = fresh else {
        return;
    };
    let mut waiting = shared.answers.waiting();
    if waiting.len() >= ROOM && !waiting.contains_key(&id) {
        return;
    }
    let seen = SeenAnswer {
        account_id: plan.account_id,
        monitor_id: id,
        subject: answer::subject(&plan.settings.target),
        answer: scrub(answer::read(seen, &plan.secrets())),
        at,
    };
    waiting.insert(id, (fresh, seen));
}

/// What was seen of an answer that is not good, for the incident that may come of it.
pub(crate) fn failing(plan: &Plan, seen: &Observation, verdict: &Verdict) -> Option<Answer> {
    (!verdict.kind.is_good()).then(|| scrub(answer::read(seen, &plan.secrets())))
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut tick = tokio::time::interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let taken = shared.answers.take();
        if taken.is_empty() {
            continue;
        }
        let (kept, seen): (Vec<_>, Vec<_>) = taken.into_iter().unzip();
        let recorded =
            incidents::record_answers(&shared.pool, &shared.config.region, &seen, shared.now());
        match tokio::time::timeout(DEADLINE, recorded).await {
            Ok(Ok(())) => {
                let mut book = shared.book();
                for (kept, seen) in kept.into_iter().zip(&seen) {
                    if let Some(entry) = book.get_mut(seen.monitor_id) {
                        entry.answer = Some(kept);
                    }
                }
            }
            Ok(Err(error)) if error.is_unavailable() => {}
            Ok(Err(error)) => tracing::warn!(%error, "good answers could not be kept"),
            Err(_) => tracing::warn!("keeping good answers takes too long"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    fn seen(before: Option<Kept>, mark: u64, second: i64, version: i64) -> Option<Kept> {
        Kept::new(
            before,
            (NonZeroU64::new(mark).unwrap(), at(second)),
            version,
        )
    }

    #[test]
    fn what_is_as_it_was_is_not_compared() {
        let first = seen(None, 1, 0, 7).unwrap();
        assert_eq!(seen(Some(first), 1, 1_000, 7), None);
        assert!(seen(Some(first), 2, 1, 7).is_some(), "another at once");
        assert!(seen(Some(first), 1, 1, 8).is_some(), "other settings");
        assert_eq!(size_of::<Option<Kept>>(), 16);
    }

    #[test]
    fn what_never_rests_is_compared_five_times_a_minute() {
        let mut kept = None;
        let mut compared = Vec::new();
        for second in 0..300 {
            let mark = u64::try_from(second).unwrap() + 1;
            if let Some(fresh) = seen(kept, mark, second, 1) {
                compared.push(second);
                kept = Some(fresh);
            }
        }
        assert_eq!(compared[..5], [0, 1, 2, 3, 4]);
        assert!(compared.len() <= 5 + 5 * 5, "{compared:?}");
    }
}
