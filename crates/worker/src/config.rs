//! What a worker is told; read from the environment by `app` alone.

use std::net::IpAddr;
use std::time::Duration;

use probe::Prober;

use crate::canary::CanaryConfig;
use crate::heartbeats::OwnAddress;

/// Settings of a worker.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The region it looks from (`WATCHBELL_REGION`).
    pub region: String,
    /// What people read for it (`WATCHBELL_REGION_NAME`).
    pub region_name: String,
    /// Its name among workers, unique for each start.
    pub worker_id: String,
    /// Anchors that tell a cut of our own from an outage (`WATCHBELL_CANARIES`); without them every
    /// look is believed.
    pub canaries: Option<CanaryConfig>,
    /// Where the operator reads what only the operator can mend (`WATCHBELL_OPERATOR_MAIL`).
    pub operator: Option<String>,
    /// Our own public address, called to prove that calls of jobs arrive; without one, running is proof.
    pub own_address: Option<OwnAddress>,
    /// Addresses under which its looks are seen, for those who let them in
    /// (`WATCHBELL_PUBLIC_ADDRESSES`, else those this host itself has).
    pub public_addresses: Vec<IpAddr>,
    /// Looks that may run at once. Of these, at most three quarters may be at targets that were slow
    /// last time, so that many hanging targets leave room for the others.
    pub looks: usize,
    /// Looks on request that may run at once.
    pub requested_looks: usize,
    /// Looks for visitors without an account that may run at once.
    pub visitor_looks: usize,
    /// Looks at targets that are watched for visitors that may run at once.
    pub watched_looks: usize,
    /// The way out for what strangers name, where that is narrower than the members'.
    pub visitors: Option<Prober>,
    /// Transitions that may be recorded at once; each uses a connection of the pool.
    pub recorders: usize,
    /// How long looks wait for a database that is gone before the oldest good ones are dropped.
    pub buffer_for: Duration,
    /// How many looks wait at most.
    pub buffer_rows: usize,
}

impl WorkerConfig {
    /// The usual settings for a region.
    pub fn new(
        region: impl Into<String>,
        region_name: impl Into<String>,
        worker_id: impl Into<String>,
    ) -> Self {
        Self {
            region: region.into(),
            region_name: region_name.into(),
            worker_id: worker_id.into(),
            canaries: None,
            operator: None,
            own_address: None,
            public_addresses: Vec::new(),
            looks: 2_000,
            requested_looks: 64,
            visitor_looks: 32,
            watched_looks: 96,
            visitors: None,
            recorders: 4,
            buffer_for: Duration::from_secs(600),
            buffer_rows: 500_000,
        }
    }
}
