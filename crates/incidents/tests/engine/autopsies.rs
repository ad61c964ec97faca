//! The closer look at a failure.

use domain::check::{Attribution, Failure, FailureClass, Phase, VerdictKind};
use domain::ids::IncidentId;
use domain::incident::diagnosis::autopsy::{Finding, Outcome, Question};
use domain::incident::{Confidence, Diagnosis};
use incidents::record_findings;
use sqlx::PgPool;

use crate::world::World;

fn first() -> Diagnosis {
    Diagnosis {
        cause: "upstream_dead".to_owned(),
        confidence: Confidence::Likely,
        attribution: Some(Attribution::OriginProxy),
        sentence: "Your server answers 502.".to_owned(),
        technical: "nginx answers 502 at once.".to_owned(),
        evidence: Vec::new(),
        next_steps: Vec::new(),
        rule: "gateway_at_once.nginx".to_owned(),
    }
}

fn finding(region: &str, question: Question, status: u16) -> Finding {
    let failure = Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "HTTP")
        .with_detail(status.to_string());
    let is_bad = status >= 500;
    Finding {
        region: region.to_owned(),
        question,
        outcome: Outcome {
            verdict: if is_bad {
                VerdictKind::Down
            } else {
                VerdictKind::Up
            },
            failure: is_bad.then_some(failure),
            status: Some(status),
            server: None,
            cached: false,
            location: None,
            address: None,
            resolved: Vec::new(),
            records: Vec::new(),
            total_us: 9_000,
        },
    }
}

/// Down for good at second 66, with the diagnosis of one look.
async fn outage(world: &World) -> IncidentId {
    for second in [60, 63] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let mut deciding = world.looked("local", 66, VerdictKind::Down);
    deciding.diagnosis = Some(first());
    world.record(&deciding).await.opened.unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_closer_look_is_asked_for_with_the_incident_and_makes_it_surer(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .contact("ana", domain::contact::Channel::Email, true)
        .await;
    let id = outage(&world).await;
    let asked = "SELECT region || ' ' || most || ' ' || (done_at IS NULL) FROM autopsies";
    assert_eq!(world.texts(asked).await, ["local 12 true"]);
    assert_eq!(world.count("deliveries").await, 1, "nobody waits for it");

    let found = [
        finding("local", Question::Again, 502),
        finding("local", Question::NeutralPath, 404),
        finding("local", Question::AgainLater, 502),
    ];
    let (key, now) = ((world.account, id), world.at(68));
    let is_new = record_findings(&world.pool, key, "local", &found, now)
        .await
        .unwrap();
    assert!(is_new);
    let incident = world.incident(id).await;
    let said = incident.diagnosis.unwrap();
    assert_eq!(
        (said.rule.as_str(), said.cause.as_str()),
        ("program_dead", "upstream_dead")
    );
    assert_eq!(said.evidence.len(), 3);
    let line = world.timeline(id).await.pop().unwrap();
    assert!(
        line.starts_with("note: Looked closer: Your web server is fine"),
        "{line}"
    );
    assert_eq!(
        world
            .texts("SELECT first_diagnosis ->> 'sentence' FROM incidents")
            .await,
        ["Your server answers 502."]
    );

    // A second worker that did the same changes nothing.
    let again = record_findings(&world.pool, key, "local", &found[..1], world.at(69)).await;
    assert!(!again.unwrap());
    assert_eq!(
        world.incident(id).await.diagnosis.unwrap().rule,
        "program_dead"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_second_region_finds_is_read_with_the_first(pool: PgPool) {
    let world = World::new(pool).await;
    let id = outage(&world).await;
    world
        .sql("INSERT INTO autopsies SELECT account_id, incident_id, 'far', monitor_id, 2, wanted_at, deadline FROM autopsies")
        .await;
    let key = (world.account, id);
    let here = [finding("local", Question::Again, 502)];
    let is_new = record_findings(&world.pool, key, "local", &here, world.at(68)).await;
    assert!(!is_new.unwrap(), "one answer more says nothing new");
    let there = [finding("far", Question::Again, 200)];
    assert!(
        record_findings(&world.pool, key, "far", &there, world.at(69))
            .await
            .unwrap()
    );
    let said = world.incident(id).await.diagnosis.unwrap();
    assert_eq!(
        (said.cause.as_str(), said.confidence),
        ("region_only", Confidence::Likely)
    );
    assert_eq!(
        said.evidence.len(),
        2,
        "the first region's answers are not there twice"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_that_found_nothing_leaves_what_was_said(pool: PgPool) {
    let world = World::new(pool).await;
    let id = outage(&world).await;
    let key = (world.account, id);
    assert!(
        !record_findings(&world.pool, key, "local", &[], world.at(68))
            .await
            .unwrap()
    );
    assert_eq!(world.incident(id).await.diagnosis, Some(first()));
    assert_eq!(world.count("autopsies WHERE done_at IS NOT NULL").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_found_goes_with_the_monitor(pool: PgPool) {
    let world = World::new(pool).await;
    outage(&world).await;
    assert_eq!(world.count("autopsies").await, 1);
    let erasure = store::erasures::Erasure {
        account_id: world.account,
        monitor_id: Some(world.monitor.id),
    };
    let mut c = world.pool.acquire().await.unwrap();
    store::erasures::erase_some(&mut c, erasure, 100)
        .await
        .unwrap();
    assert_eq!(world.count("autopsies").await, 0);
}
