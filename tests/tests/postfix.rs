//! Alerts through a mail server that the world runs: encryption, login, greylisting, a mailbox that goes,
//! and a mail that comes back.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Behaviour, SwitchableSite};

use crate::outage::wait_for_status;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::postfix::Postfix;
use crate::support::program::Settings;
use crate::support::wait;

/// The six digits that a mail asks to type in.
fn code(mail: &str) -> String {
    let (_, body) = mail.split_once("\n\n").expect("a header and a body");
    body.split(|letter: char| !letter.is_ascii_digit())
        .find(|word| word.len() == 6)
        .expect("a code")
        .to_owned()
}

async fn add(api: &Api, address: &str) -> String {
    let body = json!({ "kind": "email", "name": address, "address": address, "in_default": true });
    let (status, contact) = api.send("POST", "/contacts", Some(body)).await;
    assert_eq!(status, 201, "{contact}");
    contact["id"].as_str().expect("an id").to_owned()
}

/// The incident's deliveries of `event` to `contact`.
fn told<'v>(incident: &'v Value, event: &str, contact: &str) -> Vec<&'v Value> {
    let all = incident["deliveries"].as_array().expect("deliveries");
    all.iter()
        .filter(|one| one["event"] == event && one["contact_id"] == contact)
        .collect()
}

#[tokio::test]
#[ignore = "needs Debian's postfix and postgrey: make soak"]
async fn alerts_pass_a_greylisting_relay_and_what_it_refuses_is_known() {
    let relay = Postfix::start(&["owner", "leaver", "alerts"], Duration::from_secs(5)).await;
    let database = StoryDatabase::fresh().await;
    let settings = Settings::local(&database.url)
        .with("SMTP_URL", &relay.url())
        .with("MAIL_FROM", "Watchbell <alerts@shop.example>")
        .with("TLS_ROOTS", relay.certificate().to_str().expect("UTF-8"));
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "solo").await;

    // Greylisted like every first mail between two: tried again, and there.
    let leaver = add(&api, "leaver@shop.example").await;
    let mail = relay.wait_for("leaver", "Subject: ").await;
    assert!(
        mail.contains("with ESMTPSA"),
        "encrypted, logged in: {mail}"
    );
    let path = format!("/contacts/{leaver}/verify");
    let (status, contact) = api
        .send("POST", &path, Some(json!({ "code": code(&mail) })))
        .await;
    assert_eq!((status, &contact["verified"]), (200, &json!(true)));

    // Taken by the relay, and sent back to the sender of all mails.
    let gone = add(&api, "somebody@gone.example").await;
    let back = relay.wait_for("alerts", "Final-Recipient").await;
    assert!(back.contains("somebody@gone.example"), "{back}");
    assert!(back.contains("nobody lives here"), "{back}");
    let contact = api.get(&format!("/contacts/{gone}")).await;
    assert_eq!(contact["verified"], json!(false));

    let site = SwitchableSite::start().await;
    let monitor = api
        .watch(
            &site.url("/"),
            json!({ "name": "Shop", "interval_seconds": 3_600 }),
        )
        .await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;
    site.set(Behaviour::Status(502));
    let check = format!("/monitors/{monitor}/check");
    assert_eq!(api.send("POST", &check, None).await.0, 200);
    wait_for_status(&api, &monitor, "down", Duration::from_secs(30)).await;
    let down = relay.wait_for("owner", "Subject: Down: Shop").await;
    assert!(down.contains("with ESMTPSA"), "{down}");
    relay.wait_for("leaver", "Subject: Down: Shop").await;

    // The mailbox goes while the incident is open.
    relay.set_boxes(&["owner", "alerts"]).await;
    site.set(Behaviour::Status(200));
    assert_eq!(api.send("POST", &check, None).await.0, 200);
    wait_for_status(&api, &monitor, "up", Duration::from_secs(30)).await;
    relay.wait_for("owner", "Subject: Up: Shop").await;
    let list = api.get(&format!("/incidents?monitor_id={monitor}")).await;
    let path = format!(
        "/incidents/{}",
        list["data"][0]["id"].as_str().expect("one")
    );
    let refused = wait::until("a refusal on record", Duration::from_secs(60), async || {
        let incident = api.get(&path).await;
        let resolved = told(&incident, "incident.resolved", &leaver);
        let one = resolved.first()?;
        (one["state"] == "failed").then(|| (*one).clone())
    })
    .await;
    assert_eq!(refused["attempts"].as_array().map(Vec::len), Some(1));
    let contact = api.get(&format!("/contacts/{leaver}")).await;
    assert!(contact["disabled_reason"].is_string(), "{contact}");

    // One mail a state, for all the greylisting.
    for phrase in ["Subject: Down: Shop", "Subject: Up: Shop"] {
        let to_owner = relay.mails("owner");

        let count = to_owner.iter().filter(|mail| mail.contains(phrase));
        assert_eq!(count.count(), 1, "{phrase}");
    }
}
