//! Severity and quiet hours.

use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, team};

async fn refused(client: &Client, path: &str, body: Value) -> String {
    let answer = client.patch(path, body).await;
    assert_eq!(
        answer.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        answer.text
    );
    answer.pointer().to_owned()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_contact_has_quiet_hours_and_may_be_told_of_critical_ones_alone(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let hours = json!({"timezone": "Europe/Berlin", "except_critical": true, "ranges": [
        {"days": [], "from": "22:00", "to": "07:00"}, {"days": ["sat", "sun"], "from": "00:00", "to": "24:00"}]});
    let body = json!({"kind": "email", "address": "kim@shop.example", "quiet_hours": hours});
    let made = client.post("/contacts", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let read = made.json();
    assert_eq!(read["quiet_hours"], hours);
    assert_eq!(read["only_critical"], false);
    let path = format!("/contacts/{}", read["id"].as_str().unwrap());
    let changed = client
        .patch(&path, json!({"quiet_hours": null, "only_critical": true}))
        .await
        .json();
    assert_eq!(
        (&changed["quiet_hours"], &changed["only_critical"]),
        (&Value::Null, &json!(true))
    );
    let wrong = |ranges: Value| json!({"quiet_hours": {"timezone": "UTC", "ranges": ranges}});
    assert_eq!(
        refused(&client, &path, wrong(json!([]))).await,
        "/quiet_hours/ranges"
    );
    assert_eq!(
        refused(
            &client,
            &path,
            wrong(json!([{"from": "7 pm", "to": "07:00"}]))
        )
        .await,
        "/quiet_hours/ranges/0/from"
    );
    assert_eq!(
        refused(
            &client,
            &path,
            wrong(json!([{"from": "00:00", "to": "24:00"}]))
        )
        .await,
        "/quiet_hours/ranges"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_program_has_no_quiet_hours(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let hours = json!({"timezone": "UTC", "ranges": [{"from": "22:00", "to": "07:00"}]});
    let body = json!({"kind": "webhook", "name": "CI", "url": "https://shop.example/hook", "quiet_hours": hours});
    let made = client.post("/contacts", body).await;
    assert_eq!(
        made.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        made.text
    );
    assert_eq!(made.pointer(), "/quiet_hours");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_monitor_has_a_severity_that_lists_are_filtered_by(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    for (name, severity) in [("shop", json!("critical")), ("blog", Value::Null)] {
        let body =
            json!({"name": name, "url": format!("https://{name}.example/"), "severity": severity});
        assert_eq!(
            client.post("/monitors", body).await.status,
            StatusCode::CREATED
        );
    }
    for (severity, name) in [("critical", "shop"), ("normal", "blog")] {
        let found = client
            .get(&format!("/monitors?severity={severity}"))
            .await
            .json();
        let found = found["data"].as_array().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(
            (&found[0]["name"], &found[0]["severity"]),
            (&json!(name), &json!(severity))
        );
    }
    let incidents = client.get("/incidents?severity=critical").await;
    assert_eq!(incidents.json()["data"], json!([]));
}
