//! Webhooks and chat messages to real endpoints that behave badly, by the clock.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use testkit::{Behaviour, Post, SwitchableSite};

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

pub(super) fn page(status: u16, headers: &[(&str, &str)], body: &str) -> Behaviour {
    Behaviour::Page {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.to_owned(),
    }
}

pub(super) fn json(post: &Post) -> Value {
    serde_json::from_slice(&post.body).unwrap()
}

/// As the owner of the endpoint checks it.
fn is_signed(post: &Post) -> bool {
    let key = STANDARD
        .decode(SECRET.strip_prefix("whsec_").unwrap())
        .unwrap();
    let (id, at) = (post.header("webhook-id"), post.header("webhook-timestamp"));
    let content = [format!("{id}.{at}.").as_bytes(), &post.body].concat();
    let tag = post
        .header("webhook-signature")
        .strip_prefix("v1,")
        .unwrap();
    let tag = STANDARD.decode(tag).unwrap();
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content, &tag).is_ok()
}

impl World {
    pub(super) async fn hook(
        &self,
        channel: Channel,
        site: &SwitchableSite,
        verified: bool,
    ) -> ContactId {
        self.hook_at(channel, &site.url(""), verified).await
    }

    pub(super) async fn hook_at(&self, channel: Channel, base: &str, verified: bool) -> ContactId {
        let contact = fixture::contact(ContactId::generate(), channel, channel.as_str());
        let path = format!("/hooks/{}", contact.id);
        let target = fixture::hook_target(channel, base, &path);
        let contact = Contact {
            address: target.display(),
            verified_at: contact.verified_at.filter(|_| verified),
            ..contact
        };
        let secret = (channel == Channel::Webhook).then_some(SECRET);
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::contacts::hooks::insert(
            &mut connection,
            &self.room.secrets,
            self.account,
            &contact,
            (&target, secret),
        )
        .await
        .unwrap();
        contact.id
    }

    pub(super) async fn found(&self, contact: ContactId) -> Contact {
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::contacts::find(&mut connection, self.account, contact)
            .await
            .unwrap()
            .unwrap()
    }

    pub(super) async fn prove(&self, contact: ContactId) {
        let contact = self.found(contact).await;
        let mut connection = self.room.pool.acquire().await.unwrap();
        let id = incidents::test_contact(&mut connection, self.account, &contact, self.clock.now())
            .await
            .unwrap()
            .unwrap();
        drop(connection);
        self.deliver(id).await;
    }

