//! An outage and its end as a webhook and a chat channel get it, also where the endpoint is away at first.

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::{Behaviour, Post, SwitchableSite};

use crate::outage::wait_for_status;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::Settings;

const SOON: Duration = Duration::from_secs(30);

fn json_of(post: &Post) -> Value {
    serde_json::from_slice(&post.body).expect("a body of JSON")
}

/// As any library of Standard Webhooks checks it.
fn is_signed(post: &Post, secret: &str) -> bool {
    let key = secret.strip_prefix("whsec_").expect("a secret");
    let key = STANDARD.decode(key).expect("base64");
    let (id, at) = (post.header("webhook-id"), post.header("webhook-timestamp"));
    let content = [format!("{id}.{at}.").as_bytes(), &post.body].concat();
    let signature = post.header("webhook-signature");
    let tag = signature.strip_prefix("v1,").expect("a signature");
    let tag = STANDARD.decode(tag).expect("base64");
    hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &content, &tag).is_ok()
}

async fn posts(site: &SwitchableSite, count: usize) -> Vec<Post> {
    let there = tokio::time::timeout(SOON, site.wait_for_posts(count)).await;
    there.expect("the posts arrive")
}

async fn add(api: &Api, kind: &str, url: &str) -> Value {
    let body = json!({ "kind": kind, "name": kind, "url": url });
    let (status, contact) = api.send("POST", "/contacts", Some(body)).await;
    assert_eq!(status, 201, "{contact}");
    contact
}

async fn look(api: &Api, monitor: &str) -> Value {
    let path = format!("/monitors/{monitor}/check");
    let (status, check) = api.send("POST", &path, None).await;
    assert_eq!(status, 200, "{check}");
    check
}

/// What is in `ours` has the name and value it has in `theirs`.
fn is_part_of(ours: &Value, theirs: &Value) {
    for (name, value) in ours.as_object().expect("an object") {
        assert_eq!(Some(value), theirs.get(name), "{name}");
    }
}

fn names(object: &Value) -> Vec<&String> {
    object.as_object().expect("an object").keys().collect()
}

/// The incident of a message as lists have it, which leave out what stands behind it: here nothing.
fn incident_of(body: &Value) -> Value {
    let mut incident = body["data"]["incident"].clone();
    let object = incident.as_object_mut().expect("an object");
    assert_eq!(object.shift_remove("suppressed"), Some(json!([])));
    incident
}

