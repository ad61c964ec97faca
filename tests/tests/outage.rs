//! An outage and its end, by API, mail and text, in one process.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::telephony::Telephony;
use testkit::{Behaviour, SwitchableSite};

use crate::support::api::{self, Api};
use crate::support::mail::MailServer;
use crate::support::program::{Running, Settings};
use crate::support::stage::Stage;
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

/// Its slots are so far apart that none falls among the looks that the story asks for.
fn watched() -> Value {
    json!({ "name": "Shop checkout", "interval_seconds": 3_600 })
}

/// A shop that is watched, and the people behind it.
struct Scene {
    api: Api,
    mail: MailServer,
    phone: Telephony,
    site: SwitchableSite,
    monitor: String,
}

impl Scene {
    /// An owner of `plan`, with its first month in the wallet and a phone, watches the site, which is up.
    async fn set(plan: &str, month: &str) -> (Self, Settings, Running) {
        let Stage {
            mail,
            site,
            phone,
            settings,
        } = Stage::set().await;
        let server = settings.serve().await;
        let api = api::account(&settings, "owner@shop.example", plan).await;
        assert_eq!(api.get("/me").await["wallet"]["amount"], month);
        add_phone(&api, &phone, "+12025550143").await;
        let monitor = api.watch(&site.url("/checkout"), watched()).await;
        wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;
        let scene = Self {
            api,
            mail,
            phone,
            site,
            monitor,
        };
        (scene, settings, server)
    }

    async fn look(&self) -> Value {
        let path = format!("/monitors/{}/check", self.monitor);
        let (status, check) = self.api.send("POST", &path, None).await;
        assert_eq!(status, 200, "{check}");
        check
    }

    /// The text of the n-th SMS, once it is there.
    async fn text(&self, n: usize) -> String {
        let texts = tokio::time::timeout(Duration::from_secs(15), self.phone.wait_for(n))
            .await
            .expect("a text arrives");
        texts[n - 1].body.clone()
    }

    /// The site breaks: mail and SMS say so.
    async fn breaks(&self) {
        self.site.set(Behaviour::Status(502));
        assert_eq!(self.look().await["verdict"], "down");
        let down = self
            .mail
            .wait_for("Down: Shop checkout", Duration::from_secs(30))
            .await;
        assert_eq!(down.to, ["owner@shop.example"]);
        assert!(
            down.subject.contains("502") && down.html.contains("DOWN"),
            "{}",
            down.subject
        );
        down.assert_says("3 of 3 looks failed");
        let text = self.text(2).await;
        assert!(
            text.starts_with("DOWN Shop checkout since ") && text.contains("Reply ACK"),
            "{text}"
        );
        assert!(text.chars().count() <= 160);
        let monitor =
            wait_for_status(&self.api, &self.monitor, "down", Duration::from_secs(5)).await;
        assert_eq!(monitor["last_check"]["failure"]["class"], "http_status");
    }

    /// The incident's page knows who was told and when; its id.
    async fn both_are_told(&self) -> String {
        let open = self.api.get("/incidents?status=open").await;
        let id = open["data"][0]["id"].as_str().unwrap().to_owned();
        let limit = Duration::from_secs(15);
        let incident = wait::until("both are told and the phone confirms", limit, async || {
            let incident = self.api.get(&format!("/incidents/{id}")).await;
            let states = incident["deliveries"].as_array()?.iter().filter(|d| {
                d["state"] == "delivered" || (d["channel"] == "email" && d["state"] == "sent")
            });
            (states.count() == 2).then_some(incident)
        })
        .await;
        let confirmed = between(&incident["first_failure_at"], &incident["confirmed_at"]);
        assert!(
            confirmed >= 6_000,
            "an alarm after {confirmed} ms would break the promise of six seconds"
        );
        let deliveries = incident["deliveries"].as_array().unwrap().iter();
        let told = deliveries.map(|d| {
            let after = between(&incident["confirmed_at"], &d["accepted_at"]);
            format!("{} accepted {after} ms after that", d["channel"])
        });
        let told = told.collect::<Vec<_>>().join(", ");
        eprintln!("confirmed {confirmed} ms after the first failing look, {told}");
        id
    }

    /// The site recovers: the same people hear of it, in the same thread.
    async fn recovers(&self, incident: &str) {
        self.site.set(Behaviour::Fine);
        assert_eq!(self.look().await["verdict"], "up");
        let up = self
            .mail
            .wait_for("Up: Shop checkout (was down ", Duration::from_secs(30))
            .await;
        assert!(
            up.headers.to_lowercase().contains("in-reply-to"),
            "the recovery is threaded: {}",
            up.headers
        );
        let text = self.text(3).await;
        assert!(
            text.starts_with("UP Shop checkout since ") && text.contains("was down"),
            "{text}"
        );
        wait_for_status(&self.api, &self.monitor, "up", Duration::from_secs(5)).await;
        let closed = self.api.get(&format!("/incidents/{incident}")).await;
        assert_eq!(
            (&closed["status"], &closed["resolved_reason"]),
            (&json!("resolved"), &json!("recovered"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_breaks_and_people_are_told_and_told_again() {
    let (scene, _settings, server) = Scene::set("enterprise", "500.00").await;
    scene.breaks().await;
    let incident = scene.both_are_told().await;
    scene.recovers(&incident).await;

    let (mail, texts) = (&scene.mail, scene.phone.messages());
    assert_eq!(
        mail.with_subject("Down:").len() + mail.with_subject("Up:").len(),
        2,
        "each is told once"
    );
    assert_eq!(texts.len(), 3, "a code, an outage, its end");
    assert_eq!(
        scene
            .phone
            .report_forged(&texts[1].sid, "undelivered")
            .await,
        Some(403),
        "only the provider is believed"
    );
    assert_eq!(server.terminate().await, 0);
}

/// The phone answers its text, and the mail contact hears who has it.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_by_text_takes_the_outage() {
    let (scene, settings, _server) = Scene::set("team", "100.00").await;
    scene.breaks().await;
    let incident = scene.both_are_told().await;

    let url = format!("http://localhost:{}/callbacks/twilio/sms", settings.port);
    let ack = ("SM-inbound-1", "+12025550143", "Ack");
    let forged = scene.phone.hand_over_forged(&url, ack).await.unwrap();
    assert_eq!(forged.0, 403);
    let (status, answer) = scene.phone.hand_over(&url, ack).await.unwrap();
    assert_eq!(status, 200);
    assert!(
        answer.contains("<Message>OK, you have Shop checkout. The others are told"),
        "{answer}"
    );
    let taken = scene.api.get(&format!("/incidents/{incident}")).await;
    assert_eq!(
        taken["acknowledged_by"],
        json!({ "kind": "contact", "name": "On call" })
    );
    let told = scene
        .mail
        .wait_for("Re: Down: Shop checkout", Duration::from_secs(30))
        .await;
    told.assert_says("On call has Shop checkout");
    let again = scene.phone.hand_over(&url, ack).await.unwrap();
    assert_eq!(again.1, answer, "a repetition changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_short_hiccup_wakes_nobody() {
    let Stage {
        mail,
        site,
        settings,
        ..
    } = Stage::set().await;
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