    pub(super) async fn state_of(&self, id: DeliveryId) -> (DeliveryState, u32) {
        let mut connection = self.room.pool.acquire().await.unwrap();
        store::deliveries::find_progress(&mut connection, self.account, id)
            .await
            .unwrap()
            .unwrap()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_test_that_arrives_proves_a_webhook(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Webhook, &site, false).await;
    site.set(page(500, &[], "no such table"));
    world.prove(contact).await;
    assert!(world.found(contact).await.verified_at.is_none());
    site.set(page(204, &[], ""));
    world.prove(contact).await;
    assert!(world.found(contact).await.is_usable());
    let posts = site.posts();
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(is_signed));
    let body = json(&posts[1]);
    assert_eq!(
        (&body["type"], &body["data"]["incident"]),
        (&"contact.test".into(), &Value::Null)
    );
    assert_eq!(posts[1].header("content-type"), "application/json");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unproven_hook_is_told_nothing_else(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    for channel in Channel::by(Way::Hook) {
        let contact = world.hook(channel, &site, false).await;
        let id = world.plan(Event::IncidentOpened, channel, contact).await;
        world.deliver(id).await;
        assert_eq!(world.state_of(id).await, (DeliveryState::Skipped, 0));
    }
    assert!(site.posts().is_empty());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_endpoint_that_is_back_gets_the_same_message(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Webhook, &site, true).await;
    let id = world
        .plan(Event::IncidentOpened, Channel::Webhook, contact)
        .await;
    site.set(page(503, &[], ""));
    world.deliver(id).await;
    assert_eq!(world.state_of(id).await, (DeliveryState::Pending, 1));
    world.deliver(id).await;
    assert_eq!(site.posts().len(), 1, "not before two seconds have passed");
    site.set(Behaviour::Reset);
    world.clock.advance(SignedDuration::from_secs(3));
    world.deliver(id).await;
    assert_eq!(world.state_of(id).await, (DeliveryState::Pending, 2));
    site.set(Behaviour::Fine);
    world.clock.advance(SignedDuration::from_secs(7));
    world.deliver(id).await;
    assert_eq!(world.state_of(id).await, (DeliveryState::Delivered, 3));
    let posts = site.posts();
    assert_eq!(posts.len(), 2);
    assert!(posts.iter().all(is_signed));
    assert!(
        posts
            .iter()
            .all(|post| post.header("webhook-id") == id.to_string())
    );
    assert_ne!(
        posts[0].header("webhook-timestamp"),
        posts[1].header("webhook-timestamp")
    );
    let incident = &json(&posts[1])["data"]["incident"];
    assert_eq!(incident["id"], world.incident.id.to_string());
}

/// When it is tried again, in seconds, or what becomes of it and its contact.
#[derive(Debug, PartialEq)]
enum Wanted {
    After(i64),
    Failed,
    Disabled,
}
use Wanted::{After, Disabled, Failed};

fn answers() -> Vec<(Channel, Behaviour, Wanted)> {
    use Channel::{Discord, Slack, Webhook};
    let away = &[("location", "http://127.0.0.1:9/")];
    let wait = &[("retry-after", "90")];
    // Ninety seconds after the moment at which the first of them is sent.
    let moment = &[("retry-after", "Sun, 22 Nov 2026 13:03:48 GMT")];
    vec![
        (Webhook, page(503, moment, ""), After(90)),
        (Webhook, page(429, wait, ""), After(90)),
        (Slack, page(429, wait, "rate_limited"), After(90)),
        (
            Discord,
            page(429, &[("retry-after", "1")], r#"{"retry_after": 40.5}"#),
            After(41),
        ),
        (Webhook, page(503, wait, ""), After(90)),
        (Slack, page(500, &[], "rollup_error"), After(2)),
        (Webhook, page(404, &[], ""), After(2)),
        (Webhook, page(408, &[], ""), After(2)),
        (Webhook, Behaviour::Refuse, After(2)),
        (Webhook, Behaviour::Reset, After(2)),
        (Webhook, page(302, away, ""), Failed),
        (Slack, page(301, away, ""), Failed),
        (Slack, page(400, &[], "invalid_blocks"), Failed),
        (Discord, page(400, &[], r#"{"code": 50035}"#), Failed),
        (Webhook, page(410, &[], ""), Disabled),
        (Slack, page(410, &[], "channel_is_archived"), Disabled),
        (Slack, page(404, &[], "no_service"), Disabled),
        (Slack, page(403, &[], "action_prohibited"), Disabled),
        (
            Discord,
            page(404, &[], r#"{"message": "Unknown Webhook", "code": 10015}"#),
            Disabled,
        ),
        (
            Discord,
            page(401, &[], r#"{"message": "Invalid Webhook Token"}"#),
            Disabled,
        ),
    ]
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn each_answer_has_its_class_and_its_time(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    for (channel, behaviour, wanted) in answers() {
        let site = SwitchableSite::start().await;
        let contact = world.hook(channel, &site, true).await;
        let id = world.plan(Event::IncidentOpened, channel, contact).await;
        site.set(behaviour.clone());
        world.deliver(id).await;
        let met = format!("{channel:?} {behaviour:?}");
        let disabled = world.found(contact).await.disabled_reason;
        assert_eq!(
            disabled.is_some(),
            wanted == Disabled,
            "{met}: {disabled:?}"
        );
        let After(seconds) = wanted else {
            assert_eq!(
                world.state_of(id).await,
                (DeliveryState::Failed, 1),
                "{met}"
            );
            continue;
        };
        assert_eq!(
            world.state_of(id).await,
            (DeliveryState::Pending, 1),
            "{met}"
        );
        site.set(page(200, &[], "ok"));
        world.clock.advance(SignedDuration::from_secs(seconds - 1));
        world.deliver(id).await;
        assert_eq!(world.state_of(id).await.1, 1, "{met}: not earlier");
        // Jitter lengthens the wait by a fifth at most.
        world
            .clock
            .advance(SignedDuration::from_secs(2 + seconds / 5));
        world.deliver(id).await;
        assert_eq!(
            world.state_of(id).await,
            (DeliveryState::Delivered, 2),
            "{met}"
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_is_gone_is_stopped_and_somebody_else_is_told(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Slack, &site, true).await;
    world.contact(Channel::Email, "ana").await;
    site.set(page(404, &[], "no_service"));
    let id = world
        .plan(Event::IncidentOpened, Channel::Slack, contact)
        .await;
    world.deliver(id).await;
    let states = world.states().await;
    assert!(
        states.contains(&(Event::IncidentOpened, "ana".into(), DeliveryState::Pending)),
        "{states:?}"
    );
    site.set(page(200, &[], "ok"));
    world.prove(contact).await;
    assert!(world.found(contact).await.is_usable(), "a test revives it");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_webhook_hears_of_all_in_order(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Webhook, &site, true).await;
    let plan = async |event| world.plan(event, Channel::Webhook, contact).await;
    let opened = plan(Event::IncidentOpened).await;
    site.set(page(500, &[], ""));
    world.deliver(opened).await;
    let taken = plan(Event::IncidentAcknowledged).await;
    world.recover().await;
    let resolved = plan(Event::IncidentResolved).await;
    site.set(page(200, &[], ""));
    for id in [resolved, taken] {
        world.deliver(id).await;
        assert_eq!(world.state_of(id).await, (DeliveryState::Held, 0));
    }
    for id in [opened, resolved, taken, resolved] {
        world.deliver(id).await;
    }
    let bodies: Vec<Value> = site.posts().iter().skip(1).map(json).collect();
    let types: Vec<&str> = bodies
        .iter()
        .map(|body| body["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        types,
        [
            "incident.opened",
            "incident.acknowledged",
            "incident.resolved"
        ],
        "also those that a mail would leave out"
    );
    assert_eq!(
        bodies[2]["data"]["incident"]["resolved_reason"],
        "recovered"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_end_is_sent_where_the_beginning_failed_for_good(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Webhook, &site, true).await;
    let opened = world
        .plan(Event::IncidentOpened, Channel::Webhook, contact)
        .await;
    site.set(page(301, &[("location", "http://127.0.0.1:9/")], ""));
    world.deliver(opened).await;
    assert_eq!(world.state_of(opened).await.0, DeliveryState::Failed);
    world.recover().await;
    site.set(page(200, &[], ""));
    let resolved = world
        .plan(Event::IncidentResolved, Channel::Webhook, contact)
        .await;
    world.deliver(resolved).await;
    assert_eq!(world.state_of(resolved).await.0, DeliveryState::Delivered);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_chat_that_heard_nothing_of_the_outage_hears_it_all_at_once(pool: PgPool) {
    let world = World::new(pool, &[]).await;
    let site = SwitchableSite::start().await;
    let contact = world.hook(Channel::Slack, &site, true).await;
    let opened = world
        .plan(Event::IncidentOpened, Channel::Slack, contact)
        .await;
    site.set(Behaviour::Refuse);
    world.deliver(opened).await;
    world.recover().await;
    let resolved = world
        .plan(Event::IncidentResolved, Channel::Slack, contact)
        .await;
    site.set(page(200, &[], "ok"));
    world.deliver(resolved).await;
    assert_eq!(world.state_of(opened).await.0, DeliveryState::Superseded);
    let posts = site.posts();
    assert_eq!(posts.len(), 1);
    let text = json(&posts[0])["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Was down: Shop checkout"), "{text}");
}
