//! One look, from due to handed over: observe, judge, keep.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use domain::check::{Check, Expectation, Observation, Verdict, VerdictKind};
use domain::ids::{CheckId, MonitorId};
use domain::incident::{Diagnosis, diagnosis};
use domain::monitor::Settings;
use domain::status::Look;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use store::checks::Owned;

use crate::answers;
use crate::book::{Book, Due, SeenCertificate, Ticket, Why};
use crate::dispatch::Room;
use crate::evidence;
use crate::metrics as names;
use crate::plan::{self, Known, Plan};
use crate::record::{self, Transition};
use crate::scrub::{scrub, scrub_observation};
use crate::shared::Shared;

/// A look that took longer than this was slow.
const SLOW: Duration = Duration::from_secs(2);
/// A certificate that has not changed is handed on this often.
const CERTIFICATE_EVERY: SignedDuration = SignedDuration::from_hours(24);
/// A look that an address had no room for waits this long at most, and less than half its interval.
const PUT_OFF: Duration = Duration::from_secs(20);

/// What a look at a monitor has come to.
pub(crate) struct Looked {
    pub plan: Arc<Plan>,
    pub check: Check,
    pub seen: Observation,
    pub verdict: Verdict,
    pub finished_at: Timestamp,
    /// The lease under which it began; `None` when somebody asked for it.
    pub epoch: Option<i64>,
    /// Why it was made, when it is not on the timetable.
    pub reason: Option<&'static str>,
}

/// A due look: a slot, or a recheck.
pub(crate) async fn on_timetable(shared: Arc<Shared>, due: Due, room: Room) {
    shared.pace.began();
    if whole(&shared, due, room).await {
        shared.pace.due.notify_one();
    }
    shared.pace.ended();
}

/// The look from its begin to the books; whether another was put into the timetable.
async fn whole(shared: &Arc<Shared>, mut due: Due, room: Room) -> bool {
    let work = AtWork::new(shared, &due);
    let (plan, now) = (due.plan.clone(), shared.now());
    let (taken, epoch) = {
        let mut book = shared.book();
        let taken = book.take_up(plan.monitor_id, due.ticket);
        (taken, book.shards.epoch(plan.shard))
    };
    // Another slot may have come while it waited.
    due.at = taken.as_ref().map_or(due.at, |(at, _)| *at);
    let Some((_, known)) = taken.filter(|_| !overtaken(&due, now)) else {
        skip(shared, &due, "late");
        return false;
    };
    match due.why {
        Why::Slot { caught_up: true } => counter!(names::CAUGHT_UP).increment(1),
        Why::Slot { caught_up: false } | Why::Recheck => {
            let late = now.duration_since(due.at).as_secs_f64();
            shared.meters.late.record(late.max(0.0));
        }
    }
    let fresh = due.why == Why::Recheck;
    let observed = observe(shared, &plan, known, fresh, Some((&work, room))).await;
    let Some((seen, verdict)) = observed else {
        skip(shared, &due, "put_off");
        return false;
    };
    let region = &shared.config.region;
    let (check, reason) = match due.why {
        Why::Slot { .. } => (
            Check::on_timetable(plan.monitor_id, region, due.at, &seen, &verdict),
            None,
        ),
        Why::Recheck => (
            Check::on_request(CheckId::generate(), region, &seen, &verdict),
            Some("recheck"),
        ),
    };
    let finished_at = shared.now();
    let looked = Looked {
        plan: plan.clone(),
        check,
        seen,
        verdict,
        finished_at,
        epoch,
        reason,
    };
    let clouded = shared.canaries.clouds(looked.check.at, finished_at);
    work.turn().await;
    let _recorded = hand_over(shared, looked);
    drop(work);
    let again = clouded && !shared.canaries.is_blind();
    if again {
        // It began while nothing was seen, and sight is back.
        shared.book().look_at(plan.monitor_id, shared.now());
    }
    again
}

/// A look of the timetable, from due to handed over or given up, whatever becomes of its task.
pub(crate) struct AtWork {
    shared: Arc<Shared>,
    monitor: MonitorId,
    ticket: Ticket,
}

impl AtWork {
    fn new(shared: &Arc<Shared>, due: &Due) -> Self {
        Self {
            shared: shared.clone(),
            monitor: due.plan.monitor_id,
            ticket: due.ticket,
        }
    }

    fn begin(&self) -> Timestamp {
        let mut book = self.shared.book();
        let now = self.shared.now();
        book.began(self.monitor, self.ticket, now);
        now
    }

