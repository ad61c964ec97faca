//! What changed in good answers, in the incident that follows.

use domain::answer::{self, Answer, Aspect};
use domain::check::VerdictKind::Down;
use domain::incident::diagnosis::{Confidence, Diagnosis};
use incidents::{SeenAnswer, record_answers};
use sqlx::PgPool;

use crate::world::World;

fn subject(world: &World) -> String {
    answer::subject(&world.monitor.settings().target)
}

async fn see(world: &World, region: &str, subject: &str, server: &str, second: i64) {
    let seen = SeenAnswer {
        account_id: world.account,
        monitor_id: world.monitor.id,
        subject: subject.to_owned(),
        answer: Answer::from([(Aspect::Server, vec![server.to_owned()])]),
        at: world.at(second),
    };
    record_answers(&world.pool, region, &[seen], world.at(second))
        .await
        .unwrap();
}

fn diagnosis() -> Diagnosis {
    Diagnosis {
        cause: "upstream_dead".into(),
        confidence: Confidence::Likely,
        attribution: None,
        sentence: "It fails.".into(),
        technical: "502.".into(),
        evidence: Vec::new(),
        next_steps: Vec::new(),
        rule: "gateway".into(),
    }
}

/// What the incident of an outage at second 3,660 names, and the first lines of its timeline.
async fn named(world: &World) -> (Vec<String>, Vec<String>) {
    let mut looked = world.looked("local", 3_660, Down);
    looked.diagnosis = Some(diagnosis());
    looked.answer = Some(Answer::from([(Aspect::Server, vec!["Varnish".to_owned()])]));
    let mut opened = None;
    for second in [3_660, 3_663, 3_666] {
        looked.look.at = world.at(second);
        looked.look.finished_at = world.at(second);
        opened = world.record(&looked).await.opened;
    }
    let incident = opened.unwrap();
    let said = world.incident(incident).await.diagnosis.unwrap();
    let changes = said.changes().map(str::to_owned).collect();
    (changes, world.timeline(incident).await)
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_hour_before_is_named_once_for_all_regions(pool: PgPool) {
    let world = World::new(pool).await;
    let subject = subject(&world);
    for (region, server, second) in [
        ("local", "nginx/1.22", 0),
        ("elsewhere", "nginx/1.22", 0),
        // Over an hour before.
        ("local", "nginx/1.24", 50),
        ("local", "nginx/1.24", 3_000),
        ("elsewhere", "nginx/1.26", 3_540),
        ("local", "nginx/1.26", 3_600),
    ] {
        see(&world, region, &subject, server, second).await;
    }
    let (changes, timeline) = named(&world).await;
    let before = "The server calls itself nginx/1.26, before nginx/1.22; \
                  first seen 2 min before the first failing look";
    // Which region's word for the server before is taken makes no difference to when.
    assert_eq!(changes.len(), 2, "{changes:?}");
    assert!(
        changes[0] == before || changes[0] == before.replace("1.22", "1.24"),
        "{changes:?}"
    );
    assert_eq!(
        changes[1],
        "The server calls itself Varnish, in the last good answer nginx/1.26"
    );
    assert_eq!(timeline[0], format!("note: {}.", changes[0]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_another_target_answered_counts_for_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    see(&world, "local", "another", "nginx", 3_500).await;
    see(&world, "local", "another", "Apache", 3_600).await;
    let (changes, _) = named(&world).await;
    assert_eq!(changes, [""; 0]);
    // The target of now begins anew.
    see(&world, "local", &subject(&world), "Caddy", 3_601).await;
    let count = "SELECT count(*) FROM answer_changes";
    let count: i64 = sqlx::query_scalar(count)
        .fetch_one(&world.pool)
        .await
        .unwrap();
    assert_eq!(count, 1);
}
