//! Calls as the provider drives them, and as the outbox plays them: only a signed word about a call that
//! is the account's own does anything, and twice does no more than once.

use domain::alert::voice::{MENU, Script, TAKEN};
use domain::contact::{Channel, Contact};
use domain::delivery::Event;
use domain::ids::{AccountId, ContactId, DeliveryId};
use domain::telephony::{SIGNATURE_HEADER, signature};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use store::deliveries::{self, Planned};
use store::outbox::OutboxMessage;
use store::{calls, contacts};

use super::App;
use crate::config::tests::config;

const BASE: &str = "https://watchbell.example";
const TOKEN: &str = "the provider's token";

struct World {
    app: App,
    account: AccountId,
    delivery: DeliveryId,
}

impl World {
    /// An account with a number, and a call to it that rings.
    async fn new(pool: PgPool) -> Self {
        let mut config = config(BASE);
        config.twilio_auth_tokens = vec![TOKEN.into()];
        let app = App::with(pool, config).await;
        let (account, now) = (AccountId::generate(), app.state.now());
        let new = store::accounts::NewAccount {
            id: account,
            name: "Shop Ltd",
            timezone: "Europe/Berlin",
            practice_token: &account.to_string(),
            plan: domain::account::Plan::Free,
        };
        let contact = Contact {
            id: ContactId::generate(),
            channel: Channel::Voice,
            name: "Ana".into(),
            address: "+4915112345678".into(),
            verified_at: Some(now),
            in_default: true,
            call_on_recovery: false,
            member_id: None,
            only_critical: false,
            quiet_hours: None,
            disabled_reason: None,
            created_at: now,
        };
        let planned = Planned {
            account_id: account,
            event: Event::IncidentOpened,
            incident_id: None,
            monitor_id: None,
            contact_id: contact.id,
            channel: Channel::Voice,
            dedup_key: "incident.opened:x".into(),
            payload: json!({}),
            not_before: now,
        };
        let script = Script {
            name: "Shop & Sons".into(),
            alert: "Watchbell alert. Shop & Sons is down.".into(),
            cause: "Your server answers with error five, zero, two.".into(),
            machine: "Hearing this does not take it over.".into(),
            asks: true,
            all: false,
            drill: false,
        };
        let mut c = app.state.pool.acquire().await.unwrap();
        store::accounts::insert(&mut c, &new, now).await.unwrap();
        contacts::insert(&mut c, account, &contact, &contact.address)
            .await
            .unwrap();
        let delivery = deliveries::insert(&mut c, &planned, now)
            .await
            .unwrap()
            .unwrap();
        calls::put(&mut c, account, delivery, &script, now)
            .await
            .unwrap();
        sqlx::query("UPDATE deliveries SET state = 'sent', provider_id = 'CA1'")
            .execute(&mut *c)
            .await
            .unwrap();
        drop(c);
        Self {
            app,
            account,
            delivery,
        }
    }

    fn path(&self, what: &str) -> String {
        let (account, delivery) = (self.account, self.delivery);
        format!("/callbacks/twilio/{what}?account={account}&delivery={delivery}")
    }

    /// Calls as the provider does, signed with `key`: status and body.
    async fn call(&self, path: &str, fields: &[(&str, &str)], key: &str) -> (StatusCode, String) {
        let pairs: Vec<(String, String)> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut provider = self.app.browser();
        let signed = signature(key, &format!("{BASE}{path}"), &pairs);
        provider.headers = vec![(SIGNATURE_HEADER, signed)];
        let answer = provider.post(path, fields).await;
        (answer.status, answer.body)
    }

    async fn found(&self) -> calls::Call {
        let mut c = self.app.state.pool.acquire().await.unwrap();
        calls::find(&mut c, self.account, self.delivery)
            .await
            .unwrap()
            .unwrap()
    }
}