    fn put_off(&self) {
        self.shared.book().put_off(self.monitor, self.ticket);
        self.shared.turns.notify_waiters();
    }

    /// Waits until every look at this monitor that began earlier has been handed over: confirming
    /// looks overlap, and are taken in as they began. Bounded by the time-outs of those.
    async fn turn(&self) {
        loop {
            let mut ended = pin!(self.shared.turns.notified());
            ended.as_mut().enable();
            if self.shared.book().is_its_turn(self.monitor, self.ticket) {
                return;
            }
            ended.await;
        }
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        if self.shared.book().ended(self.monitor, self.ticket) {
            self.shared.turns.notify_waiters();
        }
    }
}

/// A slot whose whole interval passed while it waited for room is left to the next one.
fn overtaken(due: &Due, now: Timestamp) -> bool {
    due.why != Why::Recheck && due.plan.slot_at(now) > due.at
}

fn skip(shared: &Shared, due: &Due, reason: &'static str) {
    counter!(names::LOOKS_SKIPPED, "reason" => reason).increment(1);
    if due.why != Why::Recheck {
        let mut book = shared.book();
        book.shards
            .done(due.plan.shard, due.at, due.plan.monitor_id);
    }
}

/// Looks and judges. What an address has no room for is put off and tried again; `None`: there was
/// none in time, and nothing is judged. The `room` of the pool is kept while it looks, not while it
/// waits.
pub(crate) async fn observe(
    shared: &Shared,
    plan: &Plan,
    known: Known,
    confirms: bool,
    timetable: Option<(&AtWork, Room)>,
) -> Option<(Observation, Verdict)> {
    let settings = &plan.settings;
    let names = plan::names_for(settings, confirms);
    let patience = PUT_OFF.min(settings.interval / 2);
    let begun = tokio::time::Instant::now();
    let (work, mut room) = timetable.unzip();
    loop {
        let now = work.map_or_else(|| shared.now(), AtWork::begin);
        let seen = shared
            .prober
            .look(&settings.target, settings.timeout, names, now)
            .await;
        drop(room.take());
        let Some(wait) = seen.put_off else {
            let clouded = shared.canaries.clouds(seen.at, shared.now());
            let (seen, verdict) = judge(seen, &known.expectation(settings), clouded);
            if seen.http.is_none() && !verdict.kind.is_good() {
                shared.canaries.poke(shared.now());
            }
            shared.meters.done(verdict.kind).increment(1);
            let took = Duration::from_micros(seen.total_us).as_secs_f64();
            shared.meters.duration.record(took);
            return Some((seen, verdict));
        };
        counter!(names::PUT_OFF).increment(1);
        work.inspect(|work| work.put_off());
        let wait = wait.max(Duration::from_millis(50));
        if begun.elapsed() + wait > patience {
            return None;
        }
        tokio::time::sleep(wait).await;
    }
}

/// Judges what was seen; what the database could not keep is taken out of both. What fails while our
/// own sight is `clouded` is unknown.
pub(crate) fn judge(
    mut seen: Observation,
    expected: &Expectation,
    clouded: bool,
) -> (Observation, Verdict) {
    let mut verdict = domain::check::verdict::judge(&seen, expected);
    if clouded && !verdict.kind.is_good() {
        verdict.kind = VerdictKind::Unknown;
        seen.our_fault = true;
    }
    if verdict.kind == VerdictKind::Up {
        return (seen, verdict);
    }
    (scrub_observation(seen), scrub(verdict))
}

/// Why it fails, in words.
pub(crate) fn explain(
    seen: &Observation,
    verdict: &Verdict,
    settings: &Settings,
) -> Option<Diagnosis> {
    diagnosis::explain(seen, verdict, settings).map(scrub)
}

/// The same for somebody who waits for it: a good answer that says against itself is pointed out.
pub(crate) fn explain_to_someone(
    seen: &Observation,
    verdict: &Verdict,
    settings: &Settings,
) -> Option<Diagnosis> {
    let soft = || diagnosis::point_out(seen, verdict, settings).map(scrub);
    explain(seen, verdict, settings).or_else(soft)
}

