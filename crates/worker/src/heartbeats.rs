//! Waiting: whether calls of jobs reach us, and which of them have not come.
//!
//! Every few seconds this worker calls our own public address, down to the database and back, and marks
//! that it did (`store::ingest`). Time without such a mark is never held against a job. When it could,
//! what is due is decided: a job that is late was able to call. Every worker does both: a decision is
//! made under the lock of its monitor, so that two who decide decide once.

use std::time::Duration;

use domain::heartbeat::{GAP, ONE_MISSED};
use egress::http::{ProviderClient, Request};
use metrics::gauge;
use store::ingest;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::metrics as names;
use crate::shared::Shared;

/// Between two rounds.
const ROUND: Duration = Duration::from_secs(5);
/// How long our own address may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// One round with the database; what is left over is for the next.
const DEADLINE: Duration = Duration::from_secs(60);
/// What is called, below the public address.
const PATH: &str = "ping/self";

/// Our own public address.
#[derive(Debug, Clone)]
pub struct OwnAddress {
    /// Calls it.
    pub client: ProviderClient,
    /// As it is written down; another address has to prove itself anew.
    pub address: String,
}

/// Rounds until `stop` is cancelled. Without an address nothing proves that calls arrive, and running
/// has to be enough.
pub(crate) async fn run(shared: &Shared, own: Option<&OwnAddress>, stop: CancellationToken) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_well = true;
    // Who starts may be all of us that there is: nothing arrived before.
    let mut known_well = false;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = rounds.tick() => {}
        }
        match timeout(DEADLINE, round(shared, own, known_well)).await {
            Ok(Ok(well)) => {
                known_well = well;
                gauge!(names::INGEST).set(if well { 1.0 } else { 0.0 });
                if well != was_well {
                    said(well);
                }
                was_well = well;
            }
            Ok(Err(error)) => tracing::warn!(%error, "heartbeats wait for the database"),
            Err(_) => tracing::warn!("a round of heartbeats takes too long"),
        }
    }
}

fn said(well: bool) {
    if well {
        tracing::info!("calls to our public address arrive again");
    } else {
        tracing::warn!(
            "calls to our own public address do not arrive: no heartbeat is missed until they do"
        );
    }
}

/// One round: whether calls arrive, and then what is due. `known_well`: our call before arrived.
async fn round(
    shared: &Shared,
    own: Option<&OwnAddress>,
    known_well: bool,
) -> Result<bool, incidents::Error> {
    if !is_well(shared, own).await? {
        return Ok(false);
    }
    let silence = if known_well { GAP } else { ONE_MISSED };
    let (worker, now) = (&shared.config.worker_id, shared.now());
    let mut connection = shared.pool.acquire().await?;
    ingest::beat(&mut connection, worker, silence, now).await?;
    drop(connection);
    incidents::decide_heartbeats(&shared.pool, &shared.secrets, now).await?;
    Ok(true)
}

/// An address that has never answered proves nothing by its silence: it may not be reachable from here.
async fn is_well(shared: &Shared, own: Option<&OwnAddress>) -> Result<bool, incidents::Error> {
    let Some(own) = own else { return Ok(true) };
    let deadline = Instant::now() + PATIENCE;
    let answer = own.client.send(PATH, Request::get(), deadline).await;
    let answered = answer.is_ok_and(|answer| answer.is_success());
    let mut connection = shared.pool.acquire().await?;
    if answered {
        ingest::mark_answered(&mut connection, &own.address, shared.now()).await?;
        return Ok(true);
    }
    Ok(!ingest::has_answered(&mut connection, &own.address).await?)
}
