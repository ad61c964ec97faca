//! A job that calls, and one that does not: the real program, real mail, killed in between.

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::Executor;

use crate::outage::wait_for_status;
use crate::support::api;
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::Settings;

const LIMIT: Duration = Duration::from_secs(150);

/// Calls as `curl` does.
pub async fn call(settings: &Settings, monitor: &Value, tail: &str, body: &'static str) -> String {
    let url = monitor["ping_url"].as_str().expect("a ping URL");
    let (_, path) = url.split_once("/ping/").expect("a path");
    let url = format!("http://127.0.0.1:{}/ping/{path}{tail}", settings.port);
    let answer = reqwest::Client::new().post(url).body(body).send().await;
    let answer = answer.expect("an answer");
    format!(
        "{} {}",
        answer.status().as_u16(),
        answer.text().await.unwrap()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_does_not_call_is_told_about_although_we_were_killed() {
    let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "free").await;
    let body = json!({ "kind": "heartbeat", "name": "Nightly backup", "period_seconds": 3_600, "grace_seconds": 600 });
    let (status, monitor) = api.send("POST", "/monitors", Some(body)).await;
    assert_eq!(
        (status, &monitor["status"]),
        (201, &json!("pending")),
        "{monitor}"
    );
    let id = monitor["id"].as_str().unwrap();
    assert_eq!(call(&settings, &monitor, "", "").await, "200 OK");
    wait_for_status(&api, id, "up", Duration::from_secs(5)).await;

    // Killed; and the job has been silent for two hours.
    server.kill().await;
    database
        .pool
        .execute(
            "UPDATE heartbeats SET last_at = last_at - interval '2 h', last_good_at = last_good_at - interval '2 h',
                 counted_from = counted_from - interval '2 h', expected_at = expected_at - interval '2 h',
                 due_at = due_at - interval '2 h';
             UPDATE monitor_states SET since = since - interval '3 h'",
        )
        .await
        .unwrap();
    let server = settings.serve().await;
    let down = mail.wait_for("Down: Nightly backup", LIMIT).await;
    assert!(
        down.subject.contains("no heartbeat since"),
        "{}",
        down.subject
    );
    down.assert_says("Expected every 1 h");
    down.assert_says("grace was over");

    // The job calls again, and at once it is over.
    assert_eq!(call(&settings, &monitor, "/0", "").await, "200 OK");
    wait_for_status(&api, id, "up", Duration::from_secs(5)).await;
    mail.wait_for("Up: Nightly backup", LIMIT).await;

    // It fails: what was answered is told, even if we are killed in that moment.
    let failed = call(&settings, &monitor, "/3", "disk full").await;
    assert_eq!(failed, "200 OK");
    server.kill().await;
    let server = settings.serve().await;
    let down = mail
        .wait_for("Down: Nightly backup (job reports failure (exit 3))", LIMIT)
        .await;
    down.assert_says("The job itself said so");
    assert_eq!(mail.with_subject("Down:").len(), 2, "each is told once");
    let pings = api.get(&format!("/monitors/{id}/pings")).await;
    assert_eq!(pings["data"].as_array().unwrap().len(), 3);
    assert_eq!(server.terminate().await, 0);
}
