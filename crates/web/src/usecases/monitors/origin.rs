//! The server behind a monitor: having its proof looked for.

use std::time::Duration;

use domain::ids::{AccountId, MonitorId};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::origins::Stored;
use tokio::time::Instant;

use super::super::{Caller, UseCaseError, UseCaseResult, looks};
use crate::events::Event;
use crate::state::AppState;
use crate::throttle::CHECK_NOW;

/// A record and two files are asked for, one after another, and somebody has to take the request.
const PATIENCE: Duration = Duration::from_secs(18);
/// A notice only wakes; the truth is read this often all the same.
const POLL: Duration = Duration::from_secs(1);

/// A proof that is being looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PendingProof {
    monitor: MonitorId,
    /// When it was asked for before.
    before: Option<Timestamp>,
}

/// Has the proof of a monitor's origin looked for now, at most as often as looks.
pub async fn verify_origin(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
) -> UseCaseResult<PendingProof> {
    let account = caller.account_id;
    let monitor = store::monitors::find(connection, &state.secrets, account, id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    let Some(stored) = store::origins::find(connection, account, id).await? else {
        return Err(UseCaseError::conflict(
            None,
            "The monitor has no origin. Set http.origin first.",
        ));
    };
    if monitor.paused_at.is_some() {
        return Err(UseCaseError::conflict(
            None,
            "The monitor is paused. Resume it to have its origin asked.",
        ));
    }
    looks::take_one(connection, state, caller, (CHECK_NOW, &id.to_string())).await?;
    store::origins::want_proof(connection, (account, id), caller.now).await?;
    Ok(PendingProof {
        monitor: id,
        before: stored.standing.asked_at,
    })
}

/// Waits until it was looked for; call it after the transaction that asked has committed.
pub async fn wait_for_proof(
    state: &AppState,
    account: AccountId,
    proof: PendingProof,
) -> UseCaseResult<Stored> {
    let mut events = state.events.subscribe();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut transaction = store::tenant::begin(&state.pool, account).await?;
        let stored = store::origins::find(&mut transaction, account, proof.monitor).await?;
        transaction.rollback().await?;
        let stored = stored.ok_or(UseCaseError::NotFound)?;
        if stored.standing.asked_at != proof.before {
            return Ok(stored);
        }
        let now = Instant::now();
        if now >= deadline {
            return Err(UseCaseError::Unavailable(
                "No worker answered in time. The proof is asked for as soon as one is free.",
            ));
        }
        let is_it = |event: &Event| match event {
            Event::Rescan => true,
            Event::Changed { id, .. } => *id == proof.monitor.uuid(),
            _ => false,
        };
        let changed = async {
            while let Ok(event) = events.recv().await {
                if is_it(&event) {
                    break;
                }
            }
        };
        // Either way the table is read next.
        let _ = tokio::time::timeout(POLL.min(deadline - now), changed).await;
    }
}
