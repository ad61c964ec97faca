//! Putting a job into its queue, in the caller's transaction.

use apalis::prelude::TaskBuilder;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;

use crate::Result;

/// Something to be done later: ids of rows, nothing else.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The queue it waits in, one of [`crate::queues`].
    const QUEUE: &'static str;
}

/// Enqueues `job` in the caller's transaction: it exists when, and only when, that commits.
///
/// Works under the tenant's role too. The queue counts in whole seconds, so a job with `run_at`
/// starts up to a second after it; `None` is at once.
pub async fn enqueue<J: Job>(
    connection: &mut PgConnection,
    job: &J,
    run_at: Option<Timestamp>,
) -> Result<()> {
    let payload = serde_json::to_vec(job)?;
    let task = TaskBuilder::new(payload)
        .max_attempts(1)
        .run_at_timestamp(run_at.map_or(0, second_after))
        .build();
    apalis_postgres::queries::push_tasks(connection, J::QUEUE, vec![task]).await?;
    Ok(())
}

/// Zero when there is none: the queue takes what lies in the past and wakes its listeners at once,
/// even where this machine's clock runs ahead of the database's.
fn second_after(at: Timestamp) -> u64 {
    let whole = at.as_second() + i64::from(at.subsec_nanosecond() > 0);
    u64::try_from(whole).unwrap_or(0)
}
