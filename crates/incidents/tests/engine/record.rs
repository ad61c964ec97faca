//! One look, and everything that follows.

use domain::check::{Failure, FailureClass, Phase, VerdictKind};
use domain::contact::Channel;
use domain::incident::ResolvedReason;
use domain::status::Observed;
use sqlx::PgPool;

use crate::world::World;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_outage_is_opened_told_and_closed(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    world.contact("new", Channel::Email, false).await;

    let suspect = world.look("local", 60, VerdictKind::Down).await;
    assert_eq!(suspect.rechecks.at, [world.at(63), world.at(66)]);
    let state = suspect.state.unwrap();
    assert!(state.confirming && state.observed == Observed::Up);
    let again = world.look("local", 63, VerdictKind::Down).await;
    assert_eq!(again.rechecks.at, [world.at(66)]);
    let mut deciding = world.looked("local", 66, VerdictKind::Down);
    deciding.last_good_at = Some(world.at(0));
    let sure = world.record(&deciding).await;
    let id = sure.opened.unwrap();
    assert_eq!(sure.open_incident, Some(id));

    let incident = world.incident(id).await;
    assert_eq!(incident.first_failure_at, world.at(60));
    assert_eq!(incident.confirmed_at, world.at(66));
    assert_eq!(incident.last_good_at, Some(world.at(0)));
    assert_eq!(
        (incident.vote.down, incident.vote.of, incident.vote.looks),
        (1, 1, 3)
    );
    assert_eq!(
        world.timeline(id).await,
        [
            "first_failure: First failing look: error 502 from your server.",
            "confirmed: Sure: 3 of 3 looks failed, from local alone.",
            "note: 2 contacts are told.",
        ]
    );
    let told = "SELECT event || ' ' || channel || ' ' || state FROM deliveries ORDER BY created_at, channel";
    assert_eq!(
        world.texts(told).await,
        [
            "incident.opened email pending",
            "incident.opened sms pending"
        ]
    );
    let queues = "SELECT job_type FROM apalis.jobs ORDER BY job_type";
    assert_eq!(world.texts(queues).await, ["deliver_email", "deliver_sms"]);
    assert_eq!(
        world
            .count("token_lookups WHERE kind = 'acknowledge'")
            .await,
        2
    );

    let still = world.look("local", 70, VerdictKind::Down).await;
    assert_eq!((still.opened, still.open_incident), (None, Some(id)));
    let over = world.recovery().await;
    assert_eq!(over.closed, Some(id));
    let incident = world.incident(id).await;
    assert_eq!(
        incident.resolved_at,
        Some(world.at(120)),
        "it ended with the first good look"
    );
    assert_eq!(incident.resolved_confirmed_at, Some(world.at(126)));
    assert_eq!(incident.resolved_reason, Some(ResolvedReason::Recovered));
    assert_eq!(
        world.timeline(id).await.last().unwrap(),
        "resolved: Works again after 1 min."
    );
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.resolved'")
            .await,
        2
    );
    assert_eq!(world.count("apalis.jobs").await, 4);
    assert_eq!(
        world.intervals().await,
        ["up 0 60", "down 60 120", "up 120 "]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_a_proven_contact_nobody_is_told_and_it_is_said(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("new", Channel::Email, false).await;
    let id = world.outage().await;
    assert_eq!(
        world.timeline(id).await.last().unwrap(),
        "note: Nobody is told: no proven contact."
    );
    world.contact("late", Channel::Email, true).await;
    assert_eq!(world.recovery().await.closed, Some(id));
    assert_eq!(
        world.count("deliveries").await,
        0,
        "who was not told of the outage hears of no end"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_may_not_count_changes_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    for second in [60, 63] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let deciding = world.looked("local", 66, VerdictKind::Down);
    let mut lost_lease = deciding.clone();
    lost_lease.epoch = 0;
    assert!(world.record(&lost_lease).await.stale);
    let mut old_settings = deciding.clone();
    old_settings.look.config_version = 0;
    assert!(world.record(&old_settings).await.stale);
    let mut untrusted = deciding.clone();
    untrusted.trusted = false;
    let asked = world.record(&untrusted).await;
    assert!(asked.needs_canary && asked.opened.is_none());
    assert_eq!(world.count("incidents").await, 0);
    assert!(
        world.record(&deciding).await.opened.is_some(),
        "and none of them was counted"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_counts_once_however_often_it_is_recorded(pool: PgPool) {
    let world = World::new(pool).await;
    for _ in 0..4 {
        world.look("local", 66, VerdictKind::Down).await;
        world.look("local", 60, VerdictKind::Down).await;
    }
    assert_eq!(world.count("incidents").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_new_cause_is_written_down_once(pool: PgPool) {
    let world = World::new(pool).await;
    let id = world.outage().await;
    for second in [70, 80] {
        let mut other = world.looked("local", second, VerdictKind::Down);
        other.look.verdict.failure = Some(Failure::new(
            FailureClass::ConnectRefused,
            Phase::Connect,
            "",
        ));
        other.look.verdict.attribution = None;
        world.record(&other).await;
    }
    let timeline = world.timeline(id).await;
    let changes: Vec<_> = timeline
        .iter()
        .filter(|entry| entry.starts_with("cause_changed"))
        .collect();
    assert_eq!(
        changes,
        ["cause_changed: Still down, the cause has changed: server refuses connections."]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn most_regions_must_agree(pool: PgPool) {
    let world = World::new(pool).await;
    for region in ["fra", "nyc"] {
        world.worker(region).await;
        world.look(region, 0, VerdictKind::Up).await;
    }
    for second in [60, 63] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let asked = world.look("local", 66, VerdictKind::Down).await;
    assert_eq!(
        asked.ask_regions,
        ["fra", "nyc"],
        "their votes are from before the failure"
    );
    assert_eq!(asked.state.unwrap().observed, Observed::Up);
    let good = world.look("fra", 67, VerdictKind::Up).await;
    assert_eq!(good.opened, None);
    for second in [68, 71] {
        assert_eq!(
            world.look("nyc", second, VerdictKind::Down).await.opened,
            None
        );
    }
    let id = world
        .look("nyc", 74, VerdictKind::Down)
        .await
        .opened
        .unwrap();
    let incident = world.incident(id).await;
    assert_eq!((incident.vote.down, incident.vote.of), (2, 3));
    assert_eq!(incident.first_failure_at, world.at(60));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_last_good_look_is_found_among_the_stored_ones(pool: PgPool) {
    let world = World::new(pool).await;
    let (account, monitor, start) = (world.account.uuid(), world.monitor.id.uuid(), world.start);
    world
        .sql(&format!(
            "SELECT ensure_partitions('{start}');
             INSERT INTO checks (account_id, monitor_id, region, slot, at, verdict, total_us, phases)
             SELECT '{account}', '{monitor}', 'local', '{start}'::timestamptz + n * interval '10 seconds',
                 '{start}'::timestamptz + n * interval '10 seconds', CASE WHEN n < 5 THEN 0 ELSE 2 END, 1, '{{}}'
             FROM generate_series(1, 6) n"
        ))
        .await;
    let id = world.outage().await;
    assert_eq!(world.incident(id).await.last_good_at, Some(world.at(40)));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_region_is_asked_in_the_transaction_that_wants_its_word(pool: PgPool) {
    let world = World::new(pool).await;
    world.worker("fra").await;
    let suspect = world.looked("local", 60, VerdictKind::Down);
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let recorded =
        incidents::record_look_in(&mut transaction, &world.secrets, &suspect, world.at(60))
            .await
            .unwrap();
    assert_eq!(recorded.ask_regions, ["fra"], "as soon as it suspects");
    transaction.rollback().await.unwrap();
    assert_eq!(world.count("look_requests").await, 0);
    world.record(&suspect).await;
    let asked = world
        .texts("SELECT region || ' ' || reason FROM look_requests")
        .await;
    assert_eq!(asked, ["fra vote"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_region_makes_up_its_mind_only_when_it_sees(pool: PgPool) {
    let world = World::new(pool).await;
    world.worker("fra").await;
    world.look("fra", 0, VerdictKind::Up).await;
    for second in [60, 63] {
        world.look("fra", second, VerdictKind::Down).await;
    }
    // It would decide nothing yet, and yet be counted by whoever is next.
    let mut deciding = world.looked("fra", 66, VerdictKind::Down);
    deciding.trusted = false;
    assert!(world.record(&deciding).await.needs_canary);
    for second in [70, 73, 76] {
        assert_eq!(
            world.look("local", second, VerdictKind::Down).await.opened,
            None
        );
    }
    deciding.trusted = true;
    assert!(world.record(&deciding).await.opened.is_some());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_blind_region_has_no_vote(pool: PgPool) {
    let world = World::new(pool).await;
    world.worker("fra").await;
    world
        .sql("UPDATE workers SET healthy = false WHERE region = 'fra'")
        .await;
    for second in [60, 63] {
        assert!(
            world
                .look("local", second, VerdictKind::Down)
                .await
                .ask_regions
                .is_empty()
        );
    }
    let opened = world
        .look("local", 66, VerdictKind::Down)
        .await
        .opened
        .unwrap();
    assert_eq!(world.incident(opened).await.vote.of, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_seen_while_blind_confirms_nothing_afterwards(pool: PgPool) {
    let world = World::new(pool).await;
    let shard = i16::from(world.monitor.id.uuid().as_bytes()[15]);
    for second in [60, 63] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let mut c = world.pool.acquire().await.unwrap();
    store::blind::begin(&mut c, "local", &[shard], world.at(50), "cut")
        .await
        .unwrap();
    store::blind::end(&mut c, "local", &[shard], world.at(900))
        .await
        .unwrap();
    for second in [905, 908] {
        assert_eq!(
            world.look("local", second, VerdictKind::Down).await.opened,
            None
        );
    }
    let id = world
        .look("local", 911, VerdictKind::Down)
        .await
        .opened
        .unwrap();
    let incident = world.incident(id).await;
    assert_eq!(incident.first_failure_at, world.at(905));
    assert_eq!(incident.vote.blind.map(|span| span.to), Some(world.at(900)));
    let said = "note: For 14 min 10 s before that we could not look, through a fault of our own: it may have broken in that time.";
    let timeline = world.timeline(id).await;
    assert!(timeline.iter().any(|entry| entry == said), "{timeline:?}");
}
