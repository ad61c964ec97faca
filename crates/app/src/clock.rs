//! The clock of this process: the machine's monotonic one, set by the database's. All roles on all
//! machines agree by it, and a step of one machine's own clock moves nothing.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::SystemClock;
use sqlx::PgPool;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use worker::Anchored;

/// Between two looks at the database's clock; monotonic clocks drift apart by less than a millisecond
/// in that time.
const EVERY: Duration = Duration::from_secs(10);
/// An answer that took longer says too little about when it was true.
const DEADLINE: Duration = Duration::from_secs(2);

/// A clock that shows the database's time; the machine's if it does not answer.
pub async fn of_database(pool: &PgPool) -> Arc<Anchored> {
    let clock = Arc::new(Anchored::new(Arc::new(SystemClock)));
    set(&clock, pool).await;
    clock
}

/// Keeps it right until `stop` is cancelled.
pub async fn keep(clock: Arc<Anchored>, pool: PgPool, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        set(&clock, &pool).await;
    }
}

async fn set(clock: &Anchored, pool: &PgPool) {
    let ask = async {
        let mut connection = pool.acquire().await?;
        let asked = Instant::now();
        let now = store::admin::clock(&mut connection).await?;
        Ok::<_, store::Error>((now, asked, Instant::now()))
    };
    match tokio::time::timeout(DEADLINE, ask).await {
        Ok(Ok((now, asked, answered))) => clock.set(now, asked, answered),
        Ok(Err(error)) => tracing::debug!(%error, "the database's clock is not known"),
        Err(_) => tracing::debug!("the database's clock is not known in time"),
    }
}
