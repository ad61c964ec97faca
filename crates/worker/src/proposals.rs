//! Texts that monitors might ask for: what a first look offers is compared with the answer for an address that
//! cannot exist. One request of its own, after the first look was answered; it counts as no look and changes no
//! status. A row says what is to be compared, so that a worker that dies leaves it to another.

use std::sync::Arc;
use std::time::Duration;

use domain::check::{LookResult, Observation, Verdict, VerdictKind, redact};
use domain::ids::{AccountId, MonitorId};
use domain::incident::diagnosis::autopsy::expectation;
use domain::monitor::{Settings, proposal};
use jiff::SignedDuration;
use metrics::counter;
use probe::Names;
use store::keyword_proposals::{self as proposals, Wanted};
use store::monitors::timetable;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::look;
use crate::metrics as names;
use crate::plan::{Plan, secrets_of};
use crate::rounds;
use crate::scrub::scrub_observation;
use crate::shared::Shared;

const POLL: Duration = Duration::from_secs(5);
/// Sites that are asked at once.
const ROOM: usize = 4;
/// The request, less than what it is taken for.
const WITHIN: Duration = Duration::from_secs(10);
/// An address without room, or a network without sight, is asked again this much later,
const LATER: SignedDuration = SignedDuration::from_secs(60);
/// and this often.
const TRIES: u16 = 5;

/// Writes down what a first look offers, where there is something to compare. Call it when the look is answered.
pub(crate) async fn want(shared: &Shared, plan: &Plan, result: &LookResult) -> store::Result<()> {
    // A page that says against itself that it does not work is no good one.
    if result.diagnosis.is_some() {
        return Ok(());
    }
    let (seen, verdict) = (&result.observation, result.check.verdict);
    let offers = proposal::offers(seen, verdict, &plan.settings);
    if offers.is_empty() {
        return Ok(());
    }
    let mut transaction = store::begin(&shared.pool).await?;
    let (key, region) = (
        (plan.account_id, plan.monitor_id, plan.config_version),
        &shared.config.region,
    );
    let now = shared.now();
    let is_new = proposals::want(&mut transaction, key, region, &offers, now).await?;
    transaction.commit().await?;
    if is_new {
        shared.proposals.notify_one();
    }
    Ok(())
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(ROOM));
    let called = (POLL, &shared.proposals);
    let round = || start_due(&shared, &room);
    rounds::run("the texts that are to be compared", called, &stop, round).await;
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
    let due = proposals::list_due(&mut connection, region, now, most).await?;
    for key in due {
        let Ok(permit) = room.clone().try_acquire_owned() else {
            return Ok(());
        };
        let Some(wanted) = proposals::claim(&mut connection, key, now).await? else {
            continue;
        };
        let shared = shared.clone();
        shared.clone().tasks.spawn(async move {
            if let Err(error) = compare(&shared, key, &wanted).await {
                tracing::warn!(%error, monitor.id = %key.1, "a page could not be compared");
            }
            drop(permit);
            shared.proposals.notify_one();
        });
    }
    Ok(())
}

async fn compare(
    shared: &Arc<Shared>,
    key: (AccountId, MonitorId),
    wanted: &Wanted,
) -> store::Result<()> {
    let mut connection = shared.pool.acquire().await?;
    let region = &shared.config.region;
    let found = timetable::find_scheduled(&mut connection, &shared.secrets, region, key).await?;
    drop(connection);
    // Paused, deleted, or moved to another region meanwhile; or it asks for something by now.
    let settings = found.map(|scheduled| scheduled.monitor.settings());
    let Some(settings) = settings.filter(proposal::has_room) else {
        return give_up(shared, key, wanted).await;
    };
    match ask(shared, &settings).await {
        Some((seen, verdict)) => decide(shared, key, (wanted, &seen, verdict.kind)).await,
        None if wanted.tries < TRIES => {
            let mut transaction = store::begin(&shared.pool).await?;
            let later = shared.now().saturating_add(LATER);
            let later = later.unwrap_or(jiff::Timestamp::MAX);
            proposals::put_off(&mut transaction, key, later).await?;
            Ok(transaction.commit().await?)
        }
        None => give_up(shared, key, wanted).await,
    }
}

/// The answer for an address that cannot exist; `None` where there was no room for the request, or what came of
/// it is about us.
async fn ask(shared: &Shared, settings: &Settings) -> Option<(Observation, Verdict)> {
    let nonce = uuid::Uuid::new_v4().simple().to_string();
    let target = proposal::missing(settings, &nonce)?;
    let expected = expectation(settings, target.clone());
    let prober = shared.prober.yielding();
    let timeout = settings.timeout.min(WITHIN);
    let now = shared.now();
    let seen = prober.look(&target, timeout, Names::Remembered, now).await;
    if seen.put_off.is_some() || seen.our_fault {
        return None;
    }
    let clouded = shared.canaries.clouds(seen.at, shared.now());
    let (seen, verdict) = look::judge(seen, &expected, clouded);
    let is_ours = verdict.kind == VerdictKind::Unknown;
    let seen = scrub_observation(redact::redact(seen, &secrets_of(settings)));
    (!is_ours).then_some((seen, verdict))
}

async fn decide(
    shared: &Shared,
    key: (AccountId, MonitorId),
    (wanted, seen, verdict): (&Wanted, &Observation, VerdictKind),
) -> store::Result<()> {
    let found = proposal::propose(&wanted.offers, seen, verdict);
    let word = if found.is_some() { "text" } else { "none" };
    counter!(names::PROPOSALS, "found" => word).increment(1);
    let Some(found) = found else {
        return give_up(shared, key, wanted).await;
    };
    let mut transaction = store::begin(&shared.pool).await?;
    let connection = &mut *transaction;
    let now = shared.now();
    if proposals::propose(connection, key, &wanted.offers, &found, now).await? {
        store::changes::notify(connection, key.0, "monitor", key.1).await?;
    }
    Ok(transaction.commit().await?)
}

async fn give_up(
    shared: &Shared,
    key: (AccountId, MonitorId),
    wanted: &Wanted,
) -> store::Result<()> {
    let mut transaction = store::begin(&shared.pool).await?;
    proposals::give_up(&mut transaction, key, &wanted.offers).await?;
    Ok(transaction.commit().await?)
}
