//! The closer look at what has just failed.

use std::net::{IpAddr, Ipv4Addr};

use domain::incident::{Confidence, Incident};
use domain::status::Observed;
use sqlx::PgPool;
use testkit::dns::{Answer, FakeDns};
use testkit::{Behaviour, SwitchableSite};

use crate::world::{World, until};

/// The incident as soon as the closer look at it is done.
async fn examined(world: &World, monitor: domain::ids::MonitorId) -> Incident {
    until("a closer look", async || {
        let done = "SELECT count(*) FROM autopsies WHERE done_at IS NOT NULL";
        let done: i64 = sqlx::query_scalar(done)
            .fetch_one(&world.pool)
            .await
            .unwrap();
        match done {
            0 => None,
            _ => world.open_incident(monitor).await,
        }
    })
    .await
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dead_program_is_told_from_a_dead_server(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/checkout"), 5).await;
    world.wait_for(monitor, Observed::Up).await;
    site.set(Behaviour::StatusBut {
        status: 502,
        fine: "/robots.txt".to_owned(),
    });
    world.wait_for(monitor, Observed::Down).await;
    let before = site.requests();
    let incident = examined(&world, monitor).await;
    let said = incident.diagnosis.unwrap();
    assert_eq!(
        (said.rule.as_str(), said.confidence),
        ("program_dead", Confidence::Likely),
        "{said:#?}"
    );
    let labels: Vec<&str> = said
        .evidence
        .iter()
        .map(|line| line.label.as_str())
        .collect();
    for label in [
        "Again",
        "/robots.txt",
        "Past caches",
        "Other method",
        "And again",
    ] {
        assert!(labels.contains(&label), "{labels:?}");
    }
    assert!(site.requests() - before <= 20);
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_server_that_refuses_is_asked_for_signs_of_life(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let worker = world.start("one");
    let monitor = world.monitor(&site.url("/"), 5).await;
    world.wait_for(monitor, Observed::Up).await;
    site.set(Behaviour::Refuse);
    world.wait_for(monitor, Observed::Down).await;
    let said = examined(&world, monitor).await.diagnosis.unwrap();
    assert_eq!(said.cause, "nothing_listens", "{said:#?}");
    assert!(
        said.evidence
            .iter()
            .any(|line| line.label == "Again"
                && line.value.starts_with("server refuses connections")),
        "{said:#?}"
    );
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn signatures_that_do_not_fit_are_told_from_name_servers_that_fail(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let resolvers = [FakeDns::start().await, FakeDns::start().await];
    let addresses = resolvers.each_ref().map(FakeDns::address);
    let everywhere = |answer: &Answer| {
        let all = resolvers.iter();
        all.for_each(|resolver| resolver.set("shop.example", answer.clone()));
    };
    let home = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    everywhere(&Answer::Addresses(home.clone()));
    let worker = world.start_asking("one", &addresses);
    let url = site.url("/").replace("127.0.0.1", "shop.example");
    let monitor = world.monitor(&url, 5).await;
    world.wait_for(monitor, Observed::Up).await;
    everywhere(&Answer::Bogus(home));
    world.wait_for(monitor, Observed::Down).await;
    let said = examined(&world, monitor).await.diagnosis.unwrap();
    assert_eq!(said.rule, "dnssec_unchecked", "{said:#?}");
    let value = |label: &str| {
        let line = said.evidence.iter().find(|line| line.label == label);
        line.map(|line| line.value.clone()).unwrap_or_default()
    };
    assert_eq!(value("Without DNSSEC"), "127.0.0.1");
    for resolver in ["Resolver 1", "Resolver 2"] {
        assert!(value(resolver).contains("SERVFAIL"), "{said:#?}");
    }
    worker.stop().await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_resolver_is_not_compared_with_itself(pool: PgPool) {
    let (world, site) = (World::new(pool).await, SwitchableSite::start().await);
    let resolver = FakeDns::start().await;
    resolver.set_loopback("shop.example");
    let worker = world.start_asking("one", &[resolver.address()]);
    let url = site.url("/").replace("127.0.0.1", "shop.example");
    let monitor = world.monitor(&url, 5).await;
    world.wait_for(monitor, Observed::Up).await;
    resolver.set("shop.example", Answer::NXDOMAIN);
    world.wait_for(monitor, Observed::Down).await;
    let said = examined(&world, monitor).await.diagnosis.unwrap();
    let labels = || said.evidence.iter().map(|line| line.label.as_str());
    assert!(labels().any(|label| label == "Resolver 1"), "{said:#?}");
    assert!(labels().all(|label| label != "Resolver 2"), "{said:#?}");
    worker.stop().await;
}
