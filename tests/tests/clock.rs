//! The machine's clock steps, as by a bad time server: nothing bursts, nothing is missed, nobody's lease
//! is taken, and nobody is alarmed.

use std::time::Duration;

use serde_json::json;
use testkit::{Behaviour, SwitchableSite};

use crate::heartbeat::call;
use crate::outage::wait_for_status;
use crate::support::api;
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::Settings;
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(60);
const MONITORS: i64 = 10;
const INTERVAL: i64 = 10;

async fn count(database: &StoryDatabase, statement: &str) -> i64 {
    let statement = sqlx::AssertSqlSafe(statement.to_owned());
    let count = sqlx::query_scalar(statement).fetch_one(&database.pool);
    count.await.unwrap()
}

/// Since `from` every monitor was looked at three times, each an interval after the other.
async fn the_timetable_goes_on(database: &StoryDatabase, from: &str) {
    let looks = format!(
        "SELECT count(*) FROM checks WHERE at >= '{from}' GROUP BY monitor_id HAVING count(*) >= 3"
    );
    let looked = format!("SELECT count(*) FROM ({looks}) AS looked");
    wait::until("three looks at each", LIMIT, async || {
        (count(database, &looked).await == MONITORS).then_some(())
    })
    .await;
    let spacing = format!(
        "SELECT count(*) FROM (SELECT extract(epoch FROM slot - lag(slot) OVER (PARTITION BY monitor_id ORDER BY at)) AS s
         FROM checks WHERE at >= '{from}'::timestamptz - interval '{INTERVAL} s') AS spaced WHERE s <> {INTERVAL}"
    );
    assert_eq!(count(database, &spacing).await, 0, "no gap and no burst");
    let late = format!(
        "SELECT count(*) FROM checks WHERE at >= '{from}' AND abs(extract(epoch FROM at - slot)) > 5"
    );
    assert_eq!(count(database, &late).await, 0, "in their slots");
    let elsewhen = "SELECT count(*) FROM checks_late";
    assert_eq!(count(database, elsewhen).await, 0, "in their hour");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_steps_moves_nothing() {
    let (database, mail, site) = (
        StoryDatabase::fresh().await,
        MailServer::start().await,
        SwitchableSite::start().await,
    );
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let Some(settings) = settings.on_a_stepping_clock() else {
        eprintln!("skipped: libfaketime is not installed");
        return;
    };
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "enterprise").await;
    let mut monitors = Vec::new();
    for n in 0..MONITORS {
        let url = site.url(&format!("/{n}"));
        monitors.push(
            api.watch(&url, json!({ "interval_seconds": INTERVAL }))
                .await,
        );
    }
    let body = json!({ "kind": "heartbeat", "name": "Backup", "period_seconds": 3_600, "grace_seconds": 600 });
    let (_, job) = api.send("POST", "/monitors", Some(body)).await;
    let first_slots = "SELECT count(DISTINCT monitor_id) FROM checks";
    wait::until("all are looked at", LIMIT, async || {
        (count(&database, first_slots).await == MONITORS).then_some(())
    })
    .await;
    let leases = "SELECT sum(epoch)::bigint + count(DISTINCT holder) * 1000000 FROM shard_leases";
    let held = count(&database, leases).await;

    for step in [3_600, -7_200] {
        settings.step_clock(step);
        let (_, doctor, _) = settings.run(&["doctor"]).await;
        assert!(
            doctor.contains("differs from the database's"),
            "the clock has stepped: {doctor}"
        );
        let from: String = sqlx::query_scalar("SELECT clock_timestamp()::text")
            .fetch_one(&database.pool)
            .await
            .unwrap();
        assert_eq!(call(&settings, &job, "", "").await, "200 OK");
        the_timetable_goes_on(&database, &from).await;
        assert_eq!(count(&database, leases).await, held, "every lease stays");
        assert_eq!(count(&database, "SELECT count(*) FROM incidents").await, 0);
        let path = format!("/monitors/{}", job["id"].as_str().unwrap());
        assert_eq!(api.get(&path).await["status"], "up");
    }
    assert_eq!(mail.all().len(), 0, "nobody is told anything");

    // And what really breaks is told, with its own time.
    let broken = jiff::Timestamp::now();
    site.set(Behaviour::Status(503));
    wait_for_status(&api, &monitors[0], "down", LIMIT).await;
    mail.wait_for("Down:", LIMIT).await;
    let open = api.get("/incidents?status=open").await;
    let began: jiff::Timestamp = open["data"][0]["first_failure_at"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let after = began.duration_since(broken).as_secs();
    assert!((0..=INTERVAL + 1).contains(&after), "{began}");
}
