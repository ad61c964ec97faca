//! Waiting for something to be so, with a deadline and without guessing how long it takes.

use std::time::Duration;

use tokio::time::Instant;

/// Asks `question` until it has an answer; panics with `what` at the limit.
pub async fn until<T>(
    what: &str,
    limit: Duration,
    mut question: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + limit;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        ticks.tick().await;
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(
            Instant::now() < deadline,
            "waited {limit:?} in vain: {what}"
        );
    }
}
