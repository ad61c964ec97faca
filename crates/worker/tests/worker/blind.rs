//! Our own way out is cut: nothing is said of anybody, and everything is looked at when it is back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use domain::ids::MonitorId;
use domain::monitor::{ConfirmSpec, Monitor, MonitorSpec};
use domain::status::{Observed, Shown};
use jiff::SignedDuration;
use sqlx::PgPool;
use store::monitors::{Filter, Sort};
use testkit::dns::{Answer, FakeDns};
use testkit::{Behaviour, Script, Server, SwitchableSite};

use crate::world::{Canaries, World, now, until};

/// Three anchors.
struct Anchors {
    sites: Vec<SwitchableSite>,
    urls: Vec<String>,
}

impl Anchors {
    async fn start() -> Self {
        let mut sites = Vec::new();
        for _ in 0..3 {
            sites.push(SwitchableSite::start().await);
        }
        let urls = sites.iter().map(|site| site.url("/")).collect();
        Self { sites, urls }
    }

    fn canaries(&self) -> Canaries<'_> {
        Canaries {
            urls: &self.urls,
            ..Canaries::default()
        }
    }

    fn set(&self, behaviour: &Behaviour) {
        for site in &self.sites {
            site.set(behaviour.clone());
        }
    }
}

/// An account, anchors, and a site of somebody.
async fn scene(pool: PgPool) -> (World, Anchors, SwitchableSite) {
    (
        World::new(pool).await,
        Anchors::start().await,
        SwitchableSite::start().await,
    )
}

