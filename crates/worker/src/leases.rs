//! Holds a fair share of the region's shards: renews every two seconds with the database's clock,
//! takes what is free, gives up what is too much, hands all back in the end.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use metrics::gauge;
use store::Result;
use store::leases::{self, Lease, SHARDS, Workers};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::batch;
use crate::catalog;
use crate::metrics as names;
use crate::shared::Shared;

/// A process that stood still for longer may have lost its leases, which last 8 s and are renewed every 2.
pub(crate) const STOOD_STILL: Duration = Duration::from_secs(4);
const RENEW: Duration = Duration::from_secs(2);
/// A renewal that takes longer has failed.
const DEADLINE: Duration = Duration::from_secs(6);
/// A shard that nobody looked at for longer was blind; less is within the promise.
const BLIND_AFTER: SignedDuration = SignedDuration::from_secs(60);
/// How often it says again who and where it is.
const INTRODUCE: Duration = Duration::from_secs(3600);
/// What has begun in shards that are given up may take so long to end; what takes longer is looked at
/// again by whoever takes them.
const PARTING: Duration = Duration::from_secs(2);
/// How often it is asked whether it has.
const ASK: Duration = Duration::from_millis(20);
/// A worker that has been blind for longer lets others of its region look.
const HAND_OVER_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// What a round remembers for the next.
#[derive(Debug, Default)]
struct Seen {
    introduced: Option<Instant>,
    /// When the server that answers was started.
    server: Option<Timestamp>,
}

pub(crate) async fn run(shared: Arc<Shared>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(RENEW);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut seen = Seen::default();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        match tokio::time::timeout(DEADLINE, round(&shared, &mut seen)).await {
            Ok(Ok(())) => {
                shared.health.renewed();
                shared.renewed.notify_waiters();
            }
            Ok(Err(error)) => tracing::warn!(%error, "leases could not be renewed"),
            Err(_) => tracing::warn!("renewing leases takes too long"),
        }
    }
}

/// One round. What it held before and does not hold any more leaves the timetable.
async fn round(shared: &Shared, seen: &mut Seen) -> Result<()> {
    let (region, worker) = (&shared.config.region, &shared.config.worker_id);
    // What a round before this one meant to give up and did not is loaded anew below.
    shared.book().drop_leaving();
    let mut connection = shared.pool.acquire().await?;
    let server = leases::find_server_start(&mut connection).await?;
    if seen
        .server
        .replace(server)
        .is_some_and(|before| before != server)
    {
        tracing::info!("another database server answers, or this one was started anew");
        seen.introduced = None;
        shared.moved.notify_one();
    }
    if seen
        .introduced
        .is_none_or(|since| since.elapsed() > INTRODUCE)
    {
        store::regions::upsert(&mut connection, region, &shared.config.region_name).await?;
        let addresses = &shared.config.public_addresses;
        let addresses: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        store::regions::set_addresses(&mut connection, region, &addresses).await?;
        seen.introduced = Some(Instant::now());
    }
    let asked = Instant::now();
    let beat = shared.canaries.beat();
    let now = leases::beat(&mut connection, worker, region, beat).await?;
    shared.clock.set(now, asked, Instant::now());
    let mut held = leases::renew(&mut connection, region, worker).await?;
    let workers = leases::count_workers(&mut connection, region).await?;
    let share = fair_share(workers, long_blind(shared, now));
    let have = u32::try_from(held.len()).unwrap_or(u32::MAX);
    let (mut took, mut surplus) = (false, Vec::new());
    if have < share {
        let taken = leases::take(&mut connection, region, worker, share - have).await?;
        for lease in &taken {
            mark_blind(&mut connection, region, lease, now).await?;
        }
        took = !taken.is_empty();
        held.extend(taken);
    } else if have > share {
        surplus = held.split_off(usize::try_from(share).unwrap_or(usize::MAX));
    }
    drop(connection);
    if !surplus.is_empty() {
        part_with(shared, &surplus).await?;
    }
    keep(shared, &held);
    if took {
        shared.canaries.shards_taken(now);
    }
    catalog::load_taken(shared).await
}

