//! Messages that tell of several outages: the page that takes all of them, the link to the storm, and the
//! reply by text.

use domain::check::{Failure, FailureClass, Phase};
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::ids::{AccountId, ContactId, DeliveryId, GroupId, IncidentId, MonitorId};
use domain::monitor::Monitor;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use store::deliveries::claim::{self, SendResult, storm};
use store::deliveries::{self, Planned};
use uuid::Uuid;

use super::App;

const OWNER: &str = "a@shop.example";
const STRANGER: &str = "b@other.example";
const PHONE: &str = "+4915112345678";

struct World {
    app: App,
    browser: super::Browser,
    account: AccountId,
    contact: ContactId,
    incidents: Vec<IncidentId>,
    message: DeliveryId,
    group: GroupId,
}

impl World {
    /// Three monitors are down, and a phone was told of them in one message.
    async fn new(pool: PgPool) -> Self {
        let app = App::new(pool).await;
        let browser = app.verified(OWNER).await;
        let account: Uuid = sqlx::query_scalar("SELECT account_id FROM memberships")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
        let (account, now) = (AccountId::from_uuid(account), app.state.now());
        let contact = Contact {
            id: ContactId::generate(),
            channel: Channel::Sms,
            name: "Ana's phone".into(),
            address: PHONE.into(),
            verified_at: Some(now),
            in_default: true,
            call_on_recovery: false,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: now,
        };
        let mut c = app.state.pool.acquire().await.unwrap();
        store::contacts::insert(&mut c, account, &contact, PHONE)
            .await
            .unwrap();
        drop(c);
        let mut world = Self {
            app,
            account,
            contact: contact.id,
            incidents: Vec::new(),
            message: DeliveryId::generate(),
            group: GroupId::generate(),
            browser,
        };
        for number in 1..=3 {
            world.outage(number).await;
        }
        world.tell().await;
        world
    }

    async fn outage(&mut self, number: u32) {
        let (monitor, now) = (MonitorId::generate(), self.app.state.now());
        let url = format!("https://shop-{number}.example/");
        let row = Monitor {
            id: monitor,
            account_id: self.account,
            spec: serde_json::from_value(json!({ "kind": "http", "url": url })).unwrap(),
            config_version: 1,
            paused_at: None,
            deleted_at: None,
            created_at: now,
            updated_at: now,
        };
        let mut c = self.app.state.pool.acquire().await.unwrap();
        store::monitors::insert(&mut c, &self.app.state.secrets, &row)
            .await
            .unwrap();
        drop(c);
        let refused = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
        let incident = self.app.down(monitor, refused).await;
        let planned = Planned {
            account_id: self.account,
            event: Event::IncidentOpened,
            incident_id: Some(incident),
            monitor_id: Some(monitor),
            contact_id: self.contact,
            channel: Channel::Sms,
            dedup_key: format!("incident.opened:{incident}"),
            payload: json!({}),
            not_before: now,
        };
        let mut c = self.app.state.pool.acquire().await.unwrap();
        let delivery = deliveries::insert(&mut c, &planned, now)
            .await
            .unwrap()
            .unwrap();
        if self.incidents.is_empty() {
            self.message = delivery;
        }
        self.incidents.push(incident);
    }

