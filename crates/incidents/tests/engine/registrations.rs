//! Registrations: each threshold of each end is told once, without anything kept but the delivery.

use domain::check::RegistrationFacts;
use domain::contact::Channel;
use incidents::{Registered, record_registration};
use sqlx::PgPool;

use crate::world::World;

const DAY: i64 = 86_400;

async fn see(world: &World, until: i64, day: i64) -> Option<u32> {
    let seen = Registered {
        account_id: world.account,
        monitor_id: world.monitor.id,
        config_version: 1,
        facts: RegistrationFacts {
            name: "shop.example".into(),
            expires_at: Some(world.at(until * DAY)),
            source: "rdap.example".into(),
        },
    };
    record_registration(&world.pool, &seen, world.at(day * DAY))
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_warning_per_end_threshold_and_contact(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    let mut passed = Vec::new();
    for day in [0, 9, 10, 11, 12, 37, 40] {
        passed.push(see(&world, 40, day).await);
    }
    assert_eq!(
        passed,
        [None, None, Some(30), Some(30), Some(30), Some(3), None]
    );
    // Renewed for a year, and a year later.
    assert_eq!(see(&world, 405, 39).await, None);
    assert_eq!(see(&world, 405, 375).await, Some(30));
    let said = "SELECT event || ' ' || channel || ' ' || (payload ->> 'next_days') FROM deliveries ORDER BY created_at, channel";
    assert_eq!(
        world.texts(said).await,
        [
            "domain.expiring email [14, 7, 3, 1]",
            "domain.expiring email [1]",
            "domain.expiring sms [1]",
            "domain.expiring email [14, 7, 3, 1]",
        ],
        "a text is for the last days"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_no_longer_watched_is_not_told(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.sql("UPDATE monitors SET paused_at = now()").await;
    assert_eq!(see(&world, 10, 0).await, None);
    assert_eq!(world.count("deliveries").await, 0);
}
