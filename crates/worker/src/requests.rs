//! Looks that somebody waits for: rows, answered within a second. They step the state like any
//! other, have no slot, and are kept apart.

use std::sync::Arc;
use std::time::Duration;

use domain::check::{Check, LookResult, redact};
use domain::ids::{AccountId, CheckId, LookRequestId, MonitorId};
use domain::monitor::{MonitorSpec, schedule};
use metrics::counter;
use probe::Prober;
use store::look_requests::{self, LookRequest, Reason, Subject};
use store::monitors::timetable;
use store::{Error, Result};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::look::{self, Looked};
use crate::metrics as names;
use crate::plan::{self, Known, Plan};
use crate::proposals;
use crate::rounds;
use crate::scrub::scrub_observation;
use crate::shared::Shared;

const POLL: Duration = Duration::from_secs(1);
/// How long the answer waits for its own look to be taken into the status: a person is told what was
/// seen, whatever becomes of the status.
const RECORDED_WITHIN: Duration = Duration::from_secs(2);
/// The same where nobody reads the answer, and all that counts is what becomes of the status: less than
/// what a request is taken for.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(12);

/// What became of a request.
enum Answer {
    /// It is done; `None`: there was nothing to look at.
    Done(Option<Box<LookResult>>),
    /// The first look at a monitor is done.
    First(Box<LookResult>, Arc<Plan>),
    /// What was seen is not recorded yet. The request stays open, so that if this process dies somebody
    /// looks again.
    Open,
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(shared.config.requested_looks.max(1)));
    let called = (POLL, &shared.asked);
    let round = || start_open(&shared, &room);
    rounds::run("look requests", called, &stop, round).await;
}

async fn start_open(shared: &Arc<Shared>, room: &Arc<Semaphore>) -> Result<()> {
    let free = i64::try_from(room.available_permits()).unwrap_or(i64::MAX);
    if free == 0 {
        return Ok(());
    }
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let open = look_requests::list_open(&mut connection, region, shared.now(), free).await?;
    drop(connection);
    for (account, id, monitor) in open {
        if !is_ours(shared, monitor) {
            continue;
        }
        let Ok(permit) = room.clone().try_acquire_owned() else {
            return Ok(());
        };
        let shared = shared.clone();
        shared.clone().tasks.spawn(async move {
            if let Err(error) = answer(&shared, account, id).await {
                tracing::warn!(%error, "a look request was not answered");
            }
            drop(permit);
            shared.asked.notify_one();
        });
    }
    Ok(())
}

/// A monitor's looks are recorded by the holder of its shard; anything else by whoever comes first.
fn is_ours(shared: &Shared, monitor: Option<MonitorId>) -> bool {
    monitor.is_none_or(|id| shared.book().shards.epoch(schedule::shard(id)).is_some())
}

async fn answer(shared: &Arc<Shared>, account: AccountId, id: LookRequestId) -> Result<()> {
    let mut connection = shared.pool.acquire().await?;
    let worker = &shared.config.worker_id;
    let claimed = look_requests::claim(
        &mut connection,
        &shared.secrets,
        (account, id),
        worker,
        shared.now(),
    )
    .await;
    drop(connection);
    let request = match claimed {
        Ok(Some(request)) => request,
        Ok(None) => return Ok(()),
        Err(error @ Error::Database(_)) => return Err(error),
        Err(error) => {
            // It can never be read: whoever waits is told at once.
            tracing::error!(%error, "a look request cannot be read");
            return finish(shared, (account, id), None).await;
        }
    };
    counter!(names::REQUESTED, "reason" => request.reason.as_str()).increment(1);
    let answer = match &request.subject {
        Subject::Spec(spec) => Answer::Done(Some(Box::new(
            look_without_monitor(shared, &shared.prober, spec).await,
        ))),
        Subject::Monitor(monitor) => look_at_monitor(shared, &request, *monitor).await?,
    };
    match answer {
        Answer::Done(result) => finish(shared, (account, id), result.as_deref()).await,
        Answer::First(result, plan) => {
            finish(shared, (account, id), Some(&result)).await?;
            if let Err(error) = proposals::want(shared, &plan, &result).await {
                tracing::warn!(%error, monitor.id = %plan.monitor_id, "no text can be proposed");
            }
            Ok(())
        }
        Answer::Open => Ok(()),
    }
}