/// Rows of `blind_intervals`: how many, how many are open.
async fn blind(world: &World) -> (i64, i64) {
    sqlx::query_as("SELECT count(*), count(*) FILTER (WHERE ended_at IS NULL) FROM blind_intervals")
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

async fn wait_blind(world: &World, rows: i64, open: i64) {
    until(&format!("{rows} blind times, {open} open"), async || {
        (blind(world).await == (rows, open)).then_some(())
    })
    .await;
}

async fn count(world: &World, what: &'static str) -> i64 {
    let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
    sqlx::query_scalar(statement)
        .fetch_one(&world.pool)
        .await
        .unwrap()
}

async fn states(world: &World) -> Vec<(String, bool, String)> {
    sqlx::query_as(
        "SELECT observed, confirming, since::text FROM monitor_states ORDER BY monitor_id",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap()
}

async fn shown(world: &World) -> Vec<Shown> {
    let mut c = world.pool.acquire().await.unwrap();
    let order = (Sort::Name, None, 100);
    store::monitors::list(
        &mut c,
        &world.secrets,
        world.account,
        &Filter::default(),
        order,
        jiff::Timestamp::UNIX_EPOCH,
    )
    .await
    .unwrap()
    .into_iter()
    .map(|listed| listed.shown)
    .collect()
}

async fn timeline(world: &World) -> Vec<String> {
    sqlx::query_scalar("SELECT text FROM incident_events ORDER BY at, id")
        .fetch_all(&world.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_cut_of_our_own_alarms_nobody_and_what_died_meanwhile_is_reported(pool: PgPool) {
    let (world, anchors) = (World::new(pool).await, Anchors::start().await);
    let (healthy, dying) = (SwitchableSite::start().await, SwitchableSite::start().await);
    let worker = world.start_checking("one", "local", anchors.canaries());
    let mut monitors = Vec::new();
    for n in 0..20 {
        monitors.push(world.monitor(&healthy.url(&format!("/{n}")), 1).await);
    }
    // Its slot is far away: it is looked at because sight is back.
    let dead = world.monitor(&dying.url("/"), 3600).await;
    let request = store::look_requests::Subject::Monitor(dead);
    world
        .ask(request, store::look_requests::Reason::First)
        .await;
    for monitor in monitors.iter().chain([&dead]) {
        world.wait_for(*monitor, Observed::Up).await;
    }
    // Their confirmations are over: what follows is the cut alone.
    until("calm", async || {
        states(&world)
            .await
            .iter()
            .all(|state| !state.1)
            .then_some(())
    })
    .await;
    let before: Vec<_> = states(&world)
        .await
        .into_iter()
        .map(|s| (s.0, s.2))
        .collect();

    anchors.set(&Behaviour::Hang);
    healthy.set(Behaviour::Refuse);
    dying.set(Behaviour::Refuse);
    wait_blind(&world, 256, 256).await;
    assert!(
        shown(&world)
            .await
            .iter()
            .all(|shown| *shown == Shown::Unknown)
    );
    // Every monitor would have been confirmed down by now, many times over.
    let unknown = "checks WHERE verdict = 4";
    until("looks while blind", async || {
        (count(&world, unknown).await >= 60).then_some(())
    })
    .await;
    let after: Vec<_> = states(&world)
        .await
        .into_iter()
        .map(|s| (s.0, s.2))
        .collect();
    // A sitting that is just being answered when sight comes back ends the blind time at its own begin,
    // a moment before: this is a time at which nothing was seen for sure.
    let still = now();
    assert_eq!(after, before, "no monitor's row says otherwise");
    assert_eq!(count(&world, "incidents").await, 0);
    let mut c = world.pool.acquire().await.unwrap();
    let sights = store::blind::list_sights(&mut c).await.unwrap();
    assert!(sights[0].blind && !sights[0].unchecked, "{sights:?}");

    let back = now();
    anchors.set(&Behaviour::Fine);
    healthy.set(Behaviour::Fine);
    wait_blind(&world, 256, 0).await;
    world.wait_for(dead, Observed::Down).await;
    let incident = world.open_incident(dead).await.unwrap();
    assert!(
        incident.first_failure_at >= back,
        "the first failing look of a worker that sees"
    );
    let span = incident.vote.blind.unwrap();
    assert!(span.from < still && span.to >= still, "{span:?}");
    let told = timeline(&world).await;
    assert!(
        told.iter().any(|text| text.contains("we could not look")),
        "{told:?}"
    );
    until("all are calm", async || {
        states(&world)
            .await
            .iter()
            .all(|state| !state.1)
            .then_some(())
    })
    .await;
    assert_eq!(
        count(&world, "incidents").await,
        1,
        "the healthy ones were never down"
    );
    assert!(
        shown(&world)
            .await
            .iter()
            .all(|shown| *shown != Shown::Unknown)
    );
    let window = domain::report::Window {
        from: back - SignedDuration::from_secs(3600),
        to: now(),
    };
    let uptime = store::reports::uptime(&mut c, world.account, monitors[0], window)
        .await
        .unwrap();
    assert!(
        uptime.down_seconds == 0 && uptime.unknown_seconds > 0,
        "{uptime:?}"
    );
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_suspect_from_before_the_cut_keeps_its_beginning(pool: PgPool) {
    let (world, anchors, site) = scene(pool).await;
    let worker = world.start_checking("one", "local", anchors.canaries());
    let monitor = Monitor {
        spec: MonitorSpec {
            confirm: Some(ConfirmSpec {
                rechecks: Some(2),
                over_seconds: Some(15),
            }),
            ..world.spec(&site.url("/"), 1)
        },
        ..world.draft()
    };
    let id = world.insert(&monitor).await;
    world.wait_for(id, Observed::Up).await;
    // Fails without an answer all the time, so that the canaries are asked often.
    let noise = format!("http://{}/", testkit::refused());
    world.monitor(&noise, 1).await;
    let broken = now();
    site.set(Behaviour::Status(502));
    let mut c = world.pool.acquire().await.unwrap();
    until("a suspect", async || {
        let found = store::states::find(&mut c, world.account, id)
            .await
            .unwrap()?;
        found.state.confirming.then_some(())
    })
    .await;
    // A sitting after the suspect's look has found us well: what it saw is true.
    let asked = || {
        anchors
            .sites
            .iter()
            .map(SwitchableSite::requests)
            .sum::<usize>()
    };
    let before = asked();
    until("a sitting", async || (asked() >= before + 6).then_some(())).await;
    anchors.set(&Behaviour::Refuse);
    wait_blind(&world, 256, 256).await;
    anchors.set(&Behaviour::Fine);
    world.wait_for(id, Observed::Down).await;
    let incident = world.open_incident(id).await.unwrap();
    let begun = incident.first_failure_at.duration_since(broken);
    assert!(
        begun < SignedDuration::from_secs(3),
        "{begun:?} after it broke"
    );
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_restart_while_blind_goes_on_with_the_same_blind_time(pool: PgPool) {
    let (world, anchors, site) = scene(pool).await;
    let first = world.start_checking("first", "local", anchors.canaries());
    let monitor = world.monitor(&site.url("/"), 1).await;
    world.wait_for(monitor, Observed::Up).await;
    until("the answers are known", async || {
        (count(&world, "canaries WHERE first_answer_at IS NOT NULL").await == 3).then_some(())
    })
    .await;
    anchors.set(&Behaviour::Refuse);
    site.set(Behaviour::Refuse);
    wait_blind(&world, 256, 256).await;
    drop(first);
    let second = world.start_checking("second", "local", anchors.canaries());
    let mut c = world.pool.acquire().await.unwrap();
    until("the second holds the shards and is blind", async || {
        let held = store::leases::renew(&mut c, "local", "second")
            .await
            .ok()?
            .len();
        let sights = store::blind::list_sights(&mut c).await.ok()?;
        (held == 256 && sights.first()?.blind).then_some(())
    })
    .await;
    assert_eq!(blind(&world).await, (256, 256), "one blind time, not two");
    drop(second);
    // Nobody ends it but who sees: a third, with the line back.
    anchors.set(&Behaviour::Fine);
    site.set(Behaviour::Fine);
    let third = world.start_checking("third", "local", anchors.canaries());
    wait_blind(&world, 256, 0).await;
    assert_eq!(count(&world, "incidents").await, 0);
    third.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn canaries_that_never_answered_are_no_reason_to_hold_back(pool: PgPool) {
    let (world, anchors, site) = scene(pool).await;
    anchors.set(&Behaviour::Refuse);
    let worker = world.start_checking("one", "local", anchors.canaries());
    let monitor = world.monitor(&site.url("/"), 1).await;
    world.wait_for(monitor, Observed::Up).await;
    site.set(Behaviour::Refuse);
    world.wait_for(monitor, Observed::Down).await;
    let mut c = world.pool.acquire().await.unwrap();
    let sights = store::blind::list_sights(&mut c).await.unwrap();
    assert!(sights[0].unchecked && !sights[0].blind, "{sights:?}");
    assert_eq!(blind(&world).await, (0, 0));
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn when_most_targets_fail_and_the_canaries_answer_everyone_is_told(pool: PgPool) {
    let (world, anchors) = (World::new(pool).await, Anchors::start().await);
    let (fine, broken) = (SwitchableSite::start().await, SwitchableSite::start().await);
    let worker = world.start_checking("one", "local", anchors.canaries());
    let mut monitors: Vec<(MonitorId, bool)> = Vec::new();
    for n in 0..30 {
        let dies = n % 10 < 7;
        let site = if dies { &broken } else { &fine };
        monitors.push((world.monitor(&site.url(&format!("/{n}")), 1).await, dies));
    }
    for (monitor, _) in &monitors {
        world.wait_for(*monitor, Observed::Up).await;
    }
    broken.set(Behaviour::Reset);
    for (monitor, dies) in &monitors {
        if *dies {
            world.wait_for(*monitor, Observed::Down).await;
        }
    }
    assert_eq!(count(&world, "incidents").await, 21);
    assert_eq!(blind(&world).await, (0, 0));
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dead_resolver_of_ours_alarms_nobody(pool: PgPool) {
    let (world, dns) = (World::new(pool).await, FakeDns::start().await);
    let (anchors, site) = (Anchors::start().await, SwitchableSite::start().await);
    let names = ["a.example", "b.example", "c.example", "shop.example"];
    for name in names {
        dns.set_loopback(name);
    }
    let named =
        |site: &SwitchableSite, name: &str| format!("http://{name}:{}/", site.address().port());
    let urls: Vec<String> = anchors
        .sites
        .iter()
        .zip(names)
        .map(|(site, name)| named(site, name))
        .collect();
    let canaries = Canaries {
        urls: &urls,
        dns: Some(dns.address()),
        ..Canaries::default()
    };
    let worker = world.start_checking("one", "local", canaries);
    let monitor = world.monitor(&named(&site, "shop.example"), 1).await;
    world.wait_for(monitor, Observed::Up).await;
    for name in names {
        dns.set(name, Answer::Silence);
    }
    wait_blind(&world, 256, 256).await;
    for name in names {
        dns.set_loopback(name);
    }
    wait_blind(&world, 256, 0).await;
    assert_eq!(count(&world, "incidents").await, 0);
    let down = "status_intervals WHERE status IN ('down', 'unknown')";
    assert_eq!(count(&world, down).await, 0);
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_cannot_exist_and_answers_makes_us_unfit(pool: PgPool) {
    let (world, anchors, impostor) = scene(pool).await;
    let known_dead = [impostor.url("/")];
    let canaries = Canaries {
        known_dead: &known_dead,
        ..anchors.canaries()
    };
    let worker = world.start_checking("one", "local", canaries);
    let health = worker.worker.health();
    let problem = until("a lie", async || {
        health
            .problem()
            .filter(|problem| problem.contains("cannot exist"))
    })
    .await;
    assert!(problem.starts_with(&known_dead[0]), "{problem}");
    let mails = "account_messages WHERE template = 'known_dead_answering' AND address = 'operator@watch.example'";
    until("a mail to the operator", async || {
        (count(&world, mails).await == 1).then_some(())
    })
    .await;
    worker.stop().await;

    // Another of the region sees it too, and does not say it again.
    let second = world.start_checking("two", "local", canaries);
    let health = second.worker.health();
    until("a lie", async || {
        health
            .problem()
            .filter(|problem| problem.contains("cannot exist"))
    })
    .await;
    second.stop().await;
    assert_eq!(count(&world, mails).await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_blind_worker_leaves_its_shards_to_one_of_its_region_that_sees(pool: PgPool) {
    let world = World::new(pool).await;
    let (cut, well, site) = (
        Anchors::start().await,
        Anchors::start().await,
        SwitchableSite::start().await,
    );
    let _first = world.start_checking("cut", "local", cut.canaries());
    let _second = world.start_checking("well", "local", well.canaries());
    let monitor = world.monitor(&site.url("/"), 1).await;
    world.wait_for(monitor, Observed::Up).await;
    cut.set(&Behaviour::Refuse);
    let mut c = world.pool.acquire().await.unwrap();
    until("the one that sees holds all", async || {
        let held = store::leases::renew(&mut c, "local", "well")
            .await
            .ok()?
            .len();
        (held == 256).then_some(())
    })
    .await;
    until("all is seen", async || {
        (blind(&world).await.1 == 0).then_some(())
    })
    .await;
    assert_eq!(count(&world, "incidents").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_lossy_line_abstains(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let lossy = Arc::new(AtomicBool::new(false));
    let mut servers = Vec::new();
    for offset in 0..8 {
        let lossy = lossy.clone();
        // Every fourth connection hangs, as one whose packets are lost does for two seconds; two of
        // the eight in each round.
        let script = move |nth: usize| {
            if lossy.load(Ordering::SeqCst) && (nth + offset).is_multiple_of(4) {
                Script::request().hang()
            } else {
                Script::page("200 OK", "", "hello")
            }
        };
        servers.push(Server::each(script).await);
    }
    let urls: Vec<String> = servers
        .iter()
        .map(|server| server.url("http", "/"))
        .collect();
    let canaries = Canaries {
        urls: &urls,
        ..Canaries::default()
    };
    let worker = world.start_checking("one", "local", canaries);
    let monitor = world.monitor(&site.url("/"), 1).await;
    world.wait_for(monitor, Observed::Up).await;
    lossy.store(true, Ordering::SeqCst);
    site.set(Behaviour::Refuse);
    wait_blind(&world, 256, 256).await;
    assert_eq!(
        count(&world, "blind_intervals WHERE reason = 'loss'").await,
        256
    );
    let unknown = "checks WHERE verdict = 4";
    until("looks while blind", async || {
        (count(&world, unknown).await >= 8).then_some(())
    })
    .await;
    assert_eq!(count(&world, "incidents").await, 0);
    lossy.store(false, Ordering::SeqCst);
    world.wait_for(monitor, Observed::Down).await;
    worker.stop().await;
}
