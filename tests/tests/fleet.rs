//! Many workers, many machines: shards change hands, hosts go away, the database fails over. Each slot
//! is looked at once, each outage is told once, and nobody hears of anything that was only ours.
//!
//! Judged by what the database and the customer's pages recorded, not by what the stories slept.

mod failover;
mod hosts;
mod restart;
mod scene;
mod target;
mod timetable;

use std::time::Duration;

use jiff::Timestamp;

use crate::support::wait;
use scene::{LIMIT, PROMISE, Scene};
use timetable::Kept;

impl Kept {
    /// Every slot was looked at, in time.
    fn is_whole(&self) {
        assert!(self.slots > 0, "{self:?}");
        assert_eq!(self.missed, 0, "every slot is looked at: {self:?}");
        assert!(self.latest <= PROMISE && self.widest <= PROMISE, "{self:?}");
    }

    fn once(&self) {
        assert_eq!(self.twice, 0, "each slot is looked at once: {self:?}");
    }
}

/// Every monitor had its first slot, and looks that began are in the database.
async fn settled(scene: &Scene) {
    let without = "SELECT count(*) FROM monitors WHERE id NOT IN (SELECT monitor_id FROM checks)";
    scene
        .until_count("a slot of each monitor", without, 0)
        .await;
    tokio::time::sleep(Duration::from_secs(6)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shards_go_from_hand_to_hand_and_each_slot_is_looked_at_once() {
    let mut scene = Scene::set().await;
    let first = scene.worker().await;
    scene.watch(30, 20).await;
    scene.target.set_slow("page-1");

    // One joins, and one dies.
    let begin = Timestamp::now();
    let second = scene.worker().await;
    scene.shared_by(&[&first, &second]).await;
    let shared = Timestamp::now();
    first.process.kill().await;
    scene.shared_by(&[&second]).await;

    // One joins; one of the two is stopped in the middle of a look, for longer than its leases last.
    let third = scene.worker().await;
    scene.shared_by(&[&second, &third]).await;
    let (stopped, other) = match scene.holder("page-1").await == second.name {
        true => (second, third),
        false => (third, second),
    };
    wait::until("a look under way", LIMIT, async || {
        (scene.target.waiting() > 0).then_some(())
    })
    .await;
    stopped.process.freeze(true).await;
    scene.target.set_broken("page-0", true);
    scene.shared_by(&[&other]).await;
    scene.look("page-0").await;
    scene.told("incident.opened", &["page-0"], LIMIT).await;
    stopped.process.freeze(false).await;
    scene.shared_by(&[&stopped, &other]).await;
    assert_eq!(other.process.terminate().await, 0);
    scene.shared_by(&[&stopped]).await;
    scene.target.set_broken("page-0", false);
    scene.look("page-0").await;
    scene.told("incident.resolved", &["page-0"], LIMIT).await;
    settled(&scene).await;

    let joined = scene.kept(&["page-0"], begin, shared).await;
    let all = scene
        .kept(
            &["page-0"],
            begin,
            Timestamp::now() - Duration::from_secs(4),
        )
        .await;
    eprintln!("joining: {joined:?}\nall of it: {all:?}");
    joined.once();
    all.is_whole();
    assert_eq!(scene.only_these_were_down(&["page-0"]).await, 0);
}

/// So many workers in peace for a while: nothing is missed, and nothing is done twice.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 5 minutes: make soak"]
async fn one_two_and_four_workers_look_at_each_slot_once() {
    let mut scene = Scene::set().await;
    let mut fellows = vec![scene.worker().await];
    scene.watch(200, 10).await;
    let begin = Timestamp::now();
    for wanted in [1, 2, 4] {
        while fellows.len() < wanted {
            fellows.push(scene.worker().await);
        }
        scene.shared_by(&fellows.iter().collect::<Vec<_>>()).await;
        let from = Timestamp::now();
        tokio::time::sleep(Duration::from_secs(45)).await;
        let to = Timestamp::now();
        settled(&scene).await;
        let kept = scene.kept(&[], from, to).await;
        eprintln!("{wanted} workers: {kept:?}");
        kept.is_whole();
        kept.once();
    }
    let growing = scene
        .kept(&[], begin, Timestamp::now() - Duration::from_secs(6))
        .await;
    eprintln!("with all that joined: {growing:?}");
    growing.is_whole();
    growing.once();

    // They leave one after another: what they held goes back at once.
    let leaving = Timestamp::now();
    while fellows.len() > 1 {
        assert_eq!(fellows.remove(0).process.terminate().await, 0);
        scene.shared_by(&fellows.iter().collect::<Vec<_>>()).await;
    }
    settled(&scene).await;
    let left = scene
        .kept(&[], leaving, Timestamp::now() - Duration::from_secs(6))
        .await;
    eprintln!("while three left: {left:?}");
    left.is_whole();
    left.once();
    assert_eq!(scene.only_these_were_down(&[]).await, 0);
}

/// Of four workers one after another dies or is stopped for longer than its leases last.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 5 minutes: make soak"]
async fn workers_die_and_stop_and_come_back() {
    let mut scene = Scene::set().await;
    let mut fellows = Vec::new();
    for _ in 0..4 {
        fellows.push(scene.worker().await);
    }
    scene.watch(200, 20).await;
    let broken = ["page-0", "page-1", "page-2"];
    let begin = Timestamp::now();
    for page in broken {
        // Its worker is stopped as the page breaks, and another one dies.
        let holder = scene.holder(page).await;
        let at = fellows.iter().position(|fellow| fellow.name == holder);
        let stopped = fellows.remove(at.expect("one of ours"));
        stopped.process.freeze(true).await;
        scene.target.set_broken(page, true);
        fellows.remove(0).process.kill().await;
        scene.shared_by(&fellows.iter().collect::<Vec<_>>()).await;
        scene.told("incident.opened", &[page], LIMIT).await;
        stopped.process.freeze(false).await;
        fellows.push(stopped);
        fellows.push(scene.worker().await);
        scene.shared_by(&fellows.iter().collect::<Vec<_>>()).await;
        scene.target.set_broken(page, false);
        scene.told("incident.resolved", &[page], LIMIT).await;
    }
    settled(&scene).await;
    let kept = scene
        .kept(&broken, begin, Timestamp::now() - Duration::from_secs(6))
        .await;
    eprintln!("three stopped and three killed of four: {kept:?}");
    kept.is_whole();
    assert_eq!(scene.only_these_were_down(&broken).await, 0);
}

/// A worker is stopped with a transaction open that has locked every lease. Nobody waits for it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute: make soak"]
async fn a_worker_stopped_in_a_transaction_holds_nobody_up() {
    let mut scene = Scene::set().await;
    let first = scene.worker().await;
    scene.watch(20, 20).await;
    let mut lock = scene.pool.begin().await.expect("a transaction");
    sqlx::query("SELECT 1 FROM shard_leases ORDER BY shard DESC LIMIT 1 FOR UPDATE")
        .execute(&mut *lock)
        .await
        .expect("the last lease is locked");
    let telling = "SELECT count(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE 'WITH told AS%' AND datname = current_database()";
    scene
        .until_count("it writes how far it came", telling, 1)
        .await;
    first.process.freeze(true).await;
    let begin = Timestamp::now();
    lock.rollback().await.expect("the lease is free");
    let idle = "SELECT count(*) FROM pg_stat_activity
        WHERE state = 'idle in transaction' AND query LIKE 'WITH told AS%' AND datname = current_database()";
    scene
        .until_count("it stands in its transaction", idle, 1)
        .await;
    let second = scene.worker().await;
    scene.shared_by(&[&second]).await;
    let over = Timestamp::now().duration_since(begin);
    first.process.freeze(false).await;
    scene.shared_by(&[&first, &second]).await;
    settled(&scene).await;
    let kept = scene
        .kept(&[], begin, Timestamp::now() - Duration::from_secs(6))
        .await;
    eprintln!("stopped in a transaction: its shards over after {over:.1?}; {kept:?}");
    kept.is_whole();
    assert_eq!(scene.only_these_were_down(&[]).await, 0);
}