const ANSWERED: [(&str, &str); 2] = [("CallSid", "CA1"), ("AnsweredBy", "human")];

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_turn_that_the_database_ends_for_another_is_taken_again(pool: PgPool) {
    let world = World::new(pool.clone()).await;
    // A sequence goes on whatever becomes of the transaction: the first three are ended as by a deadlock.
    sqlx::raw_sql(
        "CREATE SEQUENCE tries;
         CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             IF nextval('tries') <= 3 THEN RAISE EXCEPTION 'deadlock detected' USING ERRCODE = '40P01'; END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER end_it BEFORE UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION end_it();
         CREATE TRIGGER end_it BEFORE UPDATE ON deliveries FOR EACH ROW EXECUTE FUNCTION end_it()",
    )
    .execute(&pool)
    .await
    .unwrap();
    let path = world.path("voice");
    let pressed = [("CallSid", "CA1"), ("Digits", "2")];
    let (status, body) = world.call(&path, &pressed, TOKEN).await;
    let tries: i64 = sqlx::query_scalar("SELECT last_value FROM tries")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(
        (status, tries >= 4),
        (StatusCode::OK, true),
        "{tries}: {body}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_call_asks_what_to_say(pool: PgPool) {
    let world = World::new(pool).await;
    let path = world.path("voice");
    let (status, body) = world.call(&path, &ANSWERED, TOKEN).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        body.contains("<Say>Watchbell alert. Shop &#38; Sons is down.</Say>")
            && body.contains(&format!("<Say>{MENU}</Say>"))
            && body.matches("<Gather ").count() == 2,
        "{body}"
    );
    let address = format!("{BASE}{path}").replace('&', "&#38;");
    assert!(body.contains(&format!("action=\"{address}\"")), "{body}");
    let key = [("CallSid", "CA1"), ("Digits", "2")];
    let (_, body) = world.call(&path, &key, TOKEN).await;
    assert!(
        body.contains("<Say>Your server answers with error five, zero, two.</Say>"),
        "{body}"
    );
    let machine = [("CallSid", "CA1"), ("AnsweredBy", "machine_end_beep")];
    let (_, body) = world.call(&path, &machine, TOKEN).await;
    assert!(
        body.contains("Hearing this does not take it over.") && !body.contains("<Gather"),
        "{body}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_but_the_provider_drives_a_call(pool: PgPool) {
    let world = World::new(pool).await;
    let taken = [("CallSid", "CA1"), ("Digits", "1")];
    let over = [("CallSid", "CA1"), ("CallStatus", "no-answer")];
    for (what, fields) in [("voice", taken), ("status", over)] {
        let path = world.path(what);
        assert_eq!(
            world.call(&path, &fields, "a guess").await.0,
            StatusCode::FORBIDDEN
        );
        // A signature is for one address: that of another delivery does not open this one.
        let (account, delivery) = (world.account, world.delivery);
        let strangers = [
            format!(
                "/callbacks/twilio/{what}?account={}&delivery={delivery}",
                AccountId::generate()
            ),
            format!(
                "/callbacks/twilio/{what}?account={account}&delivery={}",
                DeliveryId::generate()
            ),
            format!("/callbacks/twilio/{what}?account=x&delivery=y"),
        ];
        for path in strangers {
            assert_eq!(
                world.call(&path, &fields, TOKEN).await.0,
                StatusCode::NOT_FOUND,
                "{path}"
            );
        }
        let mut other = fields;
        other[0].1 = "CA2";
        assert_eq!(
            world.call(&path, &other, TOKEN).await.0,
            StatusCode::NOT_FOUND,
            "it is another call"
        );
    }
    let call = world.found().await;
    assert!(call.turns.is_empty() && call.outcome.is_none() && call.ended_at.is_none());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_end_of_a_call_counts_once(pool: PgPool) {
    let world = World::new(pool).await;
    world.call(&world.path("voice"), &ANSWERED, TOKEN).await;
    let path = world.path("status");
    for word in ["ringing", "completed", "completed", "no-answer"] {
        let fields = [("CallSid", "CA1"), ("CallStatus", word)];
        assert_eq!(
            world.call(&path, &fields, TOKEN).await.0,
            StatusCode::NO_CONTENT
        );
    }
    let call = world.found().await;
    assert_eq!(call.outcome, Some(calls::Outcome::NoKey));
    assert_eq!(call.state, domain::delivery::DeliveryState::Delivered);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn in_the_outbox_keys_are_buttons(pool: PgPool) {
    let world = World::new(pool).await;
    let message = OutboxMessage {
        id: world.delivery.uuid(),
        at: world.app.state.now(),
        channel: Channel::Voice,
        recipient: "+4915112345678".into(),
        subject: String::new(),
        text: "Watchbell alert.".into(),
        html: String::new(),
        headers: json!([["Account", world.account], ["Delivery", world.delivery]]),
    };
    let mut c = world.app.state.pool.acquire().await.unwrap();
    store::outbox::insert(&mut c, &message).await.unwrap();
    sqlx::query("UPDATE deliveries SET provider_id = NULL")
        .execute(&mut *c)
        .await
        .unwrap();
    drop(c);
    let mut browser = world.app.browser();
    let page = browser.get("/outbox").await.body;
    assert!(
        page.contains("Call to +4915112345678") && page.contains(MENU) && page.contains("keypad"),
        "{page}"
    );
    let press = format!("/outbox/{}/key", message.id);
    assert_eq!(
        browser.post(&press, &[("key", "2")]).await.status,
        StatusCode::SEE_OTHER
    );
    let page = browser.get("/outbox").await.body;
    assert!(
        page.contains("error five, zero, two.") && page.contains("keypad"),
        "{page}"
    );
    browser.post(&press, &[("key", "1")]).await;
    let page = browser.get("/outbox").await.body;
    assert!(
        page.contains(TAKEN) && page.contains("The call is over.") && !page.contains("keypad"),
        "{page}"
    );
    let nobodys = format!("/outbox/{}/key", uuid::Uuid::now_v7());
    assert_eq!(
        browser.post(&nobodys, &[("key", "1")]).await.status,
        StatusCode::NOT_FOUND
    );
}
