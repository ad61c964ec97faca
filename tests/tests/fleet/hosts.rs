//! Two hosts with a network of their own each, and all roles on both; one is cut off and comes back.

use std::net::SocketAddr;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::scene::{LIMIT, PROMISE, Role, Scene};
use super::settled;
use crate::support::database::StoryDatabase;
use crate::support::forwarder::Forwarder;
use crate::support::network::Network;
use crate::support::program::Settings;
use crate::support::wait;

/// A host: its wire, its processes, the name of its worker.
struct Host {
    network: Network,
    worker: String,
    roles: Vec<Role>,
}

impl Host {
    async fn start(scene: &Scene, network: Network) -> Self {
        let known = scene.workers().await;
        let mut roles = Vec::new();
        for (port, role) in [(8080, "web"), (8081, "worker"), (8082, "notifier")] {
            let address = format!("{}:{port}", network.inside);
            let listen = if role == "web" {
                "LISTEN"
            } else {
                "OPS_LISTEN"
            };
            let settings = scene.settings.clone().within(&network.name);
            let ready = format!("http://{address}/readyz");
            let process = settings.with(listen, &address).start(role, &ready).await;
            roles.push(Role { process, ready });
        }
        let now = scene.workers().await;
        let worker = now.difference(&known).next().expect("it is known").clone();
        Self {
            network,
            worker,
            roles,
        }
    }

    /// Seconds until all its processes say that they work.
    async fn works(&self) -> f64 {
        let (since, client) = (Instant::now(), reqwest::Client::new());
        wait::until("the host works", LIMIT, async || {
            for role in &self.roles {
                let asked = client.get(&role.ready).timeout(Duration::from_secs(2));
                let answer = asked.send().await.ok()?;
                answer.status().is_success().then_some(())?;
            }
            Some(())
        })
        .await;
        since.elapsed().as_secs_f64()
    }
}

async fn host_of(url: &str) -> SocketAddr {
    let (_, rest) = url.split_once('@').expect("a database URL");
    let (host, _) = rest.split_once('/').expect("a database URL");
    tokio::net::lookup_host(host)
        .await
        .expect("an address")
        .next()
        .expect("one")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes 4 minutes: make soak"]
async fn a_host_that_is_cut_off_is_replaced_by_the_other_and_comes_back() {
    let mut networks = Vec::new();
    for _ in 0..3 {
        match Network::new().await {
            Ok(network) => networks.push(network),
            Err(why) => {
                eprintln!("skipped: this machine gives no network namespace ({why})");
                return;
            }
        }
    }
    let (two, one) = (
        networks.pop().expect("three"),
        networks.pop().expect("three"),
    );
    // The database and the customer's pages, where both hosts reach them.
    let between = networks.pop().expect("three");
    let database = StoryDatabase::fresh().await;
    let forwarder = Forwarder::start_on(between.outside, host_of(&database.url).await).await;
    let (_, name) = database.url.rsplit_once('/').expect("a database");
    let settings = Settings::local(&format!("postgres://postgres@{}/{name}", forwarder.address))
        .with(
            "SMTP_URL",
            &format!("smtp://{}:9?tls=none", between.outside),
        );
    let mut scene = Scene::empty(database.pool, settings, between.outside).await;
    let one = Host::start(&scene, one).await;
    let two = Host::start(&scene, two).await;
    scene.api = scene.api.through(&format!("{}:8080", two.network.inside));
    scene.watch(60, 20).await;
    halves(&scene, &[&one, &two]).await;
    let broken = ["page-0", "page-1", "page-2", "page-3"];
    let begin = Timestamp::now();

    for (cut, pages) in [(&one, &broken[..2]), (&two, &broken[2..])] {
        let other = if std::ptr::eq(cut, &one) { &two } else { &one };
        // One breaks a moment before, so that the confirmation is under way; one while it is cut.
        scene.target.set_broken(pages[0], true);
        confirming(&scene).await;
        cut.network.cut().await;
        let gone = Instant::now();
        scene.target.set_broken(pages[1], true);
        halves(&scene, &[other]).await;
        let over = gone.elapsed().as_secs_f64();
        assert!(over <= PROMISE, "its shards went over after {over} s");
        scene.api = scene.api.through(&format!("{}:8080", other.network.inside));
        scene.told("incident.opened", pages, LIMIT * 2).await;
        let told = gone.elapsed().as_secs_f64();
        // Its looks fail meanwhile, all of them, and for longer than any confirmation takes.
        tokio::time::sleep(Duration::from_secs(30)).await;
        cut.network.mend().await;
        let works = cut.works().await;
        halves(&scene, &[&one, &two]).await;
        for page in pages {
            scene.target.set_broken(page, false);
        }
        scene.told("incident.resolved", pages, LIMIT).await;
        eprintln!(
            "cut off: its shards over after {over:.1} s, both outages told after {told:.0} s; it works again {works:.1} s \
             after its return"
        );
    }
    settled(&scene).await;
    let kept = scene
        .kept(&broken, begin, Timestamp::now() - Duration::from_secs(6))
        .await;
    let again = scene.only_these_were_down(&broken).await;
    eprintln!("two hosts, each cut off once: {kept:?}; {again} messages came twice under their id");
    kept.is_whole();
}

/// Waits until the workers of these hosts hold everything.
async fn halves(scene: &Scene, hosts: &[&Host]) {
    let share = 256 / i64::try_from(hosts.len()).expect("two");
    wait::until("a fair share each", LIMIT, async || {
        let shares = scene.shares().await;
        let held = |host: &&Host| shares.get(&host.worker).is_some_and(|held| *held == share);
        (hosts.iter().all(held) && shares.len() == hosts.len()).then_some(())
    })
    .await;
}

/// Waits until something is being confirmed.
async fn confirming(scene: &Scene) {
    let select = "SELECT count(*) FROM monitor_states WHERE confirming";
    wait::until("a suspect", LIMIT, async || {
        (scene.count(select).await > 0).then_some(())
    })
    .await;
}
