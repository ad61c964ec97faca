//! What the telephony provider calls: `/callbacks/twilio/{status,sms,voice}`.

use domain::contact::{Channel, Contact};
use domain::delivery::{AccountMessage, Event};
use domain::ids::{AccountId, ContactId, DeliveryId};
use domain::telephony::{SIGNATURE_HEADER, signature};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use store::account_messages::NewAccountMessage;
use store::deliveries::{self, Planned};
use store::{account_messages, contacts, wallets};
use uuid::Uuid;

use super::App;
use crate::config::tests::config;

const BASE: &str = "https://watchbell.example";
const TOKEN: &str = "the provider's token";
const OWNER: &str = "a@shop.example";
const FUNDS: i64 = 500_000;
const PRICE: i64 = 79_000;

struct World {
    app: App,
    account: AccountId,
    phone: ContactId,
    delivery: DeliveryId,
}

impl World {
    /// An account whose owner has proven the mail address and a phone, with one text message sent.
    async fn new(pool: PgPool) -> Self {
        let mut config = config(BASE);
        config.twilio_auth_tokens = vec!["an older token".into(), TOKEN.into()];
        let app = App::with(pool, config).await;
        let mut browser = app.browser();
        let person = [("email", OWNER), ("password", super::PASSWORD)];
        browser.post("/signup", &person).await;
        let mails = app.mails(OWNER).await;
        let [AccountMessage::VerifyEmail { code, .. }] = mails.as_slice() else {
            panic!("{mails:?}")
        };
        browser.post("/verify", &[("code", code)]).await;
        let id: Uuid = sqlx::query_scalar("SELECT account_id FROM memberships")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
        let account = AccountId::from_uuid(id);
        let now = app.state.now();
        let phone = Contact {
            id: ContactId::generate(),
            channel: Channel::Sms,
            name: "Ana's phone".into(),
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
            contact_id: phone.id,
            channel: Channel::Sms,
            dedup_key: "incident.opened:x".into(),
            payload: json!({}),
            not_before: now,
        };
        let mut c = app.state.pool.acquire().await.unwrap();
        contacts::insert(&mut c, account, &phone, &phone.address)
            .await
            .unwrap();
        let delivery = deliveries::insert(&mut c, &planned, now)
            .await
            .unwrap()
            .unwrap();
        wallets::grant(&mut c, account, FUNDS, "Test", now)
            .await
            .unwrap();
        let expense = wallets::Expense {
            delivery_id: delivery,
            attempt: 1,
            incident_id: None,
            channel: Channel::Sms,
            micros: PRICE,
            text: "Text message",
        };
        let budget = domain::alert::budget::Budget::new(Channel::Sms, FUNDS);
        wallets::reserve(&mut c, account, &expense, budget, now)
            .await
            .unwrap();
        sqlx::query("UPDATE deliveries SET state = 'sent', provider_id = 'SM1'")
            .execute(&mut *c)
            .await
            .unwrap();
        Self {
            app,
            account,
            phone: phone.id,
            delivery,
        }
    }

    fn path(&self) -> String {
        format!(
            "/callbacks/twilio/status?account={}&delivery={}",
            self.account, self.delivery
        )
    }

    /// Calls as the provider does; `sign` makes the header, if any.
    async fn call(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        sign: impl Fn(&[(String, String)]) -> Option<String>,
    ) -> StatusCode {
        let pairs: Vec<_> = fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut provider = self.app.browser();
        provider.headers = sign(&pairs)
            .map(|signed| (SIGNATURE_HEADER, signed))
            .into_iter()
            .collect();
        provider.post(path, fields).await.status
    }

    /// A text to our number, signed: status and TwiML.
    async fn texts(&self, sid: &str, number: &str, body: &str) -> (StatusCode, String) {
        let path = "/callbacks/twilio/sms";
        let fields = [("MessageSid", sid), ("From", number), ("Body", body)];
        let pairs = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut provider = self.app.browser();
        let signed = signature(TOKEN, &format!("{BASE}{path}"), &pairs);
        provider.headers = vec![(SIGNATURE_HEADER, signed)];
        let answer = provider.post(path, &fields).await;
        (answer.status, answer.body)
    }

    async fn signed(&self, path: &str, fields: &[(&str, &str)]) -> StatusCode {
        let url = format!("{BASE}{path}");
        self.call(path, fields, |pairs| Some(signature(TOKEN, &url, pairs)))
            .await
    }

