//! A smaller plan pauses the newest monitors and slows the fast ones; nothing is deleted.

use domain::account::Plan;
use sqlx::PgPool;

use crate::world::World;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_downgrade_pauses_and_slows_and_deletes_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    for number in 0..11 {
        world.another_monitor(&format!("site {number}")).await;
    }
    world.sql("UPDATE monitors SET interval_seconds = 30, spec = '{\"url\":\"https://shop.example/\",\"interval_seconds\":30}' WHERE name = 'site 0'").await;
    world.sql("INSERT INTO subscriptions (account_id, plan, changed_at) SELECT id, 'team', now() FROM accounts").await;
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let change = incidents::set_plan(
        &mut transaction,
        &world.secrets,
        world.account,
        Plan::Free,
        world.at(100),
    )
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    assert_eq!((change.paused.len(), change.slowed.len()), (2, 1));
    assert_eq!(world.count("monitors WHERE deleted_at IS NULL").await, 12);
    assert_eq!(world.count("monitors WHERE paused_at IS NOT NULL").await, 2);
    assert_eq!(world.count("monitors WHERE interval_seconds < 60").await, 0);
    assert_eq!(world.count("subscriptions WHERE plan = 'free'").await, 1);
    assert_eq!(
        world
            .count("audit_events WHERE action = 'account.plan_changed'")
            .await,
        1
    );

    let mut again = store::begin(&world.pool).await.unwrap();
    let nothing = incidents::set_plan(
        &mut again,
        &world.secrets,
        world.account,
        Plan::Free,
        world.at(101),
    )
    .await
    .unwrap();
    assert_eq!(nothing, incidents::PlanChange::default());
}
