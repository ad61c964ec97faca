//! Calls of jobs, from outside: no key, no session, plain text.

use domain::account::Scope;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, Reply, team};

async fn call(client: &Client, method: Method, path: &str, body: &[u8]) -> Reply {
    let stranger = Client {
        key: None,
        ..client.clone()
    };
    stranger.raw(method, path, &[], body.to_vec()).await
}

fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url.strip_prefix("http://localhost:8080")
        .unwrap()
        .to_owned()
}

/// A monitor, and the path that its job calls.
async fn heartbeat(client: &Client, settings: Value) -> (String, String) {
    let made = client.post("/monitors", settings).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let id = made["id"].as_str().unwrap().to_owned();
    (id, path_of(&made["ping_url"]))
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_form_of_a_call_is_taken(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let (id, ping) = heartbeat(&client, json!({"kind": "heartbeat", "name": "Backup"})).await;
    let calls = [
        (
            Method::GET,
            "/start?rid=00000000-0000-0000-0000-000000000001",
            "up_to_now",
        ),
        (Method::HEAD, "", "up"),
        (Method::POST, "/0", "up"),
        (Method::POST, "/3", "down"),
        (Method::GET, "/fail", "down"),
        (Method::GET, "/log", "down"),
        (Method::GET, "", "up"),
    ];
    for (method, tail, status) in calls {
        app.wait(20);
        let reply = call(&client, method.clone(), &format!("{ping}{tail}"), b"log").await;
        let said = if method == Method::HEAD { "" } else { "OK" };
        assert_eq!(
            (reply.status.as_u16(), reply.text.as_str()),
            (200, said),
            "{tail}"
        );
        assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
        assert_eq!(reply.header("set-cookie"), "");
        let monitor = client.get(&format!("/monitors/{id}")).await.json();
        let expected = if status == "up_to_now" {
            "pending"
        } else {
            status
        };
        assert_eq!(monitor["status"], expected, "{tail}");
    }
    let pings = client.get(&format!("/monitors/{id}/pings")).await.json();
    let signals: Vec<&str> = pings["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|ping| ping["signal"].as_str().unwrap())
        .collect();
    assert_eq!(
        signals,
        [
            "success", "log", "fail", "fail", "success", "success", "start"
        ]
    );
    assert_eq!(pings["data"][3]["exit_status"], 3);
    assert_eq!(pings["data"][0]["body_bytes"], 3);
    let incidents = client.get("/incidents").await.json();
    assert_eq!(incidents["data"].as_array().unwrap().len(), 1);
    assert_eq!(
        incidents["data"][0]["failure"]["class"], "heartbeat_failed",
        "{incidents}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_means_nothing_is_refused_in_plain_text(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let (_, ping) = heartbeat(&client, json!({"kind": "heartbeat"})).await;
    let nobody = "/ping/00000000-0000-0000-0000-000000000000";
    let other = app.client(account, Scope::Write).await.key.unwrap();
    let cases = [
        (nobody.to_owned(), 404),
        (format!("{ping}/stop"), 400),
        (format!("{ping}/256"), 400),
        (format!("{ping}/start/now"), 404),
        (format!("{ping}?rid=7"), 400),
        ("/ping/wb_nobody/backup".to_owned(), 404),
        ("/ping/backup".to_owned(), 404),
        (format!("/ping/{other}/backup"), 403),
    ];
    for (path, status) in cases {
        let reply = call(&client, Method::GET, &path, b"").await;
        assert_eq!(reply.status.as_u16(), status, "{path} {}", reply.text);
        assert!(
            reply.header("content-type").starts_with("text/plain") && !reply.text.contains('<'),
            "{path}: {}",
            reply.text
        );
    }
    let put = call(&client, Method::PUT, &ping, b"").await;
    assert_eq!(put.status, StatusCode::METHOD_NOT_ALLOWED);
    let ours = call(&client, Method::GET, "/ping/self", b"").await;
    assert_eq!((ours.status.as_u16(), ours.text.as_str()), (200, "OK"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_body_is_kept_to_its_limit_and_never_refused(pool: PgPool) {
    let (_, _, client) = team(pool).await;
    let (id, ping) = heartbeat(&client, json!({"kind": "heartbeat"})).await;
    let reply = call(&client, Method::POST, &ping, &vec![b'x'; 1_000_000]).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (200, "OK"));
    assert_eq!(reply.header("ping-body-limit"), "100000");
    let pings = client.get(&format!("/monitors/{id}/pings")).await.json();
    assert_eq!(pings["data"][0]["body_bytes"], 1_000_000);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_name_makes_a_monitor_when_it_is_asked_to(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let key = app.client(account, Scope::Heartbeat).await.key.unwrap();
    let get =
        async |tail: &str| call(&client, Method::GET, &format!("/ping/{key}/{tail}"), b"").await;
    assert_eq!(get("nightly-backup").await.status, StatusCode::NOT_FOUND);
    let made = get("nightly-backup?create=1").await;
    assert_eq!((made.status.as_u16(), made.text.as_str()), (201, "Created"));
    assert_eq!(get("nightly-backup?create=1").await.status, StatusCode::OK);
    assert_eq!(get("nightly-backup/fail").await.status, StatusCode::OK);
    let listed = client.get("/monitors?kind=heartbeat").await.json();
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(listed["data"][0]["key"], "nightly-backup");
    assert_eq!(listed["data"][0]["status"], "down");
    for name in ["Disk check", "disk-check"] {
        heartbeat(&client, json!({"kind": "heartbeat", "name": name})).await;
    }
    assert_eq!(get("disk-check").await.status, StatusCode::CONFLICT);
    assert_eq!(get("%20?create=1").await.status, StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn five_a_minute_are_taken_and_what_changes_something_always(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let (id, ping) = heartbeat(&client, json!({"kind": "heartbeat"})).await;
    let status = async |tail: &str| {
        let path = format!("{ping}{tail}");
        call(&client, Method::GET, &path, b"").await.status.as_u16()
    };
    for _ in 0..5 {
        assert_eq!(status("").await, 200);
    }
    let refused = call(&client, Method::GET, &ping, b"").await;
    assert_eq!(
        (refused.status.as_u16(), refused.header("retry-after")),
        (429, "61")
    );
    assert_eq!((status("/1").await, status("/1").await), (200, 429));
    let monitor = client.get(&format!("/monitors/{id}")).await.json();
    assert_eq!(monitor["status"], "down");
    app.wait(60);
    assert_eq!(status("").await, 200);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_heartbeat_is_read_as_it_was_written(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let (id, _) = heartbeat(
        &client,
        json!({"kind": "heartbeat", "name": "Backup", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "grace_seconds": 600}),
    )
    .await;
    let path = format!("/monitors/{id}");
    let whole = client.get(&path).await.json();
    assert_eq!(
        (&whole["cron"], &whole["timezone"], &whole["grace_seconds"]),
        (&json!("0 3 * * *"), &json!("Europe/Berlin"), &json!(600))
    );
    assert!(whole.get("interval_seconds").is_none() && whole.get("period_seconds").is_none());
    assert_eq!(whole["heartbeat"]["count"], 0);
    let masked = app
        .client(account, Scope::Read)
        .await
        .get(&path)
        .await
        .json();
    assert_eq!(masked["ping_url"], "••••");
    let same = client.send(Method::PATCH, &path, &[], &whole).await;
    assert_eq!(same.status, StatusCode::OK, "{}", same.text);
    assert_eq!(same.json()["updated_at"], whole["updated_at"]);
    for (patch, pointer) in [
        (json!({"cron": "nonsense"}), "/cron"),
        (json!({"timezone": "Mars"}), "/timezone"),
        (json!({"grace_seconds": 5}), "/grace_seconds"),
        (json!({"interval_seconds": 60}), "/interval_seconds"),
    ] {
        let refused = client.send(Method::PATCH, &path, &[], &patch).await;
        assert_eq!(
            (refused.status.as_u16(), refused.pointer().as_str()),
            (422, pointer)
        );
    }
    let look = client.post(&format!("{path}/check"), json!({})).await;
    assert_eq!(
        (look.status.as_u16(), look.code().as_str()),
        (409, "conflict")
    );
    let test = client.post("/checks", json!({"kind": "heartbeat"})).await;
    assert_eq!(test.status, StatusCode::CONFLICT);
}
