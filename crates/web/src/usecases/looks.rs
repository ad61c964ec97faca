//! Asking a worker for a look, and waiting for its answer.

use std::time::Duration;

use domain::check::LookResult;
use domain::ids::{AccountId, LookRequestId};
use domain::monitor::{Monitor, MonitorSpec, Settings};
use jiff::SignedDuration;
use sqlx::PgConnection;
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
    let own = &state.config.region;
    let region = match settings.regions.as_deref() {
        Some([first, ..])
            if !settings
                .regions
                .iter()
                .flatten()
                .any(|region| region == own) =>
        {
            first.clone()
        }
        _ => own.clone(),
    };
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
