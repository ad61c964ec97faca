//! Calls: nobody takes an outage, the telephone rings, and a key takes it.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::telephony::{Call, Pickup, Telephony};
use testkit::{Behaviour, telephony};

use crate::outage::wait_for_status;
use crate::support::api::{self, Api};
use crate::support::stage::Stage;
use crate::support::wait;

const SOON: Duration = Duration::from_secs(30);
const NUMBER: &str = "+12025550143";

/// The digits that a call says.
fn digits(said: &str) -> String {
    let words = [
        "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    said.split(|c: char| !c.is_ascii_alphabetic())
        .filter_map(|word| words.iter().position(|known| *known == word))
        .map(|digit| digit.to_string())
        .collect()
}

/// Adds a number that is called and proves it with the code that is said there; its id.
pub async fn add_voice(api: &Api, phone: &Telephony) -> String {
    let known = phone.calls().len();
    let body = json!({ "kind": "voice", "name": "Ana", "address": NUMBER });
    let (status, contact) = api.send("POST", "/contacts", Some(body)).await;
    assert_eq!(
        (status, &contact["verified"], &contact["in_default"]),
        (201, &json!(false), &json!(false)),
        "{contact}"
    );
    let call = phone.wait_for_calls(known + 1).await.remove(known);
    let said = digits(call.twiml.as_deref().expect("the code is in the call"));
    assert_eq!(&said[..6], &said[6..], "it is said twice");
    let id = contact["id"].as_str().expect("an id").to_owned();
    let path = format!("/contacts/{id}/verify");
    let code = json!({ "code": &said[..6] });
    let (status, contact) = api.send("POST", &path, Some(code)).await;
    assert_eq!(
        (status, &contact["verified"]),
        (200, &json!(true)),
        "{contact}"
    );
    id
}

/// A policy that calls `voice` seconds after the mails.
async fn calls_after(api: &Api, seconds: u32, voice: &str) -> Value {
    let contacts = api.get("/contacts").await;
    let mail = contacts["data"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["kind"] == "email"))
        .expect("the owner's address");
    let body = json!({ "name": "Night", "steps": [
        { "delay_seconds": 0, "contact_ids": [mail["id"]] },
        { "delay_seconds": seconds, "contact_ids": [voice] },
    ] });
    let (status, policy) = api.send("POST", "/policies", Some(body)).await;
    assert_eq!(status, 201, "{policy}");
    policy["id"].clone()
}

/// The site breaks and is looked at.
async fn breaks(api: &Api, site: &testkit::SwitchableSite, monitor: &str) {
    site.set(Behaviour::Status(502));
    let path = format!("/monitors/{monitor}/check");
    let (status, check) = api.send("POST", &path, None).await;
    assert_eq!(
        (status, &check["verdict"]),
        (200, &json!("down")),
        "{check}"
    );
}

