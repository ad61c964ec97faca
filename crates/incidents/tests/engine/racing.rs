//! Many at once.

use std::sync::Arc;

use domain::check::VerdictKind;
use domain::contact::Channel;
use sqlx::PgPool;
use tokio::task::JoinSet;

use crate::world::World;

/// Two regions whose deciding looks end in the same moment see each other's vote, whichever is first.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn regions_never_miss_each_others_vote(pool: PgPool) {
    let world = Arc::new(World::new(pool).await);
    world.worker("fra").await;
    world.look("fra", 0, VerdictKind::Up).await;
    for round in 0..10 {
        // Hours apart: it does not flap.
        let begin = 60 + round * 7_200;
        for second in [begin, begin + 3] {
            world.look("local", second, VerdictKind::Down).await;
            world.look("fra", second, VerdictKind::Down).await;
        }
        let opened = together(&world, begin + 6, VerdictKind::Down).await;
        assert_eq!(opened, 1, "round {round}: both said down, one opened");
        for second in [begin + 60, begin + 63] {
            world.look("local", second, VerdictKind::Up).await;
            world.look("fra", second, VerdictKind::Up).await;
        }
        together(&world, begin + 66, VerdictKind::Up).await;
        assert_eq!(
            world.count("incidents WHERE resolved_at IS NULL").await,
            0,
            "round {round}"
        );
    }
}

async fn together(world: &Arc<World>, second: i64, kind: VerdictKind) -> usize {
    let mut racing = JoinSet::new();
    for region in ["local", "fra"] {
        let world = Arc::clone(world);
        racing.spawn(async move { world.look(region, second, kind).await.opened });
    }
    racing.join_all().await.into_iter().flatten().count()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_incident_however_many_decide(pool: PgPool) {
    let world = Arc::new(World::new(pool).await);
    world.contact("ana", Channel::Email, true).await;
    for second in [60, 63] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let mut racing = JoinSet::new();
    for second in 66..76 {
        let world = Arc::clone(&world);
        racing.spawn(async move { world.look("local", second, VerdictKind::Down).await.opened });
    }
    assert_eq!(racing.join_all().await.into_iter().flatten().count(), 1);
    assert_eq!(world.count("incidents").await, 1);
    assert_eq!(
        (
            world.count("deliveries").await,
            world
                .count("apalis.jobs WHERE job_type <> 'escalate'")
                .await
        ),
        (1, 1)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_transaction_that_is_rolled_back_leaves_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    for second in [60, 63] {
        world.look("local", second, VerdictKind::Down).await;
    }
    let deciding = world.looked("local", 66, VerdictKind::Down);
    let mut transaction = store::begin(&world.pool).await.unwrap();
    let recorded =
        incidents::record_look_in(&mut transaction, &world.secrets, &deciding, world.at(66))
            .await
            .unwrap();
    assert!(recorded.opened.is_some());
    transaction.rollback().await.unwrap();
    for table in ["incidents", "deliveries", "apalis.jobs"] {
        assert_eq!(world.count(table).await, 0, "{table}");
    }
    assert!(world.record(&deciding).await.opened.is_some());
}

/// Looks being recorded and changes of their monitor never wait for each other in a circle, and
/// nothing opens behind a deletion.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_deletion_and_a_deciding_look_may_meet(pool: PgPool) {
    let world = Arc::new(World::new(pool).await);
    world.contact("ana", Channel::Email, true).await;
    let (account, monitor) = (world.account, world.monitor.id);
    let mut version = 1;
    for round in 0..12 {
        let begin = 60 + round * 200;
        let looked = |world: &World, second: i64, kind| {
            let mut looked = world.looked("local", second, kind);
            looked.look.config_version = version;
            looked
        };
        world.sql("UPDATE monitors SET key = 'shop'").await;
        world
            .record(&looked(&world, begin - 10, VerdictKind::Up))
            .await;
        for second in [begin, begin + 3] {
            world
                .record(&looked(&world, second, VerdictKind::Down))
                .await;
        }
        let deciding = looked(&world, begin + 6, VerdictKind::Down);
        let (recorder, deleter) = (Arc::clone(&world), Arc::clone(&world));
        let recorded = tokio::spawn(async move { recorder.record(&deciding).await });
        let deleted = tokio::spawn(async move {
            let now = deleter.at(begin + 7);
            let mut transaction = store::tenant::begin(&deleter.pool, account).await.unwrap();
            let by = deleter.ana();
            incidents::delete_monitor(&mut transaction, account, monitor, &by, now)
                .await
                .unwrap();
            transaction.commit().await.unwrap();
        });
        let recorded = recorded.await.unwrap();
        deleted.await.unwrap();
        assert!(recorded.opened.is_some() || recorded.stale, "round {round}");
        assert_eq!(
            world.count("incidents WHERE resolved_at IS NULL").await,
            0,
            "round {round}"
        );
        let mut transaction = store::tenant::begin(&world.pool, account).await.unwrap();
        let (by, now) = (world.ana(), world.at(begin + 8));
        incidents::restore_monitor(&mut transaction, account, monitor, &by, now)
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        version += 2;
    }
}
