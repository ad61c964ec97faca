//! Certificates that looks are shown, and who hears of them.

use std::time::SystemTime;

use domain::contact::{Channel, Contact};
use domain::ids::ContactId;
use jiff::SignedDuration;
use sqlx::PgPool;
use testkit::{Ca, Flaw, Script, Server};

use crate::world::{World, now, until};

/// The end of a certificate, so many days from now.
fn ends_in(days: i64) -> Flaw {
    Flaw::Ends(SystemTime::from(
        now() + SignedDuration::from_hours(24 * days),
    ))
}

async fn contact(world: &World, name: &str) -> ContactId {
    let contact = Contact {
        id: ContactId::generate(),
        channel: Channel::Email,
        name: name.to_owned(),
        address: format!("{name}@shop.example"),
        verified_at: Some(now()),
        in_default: true,
        call_on_recovery: false,
        member_id: None,
        only_critical: false,
        quiet_hours: None,
        disabled_reason: None,
        created_at: now(),
    };
    let mut c = world.pool.acquire().await.unwrap();
    store::contacts::insert(&mut c, world.account, &contact, &contact.address)
        .await
        .unwrap();
    contact.id
}

/// Event, contact's name, and for a warning its threshold, in the order they were planned.
async fn told(world: &World) -> Vec<(String, String, String)> {
    sqlx::query_as(
        "SELECT d.event, c.name, CASE WHEN d.event = 'tls.renewed' THEN '' ELSE split_part(d.dedup_key, ':', 3) END
         FROM deliveries d JOIN contacts c ON c.id = d.contact_id
         WHERE d.event LIKE 'tls.%' ORDER BY d.created_at, d.event, c.name",
    )
    .fetch_all(&world.pool)
    .await
    .unwrap()
}

async fn wait_told(world: &World, count: usize) -> Vec<(String, String, String)> {
    until(&format!("{count} messages"), async || {
        let told = told(world).await;
        (told.len() >= count).then_some(told)
    })
    .await
}

fn rows(wanted: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    wanted
        .iter()
        .map(|(event, name, about)| ((*event).to_owned(), (*name).to_owned(), (*about).to_owned()))
        .collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_certificate_is_followed_from_warning_to_renewal_to_a_wrong_one(pool: PgPool) {
    let (world, ca) = (World::new(pool).await, Ca::default());
    let (config, presented) = ca.replaceable(ends_in(5));
    let site = Server::tls(config, Script::page("200 OK", "", "hello")).await;
    contact(&world, "ana").await;
    let monitor = world.monitor(&site.url("https", "/"), 1).await;
    let worker = world.start_trusting("one", world.pool.clone(), Some(&ca));

    let warning = ("tls.expiring", "ana", "7");
    assert_eq!(wait_told(&world, 1).await, rows(&[warning]));
    let mut c = world.pool.acquire().await.unwrap();
    let stored = store::certificates::find(&mut c, world.account, monitor)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (stored.known.warned_days, stored.known.problem),
        (Some(7), None)
    );
    let looks = site.connections();
    until("more looks at the same certificate", async || {
        (site.connections() >= looks + 3).then_some(())
    })
    .await;
    assert_eq!(
        told(&world).await,
        rows(&[warning]),
        "once, however often it is seen"
    );

    contact(&world, "bo").await;
    presented.set(&ca, ends_in(80));
    let renewal = ("tls.renewed", "ana", "");
    assert_eq!(
        wait_told(&world, 2).await,
        rows(&[warning, renewal]),
        "only who was warned"
    );
    let renewed = store::certificates::find(&mut c, world.account, monitor)
        .await
        .unwrap()
        .unwrap();
    assert_ne!(renewed.known.fingerprint, stored.known.fingerprint);

    presented.set(&ca, Flaw::OtherName);
    let worse = |name| ("tls.worse", name, "tls_hostname_mismatch");
    assert_eq!(
        wait_told(&world, 4).await,
        rows(&[warning, renewal, worse("ana"), worse("bo")])
    );
    worker.stop().await;
}