async fn finish(
    shared: &Shared,
    key: (AccountId, LookRequestId),
    result: Option<&LookResult>,
) -> Result<()> {
    let mut transaction = store::begin(&shared.pool).await?;
    look_requests::mark_done(&mut transaction, key, result, shared.now()).await?;
    transaction.commit().await?;
    Ok(())
}

/// One look through `prober`, judged and explained, that changes nothing.
pub(crate) async fn look_without_monitor(
    shared: &Shared,
    prober: &Prober,
    spec: &MonitorSpec,
) -> LookResult {
    let settings = plan::settings_of(spec);
    let names = plan::names_for(&settings, false);
    let seen = prober
        .look(&settings.target, settings.timeout, names, shared.now())
        .await;
    let expected = domain::check::Expectation::of(&settings, true, false);
    let clouded = shared.canaries.clouds(seen.at, shared.now());
    let (seen, verdict) = look::judge(seen, &expected, clouded);
    let check = Check::on_request(CheckId::generate(), &shared.config.region, &seen, &verdict);
    let diagnosis = look::explain_to_someone(&seen, &verdict, &settings);
    let observation = scrub_observation(redact::redact(seen, &plan::secrets_of(&settings)));
    LookResult::new(check, observation, diagnosis)
}

async fn look_at_monitor(
    shared: &Arc<Shared>,
    request: &LookRequest,
    monitor: MonitorId,
) -> Result<Answer> {
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let key = (request.account_id, monitor);
    let found = timetable::find_scheduled(&mut connection, &shared.secrets, region, key).await?;
    drop(connection);
    // Paused, deleted, or moved to another region meanwhile.
    let Some(scheduled) = found else {
        return Ok(Answer::Done(None));
    };
    let plan = Arc::new(Plan::of(&scheduled, region));
    let known = Known::of(&scheduled);
    {
        let mut book = shared.book();
        // Lost meanwhile: its new holder has it in the timetable.
        if book.shards.epoch(plan.shard).is_some() {
            book.upsert((*plan).clone(), known, None, shared.now());
        }
    }
    let fresh = matches!(request.reason, Reason::Recheck | Reason::Vote);
    let observed = look::observe(shared, &plan, known, fresh, None).await;
    let Some((seen, verdict)) = observed else {
        return Ok(Answer::Done(None));
    };
    let check = Check::on_request(CheckId::generate(), region, &seen, &verdict);
    let result = LookResult::new(
        check.clone(),
        scrub_observation(redact::redact(seen.clone(), &plan.secrets())),
        look::explain_to_someone(&seen, &verdict, &plan.settings),
    );
    let reason = Some(request.reason.as_str());
    let looked = Looked {
        plan: plan.clone(),
        check,
        seen,
        verdict,
        finished_at: shared.now(),
        epoch: None,
        reason,
    };
    if let Some(done) = look::hand_over(shared, looked) {
        let confirms = matches!(request.reason, Reason::Recheck | Reason::Vote);
        let within = if confirms {
            CONFIRMED_WITHIN
        } else {
            RECORDED_WITHIN
        };
        // Whoever waits should find the status that this look made; late is better than never.
        let is_late = tokio::time::timeout(within, done).await.is_err();
        if is_late && confirms {
            return Ok(Answer::Open);
        }
    }
    Ok(match request.reason {
        Reason::First => Answer::First(Box::new(result), plan),
        _ => Answer::Done(Some(Box::new(result))),
    })
}
