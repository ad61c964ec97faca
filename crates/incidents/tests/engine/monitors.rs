//! What a change of a monitor does to its status and its open incident.

use domain::check::VerdictKind;
use domain::contact::Channel;
use domain::incident::ResolvedReason;
use domain::status::Observed;
use sqlx::PgPool;

use crate::world::World;

async fn in_tenant<T>(
    world: &World,
    run: impl AsyncFnOnce(&mut sqlx::PgConnection) -> incidents::Result<T>,
) -> T {
    let mut transaction = store::tenant::begin(&world.pool, world.account)
        .await
        .unwrap();
    let answer = run(&mut transaction).await.unwrap();
    transaction.commit().await.unwrap();
    answer
}

/// Whoever deletes a monitor knows that it is gone; the others who were told are told of that too.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_end_by_hand_is_not_told_to_whoever_did_it(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("bo", Channel::Email, true).await;
    let id = world.outage().await;
    let by = incidents::By {
        email: Some("Ana@shop.example".to_owned()),
        ..world.ana()
    };
    let (account, monitor) = (world.account, world.monitor.id);
    let deleted = in_tenant(&world, async |c| {
        incidents::delete_monitor(c, account, monitor, &by, world.at(80)).await
    })
    .await;
    assert!(deleted);
    let mut connection = world.pool.acquire().await.unwrap();
    let all = store::deliveries::list_by_incident(&mut connection, account, id)
        .await
        .unwrap();
    let mut closed: Vec<_> = all
        .iter()
        .filter(|one| one.event == domain::delivery::Event::IncidentResolved)
        .map(|one| (one.contact_name.as_str(), one.state.as_str()))
        .collect();
    closed.sort_unstable();
    assert_eq!(closed, [("ana", "skipped"), ("bo", "pending")]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_pause_ends_the_incident_and_a_resume_starts_anew(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    let id = world.outage().await;
    let (account, monitor, ana) = (world.account, world.monitor.id, world.ana());
    let paused = in_tenant(&world, async |c| {
        incidents::pause_monitor(c, account, monitor, &ana, world.at(80)).await
    })
    .await;
    assert!(paused);
    let again = in_tenant(&world, async |c| {
        incidents::pause_monitor(c, account, monitor, &ana, world.at(81)).await
    })
    .await;
    assert!(!again, "nothing is left to do");
    assert_eq!(
        world.incident(id).await.resolved_reason,
        Some(ResolvedReason::Paused)
    );
    assert_eq!(
        world
            .count("deliveries WHERE event = 'incident.resolved'")
            .await,
        1
    );
    assert!(world.look("local", 85, VerdictKind::Down).await.stale);
    let resumed = in_tenant(&world, async |c| {
        incidents::resume_monitor(c, account, monitor, &ana, world.at(90)).await
    })
    .await;
    assert!(resumed);
    assert_eq!(
        world.intervals().await,
        ["up 0 60", "down 60 80", "paused 80 90", "pending 90 "]
    );
    let mut fresh = world.looked("local", 91, VerdictKind::Up);
    fresh.look.config_version = 3;
    assert_eq!(
        world.record(&fresh).await.state.unwrap().observed,
        Observed::Up
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn another_address_ends_the_incident_another_name_does_not(pool: PgPool) {
    let world = World::new(pool).await;
    let id = world.outage().await;
    let ana = world.ana();
    let mut renamed = world.monitor.clone();
    renamed.spec.name = Some("Shop".into());
    in_tenant(&world, async |c| {
        incidents::edit_monitor(c, (&world.monitor, &renamed), &ana, world.at(80)).await
    })
    .await;
    assert!(world.incident(id).await.is_open());
    let mut moved = renamed.clone();
    moved.spec.url = Some("https://new.example/".into());
    in_tenant(&world, async |c| {
        incidents::edit_monitor(c, (&renamed, &moved), &ana, world.at(90)).await
    })
    .await;
    assert_eq!(
        world.incident(id).await.resolved_reason,
        Some(ResolvedReason::Edited)
    );
    assert_eq!(world.count("region_votes").await, 0);
    assert_eq!(world.intervals().await.last().unwrap(), "pending 90 ");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_deleted_monitor_can_be_restored(pool: PgPool) {
    let world = World::new(pool).await;
    let id = world.outage().await;
    let (account, monitor, ana) = (world.account, world.monitor.id, world.ana());
    assert!(
        in_tenant(&world, async |c| incidents::delete_monitor(
            c,
            account,
            monitor,
            &ana,
            world.at(80)
        )
        .await)
        .await
    );
    assert_eq!(
        world.incident(id).await.resolved_reason,
        Some(ResolvedReason::Deleted)
    );
    assert!(world.look("local", 85, VerdictKind::Down).await.stale);
    assert_eq!(world.intervals().await, ["up 0 60", "down 60 80"]);
    assert!(
        in_tenant(&world, async |c| incidents::restore_monitor(
            c,
            account,
            monitor,
            &ana,
            world.at(90)
        )
        .await)
        .await
    );
    assert_eq!(world.intervals().await.last().unwrap(), "pending 90 ");
    assert!(
        !in_tenant(&world, async |c| incidents::restore_monitor(
            c,
            account,
            monitor,
            &ana,
            world.at(91)
        )
        .await)
        .await
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_deleted_account_is_silent_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world
        .sql(&format!(
            "INSERT INTO users (id, email, email_canonical, password_hash, created_at, password_changed_at)
             VALUES (gen_random_uuid(), 'ana@shop.example', 'ana@shop.example', '', now(), now());
             INSERT INTO memberships (account_id, user_id, role, created_at) SELECT '{}', id, 'owner', now() FROM users;
             INSERT INTO sessions (id, user_id, token_hash, created_at, last_seen_at, expires_at)
             SELECT gen_random_uuid(), id, 'x', now(), now(), now() FROM users",
            world.account.uuid()
        ))
        .await;
    world.outage().await;
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let by = world.ana();
    assert!(
        incidents::delete_account(&mut transaction, world.account, &by, world.at(80))
            .await
            .unwrap()
    );
    assert!(
        !incidents::delete_account(&mut transaction, world.account, &by, world.at(80))
            .await
            .unwrap()
    );
    transaction.commit().await.unwrap();
    assert!(world.look("local", 85, VerdictKind::Down).await.stale);
    for gone in [
        "users",
        "sessions",
        "memberships",
        "api_keys",
        "token_lookups",
        "contacts WHERE address <> ''",
        "deliveries WHERE state <> 'skipped'",
        "monitors WHERE deleted_at IS NULL",
        "incidents WHERE resolved_at IS NULL",
    ] {
        assert_eq!(world.count(gone).await, 0, "{gone}");
    }
    assert_eq!(world.count("erasures").await, 1);
    assert_eq!(world.count("apalis.jobs WHERE job_type = 'erase'").await, 1);
}
