//! The machine of the database dies under load, and its standby takes over.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgPoolOptions;
use tokio::time::Instant;

use super::scene::{Fellow, LIMIT, Scene};
use super::settled;
use crate::support::cluster::Cluster;
use crate::support::program::Settings;
use crate::support::wait;

/// How long an operator's software takes to be sure that the primary is gone.
const NOTICED: Duration = Duration::from_secs(5);
/// What the issue promises after a promotion.
const BACK: Duration = Duration::from_secs(30);

struct Act {
    cluster: Cluster,
    scene: Scene,
    fellows: Vec<Fellow>,
}

/// What is written of what people were told, or are to be.
async fn written(scene: &Scene) -> BTreeSet<String> {
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT 'incident ' || id || coalesce(' over ' || resolved_at, '') FROM incidents
         UNION ALL SELECT 'event ' || id FROM incident_events
         UNION ALL SELECT 'delivery ' || id FROM deliveries
         UNION ALL SELECT 'attempt ' || delivery_id || ' ' || number FROM delivery_attempts",
    )
    .fetch_all(&scene.pool)
    .await
    .expect("rows");
    rows.into_iter().collect()
}

impl Act {
    async fn begin(synchronous: bool, monitors: usize) -> Self {
        let cluster = Cluster::start(synchronous).await;
        let pool = PgPoolOptions::new()
            .max_connections(3)
            .connect_lazy(&cluster.url())
            .expect("a URL");
        let settings = Settings::local(&cluster.url());
        let mut scene = Scene::empty(pool, settings, Ipv4Addr::LOCALHOST).await;
        scene.staff().await;
        let fellows = vec![scene.worker().await, scene.worker().await];
        scene.shared_by(&[&fellows[0], &fellows[1]]).await;
        scene.watch(monitors, 10).await;
        Self {
            cluster,
            scene,
            fellows,
        }
    }

    fn break_pages(&self, pages: &[String], broken: bool) {
        for page in pages {
            self.scene.target.set_broken(page, broken);
        }
    }

    /// The primary dies, and a little later the standby takes over; how long until every process says
    /// that it works.
    async fn fail_over(&mut self) -> Duration {
        self.cluster.kill_primary().await;
        tokio::time::sleep(NOTICED).await;
        self.cluster.promote().await;
        let promoted = Instant::now();
        let roles = self.scene.roles.iter().map(|role| &role.ready);
        let all: Vec<&String> = roles
            .chain(self.fellows.iter().map(|one| &one.ready))
            .collect();
        let client = reqwest::Client::new();
        wait::until("all work again", BACK, async || {
            for ready in &all {
                let answer = client.get(*ready).send().await.ok()?;
                answer.status().is_success().then_some(())?;
            }
            Some(())
        })
        .await;
        promoted.elapsed()
    }
}

fn names(pages: &[String]) -> Vec<&str> {
    pages.iter().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 3 minutes: make soak"]
async fn a_promoted_standby_has_lost_nothing() {
    let mut act = Act::begin(true, 120).await;
    let pages = act.scene.names.clone();
    let (before, during) = (&pages[..5], &pages[5..25]);
    act.break_pages(before, true);
    act.scene
        .told("incident.opened", &names(before), LIMIT)
        .await;
    let begin = Timestamp::now();
    act.break_pages(during, true);
    wait::until("some are sure, and some are not", LIMIT, async || {
        let open = act.scene.count("SELECT count(*) FROM incidents").await;
        (open > 8).then_some(())
    })
    .await;
    let committed = written(&act.scene).await;
    let open = act.scene.count("SELECT count(*) FROM incidents").await;
    let back = act.fail_over().await;
    let promoted = Timestamp::now();
    let kept = written(&act.scene).await;
    let lost: Vec<_> = committed.difference(&kept).collect();
    assert!(lost.is_empty(), "committed and lost: {lost:?}");

    act.scene
        .told("incident.opened", &names(&pages[..25]), LIMIT)
        .await;
    let sure = Timestamp::now().duration_since(promoted);
    act.break_pages(&pages[..25], false);
    act.scene
        .told("incident.resolved", &names(&pages[..25]), LIMIT)
        .await;
    settled(&act.scene).await;
    let again = act.scene.only_these_were_down(&names(&pages[..25])).await;
    let looked = act
        .scene
        .kept(
            &names(&pages[..25]),
            begin,
            Timestamp::now() - Duration::from_secs(6),
        )
        .await;
    eprintln!(
        "synchronous: {open} incidents open of 25 at the death; all roles work {back:.1?} after the promotion; all told \
         {sure:.0?} later; {again} messages came twice under their id; looks: {looked:?}"
    );
}

/// What is lost is said, and everything comes to what is true.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 3 minutes: make soak"]
async fn a_standby_that_lagged_is_put_right_by_the_next_looks() {
    let mut act = Act::begin(false, 60).await;
    let pages = act.scene.names.clone();
    let (stays, recovers, breaks) = (&pages[..3], &pages[3..6], &pages[6..9]);
    act.break_pages(&pages[..6], true);
    act.scene
        .told("incident.opened", &names(&pages[..6]), LIMIT)
        .await;
    act.cluster.stop_sending().await;
    let lagging = Timestamp::now();
    act.break_pages(recovers, false);
    act.break_pages(breaks, true);
    act.scene
        .told("incident.opened", &names(breaks), LIMIT)
        .await;
    act.scene
        .told("incident.resolved", &names(recovers), LIMIT)
        .await;
    let committed = written(&act.scene).await;
    let looks = act.scene.count("SELECT count(*) FROM checks").await;
    let lag = Timestamp::now().duration_since(lagging);
    let back = act.fail_over().await;
    let kept = written(&act.scene).await;
    let lost: Vec<_> = committed.difference(&kept).collect();
    let looks = looks - act.scene.count("SELECT count(*) FROM checks").await;
    let of = |kind: &str| lost.iter().filter(|row| row.starts_with(kind)).count();
    eprintln!(
        "asynchronous, {lag:.0?} behind: lost {} incidents or ends of them, {} lines of history, {} deliveries, {} attempts, \
         about {looks} looks; all roles work {back:.1?} after the promotion",
        of("incident"),
        of("event"),
        of("delivery"),
        of("attempt"),
    );

    let wrong = "SELECT count(*) FROM monitor_states s JOIN monitors m ON m.id = s.monitor_id
        WHERE (s.observed = 'down') <> (m.name = ANY ('{page-0,page-1,page-2,page-6,page-7,page-8}'))
        OR s.confirming";
    let true_again = Instant::now();
    act.scene
        .until_count("everything is as it is", wrong, 0)
        .await;
    eprintln!(
        "what was lost is true again after {:.0?}",
        true_again.elapsed()
    );
    let open = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL";
    assert_eq!(act.scene.count(open).await, 6);
    let others = "SELECT count(*) FROM status_intervals s JOIN monitors m ON m.id = s.monitor_id
        WHERE s.status NOT IN ('up', 'pending') AND NOT m.name = ANY ('{page-0,page-1,page-2,page-3,page-4,page-5,page-6,page-7,page-8}')";
    assert_eq!(act.scene.count(others).await, 0, "no false alarm");
    assert_eq!(stays.len(), 3);
}
