//! One look at one target: sockets in, an [`Observation`] out.
//!
//! Nothing here knows of monitors, tenants or thresholds, and nothing dials but through `egress`.
//! A look is one future under one deadline ([`look`]); wherever that deadline falls, what was seen
//! until then is in the observation.
//!
//! To add a kind, see [`kinds`]; `domain::monitor` tells of everything else it needs.

mod handshake;
mod kinds;
mod look;
mod wire;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::check::{Failure, FailureClass, Observation, Phase};
use domain::monitor::{DnsTarget, Target};
use egress::Egress;
pub use egress::Whom;
use jiff::Timestamp;

use handshake::Tls;
use kinds::domain::bootstrap::Bootstrap;
use look::Look;

/// A prober that cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ProberError {
    /// The certificate authorities cannot be used.
    #[error("the certificate authorities cannot be used")]
    Roots(#[from] rustls::client::VerifierBuilderError),
    /// The TLS library lacks what we need.
    #[error("the TLS library cannot be set up")]
    Tls(#[from] rustls::Error),
}

/// Where a look has the addresses of a name from. Within a look no name is asked for twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Names {
    /// An answer of DNS serves while it is good.
    #[default]
    Remembered,
    /// DNS is asked anew.
    Asked,
    /// DNS is asked anew, and the next address is tried first: for rechecks.
    AskedAgain,
}

impl Names {
    pub(crate) const fn is_fresh(self) -> bool {
        !matches!(self, Self::Remembered)
    }

    pub(crate) const fn next_first(self) -> bool {
        matches!(self, Self::AskedAgain)
    }
}

/// Looks at targets. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Prober {
    inner: Arc<Inner>,
    /// Half of the room of an address is left to others.
    yields: bool,
}

#[derive(Debug)]
struct Inner {
    egress: Egress,
    tls: Tls,
    bootstrap: Bootstrap,
}

impl Prober {
    /// A prober that goes out through `egress` and trusts whom it trusts.
    pub fn new(egress: Egress) -> Result<Self, ProberError> {
        let tls = Tls::new(egress.root_store())?;
        Ok(Self {
            inner: Arc::new(Inner {
                egress,
                tls,
                bootstrap: Bootstrap::default(),
            }),
            yields: false,
        })
    }

    /// One for looks that decide nothing: where an address has little room, they are put off first.
    #[must_use]
    pub fn yielding(&self) -> Self {
        Self {
            yields: true,
            ..self.clone()
        }
    }

    pub(crate) fn try_spend(
        &self,
        address: &egress::CheckedAddr,
    ) -> Result<(), egress::OverBudget> {
        match self.yields {
            true => self.egress().try_spend_spare(address),
            false => self.egress().try_spend(address),
        }
    }

    /// Knows the registries of `list` (RFC 9224) in place of IANA's; one that cannot be read changes
    /// nothing. For a mirror of that list, and for tests.
    #[must_use]
    pub fn with_registries(self, list: &[u8]) -> Self {
        self.bootstrap().replace(list);
        self
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.inner.egress
    }

    /// Which registry knows which top-level domain.
    pub(crate) fn bootstrap(&self) -> &Bootstrap {
        &self.inner.bootstrap
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.inner.tls
    }

    /// One look at `target`, begun at `at`, over after `timeout` whatever happens.
    pub async fn look(
        &self,
        target: &Target,
        timeout: Duration,
        names: Names,
        at: Timestamp,
    ) -> Observation {
        let look = Look::begin(self, timeout, names, at);
        self.run(look, target).await
    }

    /// The same at one address of the target, whatever its name leads to; hops elsewhere go where their
    /// names lead. An address that the policy refuses is refused.
    pub async fn look_at(
        &self,
        target: &Target,
        ip: IpAddr,
        timeout: Duration,
        at: Timestamp,
    ) -> Observation {
        let mut look = Look::begin(self, timeout, Names::Asked, at);
        match wire::pin(&mut look, &target.host(), ip).await {
            Ok(()) => self.run(look, target).await,
            Err(failure) => look.finish(Some(failure)),
        }
    }

