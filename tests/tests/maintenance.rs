//! Maintenance: nobody is told inside, and what is still down after it is told once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use testkit::{Behaviour, SwitchableSite};

use crate::outage::wait_for_status;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::mail::MailServer;
use crate::support::program::Settings;
use crate::support::wait;

const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    database: StoryDatabase,
    mail: MailServer,
    site: SwitchableSite,
    settings: Settings,
}

impl Scene {
    async fn set() -> Self {
        let (database, mail) = (StoryDatabase::fresh().await, MailServer::start().await);
        let settings = Settings::local(&database.url).with("SMTP_URL", &mail.url());
        Self {
            database,
            mail,
            site: SwitchableSite::start().await,
            settings,
        }
    }

    /// A monitor that is up, and a window of an hour that has begun. Its slots are so far apart that none
    /// falls among the looks of the story.
    async fn in_maintenance(&self) -> (Api, String, String) {
        let api = api::account(&self.settings, "owner@shop.example", "team").await;
        let settings = json!({ "name": "Shop", "interval_seconds": 3_600, "tags": ["prod"] });
        let monitor = api.watch(&self.site.url("/"), settings).await;
        wait_for_status(&api, &monitor, "up", LIMIT).await;
        let ends_at = Timestamp::now() + SignedDuration::from_hours(1);
        let window = json!({ "name": "Deploy", "tags": ["prod"], "ends_at": ends_at });
        let (status, window) = api.send("POST", "/maintenance-windows", Some(window)).await;
        assert_eq!(
            (status, &window["status"]),
            (201, &json!("active")),
            "{window}"
        );
        let shown = api.get(&format!("/monitors/{monitor}")).await;
        assert_eq!(shown["status"], "maintenance");
        assert_eq!(shown["maintenance_until"], window["ends_at"]);
        let window = window["id"].as_str().unwrap().to_owned();
        (api, monitor, window)
    }

    /// The site does this now, and everybody who looks has made sure of it.
    async fn turns(&self, api: &Api, monitor: &str, behaviour: Behaviour, observed: &str) {
        self.site.set(behaviour);
        let (status, check) = api
            .send("POST", &format!("/monitors/{monitor}/check"), None)
            .await;
        assert_eq!(status, 200, "{check}");
        let sure = "SELECT observed FROM monitor_states WHERE NOT confirming";
        wait::until(&format!("it is surely {observed}"), LIMIT, async || {
            let found: Option<String> = sqlx::query_scalar(sure)
                .fetch_optional(&self.database.pool)
                .await
                .unwrap();
            (found.as_deref() == Some(observed)).then_some(())
        })
        .await;
    }

    async fn count(&self, from: &'static str) -> i64 {
        let statement = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {from}"));
        sqlx::query_scalar(statement)
            .fetch_one(&self.database.pool)
            .await
            .unwrap()
    }

    /// The window and what follows from it end at this instant.
    async fn ends(&self, at: Timestamp) {
        for table in ["maintenance_windows", "maintenance_occurrences"] {
            let statement = format!("UPDATE {table} SET ends_at = $1::timestamptz");
            sqlx::query(sqlx::AssertSqlSafe(statement))
                .bind(at.to_string())
                .execute(&self.database.pool)
                .await
                .unwrap();
        }
    }

    /// The only incident, once there is one.
    async fn incident(&self, api: &Api) -> Value {
        wait::until("an incident opens", LIMIT, async || {
            let list = api.get("/incidents").await;
            list["data"].as_array()?.first().cloned()
        })
        .await
    }
}

fn at(value: &Value) -> Timestamp {
    value.as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_inside_is_told_once_when_it_is_over() {
    let scene = Scene::set().await;
    let _server = scene.settings.serve().await;
    let (api, monitor, window) = scene.in_maintenance().await;
    let before = Timestamp::now();
    scene
        .turns(&api, &monitor, Behaviour::Status(502), "down")
        .await;
    assert_eq!(
        scene.count("incidents").await + scene.count("deliveries").await,
        0
    );
    let still = api.get(&format!("/monitors/{monitor}")).await;
    assert_eq!(still["status"], "maintenance");

    let ended = Timestamp::now();
    let (status, over) = api
        .send("POST", &format!("/maintenance-windows/{window}/end"), None)
        .await;
    assert_eq!((status, &over["status"]), (200, &json!("ended")), "{over}");
    let mail = scene.mail.wait_for("Down: Shop", LIMIT).await;
    assert_eq!(mail.to, ["owner@shop.example"]);
    let incident = scene.incident(&api).await;
    let (began, sure) = (
        at(&incident["first_failure_at"]),
        at(&incident["confirmed_at"]),
    );
    assert!(
        before <= began && began < ended && ended <= sure,
        "{incident}"
    );
    eprintln!(
        "opened {} ms after the end",
        sure.duration_since(ended).as_millis()
    );
    wait_for_status(&api, &monitor, "down", LIMIT).await;

    scene.turns(&api, &monitor, Behaviour::Fine, "up").await;
    scene.mail.wait_for("Up: Shop", LIMIT).await;
    assert_eq!(scene.count("incidents").await, 1);
    assert_eq!(
        scene
            .count("deliveries WHERE event = 'incident.opened'")
            .await,
        1
    );
    let uptime = api.get(&format!("/monitors/{monitor}/uptime")).await;
    assert!(
        uptime["maintenance_seconds"].as_u64().unwrap() >= 6,
        "{uptime}"
    );
    assert!(
        uptime["down_seconds"].as_i64().unwrap()
            <= Timestamp::now().duration_since(ended).as_secs() + 1,
        "{uptime}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_and_recovers_inside_is_never_mentioned() {
    let scene = Scene::set().await;
    let _server = scene.settings.serve().await;
    let (api, monitor, window) = scene.in_maintenance().await;
    scene
        .turns(&api, &monitor, Behaviour::Status(502), "down")
        .await;
    scene.turns(&api, &monitor, Behaviour::Fine, "up").await;
    api.send("POST", &format!("/maintenance-windows/{window}/end"), None)
        .await;
    wait_for_status(&api, &monitor, "up", LIMIT).await;
    // Another outage is told, and after it nothing of the first has come.
    scene
        .turns(&api, &monitor, Behaviour::Status(503), "down")
        .await;
    scene.mail.wait_for("Down: Shop", LIMIT).await;
    let incident = scene.incident(&api).await;
    assert_eq!(incident["failure"]["class"], "http_status");
    assert_eq!(scene.count("incidents").await, 1);
    assert_eq!(scene.count("deliveries").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_nobody_was_alive_to_see_is_told_all_the_same() {
    let scene = Scene::set().await;
    let server = scene.settings.serve().await;
    let (api, monitor, _) = scene.in_maintenance().await;
    scene
        .turns(&api, &monitor, Behaviour::Status(502), "down")
        .await;
    server.kill().await;
    let ended = Timestamp::now();
    scene.ends(ended).await;
    assert_eq!(scene.count("incidents").await, 0);
    let _server = scene.settings.serve().await;
    scene.mail.wait_for("Down: Shop", LIMIT).await;
    let incident = scene.incident(&api).await;
    assert!(at(&incident["first_failure_at"]) < ended, "{incident}");
    assert!(at(&incident["confirmed_at"]) >= ended, "{incident}");
    assert_eq!(scene.count("incidents").await, 1);
    assert_eq!(scene.count("deliveries").await, 1);
}
