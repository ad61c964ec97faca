//! Waiting for the test message that proves a hook.

use std::time::Duration;

use domain::ids::{AccountId, DeliveryId};
use tokio::time::Instant;

use super::{UseCaseError, UseCaseResult};
use crate::events::Event;
use crate::state::AppState;

/// A notice only wakes; the truth is read this often all the same.
const POLL: Duration = Duration::from_millis(500);

/// Waits until the test was tried once or has ended, as long as the configuration says; call it after
/// the transaction that asked for it has committed. What came of it is in the rows.
pub async fn wait(state: &AppState, account: AccountId, test: DeliveryId) -> UseCaseResult<()> {
    let mut events = state.events.subscribe();
    let deadline = Instant::now() + state.config.hook_test_patience;
    loop {
        let mut transaction = store::tenant::begin(&state.pool, account).await?;
        let progress = store::deliveries::find_progress(&mut transaction, account, test).await?;
        transaction.rollback().await?;
        let (delivery, tries) = progress.ok_or(UseCaseError::NotFound)?;
        let now = Instant::now();
        if delivery.is_final() || tries > 0 || now >= deadline {
            return Ok(());
        }
        let changed = async {
            while let Ok(event) = events.recv().await {
                let ours =
                    matches!(&event, Event::Changed { account_id, .. } if *account_id == account);
                if ours || matches!(event, Event::Rescan) {
                    break;
                }
            }
        };
        // Either way the table is read next.
        let _ = tokio::time::timeout(POLL.min(deadline - now), changed).await;
    }
}