    async fn tell(&mut self) {
        let now = self.app.state.now();
        let mut tx = store::begin(&self.app.state.pool).await.unwrap();
        let claimed = claim::claim(&mut tx, self.account, self.message, now)
            .await
            .unwrap()
            .unwrap();
        let kind = domain::alert::storm::Kind::Down;
        assert_eq!(storm::merge(&mut tx, &claimed, kind, now).await.unwrap(), 2);
        let gathered =
            store::incidents::groups::gather(&mut tx, self.account, self.message, (now, now));
        self.group = gathered.await.unwrap();
        let message = (self.message, self.contact);
        incidents::links::mint_all(&mut tx, &self.app.state.secrets, self.account, message, now)
            .await
            .unwrap();
        let result = SendResult::Accepted {
            provider: "twilio".into(),
            provider_id: Some("SM1".into()),
            delivered: false,
            message: "queued".into(),
        };
        assert!(
            claim::record(&mut tx, &claimed, &result, now)
                .await
                .unwrap()
        );
        storm::mark_told(&mut tx, &claimed, &result, now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    fn link(&self) -> String {
        format!(
            "/a/{}",
            incidents::links::acknowledge_token(&self.app.state.secrets, self.message)
        )
    }

    async fn taken_by(&self) -> Vec<Option<String>> {
        sqlx::query_scalar("SELECT acknowledged_by ->> 'name' FROM incidents ORDER BY id")
            .fetch_all(&self.app.state.pool)
            .await
            .unwrap()
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_button_takes_all_of_them(pool: PgPool) {
    let world = World::new(pool).await;
    let mut anyone = world.app.browser();
    let page = anyone.get(&world.link()).await;
    assert!(page.body.contains("3 monitors are down"), "{}", page.body);
    assert!(
        page.body.contains("I have all 3") && page.body.contains("shop-2.example"),
        "{}",
        page.body
    );
    assert_eq!(
        world.taken_by().await,
        [None, None, None],
        "opening a link takes nothing"
    );
    let done = anyone.post(&world.link(), &[]).await;
    assert_eq!(done.location(), world.link());
    let ana = Some("Ana's phone".to_owned());
    assert_eq!(world.taken_by().await, [ana.clone(), ana.clone(), ana]);
    let page = anyone.get(&world.link()).await;
    assert!(
        page.body.contains("Somebody has each of them."),
        "{}",
        page.body
    );
    anyone.post(&world.link(), &[]).await;
    let entries: i64 =
        sqlx::query_scalar("SELECT count(*) FROM incident_events WHERE kind = 'acknowledged'")
            .fetch_one(&world.app.state.pool)
            .await
            .unwrap();
    assert_eq!(entries, 3, "a second press changes nothing");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_storm_has_a_page(pool: PgPool) {
    let mut world = World::new(pool).await;
    let short: String = sqlx::query_scalar("SELECT short FROM incident_groups")
        .fetch_one(&world.app.state.pool)
        .await
        .unwrap();
    let to = world
        .browser
        .get(&format!("/g/{}", short.to_lowercase()))
        .await;
    assert_eq!(to.location(), format!("/incidents?group={}", world.group));
    let page = world
        .browser
        .get(&format!("/incidents?group={}", world.group))
        .await;
    assert!(page.body.contains("A storm: 3 still down"), "{}", page.body);
    for wrong in ["nonsense", "inc_01k9x3"] {
        let page = world
            .browser
            .get(&format!("/incidents?group={wrong}"))
            .await;
        assert_eq!(page.status, StatusCode::NOT_FOUND);
    }
    let mut stranger = world.app.verified(STRANGER).await;
    for path in [
        format!("/g/{short}"),
        format!("/incidents?group={}", world.group),
    ] {
        assert_eq!(
            stranger.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

/// The text says "Reply ACK for all".
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_bare_ack_takes_all_of_a_message(pool: PgPool) {
    let world = World::new(pool).await;
    let text = incidents::Inbound {
        provider_sid: "SM-in-1",
        number: PHONE,
        body: "ack",
        base: "https://watchbell.example",
    };
    let mut tx = store::begin(&world.app.state.pool).await.unwrap();
    let (secrets, now) = (&world.app.state.secrets, world.app.state.now());
    let answer = incidents::receive_text(&mut tx, secrets, &text, now)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert!(
        answer.contains('3') && !answer.contains("ACK 1"),
        "{answer}"
    );
    assert!(world.taken_by().await.iter().all(Option::is_some));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_button_of_a_notification_takes_them_without_a_page(pool: PgPool) {
    let world = World::new(pool).await;
    let mut app = world.app.browser();
    // The web version of such an app runs on another site.
    app.headers
        .push(("sec-fetch-site", "cross-site".to_owned()));
    app.headers
        .push(("origin", "https://ntfy.example".to_owned()));
    let now = world.link().replace("/a/", "/callbacks/acknowledge/");
    assert_eq!(
        app.get(&now).await.status,
        http::StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(world.taken_by().await, [None, None, None]);
    for _ in 0..2 {
        let done = app.post(&now, &[]).await;
        assert_eq!(done.status, http::StatusCode::OK, "{}", done.body);
        assert_eq!(done.header("access-control-allow-origin"), "*");
        assert!(done.body.starts_with("Taken."), "{}", done.body);
    }
    let ana = Some("Ana's phone".to_owned());
    assert_eq!(world.taken_by().await, [ana.clone(), ana.clone(), ana]);
    let wrong = app.post("/callbacks/acknowledge/nobody", &[]).await;
    assert_eq!(wrong.status, http::StatusCode::NOT_FOUND);
}
