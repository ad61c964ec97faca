//! A stranger gets 404 for everything of another account, on every operation.

use domain::account::{Plan, Scope};
use http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, team};
use crate::api::openapi;
use crate::tests::App;

async fn fill(client: &Client, app: &App) -> Vec<(&'static str, String)> {
    let id = |reply: Value| reply["id"].as_str().unwrap().to_owned();
    let monitor = id(client
        .post(
            "/monitors",
            json!({"url": "https://shop.example", "key": "shop"}),
        )
        .await
        .json());
    let contact = id(client
        .post(
            "/contacts",
            json!({"kind": "email", "address": "a@shop.example"}),
        )
        .await
        .json());
    let key = id(client
        .post("/api-keys", json!({"name": "x", "scope": "read"}))
        .await
        .json());
    let policy = json!({"name": "N", "steps": [{"contact_ids": [contact]}]});
    let policy = id(client.post("/policies", policy).await.json());
    let window = json!({"ends_at": "2029-01-02T00:00:00Z", "starts_at": "2029-01-01T00:00:00Z"});
    let window = id(client.post("/maintenance-windows", window).await.json());
    let event = id(client.post("/events", json!({"name": "3f2c"})).await.json());
    let schedule = json!({"name": "N", "layers": [{"participants": [contact], "shift_unit": "day",
        "local_start": "2026-11-01T00:00:00"}]});
    let schedule = id(client.post("/schedules", schedule).await.json());
    let stand_in = json!({"participant": contact, "ends_at": "2026-12-01T00:00:00Z"});
    let overrides = format!("/schedules/{schedule}/overrides");
    let stand_in = id(client.post(&overrides, stand_in).await.json());
    let refused = domain::check::Failure::new(
        domain::check::FailureClass::ConnectRefused,
        domain::check::Phase::Connect,
        "refused",
    );
    let incident = app.down(monitor.parse().unwrap(), refused).await;
    vec![
        ("{monitor_id}", monitor),
        ("{contact_id}", contact),
        ("{api_key_id}", key),
        ("{incident_id}", incident.to_string()),
        ("{key}", "shop".to_owned()),
        ("{policy_id}", policy),
        ("{maintenance_window_id}", window),
        ("{event_id}", event),
        ("{schedule_id}", schedule),
        ("{override_id}", stand_in),
    ]
}

