//! One look at one target: sockets in, an [`Observation`] out.
//!
//! Nothing here knows of monitors, tenants or thresholds, and nothing dials but through `egress`.
//! A look is one future under one deadline ([`look`]); wherever that deadline falls, what was seen
//! until then is in the observation.
//!
//! To add a kind: a variant of [`Target`] with its settings in `domain::monitor`, a file in
//! [`kinds`] with `pub(crate) async fn look(look: &mut Look<'_>, …) -> Step<()>`, its arm in
//! [`Prober::look`], and its failures in the broken internet of `testkit` with a row each in
//! `tests/classes`. A kind writes what it sees into `look.seen`, calls `look.enter` at each
//! phase, and returns the first failure; it never measures or limits time itself.

mod handshake;
mod kinds;
mod look;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use domain::check::{Failure, FailureClass, Observation, Phase};
use domain::monitor::Target;
use egress::Egress;
use jiff::Timestamp;

use handshake::Tls;
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

/// Looks at targets. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub struct Prober {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    egress: Egress,
    tls: Tls,
}

impl Prober {
    /// A prober that goes out through `egress` and trusts whom it trusts.
    pub fn new(egress: Egress) -> Result<Self, ProberError> {
        let tls = Tls::new(egress.root_store())?;
        Ok(Self {
            inner: Arc::new(Inner { egress, tls }),
        })
    }

    pub(crate) fn egress(&self) -> &Egress {
        &self.inner.egress
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.inner.tls
    }

    /// One look at `target`, begun at `at`, over after `timeout` whatever happens. `fresh_dns` is
    /// for rechecks: the name is resolved anew and the next address is tried first.
    pub async fn look(
        &self,
        target: &Target,
        timeout: Duration,
        fresh_dns: bool,
        at: Timestamp,
    ) -> Observation {
        let mut look = Look::begin(self, timeout, fresh_dns, at);
        let deadline = tokio::time::Instant::from_std(look.deadline);
        let kind = async {
            match target {
                Target::Http(http) => kinds::http::look(&mut look, http).await,
                Target::Tcp { host, port } => kinds::tcp::look(&mut look, host, *port).await,
                Target::Tls { host, port } => kinds::tls::look(&mut look, host, *port).await,
                // The one kind that waits: nobody asks for a look at it.
                Target::Heartbeat(_) => Err(Failure::new(
                    FailureClass::TargetRefused,
                    Phase::Dns,
                    "a heartbeat is waited for, there is nothing to look at",
                )),
            }
        };
        let outcome = tokio::time::timeout_at(deadline, kind).await;
        let failure = match outcome {
            Ok(outcome) => outcome.err(),
            Err(_) => Some(look.timed_out()),
        };
        look.finish(failure)
    }
}
