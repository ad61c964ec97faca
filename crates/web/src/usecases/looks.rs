//! Asking a worker for a look, and waiting for its answer.

use std::time::Duration;

use domain::check::LookResult;
use domain::ids::{AccountId, LookRequestId};
use domain::monitor::{Monitor, MonitorSpec, Settings};
use jiff::SignedDuration;
use sqlx::PgConnection;
use store::blind::{self, Sight};
use store::look_requests::{self, Answer, LookRequest, Reason, Subject};
use tokio::time::Instant;

use super::{Caller, UseCaseError, UseCaseResult};
use crate::events::Event;
use crate::state::AppState;
use crate::throttle::{self, Limit};

/// How much longer than its time-out a look is waited for.
const GRACE: Duration = Duration::from_secs(3);
/// A notice only wakes; the truth is read this often all the same.
const POLL: Duration = Duration::from_secs(1);

/// A look that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingLook {
    /// The request.
    pub id: LookRequestId,
    /// How long it is worth waiting for.
    pub patience: Duration,
}

/// Counts a look that somebody asks for against `limit`.
pub(super) async fn take_one(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (limit, key): (Limit, &str),
) -> UseCaseResult<()> {
    match throttle::take_within(connection, state, limit, key, caller.now).await? {
        None => Ok(()),
        Some(retry_after) => Err(UseCaseError::TooSoon {
            retry_after,
            detail: format!(
                "At most {} looks a minute can be asked for. Try again in {retry_after} s.",
                limit.most()
            ),
        }),
    }
}

/// Asks for a look at a monitor.
pub async fn request(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (monitor, reason): (&Monitor, Reason),
) -> UseCaseResult<PendingLook> {
    let settings = monitor.settings();
    insert(
        connection,
        state,
        caller,
        (Subject::Monitor(monitor.id), reason, settings),
    )
    .await
}

/// Asks for a look without a monitor.
pub(super) async fn request_without_monitor(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    spec: MonitorSpec,
) -> UseCaseResult<PendingLook> {
    let settings = Settings::of(&spec);
    insert(
        connection,
        state,
        caller,
        (Subject::Spec(Box::new(spec)), Reason::Test, settings),
    )
    .await
}

async fn insert(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    (subject, reason, settings): (Subject, Reason, Settings),
) -> UseCaseResult<PendingLook> {
    let patience = settings.timeout + GRACE;
    let sights = blind::list_sights(connection).await?;
    let wanted = settings.regions.as_deref().unwrap_or_default();
    let region = region_to_ask(&state.config.region, wanted, &sights);
    let deadline =
        caller.now + SignedDuration::try_from(patience).unwrap_or(SignedDuration::from_secs(60));
    let request = LookRequest {
        account_id: caller.account_id,
        id: LookRequestId::generate(),
        subject,
        region,
        reason,
        not_before: caller.now,
        deadline,
        created_at: caller.now,
    };
    look_requests::insert(connection, &state.secrets, &request).await?;
    Ok(PendingLook {
        id: request.id,
        patience,
    })
}

/// The region whose workers are asked: of those that are `wanted` (empty: any) one that sees, then one
/// that lives, and of these our own. A web role need not share a region with any worker.
fn region_to_ask(own: &str, wanted: &[String], living: &[Sight]) -> String {
    let fits = |region: &str| wanted.is_empty() || wanted.iter().any(|name| name == region);
    let rank = |sight: &&Sight| (sight.blind, sight.region != own);
    let best = living
        .iter()
        .filter(|sight| fits(&sight.region))
        .min_by_key(rank)
        .map(|sight| &sight.region);
    best.or_else(|| wanted.first().filter(|_| !fits(own)))
        .map_or(own, String::as_str)
        .to_owned()
}

/// Waits for the answer; call it after the transaction that asked has committed.
pub async fn wait(
    state: &AppState,
    account: AccountId,
    look: PendingLook,
) -> UseCaseResult<LookResult> {
    let mut events = state.events.subscribe();
    let deadline = Instant::now() + look.patience;
    loop {
        let mut transaction = store::tenant::begin(&state.pool, account).await?;
        let answer = look_requests::find_answer(&mut transaction, account, look.id).await?;
        transaction.rollback().await?;
        match answer.ok_or(UseCaseError::NotFound)? {
            Answer::Done(result) => return Ok(*result),
            Answer::Nothing => {
                return Err(UseCaseError::conflict(
                    None,
                    "There was nothing left to look at: it was paused, deleted or moved.",
                ));
            }
            Answer::Open => {}
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(UseCaseError::Unavailable(
                "No worker answered in time. The timetable goes on.",
            ));
        }
        let done = async {
            while let Ok(event) = events.recv().await {
                if matches!(event, Event::Rescan) || event == Event::LookDone(look.id) {
                    break;
                }
            }
        };
        // Either way the table is read next.
        let _ = tokio::time::timeout(POLL.min(deadline - now), done).await;
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn sight(text: &str) -> Sight {
        let (blind, region) = match text.strip_prefix('-') {
            Some(region) => (true, region),
            None => (false, text),
        };
        Sight {
            region: region.to_owned(),
            name: region.to_owned(),
            unchecked: false,
            blind,
            blind_since: None,
        }
    }

    /// `-` before a region: all of its workers are blind.
    #[rstest]
    #[case::our_own(&[], &["fra", "web"], "web")]
    #[case::no_worker_shares_our_region(&[], &["fra", "iad"], "fra")]
    #[case::ours_is_blind(&[], &["fra", "-web"], "fra")]
    #[case::all_are_blind(&[], &["-fra", "-web"], "web")]
    #[case::only_where_it_is_looked_at(&["iad"], &["fra", "iad", "web"], "iad")]
    #[case::the_first_has_no_worker(&["fra", "iad"], &["iad", "web"], "iad")]
    #[case::nobody_lives(&["fra", "iad"], &[], "fra")]
    #[case::nobody_lives_and_ours_is_one(&["fra", "web"], &[], "web")]
    #[case::nobody_lives_anywhere(&[], &[], "web")]
    fn a_look_is_asked_of_a_region_that_can_answer(
        #[case] wanted: &[&str],
        #[case] living: &[&str],
        #[case] asked: &str,
    ) {
        let wanted: Vec<String> = wanted.iter().map(|&name| name.to_owned()).collect();
        let living: Vec<Sight> = living.iter().map(|text| sight(text)).collect();
        assert_eq!(region_to_ask("web", &wanted, &living), asked);
    }
}