fn filled(path: &str, ids: &[(&str, String)]) -> String {
    ids.iter()
        .fold(path.to_owned(), |path, (name, id)| path.replace(name, id))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn on_every_operation(pool: PgPool) {
    let (app, _, owner) = team(pool.clone()).await;
    let ids = fill(&owner, &app).await;
    let stranger = app
        .client(app.account(Plan::Team).await, Scope::Write)
        .await;
    let document = openapi::document(&app.state.config);
    let mut tried = 0;
    for operation in openapi::operations(&document)
        .into_iter()
        .filter(|operation| operation.path.contains('{'))
    {
        let path = filled(&operation.path, &ids);
        assert!(
            !path.contains('{'),
            "{path}: an id of this kind is needed above"
        );
        let body: Value = match operation.id.as_str() {
            "monitors.update"
            | "contacts.update"
            | "policies.update"
            | "schedules.update"
            | "maintenance_windows.update" => json!({"name": "taken"}),
            "monitors.put_by_key" => json!({"url": "https://other.example"}),
            "contacts.verify" => json!({"code": "000000"}),
            "incidents.comment" => json!({"text": "hello"}),
            "incidents.diagnosis_feedback" => json!({"right": true}),
            "incidents.snooze" => json!({"seconds": 3_600}),
            _ => json!({}),
        };
        let headers = [("content-type", "application/json")];
        // Another account may have a monitor of the same key; it would be a new one.
        let path = if operation.id == "monitors.put_by_key" {
            format!("{path}?dry_run=true")
        } else {
            path
        };
        let reply = stranger
            .raw(
                operation.method.clone(),
                &path,
                &headers,
                body.to_string().into_bytes(),
            )
            .await;
        let wanted = if operation.id == "monitors.put_by_key" {
            200
        } else {
            404
        };
        assert_eq!(
            reply.status.as_u16(),
            wanted,
            "{} {path}: {}",
            operation.id,
            reply.text
        );
        tried += 1;
        if operation.needs_key {
            let nobody = app
                .nobody()
                .raw(
                    operation.method,
                    &path,
                    &headers,
                    body.to_string().into_bytes(),
                )
                .await;
            assert_eq!(nobody.status.as_u16(), 401, "{path} without a key");
        }
    }
    assert!(tried >= 20, "{tried}");
    for (list, mine) in [
        ("/monitors", 0),
        ("/contacts", 0),
        ("/api-keys", 1),
        ("/incidents", 0),
        ("/tags", 0),
    ] {
        assert_eq!(
            stranger.get(list).await.json()["data"]
                .as_array()
                .map(Vec::len),
            Some(mine),
            "{list}"
        );
    }
    for (name, id) in &ids[..4] {
        let path = match *name {
            "{monitor_id}" => format!("/monitors/{id}"),
            "{contact_id}" => format!("/contacts/{id}"),
            "{api_key_id}" => format!("/api-keys/{id}"),
            _ => format!("/incidents/{id}"),
        };
        let reply = owner.get(&path).await;
        assert_eq!(
            reply.status.as_u16(),
            200,
            "{path} is still the owner's: {}",
            reply.text
        );
    }
    assert_eq!(
        owner.get(&format!("/monitors/{}", ids[0].1)).await.json()["name"],
        "shop.example"
    );
    let foreign = stranger
        .post(
            "/monitors",
            json!({"url": "https://x.example", "contact_ids": [ids[1].1]}),
        )
        .await;
    assert_eq!(
        (foreign.status.as_u16(), foreign.pointer().as_str()),
        (422, "/contact_ids/0")
    );
    let bulk = stranger
        .send(
            Method::POST,
            "/monitors/bulk",
            &[],
            &json!({"ids": [ids[0].1], "action": "delete"}),
        )
        .await;
    assert_eq!(bulk.json()["data"][0]["error"]["code"], "not_found");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_owner_works_on_an_incident(pool: PgPool) {
    let (app, _, owner) = team(pool.clone()).await;
    let ids = fill(&owner, &app).await;
    let path = format!("/incidents/{}", ids[3].1);
    let taken = owner.post(&format!("{path}/acknowledge"), json!({})).await;
    assert_eq!(
        taken.json()["acknowledged_by"],
        json!({"kind": "api_key", "name": "CI"}),
        "{}",
        taken.text
    );
    let said = owner
        .post(&format!("{path}/comments"), json!({"text": "restarted 🔔"}))
        .await
        .json();
    let last = said["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(
        (&last["type"], &last["text"]),
        (&json!("comment"), &json!("restarted 🔔"))
    );
    assert_eq!(
        owner
            .post(&format!("{path}/comments"), json!({"text": " "}))
            .await
            .pointer(),
        "/text"
    );
    assert_eq!(said["vote"], json!({"down": 1, "of": 1, "regions": []}));
    let listed = owner.get("/incidents?status=open").await.json();
    assert_eq!(listed["data"][0]["vote"], json!({"down": 1, "of": 1}));
    assert!(listed["data"][0].get("timeline").is_none());
    let table = owner
        .raw(
            Method::GET,
            "/api/v1/incidents",
            &[("accept", "text/csv")],
            Vec::new(),
        )
        .await;
    assert_eq!(table.header("content-type"), "text/csv; charset=utf-8");
    assert!(
        table.text.starts_with("id,monitor_id,monitor_name,status")
            && table.text.lines().count() == 2,
        "{}",
        table.text
    );
    let ended = owner
        .raw(
            Method::POST,
            &format!("/api/v1{path}/resolve"),
            &[],
            Vec::new(),
        )
        .await;
    assert_eq!(
        (&ended.json()["status"], &ended.json()["resolved_reason"]),
        (&json!("resolved"), &json!("manual")),
        "{}",
        ended.text
    );
    assert_eq!(
        owner.get("/incidents?status=open").await.json()["data"],
        json!([])
    );
    assert_eq!(
        owner.get(&format!("{path}/deliveries")).await.json(),
        json!({"data": [], "next_cursor": null})
    );
}
