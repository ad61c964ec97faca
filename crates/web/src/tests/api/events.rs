//! Events: what was changed, and when.

use domain::account::{Plan, Scope};
use domain::check::{Failure, FailureClass, Phase};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, team};

async fn said(client: &Client, body: Value) -> Value {
    let made = client.post("/events", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    made.json()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_sent_is_what_is_read_and_deleted(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let body = json!({"type": "config", "name": "firewall", "url": "https://ci.shop.example/1",
        "monitor_ids": null, "tags": ["prod"], "at": "2026-11-22T12:00:00Z"});
    let made = client.post("/events", body.clone()).await;
    let read = made.json();
    let path = format!("/events/{}", read["id"].as_str().unwrap());
    assert_eq!(made.header("location"), format!("/api/v1{path}"));
    assert_eq!(client.get(&path).await.json(), read);
    for (key, value) in body.as_object().unwrap() {
        assert_eq!(&read[key], value, "{key}");
    }
    let second = said(&client, json!({"name": "3f2c"})).await;
    assert_eq!(
        (&second["type"], &second["at"]),
        (&json!("deploy"), &second["created_at"])
    );
    let first_page = client.get("/events?limit=1").await.json();
    assert_eq!(first_page["data"], json!([second]));
    let cursor = first_page["next_cursor"].as_str().unwrap();
    let next = client
        .get(&format!("/events?limit=1&cursor={cursor}"))
        .await;
    assert_eq!(next.json()["data"], json!([read]));
    for _ in 0..2 {
        assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_cannot_be_is_refused_at_its_field(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let other = app
        .client(app.account(Plan::Team).await, Scope::Write)
        .await;
    let theirs = other
        .post("/monitors", json!({"url": "https://x.example"}))
        .await;
    for (body, pointer) in [
        (json!({"name": ""}), "/name"),
        (json!({}), "/name"),
        (json!({"name": "x", "type": "party"}), "/type"),
        (json!({"name": "x", "url": "javascript:alert(1)"}), "/url"),
        (json!({"name": "x", "at": "2020-01-01T00:00:00Z"}), "/at"),
        (
            json!({"name": "x", "monitor_ids": [theirs.json()["id"]]}),
            "/monitor_ids/0",
        ),
        (json!({"name": "x", "tags": []}), "/tags"),
    ] {
        let answer = client.post("/events", body.clone()).await;
        assert_eq!(
            (answer.status, answer.pointer().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, pointer),
            "{body}"
        );
    }
    assert_eq!(client.get("/events").await.json()["data"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_open_incident_names_it(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let made = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await;
    let monitor = made.json()["id"].as_str().unwrap().parse().unwrap();
    let refused = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let path = format!("/incidents/{}", app.down(monitor, refused).await);
    let first = client.get(&path).await.json()["first_failure_at"].clone();
    said(&client, json!({"name": "3f2c", "at": first})).await;
    let timeline = client.get(&path).await.json()["timeline"].to_string();
    assert!(
        timeline.contains("Deploy 3f2c, 0 s before the first failing look."),
        "{timeline}"
    );
}
