//! Certificates: told once, to the right people, on the right channel.

use domain::check::FailureClass;
use domain::contact::Channel;
use domain::ids::MonitorId;
use domain::tls::expiry::Notice;
use domain::tls::{CertificateFacts, TlsFacts};
use incidents::{Seen, record_certificate};
use jiff::SignedDuration;
use sqlx::PgPool;

use crate::world::World;

const DAY: i64 = 86_400;

/// Issued 60 days before the start, good until `until` days after it.
fn facts(world: &World, fingerprint: &str, until: i64, problem: Option<FailureClass>) -> TlsFacts {
    let leaf = CertificateFacts {
        subject: "shop.example".into(),
        issuer: "Let's Encrypt R11".into(),
        not_before: world.start - SignedDuration::from_hours(24 * 60),
        not_after: world.at(until * DAY),
        serial: "04:9c".into(),
        fingerprint: fingerprint.into(),
        names: vec!["shop.example".into()],
        key: "EC 256".into(),
    };
    TlsFacts {
        version: Some("TLS 1.3".into()),
        cipher: None,
        alpn: None,
        chain: vec![leaf].into(),
        problem,
    }
}

async fn see(world: &World, monitor: MonitorId, facts: TlsFacts, day: i64) -> Vec<Notice> {
    let seen = Seen {
        account_id: world.account,
        monitor_id: monitor,
        config_version: 1,
        facts,
    };
    record_certificate(&world.pool, &seen, world.at(day * DAY))
        .await
        .unwrap()
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_warning_per_certificate_threshold_and_contact(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    let (first, second) = (world.monitor.id, world.another_monitor("Shop home").await);
    for monitor in [first, second] {
        assert_eq!(
            see(&world, monitor, facts(&world, "aa", 40, None), 0).await,
            []
        );
    }
    for day in [11, 12] {
        for monitor in [first, second] {
            see(&world, monitor, facts(&world, "aa", 40, None), day).await;
        }
    }
    let said = "SELECT event || ' ' || channel || ' ' || (payload ->> 'monitors') FROM deliveries ORDER BY created_at, channel";
    let both = r#"["shop.example", "Shop home"]"#;
    assert_eq!(
        world.texts(said).await,
        [format!("tls.expiring email {both}")],
        "a text is for the last days"
    );
    see(&world, first, facts(&world, "aa", 40, None), 37).await;
    assert_eq!(
        world.texts(said).await[1..],
        [
            format!("tls.expiring email {both}"),
            format!("tls.expiring sms {both}")
        ]
    );
    assert_eq!(world.count("apalis.jobs").await, 3);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_renewal_is_told_to_those_who_were_warned(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    see(&world, world.monitor.id, facts(&world, "aa", 40, None), 20).await;
    world.contact("late", Channel::Email, true).await;
    let renewed = see(&world, world.monitor.id, facts(&world, "bb", 100, None), 21).await;
    assert_eq!(renewed, [Notice::Renewed]);
    assert_eq!(
        see(&world, world.monitor.id, facts(&world, "bb", 100, None), 22).await,
        []
    );
    let told = "SELECT d.event || ' ' || c.name FROM deliveries d JOIN contacts c ON c.id = d.contact_id ORDER BY d.created_at";
    assert_eq!(
        world.texts(told).await,
        ["tls.expiring ana", "tls.renewed ana"]
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_worse_one_is_told_at_once_by_mail(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world.contact("phone", Channel::Sms, true).await;
    see(&world, world.monitor.id, facts(&world, "aa", 90, None), 0).await;
    let wrong = Some(FailureClass::TlsHostnameMismatch);
    see(&world, world.monitor.id, facts(&world, "bb", 90, wrong), 1).await;
    let said = "SELECT event || ' ' || channel || ' ' || (payload ->> 'problem') FROM deliveries";
    assert_eq!(
        world.texts(said).await,
        ["tls.worse email tls_hostname_mismatch"]
    );
    let mut connection = world.pool.acquire().await.unwrap();
    let stored = store::certificates::find(&mut connection, world.account, world.monitor.id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (stored.known.problem, stored.changed_at),
        (wrong, world.at(DAY))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_from_before_an_edit_is_forgotten(pool: PgPool) {
    let world = World::new(pool).await;
    let old = Seen {
        account_id: world.account,
        monitor_id: world.monitor.id,
        config_version: 0,
        facts: facts(&world, "aa", 5, None),
    };
    assert_eq!(
        record_certificate(&world.pool, &old, world.at(0))
            .await
            .unwrap(),
        Some(Vec::new())
    );
    assert_eq!(world.count("certificates").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_sixth_warning_of_a_day_comes_at_nine_and_to_programs_at_once(pool: PgPool) {
    let world = World::new(pool).await;
    world.contact("ana", Channel::Email, true).await;
    world
        .sql(
            "UPDATE accounts SET timezone = 'Europe/Berlin';
             INSERT INTO subscriptions (account_id, plan, changed_at) SELECT id, 'free', now() FROM accounts;
             INSERT INTO contacts SELECT (jsonb_populate_record(c, jsonb_build_object(
                 'id', gen_random_uuid(), 'name', 'hook', 'channel', 'webhook', 'address', 'hooks.example'))).* FROM contacts c",
        )
        .await;
    let first = world.monitor.id;
    for number in 1..=6 {
        let monitor = match number {
            1 => first,
            _ => world.another_monitor(&format!("Shop {number}")).await,
        };
        let certificate = facts(&world, &format!("a{number}"), 40, None);
        see(&world, monitor, certificate, 27).await;
    }
    see(&world, first, facts(&world, "a1", 40, None), 39).await;
    // The world begins at two in the afternoon there.
    let said = "SELECT concat_ws(' ', count(*), channel, to_char(not_before AT TIME ZONE 'Europe/Berlin', 'DD HH24:MI'),
                  (not_before - created_at)::text) FROM deliveries
                GROUP BY channel, not_before, created_at ORDER BY created_at, channel, not_before";
    assert_eq!(
        world.texts(said).await,
        [
            "5 email 19 14:00 00:00:00",
            "1 email 20 09:00 19:00:00",
            "6 webhook 19 14:00 00:00:00",
            "1 email 31 14:00 00:00:00",
            "1 webhook 31 14:00 00:00:00",
        ]
    );
}
