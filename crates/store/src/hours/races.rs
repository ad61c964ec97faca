//! Two writers, a late worker, a crash between every two steps of packing, and readers meanwhile: no
//! look is lost, none counts twice.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::account::Plan;
use domain::check::VerdictKind;
use domain::ids::MonitorId;
use domain::report::Window;
use sqlx::PgPool;

use super::tests::{World, kind};
use super::*;
use crate::checks::{self, Owned};
use crate::erasures::{self, Erasure};
use crate::reports::response_times;

const MINUTE: i64 = 60_000_000;

fn minutes(world: &World, monitor: MonitorId, range: std::ops::Range<i64>) -> Vec<Owned> {
    range
        .map(|n| {
            world.look(
                monitor,
                n * MINUTE + 7,
                kind(n),
                5_000 + n.unsigned_abs() * 1_000,
            )
        })
        .collect()
}

fn later(world: &World, hours: i64) -> Timestamp {
    world.start + SignedDuration::from_hours(hours)
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn readers_see_every_look_once_while_an_hour_is_packed_detached_and_dropped(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let monitor = world.monitor(60).await;
    world.store(&minutes(&world, monitor, 0..55)).await;
    world.store(&minutes(&world, monitor, 60..100)).await;
    let before = world.all(monitor, 200).await;
    assert_eq!(before.len(), 95);
    let over = AtomicBool::new(false);
    // Late ones with the looks of slots that are recorded already, as from a worker that came back.
    let late = minutes(&world, monitor, 50..60);
    let packing = async {
        let mut c = world.pool.acquire().await.unwrap();
        checks::insert_batch(&mut c, &late[..7], later(&world, 2))
            .await
            .unwrap();
        // Cut before the commit: nothing happened.
        let mut cut = crate::begin(&world.pool).await.unwrap();
        assert!(
            pack(&mut cut, world.start, later(&world, 2))
                .await
                .unwrap()
                .is_some()
        );
        cut.rollback().await.unwrap();
        // Two packers at once: one packs, the other finds nothing to do.
        let both = tokio::join!(world.pack_first_hour(), world.pack_first_hour());
        assert!(both.0.is_some() != both.1.is_some(), "{both:?}");
        checks::insert_batch(&mut c, &late[3..], later(&world, 2))
            .await
            .unwrap();
        detach(&mut c, world.start).await.unwrap();
        checks::insert_batch(&mut c, &late, later(&world, 2))
            .await
            .unwrap();
        let mut cut = crate::begin(&world.pool).await.unwrap();
        drop_table(&mut cut, world.start).await.unwrap();
        cut.rollback().await.unwrap();
        assert_eq!(list_to_drop(&mut c).await.unwrap(), [(world.start, true)]);
        drop_table(&mut c, world.start).await.unwrap();
        for _ in 0..3 {
            let mut cut = crate::begin(&world.pool).await.unwrap();
            merge_late(&mut cut, 10).await.unwrap();
            cut.rollback().await.unwrap();
        }
        merge_late(&mut c, 10).await.unwrap();
        over.store(true, Ordering::Release);
    };
    let reading = async {
        let (mut reads, mut most) = (0, 0);
        while !over.load(Ordering::Acquire) {
            // It fails by itself when a look is there twice.
            let seen = world.all(monitor, 200).await;
            assert!(
                before.iter().all(|look| seen.get(look.0) == Some(look.1)),
                "a look is missing"
            );
            assert!(seen.len() >= most, "a late look went away again");
            most = seen.len();
            reads += 1;
        }
        reads
    };
    let (reads, ()) = tokio::join!(reading, packing);
    assert!(reads > 0);
    let after = world.all(monitor, 200).await;
    assert_eq!(
        after.len(),
        100,
        "55 and the five late ones, and the next hour's 40"
    );
    assert!(before.iter().all(|look| after.get(look.0) == Some(look.1)));
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn two_writers_of_the_same_slots_record_each_once(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    for count in [10, 40] {
        let monitors = [
            world.monitor(60).await,
            world.monitor(60).await,
            world.monitor(60).await,
        ];
        let looks: Vec<Owned> = monitors
            .iter()
            .flat_map(|monitor| minutes(&world, *monitor, 20..20 + count))
            .collect();
        let half = &looks[..looks.len() / 2];
        let (one, two) = tokio::join!(world.store(&looks), world.store(&looks));
        assert_eq!(
            one + two,
            looks.len() as u64,
            "both together, each slot once"
        );
        assert_eq!(world.store(half).await, 0);
        let seen: usize = {
            let mut sum = 0;
            for monitor in monitors {
                sum += world.all(monitor, 200).await.len();
            }
            sum
        };
        assert_eq!(seen, looks.len());
    }
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn what_is_written_into_a_packed_table_is_kept_as_late(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let monitor = world.monitor(60).await;
    world.store(&minutes(&world, monitor, 0..50)).await;
    assert_eq!(world.pack_first_hour().await, Some(50));
    // A worker that stood still between reading its clock and writing.
    world.store(&minutes(&world, monitor, 48..53)).await;
    let mut c = world.pool.acquire().await.unwrap();
    detach(&mut c, world.start).await.unwrap();
    drop_table(&mut c, world.start).await.unwrap();
    assert_eq!(
        world.all(monitor, 200).await.len(),
        53,
        "before they are merged"
    );
    assert_eq!(merge_late(&mut c, 10).await.unwrap(), 3);
    assert_eq!(world.all(monitor, 200).await.len(), 53);
    // Into the table that is not there any more.
    let late = minutes(&world, monitor, 53..56);
    assert!(
        checks::insert_batch(&mut c, &late, late[0].check.at)
            .await
            .is_err()
    );
    checks::insert_batch(&mut c, &late, later(&world, 2))
        .await
        .unwrap();
    assert_eq!(world.all(monitor, 200).await.len(), 56);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_late_look_of_a_slot_that_is_packed_is_never_counted(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let monitor = world.monitor(60).await;
    world.store(&minutes(&world, monitor, 0..60)).await;
    world.pack_first_hour().await;
    let mut c = world.pool.acquire().await.unwrap();
    detach(&mut c, world.start).await.unwrap();
    drop_table(&mut c, world.start).await.unwrap();
    let before = world.all(monitor, 200).await;
    let again = minutes(&world, monitor, 5..10);
    checks::insert_batch(&mut c, &again, later(&world, 2))
        .await
        .unwrap();
    assert_eq!(world.all(monitor, 200).await, before);
    assert_eq!(merge_late(&mut c, 10).await.unwrap(), 0);
    assert_eq!(world.all(monitor, 200).await, before);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn two_who_merge_late_looks_of_an_hour_lose_none(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let monitor = world.monitor(60).await;
    world.store(&minutes(&world, monitor, 0..40)).await;
    world.pack_first_hour().await;
    let mut c = world.pool.acquire().await.unwrap();
    let late = minutes(&world, monitor, 40..42);
    checks::insert_batch(&mut c, &late[..1], later(&world, 2))
        .await
        .unwrap();
    let mut first = crate::begin(&world.pool).await.unwrap();
    assert_eq!(merge_late(&mut first, 10).await.unwrap(), 1);
    checks::insert_batch(&mut c, &late[1..], later(&world, 2))
        .await
        .unwrap();
    let second = async {
        let mut second = crate::begin(&world.pool).await.unwrap();
        let merged = merge_late(&mut second, 10).await.unwrap();
        second.commit().await.unwrap();
        merged
    };
    let end = async {
        // Once the second waits for the first.
        while sqlx::query_scalar::<_, i64>("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = current_database()")
            .fetch_one(&mut *c)
            .await
            .unwrap()
            == 0
        {
            tokio::task::yield_now().await;
        }
        first.commit().await.unwrap();
    };
    let (merged, ()) = tokio::join!(second, end);
    assert_eq!(merged, 1);
    assert_eq!(world.all(monitor, 200).await.len(), 42);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn totals_up_to_the_longest_time_out_survive_packing(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let monitor = world.monitor(60).await;
    let totals = [
        0, 499, 500, 32_767_000, 32_768_000, 59_999_400, 60_000_000, 65_535_000, 70_000_000,
    ];
    let looks: Vec<Owned> = (0..)
        .zip(totals)
        .map(|(n, us)| world.look(monitor, n * MINUTE, VerdictKind::Up, us))
        .collect();
    world.store(&looks).await;
    world.pack_first_hour().await;
    let packed: Vec<u64> = world
        .all(monitor, 200)
        .await
        .values()
        .map(|look| look.1)
        .collect();
    assert_eq!(
        packed,
        [0, 0, 1, 32_767, 32_768, 59_999, 60_000, 65_535, 65_535]
    );
    let mut c = world.pool.acquire().await.unwrap();
    let exported: serde_json::Value = {
        use futures::TryStreamExt;
        let rows = crate::exports::rows(&mut c, world.account, crate::exports::Part::CheckHours);
        rows.try_collect::<Vec<_>>().await.unwrap().remove(0)
    };
    assert_eq!(
        exported["totals_ms"],
        serde_json::json!(packed),
        "an export shows milliseconds"
    );
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn looks_that_come_after_an_erasure_do_not_stay(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let (gone, stays) = (world.monitor(60).await, world.monitor(60).await);
    let mut looks = minutes(&world, gone, 0..30);
    looks.extend(minutes(&world, stays, 0..30));
    world.store(&looks).await;
    let mut c = world.pool.acquire().await.unwrap();
    let erasure = Erasure {
        account_id: world.account,
        monitor_id: Some(gone),
    };
    erasures::request(&mut c, erasure, later(&world, 1))
        .await
        .unwrap();
    while erasures::erase_some(&mut c, erasure, 7).await.unwrap() > 0 {}
    erasures::finish(&mut c, erasure, later(&world, 1))
        .await
        .unwrap();
    // From a worker that was cut off: of the hour that is hot, and of one that is packed.
    world.store(&minutes(&world, gone, 30..40)).await;
    world.pack_first_hour().await;
    checks::insert_batch(&mut c, &minutes(&world, gone, 40..45), later(&world, 2))
        .await
        .unwrap();
    merge_late(&mut c, 10).await.unwrap();
    detach(&mut c, world.start).await.unwrap();
    drop_table(&mut c, world.start).await.unwrap();
    assert_eq!(world.all(gone, 200).await, BTreeMap::new());
    assert_eq!(world.all(stays, 200).await.len(), 30);
    let rows: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM check_hours WHERE monitor_id = $1) + (SELECT count(*) FROM checks_late WHERE monitor_id = $1)
              + (SELECT count(*) FROM last_checks WHERE monitor_id = $1)",
    )
    .bind(gone.uuid())
    .fetch_one(&mut *c)
    .await
    .unwrap();
    assert_eq!(rows, 0);
}

#[sqlx::test(migrator = "crate::MIGRATOR")]
async fn a_chart_of_days_says_the_same_before_and_after_they_are_rolled_up(pool: PgPool) {
    let world = World::new(pool, Plan::Solo).await;
    let monitor = world.monitor(60).await;
    let mut looks = minutes(&world, monitor, 0..120);
    // Another region, a little later in each minute.
    for look in minutes(&world, monitor, 0..60) {
        let mut other = look;
        other.check.region = "fra".to_owned();
        other.check.total_us += 40_000;
        looks.push(other);
    }
    world.store(&looks).await;
    let morrow = later(&world, 20);
    let mut c = world.pool.acquire().await.unwrap();
    for hour in list_to_pack(&mut c, morrow, 10).await.unwrap() {
        pack(&mut c, hour, morrow).await.unwrap();
    }
    let window = Window {
        from: later(&world, -34),
        to: morrow,
    };
    let day = 86_400;
    let chart = async |c: &mut PgConnection| {
        let points = response_times(c, world.account, monitor, window, day)
            .await
            .unwrap();
        points
            .iter()
            .map(|p| {
                (
                    p.at,
                    p.count,
                    p.max_ms,
                    p.p50_ms.round(),
                    p.p95_ms.round(),
                    p.phases_p50_ms.map(|ms| ms.map(f64::round)),
                )
            })
            .collect::<Vec<_>>()
    };
    let looked = chart(&mut c).await;
    assert_eq!(looked.len(), 1);
    assert_eq!(roll_days(&mut c, morrow, 10).await.unwrap(), 1);
    let regions: Vec<String> = sqlx::query_scalar("SELECT region FROM check_days ORDER BY region")
        .fetch_all(&mut *c)
        .await
        .unwrap();
    assert_eq!(regions, ["", "fra", "local"], "both, and each");
    let rolled = chart(&mut c).await;
    let (a, b) = (&looked[0], &rolled[0]);
    assert_eq!((a.0, a.1, a.2), (b.0, b.1, b.2));
    assert!(
        (a.3 - b.3).abs() <= 1.0 && (a.4 - b.4).abs() <= 1.0,
        "{a:?} {b:?}"
    );
    assert_eq!(a.5, b.5);
    // A late look counts at once, and after it was merged.
    let late = world.look(monitor, 3 * 60 * MINUTE - 7, VerdictKind::Up, 900_000);
    checks::insert_batch(&mut c, &[late], morrow).await.unwrap();
    assert_eq!(chart(&mut c).await[0].1, a.1 + 1);
    merge_late(&mut c, 10).await.unwrap();
    assert_eq!(chart(&mut c).await[0].1, a.1 + 1);
    roll_days(&mut c, morrow, 10).await.unwrap();
    assert_eq!(
        (chart(&mut c).await[0].1, chart(&mut c).await[0].2),
        (a.1 + 1, 900.0)
    );
}
