//! The database dies under load: no false alarm, nothing lost, back by itself.

use std::time::Duration;

use serde_json::json;
use testkit::{Behaviour, SwitchableSite};
use tokio::process::Command;

use crate::outage::wait_for_status;
use crate::support::api;
use crate::support::mail::MailServer;
use crate::support::program::Settings;
use crate::support::wait;

/// Ends the embedded server of the story's data directory as a crash does.
pub async fn crash(settings: &Settings) {
    let pid = std::fs::read_to_string(settings.dir.join("var/postgres/data/postmaster.pid"))
        .expect("a running server");
    let pid = pid.lines().next().expect("a pid").trim().to_owned();
    assert!(
        Command::new("kill")
            .args(["-9", &pid])
            .status()
            .await
            .expect("kill")
            .success()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_database_comes_back_without_a_false_alarm_or_a_lost_one() {
    let (mail, site, broken) = (
        MailServer::start().await,
        SwitchableSite::start().await,
        SwitchableSite::start().await,
    );
    let settings = Settings::embedded().with("SMTP_URL", &mail.url());
    let server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "enterprise").await;
    let mut healthy = Vec::new();
    for number in 0..20 {
        healthy.push(
            api.watch(
                &site.url(&format!("/{number}")),
                json!({ "interval_seconds": 10 }),
            )
            .await,
        );
    }
    let failing = api
        .watch(
            &broken.url("/"),
            json!({ "name": "Shop", "interval_seconds": 10 }),
        )
        .await;
    for monitor in healthy.iter().chain([&failing]) {
        wait_for_status(&api, monitor, "up", Duration::from_secs(20)).await;
    }
    broken.set(Behaviour::Status(502));
    wait::until(
        "a failing look of the timetable",
        Duration::from_secs(30),
        async || {
            let monitor = api.get(&format!("/monitors/{failing}")).await;
            (monitor["confirming"] == true || monitor["status"] == "down").then_some(())
        },
    )
    .await;
    crash(&settings).await;

    let client = reqwest::Client::new();
    let ready = format!("http://127.0.0.1:{}/readyz", settings.port);
    wait::until("ready again", Duration::from_secs(30), async || {
        client
            .get(&ready)
            .send()
            .await
            .ok()
            .filter(|answer| answer.status().is_success())
            .map(drop)
    })
    .await;
    mail.wait_for("Down: Shop", Duration::from_secs(40)).await;
    let incidents = api.get("/incidents").await;
    assert_eq!(
        incidents["data"].as_array().unwrap().len(),
        1,
        "{incidents}"
    );
    assert_eq!(mail.with_subject("Down:").len(), 1);
    for monitor in &healthy {
        assert_eq!(
            api.get(&format!("/monitors/{monitor}")).await["status"],
            "up"
        );
    }
    assert_eq!(server.terminate().await, 0);
}
