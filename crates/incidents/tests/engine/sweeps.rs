//! What time alone brings about.

use domain::check::VerdictKind;
use domain::contact::Channel;
use domain::status::Observed;
use sqlx::PgPool;

use crate::world::World;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn unknown_for_a_quarter_of_an_hour_is_said_once_by_mail(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    for second in [60, 63, 66] {
        world.look("local", second, VerdictKind::Unknown).await;
    }
    let notice = async |second: i64| {
        incidents::notice_quiet(&world.pool, world.at(second))
            .await
            .unwrap()
    };
    assert_eq!(notice(66 + 14 * 60).await, 0);
    assert_eq!(notice(66 + 15 * 60).await, 1);
    assert_eq!(notice(66 + 16 * 60).await, 0);
    assert_eq!(
        world
            .texts("SELECT event || ' ' || channel FROM deliveries")
            .await,
        ["monitor.unknown email"]
    );
    assert_eq!(world.count("incidents").await, 0);
    assert_eq!(world.count("apalis.jobs").await, 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn blocked_is_said_once_a_period(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let pass = async |from: i64, kind: VerdictKind| {
        for second in [from, from + 3, from + 6] {
            world.look("local", second, kind).await;
        }
    };
    let notice = async |second: i64| {
        incidents::notice_quiet(&world.pool, world.at(second))
            .await
            .unwrap()
    };
    pass(60, VerdictKind::Blocked).await;
    assert_eq!(
        (notice(300).await, notice(400).await, notice(500).await),
        (0, 1, 0)
    );
    pass(600, VerdictKind::Up).await;
    pass(700, VerdictKind::Blocked).await;
    assert_eq!(notice(1_100).await, 1);
    assert_eq!(
        world
            .count("deliveries WHERE event = 'monitor.blocked'")
            .await,
        2
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn silence_does_not_keep_a_decision_open(pool: PgPool) {
    let world = World::new(pool).await;
    world.worker("fra").await;
    for second in [60, 63, 66] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let decide = async |second: i64| {
        incidents::decide_overdue(&world.pool, &world.secrets, world.at(second))
            .await
            .unwrap()
    };
    assert_eq!(decide(70).await, [], "fra may still answer");
    let decided = decide(200).await;
    assert!(decided[0].recorded.opened.is_some());
    assert_eq!(
        decided[0].recorded.state.as_ref().unwrap().observed,
        Observed::Down
    );
    assert_eq!(decide(400).await, []);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_confirmation_that_hangs_is_looked_at_again(pool: PgPool) {
    let world = World::new(pool).await;
    world.look("local", 60, VerdictKind::Down).await;
    let overdue = incidents::decide_overdue(&world.pool, &world.secrets, world.at(120))
        .await
        .unwrap();
    assert_eq!(overdue[0].look_again, ["local"]);
    assert_eq!(overdue[0].recorded.opened, None);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_flaps_is_one_incident_that_says_how_often(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let pass = async |from: i64, kind: VerdictKind| {
        for second in [from, from + 3] {
            world.look("local", second, kind).await;
        }
        world.look("local", from + 6, kind).await
    };
    let decide = async |second: i64| {
        incidents::decide_overdue(&world.pool, &world.secrets, world.at(second))
            .await
            .unwrap()
    };
    for round in 0..3 {
        let from = 60 + round * 200;
        assert!(
            pass(from, VerdictKind::Down).await.opened.is_some(),
            "round {round}"
        );
        assert!(
            pass(from + 100, VerdictKind::Up).await.closed.is_some(),
            "round {round}"
        );
    }
    let fourth = pass(660, VerdictKind::Down).await.opened.unwrap();
    let messages = world.count("deliveries").await;
    for from in [760, 960, 1_160] {
        let up = pass(from, VerdictKind::Up).await;
        assert_eq!(
            (up.closed, up.state.unwrap().observed),
            (None, Observed::Up)
        );
        let down = pass(from + 100, VerdictKind::Down).await;
        assert_eq!((down.opened, down.open_incident), (None, Some(fourth)));
    }
    pass(1_360, VerdictKind::Up).await;
    world.look("local", 1_700, VerdictKind::Degraded).await;
    world.look("local", 1_710, VerdictKind::Up).await;
    assert_eq!(decide(1_360 + 599).await, [], "not steady yet");
    assert_eq!(
        world.count("deliveries").await,
        messages,
        "nobody is told of a flip"
    );
    assert_eq!(decide(1_360 + 600).await[0].recorded.closed, Some(fourth));
    let ended = world.incident(fourth).await;
    assert_eq!(
        ended.resolved_at,
        Some(world.at(1_360)),
        "with the first good look"
    );
    assert_eq!(
        world.count("deliveries").await,
        messages + 1,
        "and its end is told"
    );
    let timeline = world.timeline(fourth).await;
    let flips = |text: &str| timeline.iter().filter(|entry| entry.contains(text)).count();
    assert_eq!(
        (flips("it was down"), flips("Down again")),
        (4, 3),
        "{timeline:?}"
    );
    assert!(
        timeline
            .iter()
            .any(|entry| entry.contains("down 7 times within 30 min")),
        "{timeline:?}"
    );
    assert_eq!(decide(9_000).await, []);
}