    /// The same at the server behind the target, named `origin`: URL, Host and server name stay as they
    /// are. Where the policy refuses the origin, or what its name leads to, nothing is dialed.
    pub async fn look_behind(
        &self,
        target: &Target,
        origin: &str,
        timeout: Duration,
        at: Timestamp,
    ) -> Observation {
        let mut look = Look::begin(self, timeout, Names::Asked, at);
        let deadline = tokio::time::Instant::from_std(look.deadline);
        let pinned = wire::pin_behind(&mut look, target, origin);
        match tokio::time::timeout_at(deadline, pinned).await {
            Ok(Ok(())) => self.run(look, target).await,
            Ok(Err(failure)) => look.finish(Some(failure)),
            Err(_) => {
                let failure = look.timed_out();
                look.finish(Some(failure))
            }
        }
    }

    /// The records that a `dns` target names, as `whom` tells them; a server that the target names is
    /// not asked.
    pub async fn ask(
        &self,
        target: &DnsTarget,
        whom: Whom,
        timeout: Duration,
        at: Timestamp,
    ) -> Observation {
        let mut look = Look::begin(self, timeout, Names::Asked, at);
        let deadline = tokio::time::Instant::from_std(look.deadline);
        let asked = kinds::dns::ask(&mut look, target, whom);
        let outcome = tokio::time::timeout_at(deadline, asked).await;
        finish(look, outcome)
    }

    /// How many resolvers of our own there are.
    pub fn resolvers(&self) -> usize {
        self.egress().resolvers()
    }

    async fn run(&self, mut look: Look<'_>, target: &Target) -> Observation {
        let deadline = tokio::time::Instant::from_std(look.deadline);
        let kind = async {
            let look = &mut look;
            // The kinds that most monitors have are carried along; a look is as large as the largest.
            match target {
                Target::Http(target) => kinds::http::look(look, target).await,
                Target::Tcp(target) => kinds::tcp::look(look, target).await,
                Target::Ping(target) => Box::pin(kinds::ping::look(look, target)).await,
                Target::Dns(target) => Box::pin(kinds::dns::look(look, target)).await,
                Target::Tls(target) => Box::pin(kinds::tls::look(look, target)).await,
                Target::Domain(name) => Box::pin(kinds::domain::look(look, name)).await,
                Target::Smtp(target) => Box::pin(kinds::smtp::look(look, target)).await,
                Target::Websocket(target) => Box::pin(kinds::websocket::look(look, target)).await,
                Target::Grpc(target) => Box::pin(kinds::grpc::look(look, target)).await,
                Target::Udp(target) => Box::pin(kinds::udp::look(look, target)).await,
                // The one kind that waits: nobody asks for a look at it.
                Target::Heartbeat(_) => Err(Failure::new(
                    FailureClass::TargetRefused,
                    Phase::Dns,
                    "a heartbeat is waited for, there is nothing to look at",
                )),
            }
        };
        let outcome = tokio::time::timeout_at(deadline, kind).await;
        finish(look, outcome)
    }
}

fn finish(
    mut look: Look<'_>,
    outcome: Result<look::Step<()>, tokio::time::error::Elapsed>,
) -> Observation {
    let failure = match outcome {
        Ok(outcome) => outcome.err(),
        Err(_) => Some(look.timed_out()),
    };
    look.finish(failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size_of_future<'a, F>(_of: impl FnOnce(&'a Prober, &'a Target) -> F) -> usize {
        std::mem::size_of::<F>()
    }

    /// Thousands wait at a time, and each is moved into its task: what only some of them need is
    /// kept apart.
    #[test]
    fn a_look_under_way_is_small() {
        let size = size_of_future(|prober, target| {
            prober.look(
                target,
                Duration::from_secs(10),
                Names::Remembered,
                Timestamp::UNIX_EPOCH,
            )
        });
        assert!(size <= 5 * 1024, "{size} bytes");
    }
}
