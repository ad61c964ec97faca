//! The closer look at what has just failed.

use domain::incident::{Confidence, Incident};
use domain::status::Observed;
use sqlx::PgPool;
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