/// The site breaks while the endpoint is away, and the endpoint comes back a little later.
async fn breaks(
    api: &Api,
    monitor: &str,
    (site, endpoint): (&SwitchableSite, &SwitchableSite),
    secret: &str,
) {
    endpoint.set(Behaviour::Status(503));
    site.set(Behaviour::Status(502));
    assert_eq!(look(api, monitor).await["verdict"], "down");
    let refused = posts(endpoint, 2).await.remove(1);
    endpoint.set(Behaviour::Fine);
    let down = posts(endpoint, 3).await.remove(2);
    assert_eq!(down.header("webhook-id"), refused.header("webhook-id"));
    assert!(is_signed(&down, secret) && is_signed(&refused, secret));
    let body = json_of(&down);
    assert_eq!(body["type"], "incident.opened");
    let listed = api.get("/incidents").await["data"][0].clone();
    assert_eq!(names(&incident_of(&body)), names(&listed));
    is_part_of(
        &body["data"]["monitor"],
        &api.get("/monitors").await["data"][0],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_and_a_chat_channel_hear_of_an_outage_and_its_end() {
    let (database, mail, site) = (
        StoryDatabase::fresh().await,
        MailServer::start().await,
        SwitchableSite::start().await,
    );
    let (endpoint, chat) = (SwitchableSite::start().await, SwitchableSite::start().await);
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let webhook = add(&api, "webhook", &endpoint.url("/hooks/watchbell")).await;
    let slack = add(&api, "slack", &chat.url("/services/T0/B0/x8Kq")).await;
    assert_eq!(
        (&webhook["verified"], &slack["verified"]),
        (&json!(true), &json!(true)),
        "their tests have arrived: {webhook} {slack}"
    );
    let secret = webhook["secret"].as_str().expect("a secret").to_owned();
    let path = format!("/contacts/{}", webhook["id"].as_str().expect("an id"));
    let shown = api.get(&path).await;
    assert_eq!(shown.get("secret"), None, "it is shown once");
    assert_eq!(
        json_of(&posts(&endpoint, 1).await[0])["type"],
        "contact.test"
    );

    let monitor = api
        .watch(&site.url("/checkout"), json!({ "name": "Shop checkout" }))
        .await;
    wait_for_status(&api, &monitor, "up", SOON).await;
    breaks(&api, &monitor, (&site, &endpoint), &secret).await;
    let told = json_of(&posts(&chat, 2).await[1]);
    assert!(
        told["text"]
            .as_str()
            .expect("a text")
            .contains("Down: Shop checkout"),
        "{told}"
    );

    site.set(Behaviour::Fine);
    assert_eq!(look(&api, &monitor).await["verdict"], "up");
    let up = posts(&endpoint, 4).await.remove(3);
    assert!(is_signed(&up, &secret));
    let body = json_of(&up);
    assert_eq!(body["type"], "incident.resolved");
    is_part_of(&incident_of(&body), &api.get("/incidents").await["data"][0]);
    is_part_of(
        &body["data"]["check"],
        &api.get("/monitors").await["data"][0]["last_check"],
    );
    let told = json_of(&posts(&chat, 3).await[2]);
    assert!(
        told["text"]
            .as_str()
            .expect("a text")
            .contains("Up: Shop checkout"),
        "{told}"
    );
    assert_eq!(server.terminate().await, 0);
    assert_eq!(
        (endpoint.posts().len(), chat.posts().len()),
        (4, 3),
        "each is told once"
    );
}

const BOT: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
const KEY: &str = "e93facc04764012d7bfb002500d5d1a6";

/// Answers as a service does that has taken a message.
async fn service(status: u16, body: &str) -> SwitchableSite {
    let site = SwitchableSite::start().await;
    site.set(Behaviour::Page {
        status,
        headers: Vec::new(),
        body: body.to_owned(),
    });
    site
}

async fn add_service(api: &Api, kind: &str, parts: Value) {
    let body = json!({ "kind": kind, "name": kind, (kind): parts });
    let (status, contact) = api.send("POST", "/contacts", Some(body)).await;
    let wanted = (201, &json!(true));
    assert_eq!((status, &contact["verified"]), wanted, "{contact}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bot_and_a_pager_hear_of_an_outage_that_is_taken_and_its_end() {
    let (database, mail, site) = (
        StoryDatabase::fresh().await,
        MailServer::start().await,
        SwitchableSite::start().await,
    );
    let bot = service(200, r#"{"ok":true,"result":{"message_id":7}}"#).await;
    let taken = r#"{"status":"success","message":"Event processed","dedup_key":"x"}"#;
    let pager = service(202, taken).await;
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let chat = json!({ "bot_token": BOT, "chat_id": "-1001234567890", "server": bot.url("") });
    add_service(&api, "telegram", chat).await;
    let key = json!({ "integration_key": KEY, "server": pager.url("") });
    add_service(&api, "pagerduty", key).await;
    let monitor = api
        .watch(
            &site.url("/checkout"),
            json!({ "name": "Shop checkout", "severity": "critical" }),
        )
        .await;
    wait_for_status(&api, &monitor, "up", SOON).await;

    site.set(Behaviour::Status(502));
    assert_eq!(look(&api, &monitor).await["verdict"], "down");
    posts(&pager, 3).await;
    posts(&bot, 2).await;
    let incident = api.get("/incidents").await["data"][0]["id"].clone();
    let path = format!(
        "/incidents/{}/acknowledge",
        incident.as_str().expect("an id")
    );
    let (status, answer) = api.send("POST", &path, None).await;
    assert_eq!(status, 200, "{answer}");
    posts(&pager, 4).await;
    posts(&bot, 3).await;
    site.set(Behaviour::Fine);
    assert_eq!(look(&api, &monitor).await["verdict"], "up");

    let paged = posts(&pager, 5).await;
    let events: Vec<Value> = paged.iter().map(json_of).collect();
    let actions: Vec<&Value> = events.iter().map(|event| &event["event_action"]).collect();
    assert_eq!(
        actions,
        ["trigger", "resolve", "trigger", "acknowledge", "resolve"],
        "the test ends at once, the outage in order"
    );
    assert_eq!(events[0]["dedup_key"], events[1]["dedup_key"]);
    for event in &events[2..] {
        assert_eq!(event["dedup_key"], incident, "{event}");
        assert_eq!(event["routing_key"], KEY);
    }
    assert_eq!(events[2]["payload"]["severity"], "critical");
    assert!(paged.iter().all(|post| post.path == "/v2/enqueue"));

    let told = posts(&bot, 4).await;
    assert!(
        told.iter()
            .all(|post| post.path == format!("/bot{BOT}/sendMessage"))
    );
    let texts: Vec<Value> = told
        .iter()
        .map(|post| json_of(post)["text"].clone())
        .collect();
    for (text, words) in texts.iter().zip([
        "Test: it works",
        "Down: Shop checkout",
        "has Shop checkout",
        "Up: Shop checkout",
    ]) {
        let text = text.as_str().expect("a text");
        assert!(text.contains(words), "{words}: {text}");
    }
    assert_eq!(server.terminate().await, 0);
    assert_eq!(
        (pager.posts().len(), bot.posts().len()),
        (5, 4),
        "each once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_test_leaves_a_contact_unverified_until_it_is_repeated() {
    let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
    let chat = SwitchableSite::start().await;
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "free").await;
    chat.set(Behaviour::Page {
        status: 404,
        headers: Vec::new(),
        body: "no_service".to_owned(),
    });
    let contact = add(&api, "slack", &chat.url("/services/T0/B0/x8Kq")).await;
    assert_eq!(contact["verified"], json!(false), "{contact}");
    chat.set(Behaviour::Fine);
    let path = format!(
        "/contacts/{}/resend",
        contact["id"].as_str().expect("an id")
    );
    let (status, contact) = api.send("POST", &path, None).await;
    assert_eq!(
        (status, &contact["verified"]),
        (200, &json!(true)),
        "{contact}"
    );
    assert!(
        mail.with_subject("Alerts no longer").is_empty(),
        "nobody is written to about a contact that never was"
    );
}
