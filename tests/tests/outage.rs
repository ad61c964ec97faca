//! An outage and its end, by API, mail and text, in one process.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::telephony::{Fate, Telephony};
use testkit::{Behaviour, SwitchableSite};

use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::Settings;
use crate::support::wait;

/// Adds a phone and proves it with the code that arrives there.
async fn add_phone(api: &Api, phone: &Telephony, number: &str) {
    let body = json!({ "kind": "sms", "name": "On call", "address": number });
    let (status, contact) = api.send("POST", "/contacts", Some(body)).await;
    assert_eq!(
        (status, &contact["verified"]),
        (201, &json!(false)),
        "{contact}"
    );
    let texts = tokio::time::timeout(Duration::from_secs(15), phone.wait_for(1))
        .await
        .expect("a code arrives");
    let code: String = texts[0]
        .body
        .chars()
        .filter(char::is_ascii_digit)
        .take(6)
        .collect();
    let path = format!("/contacts/{}/verify", contact["id"].as_str().unwrap());
    let (status, contact) = api.send("POST", &path, Some(json!({ "code": code }))).await;
    assert_eq!(
        (status, &contact["verified"]),
        (200, &json!(true)),
        "{contact}"
    );
}

/// Milliseconds from `from` to `to`, both as the API writes them.
fn between(from: &Value, to: &Value) -> i128 {
    let at = |value: &Value| {
        value
            .as_str()
            .expect("a time")
            .parse::<jiff::Timestamp>()
            .expect("a time")
    };
    at(to).duration_since(at(from)).as_millis()
}

/// Waits until the monitor shows `status`.
pub async fn wait_for_status(api: &Api, monitor: &str, status: &str, limit: Duration) -> Value {
    wait::until(&format!("{monitor} is {status}"), limit, async || {
        let monitor = api.get(&format!("/monitors/{monitor}")).await;
        (monitor["status"] == status).then_some(monitor)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_breaks_and_people_are_told_and_told_again() {
    let (database, mail, site) = (
        StoryDatabase::fresh().await,
        MailServer::start().await,
        SwitchableSite::start().await,
    );
    let phone = Telephony::start().await;
    phone.set_fate(Fate::Delivered);
    let settings = Settings::local(&database.url)
        .with("SMTP_URL", &mail.url())
        .with_telephony(&phone);
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "enterprise").await;
    add_phone(&api, &phone, "+12025550143").await;
    let monitor = api
        .watch(&site.url("/checkout"), json!({ "name": "Shop checkout" }))
        .await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;

    site.set(Behaviour::Status(502));
    let (status, check) = api
        .send("POST", &format!("/monitors/{monitor}/check"), None)
        .await;
    assert_eq!(
        (status, &check["verdict"]),
        (200, &json!("down")),
        "{check}"
    );
    let down = mail
        .wait_for("Down: Shop checkout", Duration::from_secs(30))
        .await;
    assert_eq!(down.to, ["owner@shop.example"]);
    assert!(
        down.subject.contains("502") && down.html.contains("DOWN"),
        "{}",
        down.subject
    );
    assert!(down.text.contains("3 of 3 looks failed"), "{}", down.text);
    let texts = tokio::time::timeout(Duration::from_secs(15), phone.wait_for(2))
        .await
        .expect("a text arrives");
    assert!(
        texts[1].body.starts_with("DOWN Shop checkout since ")
            && texts[1].body.contains("Reply ACK"),
        "{}",
        texts[1].body
    );
    assert!(texts[1].body.chars().count() <= 160);
    let monitor_now = wait_for_status(&api, &monitor, "down", Duration::from_secs(5)).await;
    assert_eq!(monitor_now["last_check"]["failure"]["class"], "http_status");

    let open = api.get("/incidents?status=open").await;
    let id = open["data"][0]["id"].as_str().unwrap().to_owned();
    let incident = wait::until(
        "both are told and the phone confirms",
        Duration::from_secs(15),
        async || {
            let incident = api.get(&format!("/incidents/{id}")).await;
            let states = incident["deliveries"].as_array()?.iter().filter(|d| {
                d["state"] == "delivered" || (d["channel"] == "email" && d["state"] == "sent")
            });
            (states.count() == 2).then_some(incident)
        },
    )
    .await;
    let confirmed = between(&incident["first_failure_at"], &incident["confirmed_at"]);
    assert!(
        confirmed >= 6_000,
        "an alarm after {confirmed} ms would break the promise of six seconds"
    );
    let told: Vec<String> = incident["deliveries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| {
            format!(
                "{} accepted {} ms after that",
                d["channel"],
                between(&incident["confirmed_at"], &d["accepted_at"])
            )
        })
        .collect();
    eprintln!(
        "confirmed {confirmed} ms after the first failing look, {}",
        told.join(", ")
    );

    site.set(Behaviour::Fine);
    let (_, check) = api
        .send("POST", &format!("/monitors/{monitor}/check"), None)
        .await;
    assert_eq!(check["verdict"], "up", "{check}");
    let up = mail
        .wait_for("Up: Shop checkout (was down ", Duration::from_secs(30))
        .await;
    assert!(
        up.headers.to_lowercase().contains("in-reply-to"),
        "the recovery is threaded: {}",
        up.headers
    );
    let texts = tokio::time::timeout(Duration::from_secs(15), phone.wait_for(3))
        .await
        .expect("a text arrives");
    assert!(
        texts[2].body.starts_with("UP Shop checkout since ") && texts[2].body.contains("was down"),
        "{}",
        texts[2].body
    );
    wait_for_status(&api, &monitor, "up", Duration::from_secs(5)).await;
    let closed = api.get(&format!("/incidents/{id}")).await;
    assert_eq!(
        (&closed["status"], &closed["resolved_reason"]),
        (&json!("resolved"), &json!("recovered"))
    );
    assert_eq!(
        mail.with_subject("Down:").len() + mail.with_subject("Up:").len(),
        2,
        "each is told once"
    );
    assert_eq!(phone.messages().len(), 3, "a code, an outage, its end");
    assert_eq!(
        phone.report_forged(&texts[1].sid, "undelivered").await,
        Some(403),
        "only the provider is believed"
    );
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_hiccup_wakes_nobody() {
    let (database, mail, site) = (
        StoryDatabase::fresh().await,
        MailServer::start().await,
        SwitchableSite::start().await,
    );
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "enterprise").await;
    let monitor = api.watch(&site.url("/"), json!({})).await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;
    site.set(Behaviour::Status(503));
    let (_, check) = api
        .send("POST", &format!("/monitors/{monitor}/check"), None)
        .await;
    assert_eq!(check["verdict"], "down");
    assert_eq!(
        api.get(&format!("/monitors/{monitor}")).await["confirming"],
        true
    );
    site.set(Behaviour::Fine);
    wait::until(
        "the suspicion is dropped",
        Duration::from_secs(20),
        async || {
            let monitor = api.get(&format!("/monitors/{monitor}")).await;
            (monitor["confirming"] == false).then_some(())
        },
    )
    .await;
    assert_eq!(api.get("/incidents").await["data"], json!([]));
    assert!(mail.with_subject("Down").is_empty());
}
