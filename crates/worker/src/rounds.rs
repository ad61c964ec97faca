//! Work that waits in rows.

use std::future::Future;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Makes a `round` whenever somebody calls, and after each `poll` at the latest, until `stop`. A call may be
/// lost and a row is not; an error ends one round.
pub(crate) async fn run<R, F>(
    what: &'static str,
    (poll, called): (Duration, &Notify),
    stop: &CancellationToken,
    mut round: R,
) where
    R: FnMut() -> F,
    F: Future<Output = store::Result<()>>,
{
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(poll) => {}
            () = called.notified() => {}
        }
        if let Err(error) = round().await {
            tracing::warn!(%error, "{what} could not be read");
        }
    }
}