/// Puts a look where it belongs: a slot's row into the buffer, and what may change a status on its
/// way to be recorded. The answer resolves when that is done.
pub(crate) fn hand_over(shared: &Arc<Shared>, looked: Looked) -> Option<record::Done> {
    let Looked {
        plan,
        check,
        seen,
        verdict,
        finished_at,
        epoch,
        reason,
    } = looked;
    let (id, shard, slot) = (plan.monitor_id, plan.shard, check.slot);
    let clouded = shared.canaries.clouds(check.at, finished_at);
    let mut book = shared.book();
    // What began under a lease that was lost meanwhile must not pass for its new holder's.
    let epoch = epoch.or_else(|| book.shards.epoch(shard));
    let certificate = (!clouded)
        .then(|| certificate(&mut book, &plan, &seen, finished_at))
        .flatten();
    let entry = book.get_mut(id);
    let (matters, keep) = match entry {
        None => (true, verdict.kind == VerdictKind::Down),
        Some(entry) => {
            entry.slow = Duration::from_micros(seen.total_us) > SLOW;
            let (keep, kept) = entry.kept.next(&verdict, entry.known.confirming, check.at);
            entry.kept = kept;
            let matters = reason.is_some() || entry.waiting > 0 || entry.known.matters(&verdict);
            let matters = matters && !(clouded && reason.is_none());
            entry.waiting += u32::from(matters);
            (matters, keep && !clouded)
        }
    };
    if clouded {
        counter!(names::HELD).increment(1);
    }
    if let (true, Some(slot)) = (matters, slot) {
        book.shards.wait(shard, slot, id);
    }
    drop(book);
    answers::keep(shared, &plan, &seen, (&verdict, clouded));
    if slot.is_some() {
        keep_row(
            shared,
            Owned {
                account_id: plan.account_id,
                monitor_id: id,
                check: check.clone(),
            },
        );
    }
    let registration = registration(&plan, &seen);
    if !matters && certificate.is_none() && registration.is_none() {
        return None;
    }
    let look = Look {
        region: shared.config.region.clone(),
        at: check.at,
        finished_at,
        verdict: verdict.clone(),
        config_version: plan.config_version,
    };
    let transition = Transition {
        epoch,
        look: matters.then_some(look),
        certificate,
        registration,
        public_address: is_public(&seen),
        address: seen
            .address
            .or_else(|| seen.tried.last().map(|tried| tried.address))
            .map(|address| address.ip()),
        diagnosis: explain(&seen, &verdict, &plan.settings),
        answer: answers::failing(&plan, &seen, &verdict),
        evidence: keep.then(|| Box::new(evidence::of(&plan, &check, seen, &verdict))),
        requested: reason.map(|reason| (reason, check.clone())),
        check_id: check.id,
        slot,
        plan,
    };
    Some(record::enqueue(shared, transition))
}

fn keep_row(shared: &Shared, row: Owned) {
    let now = shared.now();
    let (dropped, waiting) = {
        let mut buffer = shared.buffer();
        (buffer.push(row, now), buffer.len())
    };
    if !dropped.is_empty() {
        shared.let_go(&dropped);
        counter!(names::DROPPED).increment(dropped.len() as u64);
    }
    if waiting >= crate::batch::ROWS {
        shared.full.notify_one();
    }
}

/// The certificate to hand on: the leaf, its problem or the settings changed, or a day has passed.
fn certificate(
    book: &mut Book,
    plan: &Plan,
    seen: &Observation,
    now: Timestamp,
) -> Option<incidents::Seen> {
    let facts = seen.tls.as_ref()?;
    let entry = book.get_mut(plan.monitor_id)?;
    let fresh = SeenCertificate {
        config_version: plan.config_version,
        fingerprint: facts.leaf()?.fingerprint.clone(),
        problem: facts.problem,
        at: now,
    };
    let known = entry.certificate.as_ref().is_some_and(|last| {
        SeenCertificate {
            at: now,
            ..(**last).clone()
        } == fresh
            && now.duration_since(last.at) < CERTIFICATE_EVERY
    });
    if known {
        return None;
    }
    entry.certificate = Some(Box::new(fresh));
    Some(incidents::Seen {
        account_id: plan.account_id,
        monitor_id: plan.monitor_id,
        config_version: plan.config_version,
        facts: scrub(facts.clone()),
    })
}

/// What a registry told, to hand on: it is asked once a day, and warnings are told once each.
fn registration(plan: &Plan, seen: &Observation) -> Option<incidents::Registered> {
    Some(incidents::Registered {
        account_id: plan.account_id,
        monitor_id: plan.monitor_id,
        config_version: plan.config_version,
        facts: scrub(seen.registration.clone()?),
    })
}

fn is_public(seen: &Observation) -> bool {
    seen.address
        .is_some_and(|address| domain::target::address::special_kind(address.ip()).is_none())
}
