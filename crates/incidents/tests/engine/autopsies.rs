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
            certificate: None,
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

/// What the first message to somebody stands at when the closer look ends.
const SAYS: &str =
    r#"payload = '{"said": {"cause": "upstream_dead", "attribution": "origin_proxy"}}'"#;

async fn first_message(world: &World, sets: &str) {
    world
        .sql(&format!(
            "UPDATE deliveries SET {sets} WHERE event = 'incident.opened'"
        ))
        .await;
}

/// Two regions look closer, and find that it is down for one of them only.
async fn another_cause(world: &World, id: IncidentId) {
    world
        .sql("INSERT INTO autopsies SELECT account_id, incident_id, 'far', monitor_id, 2, wanted_at, deadline FROM autopsies")
        .await;
    let key = (world.account, id);
    for (region, status, second) in [("local", 502, 68), ("far", 200, 69)] {
        let found = [finding(region, Question::Again, status)];
        record_findings(&world.pool, key, region, &found, world.at(second))
            .await
            .unwrap();
    }
    let said = world.incident(id).await.diagnosis.unwrap();
    assert_eq!(said.cause, "region_only");
}

const FOLLOW_UPS: &str = "SELECT c.name || ' ' || d.state || ' ' || extract(epoch FROM d.not_before - d.created_at)::int
    FROM deliveries d JOIN contacts c ON c.id = d.contact_id WHERE d.event = 'incident.diagnosed' ORDER BY 1";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_was_told_another_cause_hears_of_this_one_once(pool: PgPool) {
    use domain::contact::Channel::{Email, Sms, Voice};
    let world = World::new(pool).await;
    for (name, channel) in [
        ("ana", Email),
        ("kim", Email),
        ("phone", Sms),
        ("duty", Voice),
    ] {
        world.contact(name, channel, true).await;
    }
    let id = outage(&world).await;
    first_message(
        &world,
        &format!("state = 'sent', accepted_at = now(), {SAYS}"),
    )
    .await;
    another_cause(&world, id).await;
    assert_eq!(
        world.texts(FOLLOW_UPS).await,
        ["ana pending 0", "kim pending 0"],
        "neither a text nor a call"
    );
    let jobs = "SELECT count(*)::text FROM deliveries WHERE event = 'incident.diagnosed' AND pushed_at IS NOT NULL";
    assert_eq!(world.texts(jobs).await, ["2"]);
    // A third region that comes late, with something else again.
    world
        .sql("INSERT INTO autopsies SELECT account_id, incident_id, 'late', monitor_id, 2, wanted_at, deadline
              FROM autopsies WHERE region = 'far'")
        .await;
    let found = [finding("late", Question::Again, 200)];
    record_findings(
        &world.pool,
        (world.account, id),
        "late",
        &found,
        world.at(75),
    )
    .await
    .unwrap();
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.diagnosed'")
            .await,
        2
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_follow_up_waits_for_the_regions_that_still_look(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .contact("ana", domain::contact::Channel::Email, true)
        .await;
    let id = outage(&world).await;
    first_message(&world, &format!("state = 'sending', {SAYS}")).await;
    world
        .sql("INSERT INTO autopsies SELECT account_id, incident_id, 'silent', monitor_id, 2, wanted_at, deadline FROM autopsies")
        .await;
    world
        .sql("INSERT INTO autopsies SELECT account_id, incident_id, 'far', monitor_id, 2, wanted_at, deadline
              FROM autopsies WHERE region = 'local'")
        .await;
    let key = (world.account, id);
    for (region, status, second) in [("local", 502, 68), ("far", 200, 69)] {
        let found = [finding(region, Question::Again, status)];
        record_findings(&world.pool, key, region, &found, world.at(second))
            .await
            .unwrap();
    }
    assert_eq!(world.texts(FOLLOW_UPS).await, ["ana pending 6"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_told_again_who_need_not_be(pool: PgPool) {
    let told = format!("state = 'sent', accepted_at = now(), {SAYS}");
    let cases = [
        ("to be told, with what is known then", "state = 'pending'".to_owned()),
        ("tried, and told anew", format!("state = 'pending', attempts = 1, {SAYS}")),
        ("held until quiet hours are over", "state = 'held'".to_owned()),
        ("told with others", format!("state = 'merged', {SAYS}")),
        ("not told", format!("state = 'failed', {SAYS}")),
        (
            "told this very cause",
            r#"state = 'sent', payload = '{"said": {"cause": "region_only", "attribution": "network"}}'"#.to_owned(),
        ),
        ("told before this was kept", "state = 'sent'".to_owned()),
        ("told, and it is over", told),
    ];
    let world = World::new(pool).await;
    world
        .contact("ana", domain::contact::Channel::Email, true)
        .await;
    let id = outage(&world).await;
    for (case, sets) in cases {
        first_message(&world, "payload = '{}', attempts = 0").await;
        first_message(&world, &sets).await;
        if case.ends_with("over") {
            world
                .sql("UPDATE incidents SET resolved_at = now(), resolved_reason = 'recovered'")
                .await;
        }
        another_cause(&world, id).await;
        assert_eq!(world.texts(FOLLOW_UPS).await, [""; 0], "{case}");
        world
            .sql(
                "DELETE FROM autopsies WHERE region = 'far';
                  UPDATE autopsies SET done_at = NULL, findings = NULL;
                  UPDATE incidents SET diagnosis = first_diagnosis",
            )
            .await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_same_cause_said_with_more_certainty_is_no_news(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .contact("ana", domain::contact::Channel::Email, true)
        .await;
    let id = outage(&world).await;
    first_message(&world, &format!("state = 'sent', {SAYS}")).await;
    let found = [
        finding("local", Question::Again, 502),
        finding("local", Question::NeutralPath, 404),
        finding("local", Question::AgainLater, 502),
    ];
    let key = (world.account, id);
    assert!(
        record_findings(&world.pool, key, "local", &found, world.at(68))
            .await
            .unwrap(),
        "the sentence is another one"
    );
    let said = world.incident(id).await.diagnosis.unwrap();
    assert_eq!(
        (said.cause.as_str(), said.attribution),
        ("upstream_dead", Some(Attribution::OriginProxy))
    );
    assert_eq!(world.texts(FOLLOW_UPS).await, [""; 0]);
}

/// The message is being made while the closer look ends: who makes it may have read either cause.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_message_that_is_being_made_is_not_waited_for_and_not_forgotten(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .contact("ana", domain::contact::Channel::Email, true)
        .await;
    let id = outage(&world).await;
    let mut claim = store::begin(&world.pool).await.unwrap();
    let delivery = store::deliveries::list_by_incident(&mut claim, world.account, id)
        .await
        .unwrap()
        .remove(0);
    let claimed =
        store::deliveries::claim::claim(&mut claim, world.account, delivery.id, world.at(68));
    let claimed = claimed.await.unwrap().unwrap();
    another_cause(&world, id).await;
    let said = domain::delivery::payload::Said::of(Some(&first()));
    store::deliveries::claim::said::keep(&mut claim, &claimed, Some(&said))
        .await
        .unwrap();
    claim.commit().await.unwrap();
    assert_eq!(world.texts(FOLLOW_UPS).await, ["ana pending 0"]);
}

/// The other way round: whoever claims it while the closer look is written down reads what that says.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_claim_that_comes_while_it_is_written_reads_what_is_written(pool: PgPool) {
    let world = World::new(pool).await;
    world
        .contact("ana", domain::contact::Channel::Email, true)
        .await;
    let id = outage(&world).await;
    let mut writing = store::begin(&world.pool).await.unwrap();
    let firsts = store::deliveries::claim::said::lock_first(&mut writing, world.account, id);
    assert_eq!(firsts.await.unwrap().len(), 1);
    let now = world.at(68);
    let known = Diagnosis {
        cause: "region_only".to_owned(),
        ..first()
    };
    store::incidents::set_diagnosis(&mut writing, world.account, id, &known, now)
        .await
        .unwrap();
    let mut claim = store::begin(&world.pool).await.unwrap();
    let deliveries = store::deliveries::list_by_incident(&mut claim, world.account, id);
    let delivery = deliveries.await.unwrap().remove(0);
    let claiming = async {
        store::deliveries::claim::claim(&mut claim, world.account, delivery.id, now)
            .await
            .unwrap()
            .unwrap();
        let incident = store::incidents::find(&mut claim, world.account, id).await;
        incident.unwrap().unwrap().diagnosis.unwrap().cause
    };
    let (read, ()) = tokio::join!(claiming, async {
        while world
            .count(
                "pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()",
            )
            .await
            == 0
        {
            tokio::task::yield_now().await;
        }
        writing.commit().await.unwrap();
    });
    assert_eq!(read, "region_only");
}