/// Gives leases up when what has begun under them is stored, so that nobody looks at it again.
async fn part_with(shared: &Shared, surplus: &[Lease]) -> Result<()> {
    let shards: Vec<i16> = surplus.iter().map(|lease| lease.shard).collect();
    shared.book().shards.leave(&shards);
    let stored = async {
        while shared.book().shards.are_open(&shards) {
            shared.full.notify_one();
            tokio::time::sleep(ASK).await;
        }
    };
    if tokio::time::timeout(PARTING, stored).await.is_err() {
        tracing::debug!("looks still run in shards that are given up");
    }
    batch::tell_progress(shared).await;
    // If they cannot be given up, the next round finds them and loads them anew.
    shared.book().remove_shards(&shards);
    let mut connection = shared.pool.acquire().await?;
    let (region, worker) = (&shared.config.region, &shared.config.worker_id);
    leases::give_up(&mut connection, region, worker, &shards).await
}

/// Waits until the books say again what is ours, or until the database takes too long to say it: whoever
/// is cut off from it goes on looking.
pub(crate) async fn wait_for_renewal(shared: &Shared, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = shared.renewed.notified() => {}
        () = tokio::time::sleep(DEADLINE) => {}
    }
}

/// The books hold exactly what the database says is ours.
fn keep(shared: &Shared, held: &[Lease]) {
    let mut book = shared.book();
    let gone: Vec<i16> = book
        .shards
        .numbers()
        .into_iter()
        .filter(|shard| {
            !held.iter().any(|lease| {
                lease.shard == *shard && book.shards.epoch(*shard) == Some(lease.epoch)
            })
        })
        .collect();
    book.remove_shards(&gone);
    for lease in held {
        if book.shards.epoch(lease.shard).is_none() {
            book.shards.insert(lease);
        }
    }
    gauge!(names::SHARDS).set(f64::from(
        u32::try_from(book.shards.len()).unwrap_or(u32::MAX),
    ));
}

/// Time in which nobody looked is no uptime and no downtime.
async fn mark_blind(
    connection: &mut sqlx::PgConnection,
    region: &str,
    lease: &Lease,
    now: Timestamp,
) -> Result<()> {
    if now.duration_since(lease.recorded_through) <= BLIND_AFTER {
        return Ok(());
    }
    leases::insert_blind(
        connection,
        region,
        (lease.shard, lease.recorded_through, now),
        "no_worker",
    )
    .await
}

/// A blind worker leaves its shards to those of its region that see, if any do.
fn fair_share(workers: Workers, blind: bool) -> u32 {
    let sharing = match (blind, workers.seeing) {
        (true, 1..) => return 0,
        (true, 0) => workers.living,
        (false, seeing) => seeing,
    };
    u32::from(SHARDS.unsigned_abs()).div_ceil(sharing.max(1))
}

/// Blind for so long that it is no hiccup.
fn long_blind(shared: &Shared, now: Timestamp) -> bool {
    let since = shared.canaries.blind_since();
    since.is_some_and(|since| now.duration_since(since) > HAND_OVER_AFTER)
}

/// Gives everything back, so that another worker need not wait for the leases to end.
pub(crate) async fn hand_back(shared: &Shared) {
    let shards = shared.book().shards.numbers();
    let give_back = async {
        let mut connection = shared.pool.acquire().await?;
        let (region, worker) = (&shared.config.region, &shared.config.worker_id);
        leases::give_up(&mut connection, region, worker, &shards).await?;
        leases::remove_worker(&mut connection, worker).await
    };
    match tokio::time::timeout(DEADLINE, give_back).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!(%error, "leases were not handed back and run out by themselves")
        }
        Err(_) => tracing::warn!("leases were not handed back in time and run out by themselves"),
    }
    shared.book().remove_shards(&shards);
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::{Workers, fair_share};

    #[rstest]
    #[case(0, 256)]
    #[case(1, 256)]
    #[case(2, 128)]
    #[case(3, 86)]
    #[case(300, 1)]
    fn shards_are_shared_out(#[case] living: u32, #[case] share: u32) {
        let workers = Workers {
            living,
            seeing: living,
        };
        assert_eq!(fair_share(workers, false), share);
        assert!(living.max(1) * share >= 256, "none is left over");
    }

    #[test]
    fn the_blind_leave_their_shards_to_those_who_see() {
        let one_sees = Workers {
            living: 3,
            seeing: 1,
        };
        assert_eq!(
            (fair_share(one_sees, true), fair_share(one_sees, false)),
            (0, 256)
        );
        let none_sees = Workers {
            living: 2,
            seeing: 0,
        };
        assert_eq!(
            fair_share(none_sees, true),
            128,
            "looked at by somebody, whatever it says"
        );
    }
}
