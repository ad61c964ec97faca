//! An outage and its end, by API, mail and text, in one process.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Behaviour, SwitchableSite};

use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::Settings;
use crate::support::wait;

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
    let (database, mail, site) = (StoryDatabase::fresh().await, MailServer::start().await, SwitchableSite::start().await);
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "free").await;
    let monitor = api.watch(&site.url("/checkout"), json!({ "name": "Shop checkout" })).await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;

    site.set(Behaviour::Status(502));
    let (status, check) = api.send("POST", &format!("/monitors/{monitor}/check"), None).await;
    assert_eq!((status, &check["verdict"]), (200, &json!("down")), "{check}");
    let down = mail.wait_for("Down: Shop checkout", Duration::from_secs(30)).await;
    assert_eq!(down.to, ["owner@shop.example"]);
    assert!(down.subject.contains("502"), "{}", down.subject);
    assert!(down.text.contains("3 of 3 looks failed"), "{}", down.text);
    let monitor_now = wait_for_status(&api, &monitor, "down", Duration::from_secs(5)).await;
    assert_eq!(monitor_now["last_check"]["failure"]["class"], "http_status");

    let open = api.get("/incidents?status=open").await;
    let incident = &open["data"][0];
    let first: jiff::Timestamp = incident["first_failure_at"].as_str().unwrap().parse().unwrap();
    let confirmed: jiff::Timestamp = incident["confirmed_at"].as_str().unwrap().parse().unwrap();
    let took = confirmed.duration_since(first);
    assert!(took.as_millis() >= 6_000, "an alarm after {took:?} would break the promise of six seconds");

    site.set(Behaviour::Fine);
    let (_, check) = api.send("POST", &format!("/monitors/{monitor}/check"), None).await;
    assert_eq!(check["verdict"], "up", "{check}");
    let up = mail.wait_for("Up: Shop checkout (was down ", Duration::from_secs(30)).await;
    assert!(up.headers.to_lowercase().contains("in-reply-to"), "the recovery is threaded: {}", up.headers);
    wait_for_status(&api, &monitor, "up", Duration::from_secs(5)).await;
    let id = incident["id"].as_str().unwrap();
    let closed = api.get(&format!("/incidents/{id}")).await;
    assert_eq!((&closed["status"], &closed["resolved_reason"]), (&json!("resolved"), &json!("recovered")));
    let states: Vec<&str> = closed["deliveries"].as_array().unwrap().iter().filter_map(|d| d["state"].as_str()).collect();
    assert_eq!(states, ["sent", "sent"]);
    assert_eq!(mail.with_subject("Down:").len() + mail.with_subject("Up:").len(), 2, "each is told once");
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_hiccup_wakes_nobody() {
    let (database, mail, site) = (StoryDatabase::fresh().await, MailServer::start().await, SwitchableSite::start().await);
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "free").await;
    let monitor = api.watch(&site.url("/"), json!({})).await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;
    site.set(Behaviour::Status(503));
    let (_, check) = api.send("POST", &format!("/monitors/{monitor}/check"), None).await;
    assert_eq!(check["verdict"], "down");
    assert_eq!(api.get(&format!("/monitors/{monitor}")).await["confirming"], true);
    site.set(Behaviour::Fine);
    wait::until("the suspicion is dropped", Duration::from_secs(20), async || {
        let monitor = api.get(&format!("/monitors/{monitor}")).await;
        (monitor["confirming"] == false).then_some(())
    })
    .await;
    assert_eq!(api.get("/incidents").await["data"], json!([]));
    assert!(mail.with_subject("Down").is_empty());
}
