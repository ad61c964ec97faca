//! One action on many monitors, each by itself: what fails for one does not stop the others.

use domain::ids::MonitorId;
use domain::monitor::MonitorSpec;
use sqlx::{Acquire, PgConnection};

use super::super::{Caller, UseCaseError, UseCaseResult};
use super::{delete, find_locked, pause, resume, save};
use crate::state::AppState;

/// Monitors in one request, at most.
pub const MAX_BULK: usize = 500;

/// What is done to each.
pub enum Action {
    /// Stop looking.
    Pause,
    /// Look again.
    Resume,
    /// Delete.
    Delete,
    /// Add tags, and take some away.
    Tag {
        /// Added at the end, unless it is there.
        add: Vec<String>,
        /// Taken away.
        remove: Vec<String>,
    },
    /// Change settings: the function makes the new ones of each monitor's old ones.
    Set(Change),
}

/// A change of settings.
pub type Change = Box<dyn Fn(&MonitorSpec) -> UseCaseResult<MonitorSpec> + Send + Sync>;

/// What became of one.
#[derive(Debug)]
pub struct BulkItem {
    /// The monitor.
    pub id: MonitorId,
    /// Nothing, or why it was refused.
    pub result: UseCaseResult<()>,
}

/// Does it to each, in a savepoint of its own.
pub async fn bulk(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    ids: &[MonitorId],
    action: &Action,
) -> UseCaseResult<Vec<BulkItem>> {
    let mut items = Vec::with_capacity(ids.len());
    for id in ids {
        let mut savepoint = connection.begin().await?;
        let result = one(&mut savepoint, state, caller, *id, action).await;
        match &result {
            Ok(()) => savepoint.commit().await?,
            Err(UseCaseError::Internal(_) | UseCaseError::Unavailable(_)) => {
                return result.map(|()| Vec::new());
            }
            Err(_) => savepoint.rollback().await?,
        }
        items.push(BulkItem { id: *id, result });
    }
    Ok(items)
}

async fn one(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    id: MonitorId,
    action: &Action,
) -> UseCaseResult<()> {
    match action {
        Action::Pause => pause(connection, state, caller, id).await.map(drop),
        Action::Resume => resume(connection, state, caller, id).await.map(drop),
        Action::Delete => delete(connection, state, caller, id).await,
        Action::Tag { add, remove } => {
            let before = find_locked(connection, state, caller, id).await?;
            let mut spec = before.spec.clone();
            let mut tags = spec.tags.take().unwrap_or_default();
            tags.retain(|tag| !remove.contains(tag));
            for tag in add {
                if !tags.contains(tag) {
                    tags.push(tag.clone());
                }
            }
            spec.tags = (!tags.is_empty()).then_some(tags);
            save(connection, state, caller, &before, spec)
                .await
                .map(drop)
        }
        Action::Set(change) => {
            let before = find_locked(connection, state, caller, id).await?;
            let spec = change(&before.spec)?;
            save(connection, state, caller, &before, spec)
                .await
                .map(drop)
        }
    }
}