    async fn balance(&self) -> i64 {
        wallets::find_balance(
            &mut self.app.state.pool.acquire().await.unwrap(),
            self.account,
        )
        .await
        .unwrap()
    }

    async fn states(&self) -> Vec<(String, String)> {
        sqlx::query_as("SELECT channel, state FROM deliveries ORDER BY created_at, id")
            .fetch_all(&self.app.state.pool)
            .await
            .unwrap()
    }

    async fn mail_jobs(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM apalis.jobs WHERE job_type = $1")
            .bind(jobs::queues::DELIVER_EMAIL)
            .fetch_one(&self.app.state.pool)
            .await
            .unwrap()
    }
}

const DELIVERED: [(&str, &str); 2] = [("MessageSid", "SM1"), ("MessageStatus", "delivered")];
const UNDELIVERED: [(&str, &str); 3] = [
    ("MessageSid", "SM1"),
    ("MessageStatus", "undelivered"),
    ("ErrorCode", "30005"),
];

fn pairs(states: &[(&str, &str)]) -> Vec<(String, String)> {
    states
        .iter()
        .map(|(channel, state)| ((*channel).to_owned(), (*state).to_owned()))
        .collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unsigned_or_forged_callback_changes_nothing(pool: PgPool) {
    let world = World::new(pool).await;
    let (path, url) = (world.path(), format!("{BASE}{}", world.path()));
    let other = format!(
        "{BASE}/callbacks/twilio/status?account={}&delivery={}",
        world.account,
        DeliveryId::generate()
    );
    let statuses = [
        world.call(&path, &UNDELIVERED, |_| None).await,
        world
            .call(&path, &UNDELIVERED, |_| Some("not base64".to_owned()))
            .await,
        world
            .call(&path, &UNDELIVERED, |pairs| {
                Some(signature("a guess", &url, pairs))
            })
            .await,
        world
            .call(&path, &UNDELIVERED, |pairs| {
                Some(signature("", &url, pairs))
            })
            .await,
        world
            .call(&path, &UNDELIVERED, |pairs| {
                Some(signature(TOKEN, &other, pairs))
            })
            .await,
        world
            .call(&path, &UNDELIVERED, |pairs| {
                Some(signature(TOKEN, &url, &pairs[1..]))
            })
            .await,
    ];
    assert_eq!(statuses, [StatusCode::FORBIDDEN; 6]);
    assert_eq!(world.states().await, pairs(&[("sms", "sent")]));
    assert_eq!(
        (world.balance().await, world.mail_jobs().await),
        (FUNDS - PRICE, 0)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_signed_callback_settles_the_message(pool: PgPool) {
    let world = World::new(pool).await;
    let path = world.path();
    assert_eq!(
        world
            .signed(&path, &[("MessageSid", "SM1"), ("MessageStatus", "sent")])
            .await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        world
            .signed(
                &path,
                &[("MessageSid", "SM1"), ("MessageStatus", "new word")]
            )
            .await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.states().await, pairs(&[("sms", "sent")]));
    assert_eq!(
        world.signed(&path, &DELIVERED).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(world.states().await, pairs(&[("sms", "delivered")]));
    assert_eq!(
        world.signed(&path, &UNDELIVERED).await,
        StatusCode::NO_CONTENT,
        "a late word changes nothing"
    );
    assert_eq!(world.states().await, pairs(&[("sms", "delivered")]));
    assert_eq!(world.balance().await, FUNDS - PRICE);
    assert_eq!(
        world.signed("/callbacks/twilio/status", &DELIVERED).await,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_was_not_delivered_is_refunded_and_told_by_mail(pool: PgPool) {
    let world = World::new(pool).await;
    let path = world.path();
    for _ in 0..2 {
        assert_eq!(
            world.signed(&path, &UNDELIVERED).await,
            StatusCode::NO_CONTENT
        );
    }
    assert_eq!(
        world.states().await,
        pairs(&[("sms", "failed"), ("email", "pending")]),
        "one stand-in, however often it is called"
    );
    assert_eq!((world.balance().await, world.mail_jobs().await), (FUNDS, 1));
    let mut c = world.app.state.pool.acquire().await.unwrap();
    let phone = contacts::find(&mut c, world.account, world.phone)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        phone.disabled_reason.as_deref(),
        Some("the number is unknown to its network")
    );
    drop(c);
    let mails = world.app.mails(OWNER).await;
    let [
        AccountMessage::ContactDisabled {
            contact,
            uncovered,
            link,
            ..
        },
    ] = mails.as_slice()
    else {
        panic!("{mails:?}")
    };
    assert!(
        contact.starts_with("Ana's phone (") && !contact.contains("+4915112345678"),
        "{contact}"
    );
    assert_eq!(
        (uncovered.as_slice(), link.as_str()),
        ([].as_slice(), "https://watchbell.example/contacts")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_code_that_was_not_delivered_is_marked(pool: PgPool) {
    let world = World::new(pool).await;
    let code = NewAccountMessage {
        user_id: None,
        account_id: Some(world.account),
        channel: Channel::Sms,
        address: "+4915112345678".into(),
        message: AccountMessage::ContactCode {
            code: "482913".into(),
            account: "Shop Ltd".into(),
        },
        expires_at: None,
    };
    let state = &world.app.state;
    let id = account_messages::insert(
        &mut state.pool.acquire().await.unwrap(),
        &state.secrets,
        &code,
        state.now(),
    )
    .await
    .unwrap();
    sqlx::query("UPDATE account_messages SET state = 'sent' WHERE id = $1")
        .bind(id)
        .execute(&state.pool)
        .await
        .unwrap();
    let path = format!("/callbacks/twilio/status?message={id}");
    assert_eq!(
        world.call(&path, &UNDELIVERED, |_| None).await,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        world
            .signed(&path, &[("MessageSid", "SM2"), ("MessageStatus", "queued")])
            .await,
        StatusCode::NO_CONTENT
    );
    let read = async || -> (String, Option<String>) {
        sqlx::query_as("SELECT state, reason FROM account_messages WHERE id = $1")
            .bind(id)
            .fetch_one(&state.pool)
            .await
            .unwrap()
    };
    assert_eq!(read().await, ("sent".to_owned(), None));
    assert_eq!(
        world.signed(&path, &UNDELIVERED).await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        read().await,
        (
            "failed".to_owned(),
            Some("the number is unknown to its network".to_owned())
        )
    );
}

const PHONE: &str = "+4915112345678";

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_text_is_answered_once_and_stop_is_obeyed(pool: PgPool) {
    let world = World::new(pool).await;
    let (status, help) = world.texts("SM10", PHONE, "HELP").await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        help.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Message>Watchbell alerts. ACK takes")
            && help.ends_with("</Message></Response>"),
        "{help}"
    );
    assert_eq!(
        world.texts("SM10", PHONE, "HELP").await.1,
        help,
        "the same again"
    );
    let (_, open) = world.texts("SM11", PHONE, "ack").await;
    assert!(
        open.contains("Nothing that this number was told of is open"),
        "{open}"
    );
    // Two machines do not talk for ever, and strangers cost nothing.
    let empty = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>";
    assert!(
        world
            .texts("SM12", PHONE, "What?")
            .await
            .1
            .contains("does not know that word")
    );
    assert_eq!(world.texts("SM13", PHONE, "What?").await.1, empty);
    assert_eq!(
        world.texts("SM14", "+4915100000000", "What?").await.1,
        empty
    );
    assert_eq!(world.texts("SM15", PHONE, "Stop").await.1, empty);
    let mut c = world.app.state.pool.acquire().await.unwrap();
    let phone = contacts::find(&mut c, world.account, world.phone)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        phone.disabled_reason.as_deref(),
        Some("its owner replied STOP")
    );
    drop(c);
    let mails = world.app.mails(OWNER).await;
    assert!(
        matches!(mails.as_slice(), [AccountMessage::ContactDisabled { .. }]),
        "{mails:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn texts_and_calls_need_a_signature(pool: PgPool) {
    let world = World::new(pool).await;
    let fields = [("MessageSid", "SM1"), ("From", PHONE), ("Body", "STOP")];
    for path in ["/callbacks/twilio/sms", "/callbacks/twilio/voice"] {
        let url = format!("{BASE}{path}");
        let statuses = [
            world.call(path, &fields, |_| None).await,
            world
                .call(path, &fields, |pairs| {
                    Some(signature("a guess", &url, pairs))
                })
                .await,
        ];
        assert_eq!(statuses, [StatusCode::FORBIDDEN; 2], "{path}");
    }
    let path = "/callbacks/twilio/voice";
    assert_eq!(
        world.signed(path, &[("CallSid", "CA1")]).await,
        StatusCode::OK
    );
    let mut c = world.app.state.pool.acquire().await.unwrap();
    let phone = contacts::find(&mut c, world.account, world.phone)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(phone.disabled_reason, None);
}
