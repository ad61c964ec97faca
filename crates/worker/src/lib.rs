//! Looks at monitors on their timetable: due, observe, judge, record.
//!
//! A worker holds leases on shards of its region's monitors ([`leases`]), keeps their timetable in
//! memory ([`book`]), starts looks when they are due ([`dispatch`]), and appends what they saw in
//! batches ([`batch`]). A look that may change a status goes at once, in its order, through
//! `incidents` ([`record`]), when canaries say that our own way out is well ([`canary`]). Looks that
//! somebody waits for come as rows ([`requests`]); so do those of visitors ([`visitors`]), rounds of what is watched
//! for them ([`watches`]), and closer looks at what has failed ([`autopsy`]). Servers behind monitors are asked at a low
//! rate, from rows too ([`origins`]), and new pages are compared once with what is there for an address that does not
//! exist ([`proposals`]).
//! What is waited for is decided in [`heartbeats`], what maintenance held in [`maintenance`]. Housekeeping (partitions, packing, erasing) is in [`sweeps`], by one leader.
//!
//! It knows the sequence only: sockets are `probe`'s, rules are `domain`'s, SQL is `store`'s, and
//! who is told is nobody's business here. When the database is gone, probing goes on: looks wait in
//! bounded buffers and nothing is decided until it is back.

mod answers;
mod autopsy;
mod batch;
mod book;
mod buffer;
mod canary;
mod catalog;
mod clock;
mod config;
mod dispatch;
mod escalations;
mod evidence;
mod health;
mod heartbeats;
mod leases;
mod listen;
mod look;
mod maintenance;
pub mod metrics;
mod origins;
mod plan;
mod proposals;
mod record;
mod requests;
mod rounds;
mod scrub;
mod shared;
pub mod sweeps;
mod visitors;
mod watches;

pub use canary::CanaryConfig;
pub use clock::Anchored;
pub use config::WorkerConfig;
pub use health::Health;
pub use heartbeats::OwnAddress;

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use probe::Prober;
use sqlx::PgPool;
use store::Secrets;
use tokio_util::sync::CancellationToken;

use shared::Shared;

/// How long looks that run may go on after a stop before their slots are handed back.
const DRAIN: Duration = Duration::from_secs(5);

/// One worker of one region.
#[derive(Clone)]
pub struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    /// A worker; `clock` is used until the database's is known.
    pub fn new(
        config: WorkerConfig,
        pool: PgPool,
        prober: Prober,
        secrets: Secrets,
        clock: Arc<dyn Clock>,
    ) -> Self {
        metrics::describe();
        Self {
            shared: Arc::new(Shared::new(config, pool, prober, secrets, clock)),
        }
    }

    /// Whether it can do its work, for readiness.
    pub fn health(&self) -> Health {
        self.shared.health.clone()
    }

    /// Works until `stop` is cancelled, then lets running looks end, stores what is done and hands
    /// the shards back. It outlives every failure of the database.
    pub async fn run(&self, stop: CancellationToken) {
        let shared = &self.shared;
        // Recording goes on after looking has stopped.
        let drained = CancellationToken::new();
        let _abandoned = drained.clone().drop_guard();
        let writer = match batch::spawn(shared.clone(), drained.clone()) {
            Ok(writer) => writer,
            Err(error) => {
                tracing::error!(%error, "no thread to record looks on; nothing is looked at");
                return;
            }
        };
        let looking = async {
            tokio::join!(
                leases::run(shared.clone(), stop.clone()),
                listen::run(shared.clone(), stop.clone()),
                catalog::run(shared.clone(), stop.clone()),
                requests::run(shared.clone(), stop.clone()),
                visitors::run(shared.clone(), visitors::Lane::Visitors, stop.clone()),
                visitors::run(shared.clone(), visitors::Lane::Watched, stop.clone()),
                watches::run(shared, stop.clone()),
                autopsy::run(shared.clone(), stop.clone()),
                origins::run(shared.clone(), stop.clone()),
                answers::run(shared.clone(), stop.clone()),
                proposals::run(shared.clone(), stop.clone()),
                dispatch::run(shared.clone(), stop.clone()),
                canary::run(shared.clone(), stop.clone()),
                heartbeats::run(shared, shared.config.own_address.as_ref(), stop.clone()),
                maintenance::run(shared, stop.clone()),
                escalations::run(shared, stop.clone()),
            )
        };
        looking.await;
        shared.tasks.close();
        if tokio::time::timeout(DRAIN, shared.tasks.wait())
            .await
            .is_err()
        {
            tracing::info!(
                looks = shared.tasks.len(),
                "looks still run; their slots are handed back"
            );
        }
        drained.cancel();
        if writer.await.is_err() {
            tracing::error!("the writer of looks ended badly");
        }
        leases::hand_back(shared).await;
    }
}
