//! Services that page somebody: an incident's events in order, under one name.

use testkit::SwitchableSite;

use super::hooks::{json, page};
use super::*;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_pager_acknowledges_and_resolves_what_it_opened_in_order(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    for channel in [Channel::PagerDuty, Channel::Opsgenie] {
        let site = SwitchableSite::start().await;
        let contact = world.hook(channel, &site, true).await;
        let plan = async |event| world.plan(event, channel, contact).await;
        let opened = plan(Event::IncidentOpened).await;
        site.set(page(429, &[("retry-after", "2")], ""));
        world.deliver(opened).await;
        let taken = plan(Event::IncidentAcknowledged).await;
        let resolved = plan(Event::IncidentResolved).await;
        site.set(page(202, &[], "{}"));
        for id in [resolved, taken] {
            world.deliver(id).await;
            assert_eq!(world.state_of(id).await, (DeliveryState::Held, 0));
        }
        world.clock.advance(SignedDuration::from_secs(3));
        for id in [opened, resolved, taken, resolved] {
            world.deliver(id).await;
        }
        assert_eq!(world.state_of(resolved).await.0, DeliveryState::Delivered);
        let incident = world.incident.id.to_string();
        let posts = site.posts();
        let posts = &posts[1..];
        assert_eq!(posts.len(), 3, "{channel:?}");
        for (post, action) in posts.iter().zip(["trigger", "acknowledge", "resolve"]) {
            match channel {
                Channel::PagerDuty => {
                    assert_eq!(json(post)["event_action"], action);
                    assert_eq!(json(post)["dedup_key"], incident);
                }
                _ if action == "trigger" => assert_eq!(json(post)["alias"], incident),
                _ => {
                    let verb = action.replace("resolve", "close");
                    let path = format!("/v2/alerts/{incident}/{verb}?identifierType=alias");
                    assert_eq!(post.path, path);
                }
            }
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_test_page_is_over_at_once(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::PagerDuty, &site, false).await;
    site.set(page(202, &[], "{}"));
    world.prove(contact).await;
    assert!(world.found(contact).await.is_usable());
    let posts = site.posts();
    let actions: Vec<_> = posts
        .iter()
        .map(|post| json(post)["event_action"].clone())
        .collect();
    assert_eq!(actions, ["trigger", "resolve"]);
    assert_eq!(json(&posts[0])["dedup_key"], json(&posts[1])["dedup_key"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_waits_for_a_message_that_is_being_sent_looks_again_soon(pool: PgPool) {
    let world = World::new(pool.clone(), &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Webhook, &site, true).await;
    let opened = world
        .plan(Event::IncidentOpened, Channel::Webhook, contact)
        .await;
    let resolved = world
        .plan(Event::IncidentResolved, Channel::Webhook, contact)
        .await;
    // Another process sends it, and may end at the moment at which the other one begins to wait.
    let now = world.clock.now().to_string();
    sqlx::query(
        "UPDATE deliveries SET state = 'sending', lease_token = gen_random_uuid(),
           lease_until = $2::timestamptz + interval '1 minute', next_at = $2::timestamptz + interval '1 minute'
         WHERE id = $1",
    )
    .bind(opened.uuid())
    .bind(&now)
    .execute(&pool)
    .await
    .unwrap();
    world.deliver(resolved).await;
    assert_eq!(world.state_of(resolved).await, (DeliveryState::Held, 0));
    let waits: f64 = sqlx::query_scalar(
        "SELECT extract(epoch FROM next_at - $2::timestamptz)::float8 FROM deliveries WHERE id = $1",
    )
    .bind(resolved.uuid())
    .bind(&now)
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!((0.0..=2.0).contains(&waits), "{waits} s");
}
