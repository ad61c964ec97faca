//! Deploys that came shortly before an outage: named in it, whichever is heard of first.

use domain::check::VerdictKind::Down;
use domain::ids::{EventId, MonitorId};
use domain::incident::diagnosis::{Confidence, Diagnosis};
use domain::maintenance::Targets;
use domain::marker::{Marker, MarkerKind};
use incidents::record_marker;
use sqlx::PgPool;

use crate::world::World;

fn deploy(world: &World, name: &str, second: i64) -> Marker {
    Marker {
        id: EventId::generate(),
        kind: MarkerKind::Deploy,
        name: name.into(),
        url: None,
        targets: Targets::default(),
        at: world.at(second),
        created_at: world.at(second),
    }
}

async fn say(world: &World, marker: &Marker) {
    let mut connection = world.pool.acquire().await.unwrap();
    record_marker(&mut connection, world.account, marker, &world.ana())
        .await
        .unwrap();
}

fn changes(timeline: &[String]) -> Vec<&str> {
    let lines = timeline.iter().map(String::as_str);
    lines
        .filter(|line| line.contains("before the first failing look"))
        .collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_names_the_deploy_before_it(pool: PgPool) {
    let world = World::new(pool).await;
    let others = Targets {
        monitor_ids: Some(vec![MonitorId::generate()]),
        tags: Some(vec!["elsewhere".into()]),
    };
    let elsewhere = Marker {
        targets: others,
        ..deploy(&world, "of another", 50)
    };
    let old = deploy(&world, "old", 59 - 3_600);
    for marker in [
        &elsewhere,
        &old,
        &deploy(&world, "3f2c", 19),
        &deploy(&world, "later", 61),
    ] {
        say(&world, marker).await;
    }
    let mut looked = world.looked("local", 60, Down);
    looked.diagnosis = Some(Diagnosis {
        cause: "upstream_dead".into(),
        confidence: Confidence::Likely,
        attribution: None,
        sentence: "It fails.".into(),
        technical: "502.".into(),
        evidence: Vec::new(),
        next_steps: Vec::new(),
        rule: "gateway".into(),
    });
    let mut opened = None;
    for second in [60, 63, 66] {
        looked.look.at = world.at(second);
        looked.look.finished_at = world.at(second);
        opened = world.record(&looked).await.opened;
    }
    let incident = opened.expect("three looks are an outage");
    let timeline = world.timeline(incident).await;
    assert_eq!(
        changes(&timeline),
        ["note: Deploy 3f2c, 41 s before the first failing look."]
    );
    assert_eq!(
        timeline[0],
        changes(&timeline)[0],
        "in the order of what happened"
    );
    let evidence = world.incident(incident).await.diagnosis.unwrap().evidence;
    let lines: Vec<(&str, &str)> = evidence
        .iter()
        .map(|line| (line.label.as_str(), line.value.as_str()))
        .collect();
    assert_eq!(
        lines,
        [("Changed", "Deploy 3f2c, 41 s before the first failing look")]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_open_incident_hears_of_a_deploy_that_is_said_late(pool: PgPool) {
    let world = World::new(pool).await;
    let incident = world.outage().await;
    for (name, second) in [("3f2c", 40), ("after", 61)] {
        say(&world, &deploy(&world, name, second)).await;
    }
    let timeline = world.timeline(incident).await;
    assert_eq!(
        changes(&timeline),
        ["note: Deploy 3f2c, 20 s before the first failing look."]
    );
    world.recovery().await;
    say(&world, &deploy(&world, "when it was over", 41)).await;
    assert_eq!(changes(&world.timeline(incident).await).len(), 1);
}
