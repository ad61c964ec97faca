//! Servers behind monitors: whether they are shown to be their owner's, and how they are while what
//! stands in front of them answers well. Rows say what is due; no monitor has a place in the timetable
//! for it, and whichever worker of its region comes first takes it.

use std::sync::Arc;
use std::time::Duration;

use domain::check::{Expectation, VerdictKind, redact};
use domain::ids::{AccountId, MonitorId};
use domain::incident::diagnosis::autopsy::{expectation, unjudged};
use domain::monitor::{HttpTarget, Settings, Target};
use domain::origin::{self, Answer, Asked, Looked, State};
use domain::target::{AddressPolicy, Origin};
use metrics::counter;
use probe::Names;
use store::monitors::timetable::{self, Scheduled};
use store::origins::{self, Stored};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::look;
use crate::metrics as names;
use crate::plan::secrets_of;
use crate::rounds;
use crate::scrub::{scrub, scrub_observation};
use crate::shared::Shared;

/// A notice wakes at once whoever is to ask for a proof; looks have time.
const POLL: Duration = Duration::from_secs(5);
/// Origins that are asked at once.
const ROOM: usize = 16;

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(ROOM));
    let called = (POLL, &shared.origins);
    let round = || start_due(&shared, &room);
    rounds::run("the origins that are due", called, &stop, round).await;
}

async fn start_due(shared: &Arc<Shared>, room: &Arc<Semaphore>) -> store::Result<()> {
    let free = room.available_permits();
    // Blind, every answer would be about us.
    if free == 0 || shared.canaries.is_blind() {
        return Ok(());
    }
    let mut connection = shared.pool.acquire().await?;
    let most = i64::try_from(free).unwrap_or(i64::MAX);
    let (region, now) = (&shared.config.region, shared.now());
    let due = origins::list_due(&mut connection, region, now, most).await?;
    for key in due {
        let Ok(permit) = room.clone().try_acquire_owned() else {
            return Ok(());
        };
        let Some(stored) = origins::claim(&mut connection, key, now).await? else {
            continue;
        };
        let shared = shared.clone();
        shared.clone().tasks.spawn(async move {
            if let Err(error) = ask(&shared, key, &stored).await {
                tracing::warn!(error = &*error, monitor.id = %key.1, "an origin could not be asked");
            }
            drop(permit);
        });
    }
    Ok(())
}

type Outcome = Result<(), Box<dyn std::error::Error + Send + Sync>>;

async fn ask(shared: &Arc<Shared>, key: (AccountId, MonitorId), stored: &Stored) -> Outcome {
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let found = timetable::find_scheduled(&mut connection, &shared.secrets, region, key).await?;
    // Paused, deleted, or moved to another region meanwhile: its next turn comes when it is let go.
    let Some(scheduled) = found else {
        return Ok(());
    };
    let token = origins::token(&mut connection, key.0, &stored.origin).await?;
    drop(connection);
    let settings = scheduled.monitor.settings();
    let Target::Http(http) = &settings.target else {
        return Ok(());
    };
    let mut standing = stored.standing.clone();
    if standing.prove_at <= shared.now() {
        let answer = prove(shared, &stored.origin, http, &token).await;
        let word = match answer {
            Answer::Found(_) => "found",
            Answer::Missing(_) => "missing",
            Answer::Silent(_) => "silent",
        };
        counter!(names::ORIGIN_PROOFS, "outcome" => word).increment(1);
        let now = shared.now();
        let kept = incidents::record_proof(&shared.pool, key, &stored.origin, &answer, now).await?;
        let Some(kept) = kept else { return Ok(()) };
        standing = kept;
    }
    let is_due = standing.look_at.is_some_and(|at| at <= shared.now());
    if standing.state != State::Proven || !is_due {
        return Ok(());
    }
    let looked = look_behind(shared, &scheduled, (&settings, http), &stored.origin).await;
    let now = shared.now();
    incidents::record_origin(&shared.pool, key, &stored.origin, &looked, now).await?;
    Ok(())
}

/// Asks for the proof wherever it may be.
async fn prove(shared: &Shared, origin: &str, http: &HttpTarget, token: &str) -> Answer {
    // The look itself judges it by the policy.
    let Ok(origin) = Origin::parse(origin, AddressPolicy::SelfHosted) else {
        return Answer::Missing("The origin cannot be read.".to_owned());
    };
    let mut answers = Vec::new();
    for asked in origin::questions(&origin, http.url.starts_with("https:")) {
        let now = shared.now();
        let look = shared
            .prober
            .look(&asked.target, Asked::TIMEOUT, Names::Asked, now);
        let seen = scrub_observation(look.await);
        let answer = asked.read(&seen, token);
        let found = matches!(answer, Answer::Found(_));
        answers.push(answer);
        if found {
            break;
        }
    }
    origin::all(answers)
}

/// One look past what stands in front; nothing while that does not answer well itself.
async fn look_behind(
    shared: &Shared,
    scheduled: &Scheduled,
    (settings, http): (&Settings, &HttpTarget),
    origin: &str,
) -> Looked {
    if !scheduled.observed.is_good() || scheduled.confirming {
        return Looked::Nothing;
    }
    let target = Target::Http(unjudged(http));
    let now = shared.now();
    let look = shared
        .prober
        .look_behind(&target, origin, settings.timeout, now);
    let seen = look.await;
    if seen.put_off.is_some() || seen.our_fault {
        return Looked::Nothing;
    }
    let clouded = shared.canaries.clouds(seen.at, shared.now());
    let expected: Expectation = expectation(settings, target);
    let (seen, verdict) = look::judge(seen, &expected, clouded);
    let seen = scrub_observation(redact::redact(seen, &secrets_of(settings)));
    let verdict = scrub(verdict);
    counter!(names::ORIGIN_LOOKS, "verdict" => verdict.kind.as_str()).increment(1);
    match (verdict.kind, verdict.failure.or(seen.failure)) {
        (VerdictKind::Unknown, _) => Looked::Nothing,
        (kind, _) if kind.is_good() => Looked::Good,
        (_, Some(failure)) => Looked::Bad(failure),
        (_, None) => Looked::Nothing,
    }
}