/// The call about the outage, once it is over.
async fn finished(phone: &Telephony, index: usize) -> Call {
    phone.wait_for_calls(index + 1).await;
    wait::until("the call is over", SOON, async || {
        let call = phone.calls().remove(index);
        (call.status == "completed").then_some(call)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_it_and_the_telephone_rings() {
    let Stage {
        mail,
        site,
        phone,
        settings,
    } = Stage::set().await;
    let second = Telephony::start().await;
    let settings = settings
        .with("TWILIO2_ACCOUNT_SID", telephony::ACCOUNT_SID)
        .with("TWILIO2_AUTH_TOKEN", telephony::AUTH_TOKEN)
        .with("TWILIO2_FROM", telephony::FROM)
        .with("TWILIO2_BASE_URL", second.base_url().as_str());
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let voice = add_voice(&api, &phone).await;
    let policy = calls_after(&api, 2, &voice).await;
    let watched =
        json!({ "name": "Shop checkout", "interval_seconds": 3_600, "policy_id": policy });
    let monitor = api.watch(&site.url("/checkout"), watched).await;
    wait_for_status(&api, &monitor, "up", SOON).await;

    // The first provider is away when the call is due; a person answers, hears the cause and takes it.
    phone.fail_next(telephony::Fault::Status(503));
    second.set_pickup(Pickup::Person("21".to_owned()));
    breaks(&api, &site, &monitor).await;
    mail.wait_for("Down: Shop checkout", SOON).await;
    let call = finished(&second, 0).await;
    assert_eq!(call.to, NUMBER);
    let heard = call.heard.join("\n");
    assert!(
        heard.starts_with("Watchbell alert. Shop checkout is down, since "),
        "{heard}"
    );
    assert!(
        heard.contains("error five, zero, two")
            && heard.contains("Press 1 if you have it.")
            && heard.ends_with("Thank you. You have it, the others are told. Goodbye."),
        "{heard}"
    );
    assert!(!heard.contains("://"), "{heard}");

    let open = api.get("/incidents?status=open").await;
    let id = open["data"][0]["id"].as_str().expect("an incident");
    let incident = wait::until("the call is recorded", SOON, async || {
        let incident = api.get(&format!("/incidents/{id}")).await;
        let called = incident["deliveries"].as_array()?.iter();
        let mut called = called.filter(|one| one["channel"] == "voice");
        (called.next()?["state"] == "delivered").then_some(incident)
    })
    .await;
    assert_eq!(
        incident["acknowledged_by"],
        json!({ "kind": "contact", "name": "Ana" })
    );
    let told = mail.wait_for("Re: Down: Shop checkout", SOON).await;
    assert!(told.text.contains("Ana has Shop checkout"), "{}", told.text);
    let called = incident["deliveries"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["channel"] == "voice"))
        .expect("a call");
    assert!(
        called["attempts"].to_string().contains("503"),
        "the tries name what the first provider said: {called}"
    );
    assert_eq!(called["price"]["currency"], "USD");
    assert_eq!((phone.calls().len(), second.calls().len()), (1, 1));

    // Only the provider is believed, and only about calls that are.
    assert_eq!(
        second.turn_forged(&call.sid, Some('3')).await.unwrap().0,
        403
    );
    let again = second.turn(&call.sid, Some('1')).await.unwrap();
    assert!(
        again.0 == 200 && again.1.contains("Thank you."),
        "{again:?}"
    );
    assert_eq!(server.terminate().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_answers_and_the_next_is_told_at_once() {
    let Stage {
        mail,
        site,
        phone,
        settings,
    } = Stage::set().await;
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let voice = add_voice(&api, &phone).await;
    let contacts = api.get("/contacts").await;
    let owner = contacts["data"][0]["id"].clone();
    // The mail would come an hour after the call.
    let body = json!({ "name": "Night", "steps": [
        { "delay_seconds": 0, "contact_ids": [voice] },
        { "delay_seconds": 3_600, "contact_ids": [owner] },
    ] });
    let (status, policy) = api.send("POST", "/policies", Some(body)).await;
    assert_eq!(status, 201, "{policy}");
    let watched = json!({ "name": "Shop", "interval_seconds": 3_600, "policy_id": policy["id"] });
    let monitor = api.watch(&site.url("/"), watched).await;
    wait_for_status(&api, &monitor, "up", SOON).await;
    phone.set_pickup(Pickup::NoAnswer);
    breaks(&api, &site, &monitor).await;
    mail.wait_for("Down: Shop", SOON).await;
    let open = api.get("/incidents?status=open").await;
    let id = open["data"][0]["id"].as_str().expect("an incident");
    let incident = api.get(&format!("/incidents/{id}")).await;
    let timeline = incident["timeline"].to_string();
    assert!(
        timeline.contains("Ana did not answer the call. Told next: "),
        "{timeline}"
    );
    let called = incident["deliveries"]
        .as_array()
        .and_then(|all| all.iter().find(|one| one["channel"] == "voice"))
        .expect("a call");
    assert_eq!(
        (&called["state"], &called["price"]),
        (&json!("failed"), &Value::Null),
        "{called}"
    );
    assert!(called["attempts"].to_string().contains("Nobody answered."));
    assert_eq!(phone.calls().len(), 2, "the code, and one call");
}
