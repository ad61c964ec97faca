//! Maintenance windows.

use domain::account::{Plan, Scope};
use http::{Method, StatusCode};
use jiff::SignedDuration;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::super::App;
use super::{Client, team};

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

async fn monitor(client: &Client) -> String {
    let made = client
        .post("/monitors", json!({"url": "https://shop.example/"}))
        .await;
    id(&made.json())
}

fn deploy() -> Value {
    json!({"name": "Deploy", "monitor_ids": null, "tags": ["prod"], "rrule": "FREQ=WEEKLY;BYDAY=TU",
        "local_start": "2026-11-24T02:00:00", "duration_seconds": 3600, "timezone": "Europe/Berlin"})
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_sent_is_what_is_read(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let made = client.post("/maintenance-windows", deploy()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let read = made.json();
    let path = format!("/maintenance-windows/{}", id(&read));
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!(client.get(&path).await.json(), read);
    assert!(id(&read).starts_with("mwn_"));
    for (key, value) in deploy().as_object().unwrap() {
        assert_eq!(&read[key], value, "{key}");
    }
    assert_eq!(read["status"], "scheduled");
    let next = read["next_occurrences"].as_array().unwrap();
    assert_eq!(next.len(), 5);
    assert_eq!(
        next[0],
        json!({"starts_at": "2026-11-24T01:00:00Z", "ends_at": "2026-11-24T02:00:00Z"})
    );

    let tag = client.get(&path).await.header("etag").to_owned();
    let whole = client.patch(&path, read.clone()).await;
    assert_eq!(whole.json(), read);
    let changed = client
        .patch(&path, json!({"duration_seconds": 7200, "tags": null}))
        .await
        .json();
    assert_eq!(
        changed["next_occurrences"][0]["ends_at"],
        "2026-11-24T03:00:00Z"
    );
    assert_eq!(
        (&changed["tags"], &changed["monitor_ids"]),
        (&Value::Null, &Value::Null)
    );
    let late = [("if-match", tag.as_str())];
    let late = client
        .send(Method::PATCH, &path, &late, &json!({"name": "x"}))
        .await;
    assert_eq!(late.status, StatusCode::PRECONDITION_FAILED);

    let once = json!({"rrule": null, "local_start": null, "duration_seconds": null, "timezone": null,
        "starts_at": "2026-12-01T00:00:00Z", "ends_at": "2026-12-01T01:00:00Z"});
    let once = client.patch(&path, once).await;
    assert_eq!(once.status, StatusCode::OK, "{}", once.text);
    assert_eq!(once.json()["next_occurrences"].as_array().unwrap().len(), 1);

    let list = client.get("/maintenance-windows").await.json();
    assert_eq!(list["data"][0]["id"], read["id"]);
    for _ in 0..2 {
        assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn asked_twice_is_made_once_and_a_dry_run_makes_nothing(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let dry = client
        .post("/maintenance-windows?dry_run=true", deploy())
        .await;
    assert_eq!(dry.status, StatusCode::OK);
    assert_eq!(dry.json()["next_occurrences"].as_array().unwrap().len(), 5);
    let key = [("idempotency-key", "once")];
    let mut ids = Vec::new();
    for _ in 0..2 {
        let made = client
            .send(Method::POST, "/maintenance-windows", &key, &deploy())
            .await;
        ids.push(id(&made.json()));
    }
    assert_eq!(ids[0], ids[1]);
    let list = client.get("/maintenance-windows").await.json();
    assert_eq!(list["data"].as_array().unwrap().len(), 1);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_wrong_is_named(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    for (body, pointer) in [
        (json!({}), "/ends_at"),
        (json!({"ends_at": "2026-11-22T13:00:00Z"}), "/ends_at"),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "starts_at": "2026-11-22T15:00:00Z"}),
            "/ends_at",
        ),
        (json!({"ends_at": "soon"}), "/ends_at"),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "rrule": "FREQ=DAILY"}),
            "/ends_at",
        ),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "timezone": "UTC"}),
            "/timezone",
        ),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "monitor_ids": []}),
            "/monitor_ids",
        ),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "monitor_ids": ["mon_01kaq3v6zjfvcrmb3b5w9b7t2e"]}),
            "/monitor_ids/0",
        ),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "status": "active"}),
            "/status",
        ),
        (
            json!({"ends_at": "2026-11-22T14:00:00Z", "forever": true}),
            "/forever",
        ),
        (json!({"rrule": "FREQ=DAILY"}), "/local_start"),
        (
            json!({"rrule": "FREQ=DAILY", "local_start": "2026-11-24T02:00:00"}),
            "/duration_seconds",
        ),
        (
            json!({"rrule": "FREQ=HOURLY", "local_start": "2026-11-24T02:00:00", "duration_seconds": 60}),
            "/rrule",
        ),
        (
            json!({"rrule": "FREQ=DAILY", "local_start": "2026-11-24T02:00:00", "duration_seconds": 90000}),
            "/rrule",
        ),
        (
            json!({"rrule": "FREQ=DAILY", "local_start": "2 o'clock", "duration_seconds": 60}),
            "/local_start",
        ),
        (
            json!({"rrule": "FREQ=DAILY", "local_start": "2026-11-24T02:00:00", "duration_seconds": 60, "timezone": "Mars"}),
            "/timezone",
        ),
    ] {
        let refused = client.post("/maintenance-windows", body).await;
        assert_eq!(
            refused.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{pointer}: {}",
            refused.text
        );
        assert_eq!(
            (refused.code().as_str(), refused.pointer().as_str()),
            ("validation_failed", pointer)
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_monitor_says_that_it_is_in_maintenance(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let (shop, other) = (monitor(&client).await, monitor(&client).await);
    let window = json!({"monitor_ids": [shop], "ends_at": "2026-11-22T13:32:11Z"});
    let window = client.post("/maintenance-windows", window).await.json();
    assert_eq!(
        (&window["status"], &window["name"]),
        (&json!("active"), &json!("Maintenance"))
    );
    let shown = async |monitor: &str| {
        let read = client.get(&format!("/monitors/{monitor}")).await.json();
        (read["status"].clone(), read["maintenance_until"].clone())
    };
    assert_eq!(
        shown(&shop).await,
        (json!("maintenance"), json!("2026-11-22T13:32:11Z"))
    );
    assert_eq!(shown(&other).await, (json!("pending"), Value::Null));
    let filtered = client.get("/monitors?status=maintenance").await.json();
    assert_eq!(filtered["data"].as_array().unwrap().len(), 1);

    app.clock.advance(SignedDuration::from_secs(600));
    let end = format!("/maintenance-windows/{}/end", id(&window));
    for _ in 0..2 {
        let ended = client.post(&end, json!({})).await;
        assert_eq!(ended.status, StatusCode::OK, "{}", ended.text);
        assert_eq!(
            (&ended.json()["status"], &ended.json()["ends_at"]),
            (&json!("ended"), &json!("2026-11-22T13:12:11Z"))
        );
    }
    assert_eq!(shown(&shop).await.0, "pending");
    let uptime = client.get(&format!("/monitors/{shop}/uptime")).await.json();
    assert_eq!(uptime["maintenance_seconds"], 600);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_change_holds_at_once_and_what_was_stays(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let (shop, other) = (monitor(&client).await, monitor(&client).await);
    let window = json!({"monitor_ids": [shop], "ends_at": "2026-11-22T14:02:11Z"});
    let window = id(&client.post("/maintenance-windows", window).await.json());
    app.clock.advance(SignedDuration::from_secs(300));
    let path = format!("/maintenance-windows/{window}");
    let moved = client.patch(&path, json!({"monitor_ids": [other]})).await;
    assert_eq!(moved.status, StatusCode::OK, "{}", moved.text);
    app.clock.advance(SignedDuration::from_secs(300));
    client.delete(&path).await;
    app.clock.advance(SignedDuration::from_secs(300));
    for monitor in [shop, other] {
        let uptime = client
            .get(&format!("/monitors/{monitor}/uptime"))
            .await
            .json();
        assert_eq!(uptime["maintenance_seconds"], 300);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn readers_may_not_write_and_plans_are_full(pool: PgPool) {
    let app = App::new(pool).await;
    let account = app.account(Plan::Free).await;
    let (reader, writer) = (
        app.client(account, Scope::Read).await,
        app.client(account, Scope::Write).await,
    );
    let refused = reader.post("/maintenance-windows", deploy()).await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    for _ in 0..10 {
        assert_eq!(
            writer.post("/maintenance-windows", deploy()).await.status,
            StatusCode::CREATED
        );
    }
    let full = writer.post("/maintenance-windows", deploy()).await;
    assert_eq!(
        (full.status, full.code().as_str()),
        (StatusCode::FORBIDDEN, "plan_limit")
    );
    let page = reader.get("/maintenance-windows?limit=4").await.json();
    let rest = format!(
        "/maintenance-windows?limit=8&cursor={}",
        page["next_cursor"].as_str().unwrap()
    );
    let rest = reader.get(&rest).await.json();
    assert_eq!(
        (
            page["data"].as_array().unwrap().len(),
            rest["data"].as_array().unwrap().len()
        ),
        (4, 6)
    );
    assert_eq!(rest["next_cursor"], Value::Null);
}
