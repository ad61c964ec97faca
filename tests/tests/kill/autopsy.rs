//! In the middle of a closer look: who is told was told before, and another worker finds out why.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;
use testkit::Behaviour;

use super::{LIMIT, Scene, count};
use crate::outage::wait_for_status;
use crate::support::api;
use crate::support::program::{Running, Settings, free_port};
use crate::support::wait;

/// From the outage being sure to the provider's word that it has the mail, on a machine with much else to do; a
/// closer look that nobody finishes is taken over after 15 s.
const AT_ONCE: Duration = Duration::from_secs(10);
/// What a dead worker had taken is let go after 15 s, a worker begins within one more, and asks for less than five.
const TAKEN_OVER: Duration = Duration::from_secs(30);

const TAKEN: &str = "SELECT count(*) FROM autopsies WHERE taken_at IS NOT NULL AND done_at IS NULL";
const DONE: &str = "SELECT count(*) FROM autopsies a JOIN incidents i ON i.id = a.incident_id
    WHERE a.done_at IS NOT NULL AND jsonb_array_length(a.findings) > 0 AND i.diagnosed_at IS NOT NULL";

/// A role beside the web.
async fn role(settings: &Settings, role: &str) -> Running {
    let ops = format!("127.0.0.1:{}", free_port());
    let settings = settings.clone().with("OPS_LISTEN", &ops);
    settings.start(role, &format!("http://{ops}/readyz")).await
}

async fn taker(scene: &Scene) -> String {
    sqlx::query_scalar("SELECT taken_by FROM autopsies")
        .fetch_one(&scene.database.pool)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle_of_a_closer_look() {
    let scene = Scene::set().await;
    let (status, _, error) = scene.settings.run(&["migrate"]).await;
    assert_eq!(status, 0, "{error}");
    let ready = format!("http://127.0.0.1:{}/readyz", scene.settings.port);
    let _web = scene.settings.start("web", &ready).await;
    let _notifier = role(&scene.settings, "notifier").await;
    let worker = role(&scene.settings, "worker").await;
    let api = api::account(&scene.settings, "owner@shop.example", "enterprise").await;
    // Looks that wait long for an answer: questions about the outage do too.
    let watched = json!({
        "name": "Shop", "interval_seconds": 10, "timeout_ms": 2_500, "confirm": { "rechecks": 1, "over_seconds": 0 },
    });
    let monitor = api.watch(&scene.site.url("/"), watched).await;
    wait_for_status(&api, &monitor, "up", Duration::from_secs(15)).await;

    scene.site.set(Behaviour::Hang);
    let look = format!("/monitors/{monitor}/check");
    let (status, check) = api.send("POST", &look, None).await;
    assert_eq!(
        (status, &check["verdict"]),
        (200, &json!("down")),
        "{check}"
    );
    let pool = &scene.database.pool;
    let what = "a worker is in the middle of the closer look";
    wait::until(what, LIMIT, async || count(pool, TAKEN).await).await;
    let dead = taker(&scene).await;
    worker.kill().await;
    let killed = Timestamp::now();
    // The alert waits for no closer look.
    let told = scene.mail.wait_for("Down: Shop", AT_ONCE).await;
    told.assert_says("Shop is DOWN");
    assert_eq!(count(pool, DONE).await, None, "nobody knows more yet");
    let again = role(&scene.settings, "worker").await;
    wait::until("another worker takes over", TAKEN_OVER, async || {
        count(pool, DONE).await
    })
    .await;
    let after = Timestamp::now().duration_since(killed);
    assert_ne!(taker(&scene).await, dead);

    let open = api.get("/incidents").await;
    let [incident] = open["data"].as_array().unwrap().as_slice() else {
        panic!("one outage: {open}")
    };
    let path = format!("/incidents/{}", incident["id"].as_str().unwrap());
    let incident = api.get(&path).await;
    let seen = incident["diagnosis"]["evidence"].as_array().unwrap();
    let asked = seen.iter().any(|line| line["label"] == "Again");
    assert!(asked, "the verdict is that of the closer look: {incident}");
    let at = |value: &serde_json::Value| value.as_str().unwrap().parse::<Timestamp>().unwrap();
    let deliveries = incident["deliveries"].as_array().unwrap();
    let down: Vec<_> = deliveries
        .iter()
        .filter(|one| one["event"] == "incident.opened")
        .collect();
    let [down] = down.as_slice() else {
        panic!("told once: {incident}")
    };
    let waited = at(&down["accepted_at"]).duration_since(at(&incident["confirmed_at"]));
    assert!(waited.unsigned_abs() < AT_ONCE, "told after {waited:#}");
    assert_eq!(scene.mail.with_subject("Down: Shop").len(), 1);
    eprintln!(
        "the mail was accepted {waited:#} after the outage was sure; the closer look was done {after:#} after the kill"
    );
    drop(again);
}
