//! Fire drills as programs see them.

use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::team;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn programs_see_drills_only_when_they_ask(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let monitor = json!({"url": "https://shop.example"});
    let monitor = client.post("/monitors", monitor).await.json();
    let drill = format!("/monitors/{}/drill", monitor["id"].as_str().unwrap());
    let begun = client.post(&drill, json!({})).await;
    assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
    let begun = begun.json();
    assert_eq!(
        (&begun["test"], &begun["status"]),
        (&json!(true), &json!("open"))
    );
    let second = client.post(&drill, json!({})).await;
    assert_eq!(second.status, StatusCode::CONFLICT, "{}", second.text);
    let listed = async |path: &str| client.get(path).await.json()["data"].clone();
    assert_eq!(listed("/incidents").await, json!([]));
    assert_eq!(listed("/incidents?test=true").await[0]["id"], begun["id"]);
    let path = format!("/incidents/{}", begun["id"].as_str().unwrap());
    client.post(&format!("{path}/acknowledge"), json!({})).await;
    let answered = client.get(&path).await.json();
    assert_eq!(answered["acknowledged_at"], json!(null));
    let kinds: Vec<&str> = answered["timeline"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["type"].as_str().unwrap())
        .collect();
    assert!(kinds.contains(&"answered"), "{kinds:?}");
    let ended = client.post(&format!("{path}/resolve"), json!({})).await;
    assert_eq!(ended.json()["status"], "resolved", "{}", ended.text);
}
