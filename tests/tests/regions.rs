//! Three regions look at one site, each from a process of its own, and vote.

use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Behaviour, SwitchableSite};

use crate::outage::wait_for_status;
use crate::support::api;
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::{Running, Settings, free_port};

const LIMIT: Duration = Duration::from_secs(45);

async fn worker(settings: &Settings, region: &str) -> Running {
    let ops = free_port();
    settings
        .clone()
        .with("REGION", region)
        .with("REGION_NAME", &region.to_uppercase())
        .with("USER_AGENT", &format!("looks-from-{region}"))
        .with("OPS_LISTEN", &format!("127.0.0.1:{ops}"))
        .start("worker", &format!("http://127.0.0.1:{ops}/readyz"))
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_region_alone_is_no_alarm_and_most_of_them_are() {
    let (database, mail, site) = (
        StoryDatabase::fresh().await,
        MailServer::start().await,
        SwitchableSite::start().await,
    );
    let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
    let (status, _, error) = settings.run(&["migrate"]).await;
    assert_eq!(status, 0, "{error}");
    let mut processes = Vec::new();
    for region in ["fra", "iad", "syd"] {
        processes.push(worker(&settings, region).await);
    }
    let ready = format!("http://127.0.0.1:{}/readyz", settings.port);
    processes.push(settings.start("web", &ready).await);
    let ops = free_port();
    let notifier = settings
        .clone()
        .with("OPS_LISTEN", &format!("127.0.0.1:{ops}"));
    let ready = format!("http://127.0.0.1:{ops}/readyz");
    processes.push(notifier.start("notifier", &ready).await);
    let api = api::account(&settings, "owner@shop.example", "enterprise").await;
    let wanted = json!({
        "name": "Shop", "interval_seconds": 10, "timeout_ms": 2000, "regions": ["fra", "iad", "syd"],
    });
    let monitor = api.watch(&site.url("/"), wanted).await;
    wait_for_status(&api, &monitor, "up", LIMIT).await;

    site.set(Behaviour::StatusFor {
        agent: "looks-from-iad".to_owned(),
        status: 503,
    });
    wait_for_status(&api, &monitor, "partial", LIMIT).await;
    assert_eq!(
        api.get("/incidents").await["data"],
        json!([]),
        "advice, and no alarm"
    );
    let (region, verdict): (String, String) =
        sqlx::query_as("SELECT region, verdict FROM region_votes WHERE verdict <> 'up'")
            .fetch_one(&database.pool)
            .await
            .unwrap();
    assert_eq!((region.as_str(), verdict.as_str()), ("iad", "down"));

    site.set(Behaviour::Status(503));
    wait_for_status(&api, &monitor, "down", LIMIT).await;
    mail.wait_for("Down: Shop", LIMIT).await;
    let open = api.get("/incidents?status=open").await;
    let incident = api
        .get(&format!(
            "/incidents/{}",
            open["data"][0]["id"].as_str().unwrap()
        ))
        .await;
    let vote = &incident["vote"];
    assert_eq!(vote["of"], 3, "{vote}");
    assert!(vote["down"].as_u64() >= Some(2), "{vote}");
    let named: Vec<&Value> = vote["regions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["region"])
        .collect();
    assert_eq!(named, ["fra", "iad", "syd"]);

    site.set(Behaviour::Fine);
    wait_for_status(&api, &monitor, "up", LIMIT).await;
    mail.wait_for("Up: Shop", LIMIT).await;
    assert_eq!(mail.all().len(), 2, "one outage, told once, and its end");
}
