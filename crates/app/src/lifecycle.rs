//! Roles run until a signal: the first stops them gently, a second one at least a second later at once.

use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long roles have to finish or hand back.
const GRACE: Duration = Duration::from_secs(25);
/// Two signals closer than this are one (a terminal may send both to the group and to us).
const SECOND_SIGNAL_AFTER: Duration = Duration::from_secs(1);

/// The roles of this process.
#[derive(Default)]
pub struct Lifecycle {
    tasks: JoinSet<(&'static str, anyhow::Result<()>)>,
    shutdown: CancellationToken,
}

impl Lifecycle {
    /// The token that every role watches.
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Runs `role`; when it ends before the shutdown, the whole process does.
    pub fn spawn<F>(&mut self, name: &'static str, role: F)
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.tasks.spawn(async move { (name, role.await) });
    }

    /// Waits for a signal or for a role that ends, then stops everything. An error is a role that failed.
    pub async fn run(mut self) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let outcome = tokio::select! {
            _ = terminate.recv() => Ok(()),
            _ = interrupt.recv() => Ok(()),
            Some(ended) = self.tasks.join_next() => Err(ended),
        };
        let failure = outcome.err().map(|ended| match ended {
            Ok((name, Ok(()))) => anyhow::anyhow!("the {name} role ended without being asked to"),
            Ok((name, Err(error))) => error.context(format!("the {name} role failed")),
            Err(error) => anyhow::anyhow!("a role panicked: {error}"),
        });
        tracing::info!("stopping");
        self.shutdown.cancel();
        let started = Instant::now();
        let drain = async {
            while let Some(ended) = self.tasks.join_next().await {
                match ended {
                    Ok((name, Err(error))) => tracing::error!(
                        role = name,
                        error = format!("{error:#}"),
                        "role failed while stopping"
                    ),
                    Err(error) => tracing::error!(%error, "role panicked while stopping"),
                    Ok(_) => {}
                }
            }
        };
        let second = async {
            loop {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if started.elapsed() >= SECOND_SIGNAL_AFTER {
                    break;
                }
            }
        };
        tokio::select! {
            () = drain => {}
            () = second => tracing::warn!("second signal: stopping now"),
            () = tokio::time::sleep(GRACE) => tracing::warn!("roles did not finish within 25 s: stopping now"),
        }
        failure.map_or(Ok(()), |error| Err(error).context("stopped"))
    }
}
