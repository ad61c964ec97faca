use domain::account::{Plan, Scope};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;

use super::team;

/// The fewest fields of each kind, its name, and one of its defaults by pointer.
fn fewest() -> [(Value, &'static str, &'static str, Value); 11] {
    [
        (
            json!({"kind": "ping", "host": "shop.example"}),
            "shop.example",
            "/ping/count",
            json!(4),
        ),
        (
            json!({"kind": "tcp", "host": "shop.example", "port": 22}),
            "shop.example:22",
            "/tcp/send",
            json!(null),
        ),
        (
            json!({"kind": "udp", "host": "shop.example", "port": 123, "udp": {"send": "x"}}),
            "shop.example:123",
            "/udp/expect",
            json!(null),
        ),
        (
            json!({"kind": "dns", "host": "shop.example"}),
            "shop.example A",
            "/record",
            json!("A"),
        ),
        (
            json!({"kind": "tls", "host": "shop.example"}),
            "shop.example:443",
            "/tls/warn_days/0",
            json!(30),
        ),
        (
            json!({"kind": "tls", "host": "shop.example", "tls": {"starttls": "imap"}}),
            "shop.example:143",
            "/port",
            json!(143),
        ),
        (
            json!({"kind": "domain", "host": "shop.example"}),
            "shop.example",
            "/interval_seconds",
            json!(86_400),
        ),
        (
            json!({"kind": "smtp", "host": "shop.example"}),
            "shop.example:25",
            "/smtp/security",
            json!("none"),
        ),
        (
            json!({"kind": "smtp", "host": "shop.example", "port": 465}),
            "shop.example:465",
            "/smtp/security",
            json!("tls"),
        ),
        (
            json!({"kind": "websocket", "url": "wss://shop.example/live"}),
            "shop.example/live",
            "/websocket/verify_tls",
            json!(true),
        ),
        (
            json!({"kind": "grpc", "host": "shop.example"}),
            "shop.example:443",
            "/grpc/tls",
            json!(true),
        ),
    ]
}

/// Each kind is made from its fewest fields, and reads back with every default, under a name that says
/// what it is.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_kind_from_its_fewest_fields(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    for (sent, name, pointer, value) in fewest() {
        let reply = client.post("/monitors", sent.clone()).await;
        assert_eq!(reply.status.as_u16(), 201, "{sent}: {}", reply.text);
        let made = reply.json();
        assert_eq!(made["name"], name);
        assert_eq!(made.pointer(pointer), Some(&value), "{sent}");
        for (field, sent) in sent.as_object().unwrap() {
            if !sent.is_object() {
                assert_eq!(&made[field], sent, "what is sent is read");
            }
        }
        let id = made["id"].as_str().unwrap();
        let patched = client
            .patch(&format!("/monitors/{id}"), json!({"tags": ["a"]}))
            .await;
        assert_eq!(patched.status.as_u16(), 200, "{}", patched.text);
        assert_eq!(patched.json()["name"], name, "a patch keeps the rest");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_url_is_a_whole_monitor_and_reads_with_its_defaults(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let made = client
        .post("/monitors", json!({"url": "https://shop.example/health"}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let mut monitor = made.json();
    let id = monitor["id"].as_str().unwrap().to_owned();
    assert_eq!(made.header("location"), format!("/api/v1/monitors/{id}"));
    for changing in ["id", "html_url", "created_at", "updated_at", "status_since"] {
        assert!(
            monitor
                .as_object_mut()
                .unwrap()
                .remove(changing)
                .is_some_and(|value| value.is_string()),
            "{changing}"
        );
    }
    assert_eq!(
        monitor,
        json!({
            "name": "shop.example/health", "kind": "http", "url": "https://shop.example/health", "interval_seconds": 60,
            "timeout_ms": 10000,
            "http": {"method": "GET", "headers": {}, "body": null, "follow_redirects": true, "max_redirects": 10,
                "expected_status": ["200-399"], "keyword": null, "keyword_absent": null, "regex": null, "json": [], "verify_tls": true,
                "auth": null, "ip_family": "any", "origin": null},
            "tls": {"warn_days": [30, 14, 7, 3, 1]}, "regions": ["local"], "confirm": {"rechecks": 2, "over_seconds": 6},
            "degraded_above_ms": null, "dns_cache": true, "policy_id": null, "contact_ids": null, "tags": [], "key": null, "paused": false,
            "status": "pending", "confirming": false, "maintenance_until": null, "suppressed_by": null, "depends_on": [], "severity": "normal", "last_check": null, "uptime_30d": null
        })
    );
    let read = client.get(&format!("/monitors/{id}")).await;
    assert_eq!(
        (read.json(), read.header("etag")),
        (made.json(), made.header("etag"))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_sent_is_what_is_read_and_can_be_sent_back(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let sent = json!({"url": "HTTPS://Shop.example:443/%7Ea?b=1#c", "name": "Shöp 🔔",
        "http": {"headers": {"x-b": "1", "Authorization": "Bearer secret"}, "expected_status": ["2xx", "404"],
            "json": [{"path": "$.a", "op": "eq", "value": {"z": 1, "a": [null]}}]}, "tags": ["z", "a"], "key": "shop"});
    let made = client.post("/monitors", sent.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let body = made.json();
    for field in ["url", "name", "tags", "key"] {
        assert_eq!(body[field], sent[field]);
    }
    for field in ["headers", "expected_status", "json"] {
        assert_eq!(body["http"][field], sent["http"][field]);
    }
    let ordered = br#"{"url":"https://b.example","http":{"headers":{"x-long-name":"1","Accept":"2","b":"3"}}}"#;
    let kind = [("content-type", "application/json")];
    let reply = client
        .raw(Method::POST, "/api/v1/monitors", &kind, ordered.to_vec())
        .await;
    assert!(
        reply
            .text
            .contains(r#""headers":{"x-long-name":"1","Accept":"2","b":"3"}"#),
        "order is kept: {}",
        reply.text
    );
    let put = client
        .send(Method::PUT, "/monitors/by-key/shop", &[], &body)
        .await;
    assert_eq!(put.status, StatusCode::OK, "{}", put.text);
    let mut again = put.json();
    again["updated_at"] = body["updated_at"].clone();
    assert_eq!(again, body);
    let path = format!("/monitors/{}", body["id"].as_str().unwrap());
    assert_eq!(
        client.patch(&path, body.clone()).await.status,
        StatusCode::OK
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_patch_merges_and_keeps_masked_secrets(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let reader = app.client(account, Scope::Read).await;
    let made = client
        .post("/monitors", json!({"url": "https://kim:sesame@shop.example/?a=b@c", "http": {"method": "POST", "body": "token=1", "headers": {"A": "secret-a", "B": "secret-b"}}}))
        .await
        .json();
    let path = format!("/monitors/{}", made["id"].as_str().unwrap());
    let masked = reader.get(&path).await;
    assert!(
        !masked.text.contains("secret")
            && !masked.text.contains("token=")
            && !masked.text.contains("sesame"),
        "{}",
        masked.text
    );
    assert_eq!(
        masked.json()["http"]["headers"],
        json!({"A": "••••", "B": "••••"})
    );
    assert!(!reader.get("/monitors").await.text.contains("secret"));

    assert_eq!(masked.json()["url"], "https://kim:••••@shop.example/?a=b@c");

    let patch = json!({"name": "New", "url": masked.json()["url"], "interval_seconds": 120, "http": {"body": "••••", "headers": {"A": "••••", "B": null, "C": "c"}}});
    let changed = client.patch(&path, patch).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.text);
    assert_eq!(
        changed.json()["url"],
        "https://kim:sesame@shop.example/?a=b@c",
        "a mask that is sent back keeps the password"
    );
    let http = &changed.json()["http"];
    assert_eq!(
        (&http["body"], &http["headers"]),
        (&json!("token=1"), &json!({"A": "secret-a", "C": "c"}))
    );
    let restored = client
        .patch(
            &path,
            json!({"name": null, "interval_seconds": null, "http": null}),
        )
        .await
        .json();
    assert_eq!(
        (&restored["name"], &restored["interval_seconds"]),
        (&json!("shop.example"), &json!(60))
    );
    assert_eq!(restored["http"]["headers"], json!({}));

    let unknown = client
        .patch(&path, json!({"http": {"headers": {"New": "••••"}}}))
        .await;
    assert_eq!(
        (unknown.status, unknown.pointer().as_str()),
        (StatusCode::UNPROCESSABLE_ENTITY, "/http/headers/New")
    );
    let kind = client
        .patch(
            &path,
            json!({"kind": "tcp", "url": null, "host": "a.example", "port": 1}),
        )
        .await;
    assert_eq!(
        (kind.status, kind.code().as_str()),
        (StatusCode::CONFLICT, "conflict")
    );
    let raw: String = sqlx::query_scalar(
        "SELECT string_agg(spec::text || coalesce(secrets, ''), '') FROM monitors",
    )
    .fetch_one(&app.state.pool)
    .await
    .unwrap();
    assert!(!raw.contains("secret-"), "{raw}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_monitor_lives_through_all_its_verbs(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let made = client
        .post(
            "/monitors",
            json!({"url": "https://shop.example", "key": "shop", "tags": ["prod"]}),
        )
        .await
        .json();
    let path = format!("/monitors/{}", made["id"].as_str().unwrap());
    for (action, status) in [
        ("pause", "paused"),
        ("pause", "paused"),
        ("resume", "pending"),
        ("resume", "pending"),
    ] {
        let answer = client.post(&format!("{path}/{action}"), json!({})).await;
        assert_eq!(
            (answer.status, &answer.json()["status"]),
            (StatusCode::OK, &json!(status)),
            "{action}: {}",
            answer.text
        );
    }
    let paused = client
        .patch(&path, json!({"paused": true, "name": "Shop"}))
        .await
        .json();
    assert_eq!(
        (&paused["paused"], &paused["name"]),
        (&json!(true), &json!("Shop"))
    );
    assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        client.delete(&path).await.status,
        StatusCode::NO_CONTENT,
        "deleting twice deletes once"
    );
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        client.get("/monitors/by-key/shop").await.status,
        StatusCode::NOT_FOUND
    );
    let second = client
        .send(
            Method::PUT,
            "/monitors/by-key/shop",
            &[],
            &json!({"url": "https://b.example"}),
        )
        .await;
    assert_eq!(
        second.status,
        StatusCode::CREATED,
        "the key is free: {}",
        second.text
    );
    let restored = client.post(&format!("{path}/restore"), json!({})).await;
    assert_eq!(
        (restored.status, &restored.json()["key"]),
        (StatusCode::OK, &Value::Null),
        "{}",
        restored.text
    );
    assert_eq!(restored.json()["paused"], json!(true));
    client.delete(&path).await;
    app.wait(7 * 24 * 3_600 + 1);
    assert_eq!(
        client
            .post(&format!("{path}/restore"), json!({}))
            .await
            .status,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn put_by_key_creates_then_replaces_everything(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let put = async |body: Value, headers: &[(&str, &str)]| {
        client
            .send(Method::PUT, "/monitors/by-key/shop", headers, &body)
            .await
    };
    let stale = put(
        json!({"url": "https://a.example"}),
        &[("if-match", "\"1-x\"")],
    )
    .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    let made = put(
        json!({"url": "https://a.example", "name": "A", "tags": ["x"]}),
        &[],
    )
    .await;
    assert_eq!(
        (made.status, &made.json()["key"]),
        (StatusCode::CREATED, &json!("shop")),
        "{}",
        made.text
    );
    let replaced = put(json!({"url": "https://b.example"}), &[]).await;
    assert_eq!(replaced.status, StatusCode::OK);
    let (before, after) = (made.json(), replaced.json());
    assert_eq!(
        (&after["id"], &after["name"], &after["tags"]),
        (&before["id"], &json!("b.example"), &json!([]))
    );
    assert_eq!(
        put(json!({"url": "https://b.example", "key": "other"}), &[])
            .await
            .pointer(),
        "/key"
    );
    assert_eq!(
        put(json!({"kind": "tcp", "host": "b.example", "port": 1}), &[])
            .await
            .status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        put(
            json!({"url": "https://b.example"}),
            &[("if-none-match", "*")]
        )
        .await
        .status,
        StatusCode::PRECONDITION_FAILED
    );
    let taken = client
        .post(
            "/monitors",
            json!({"url": "https://c.example", "key": "shop"}),
        )
        .await;
    assert_eq!(
        (taken.status, taken.code().as_str()),
        (StatusCode::CONFLICT, "conflict")
    );
    assert_eq!(
        client.get("/monitors/by-key/shop").await.json()["id"],
        before["id"]
    );
    assert_eq!(
        client.delete("/monitors/by-key/shop").await.status,
        StatusCode::NO_CONTENT
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn pages_are_whole_and_stable(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    for i in 0..7 {
        client.post("/monitors", json!({"url": format!("https://m{i}.example"), "tags": [if i % 2 == 0 { "even" } else { "odd" }]})).await;
        app.wait(1);
    }
    for (sort, first) in [
        ("name", "m0.example"),
        ("status", "m0.example"),
        ("-created_at", "m6.example"),
    ] {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = client
                .get(&format!("/monitors?sort={sort}&limit=3{cursor}"))
                .await
                .json();
            seen.extend(
                page["data"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one["name"].as_str().unwrap().to_owned()),
            );
            client
                .post("/monitors", json!({"url": "https://aaa.example"}))
                .await;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!(
            seen.first()
                .map(String::as_str)
                .filter(|name| *name != "aaa.example")
                .unwrap_or(first),
            first
        );
        seen.retain(|name| name != "aaa.example");
        let whole: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), whole.len()), (7, 7), "{sort}: {seen:?}");
    }
    let count = async |query: &str| {
        client.get(&format!("/monitors?{query}")).await.json()["data"]
            .as_array()
            .map(Vec::len)
    };
    assert_eq!(count("tag=odd").await, Some(3));
    assert_eq!(count("status=pending,down&q=m1.EX").await, Some(1));
    assert_eq!(count("status=up").await, Some(0));
    assert_eq!(count("kind=tls").await, Some(0));
    let tags = client.get("/tags").await.json();
    assert_eq!(
        tags["data"],
        json!([{"name": "even", "monitors": 4}, {"name": "odd", "monitors": 3}])
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn bulk_does_each_by_itself(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let mut ids = Vec::new();
    for i in 0..3 {
        let made = client
            .post(
                "/monitors",
                json!({"url": format!("https://m{i}.example"), "tags": ["a"]}),
            )
            .await
            .json();
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    let stranger = domain::ids::MonitorId::generate().to_string();
    let answer = client
        .post(
            "/monitors/bulk",
            json!({"ids": [ids[0], stranger], "action": "pause"}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(
        answer.json()["data"][0],
        json!({"id": ids[0], "ok": true, "error": null})
    );
    assert_eq!(answer.json()["data"][1]["error"]["code"], "not_found");
    let tagged = client.post("/monitors/bulk", json!({"filter": {"tag": "a"}, "action": "tag", "add_tags": ["b"], "remove_tags": ["a"]})).await;
    assert_eq!(
        tagged.json()["data"].as_array().map(Vec::len),
        Some(3),
        "{}",
        tagged.text
    );
    assert_eq!(
        client.get(&format!("/monitors/{}", ids[1])).await.json()["tags"],
        json!(["b"])
    );
    let set = client
        .post(
            "/monitors/bulk",
            json!({"ids": ids, "action": "set", "set": {"interval_seconds": 1, "name": null}}),
        )
        .await;
    assert!(
        set.json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["error"]["code"] == "validation_failed"),
        "{}",
        set.text
    );
    let set = client
        .post(
            "/monitors/bulk",
            json!({"ids": ids, "action": "set", "set": {"interval_seconds": 300}}),
        )
        .await;
    assert!(
        set.json()["data"]
            .as_array()
            .unwrap()
            .iter()
            .all(|one| one["ok"] == true),
        "{}",
        set.text
    );
    assert_eq!(
        client.get(&format!("/monitors/{}", ids[2])).await.json()["interval_seconds"],
        300
    );
    for (body, pointer) in [
        (json!({"action": "pause"}), "/ids"),
        (
            json!({"ids": ids, "filter": {}, "action": "pause"}),
            "/filter",
        ),
        (json!({"ids": ["x"], "action": "pause"}), "/ids/0"),
        (
            json!({"ids": [ids[0], ids[0]], "action": "pause"}),
            "/ids/1",
        ),
        (json!({"ids": ids, "action": "explode"}), "/action"),
        (json!({"ids": ids, "action": "set"}), "/set"),
        (
            json!({"ids": ids, "action": "set", "set": {"kind": "tcp"}}),
            "/set/kind",
        ),
        (json!({"ids": ids, "action": "pause", "set": {}}), "/set"),
        (
            json!({"filter": {"status": ["odd"]}, "action": "pause"}),
            "/filter/status/0",
        ),
    ] {
        let refused = client.post("/monitors/bulk", body.clone()).await;
        assert_eq!(
            (refused.status, refused.pointer().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, pointer),
            "{body}"
        );
    }
    client
        .post("/monitors/bulk", json!({"filter": {}, "action": "delete"}))
        .await;
    assert_eq!(client.get("/monitors").await.json()["data"], json!([]));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_dry_run_changes_nothing(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let tried = client
        .post(
            "/monitors?dry_run=true",
            json!({"url": "https://shop.example"}),
        )
        .await;
    assert_eq!(
        (tried.status, &tried.json()["name"]),
        (StatusCode::OK, &json!("shop.example")),
        "{}",
        tried.text
    );
    assert_eq!(client.get("/monitors").await.json()["data"], json!([]));
    assert_eq!(
        client
            .post("/monitors?dry_run=true", json!({"url": "x"}))
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let made = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json();
    let path = format!("/monitors/{}", made["id"].as_str().unwrap());
    assert_eq!(
        client
            .patch(&format!("{path}?dry_run=true"), json!({"name": "X"}))
            .await
            .json()["name"],
        "X"
    );
    let put = client
        .send(
            Method::PUT,
            "/monitors/by-key/k?dry_run=true",
            &[],
            &json!({"url": "https://b.example"}),
        )
        .await;
    assert_eq!(put.status, StatusCode::OK);
    let key = client
        .post(
            "/api-keys?dry_run=true",
            json!({"name": "x", "scope": "read"}),
        )
        .await;
    assert!(
        key.status == StatusCode::OK && key.json().get("secret").is_none(),
        "{}",
        key.text
    );
    assert_eq!(client.get(&path).await.json()["name"], "shop.example");
    assert_eq!(
        client.get("/monitors").await.json()["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        client
            .post("/monitors?dry_run=yes", json!({}))
            .await
            .pointer(),
        "?dry_run"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_monitor_is_sent_back_as_it_was_read(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let put = async |body: Value| {
        client
            .send(Method::PUT, "/monitors/by-key/k", &[], &body)
            .await
    };
    let made = put(json!({"url": "https://u:p@shop.example/a", "name": "A"})).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let mut whole = made.json();
    let path = format!("/monitors/{}", whole["id"].as_str().unwrap());
    for action in ["pause", "resume"] {
        client.post(&format!("{path}/{action}"), json!({})).await;
    }
    // What moves by itself may be older than now in an object that is sent back whole.
    whole["name"] = json!("B");
    whole["status"] = json!("paused");
    for reply in [
        client.patch(&path, whole.clone()).await,
        put(whole.clone()).await,
    ] {
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
        assert_eq!(
            (&reply.json()["name"], &reply.json()["status"]),
            (&json!("B"), &json!("pending"))
        );
    }
    let now = client.get(&path).await.json();
    assert_eq!(
        client
            .patch(&path, json!({"status": now["status"], "name": "C"}))
            .await
            .status,
        StatusCode::OK
    );
    for (field, value) in [
        ("status", json!("down")),
        ("confirming", json!(true)),
        ("uptime_30d", json!(1)),
        ("last_check", json!({})),
        ("id", json!(domain::ids::MonitorId::generate().to_string())),
        ("created_at", json!("2020-01-01T00:00:00Z")),
        ("html_url", json!("https://evil.example")),
    ] {
        let body = json!({ (field): value, "name": "D" });
        for reply in [client.patch(&path, body.clone()).await, put(body).await] {
            assert_eq!(
                (reply.status, reply.pointer()),
                (StatusCode::UNPROCESSABLE_ENTITY, format!("/{field}")),
                "{}",
                reply.text
            );
        }
    }
    assert_eq!(client.get(&path).await.json()["name"], "C");
    let new = client
        .send(
            Method::PUT,
            "/monitors/by-key/new",
            &[],
            &json!({"url": "https://a.example", "status": "up"}),
        )
        .await;
    assert_eq!(new.pointer(), "/status");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_cursor_belongs_to_its_order(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    for name in ["A", "B", "C"] {
        client
            .post(
                "/monitors",
                json!({"url": "https://shop.example", "name": name}),
            )
            .await;
    }
    for (sort, other) in [
        ("name", "status"),
        ("status", "-created_at"),
        ("-created_at", "name"),
    ] {
        let first = client
            .get(&format!("/monitors?limit=1&sort={sort}"))
            .await
            .json();
        let cursor = first["next_cursor"].as_str().unwrap();
        let next = client
            .get(&format!("/monitors?limit=1&sort={sort}&cursor={cursor}"))
            .await;
        assert_eq!(next.status, StatusCode::OK);
        let wrong = client
            .get(&format!("/monitors?limit=1&sort={other}&cursor={cursor}"))
            .await;
        assert_eq!(
            (wrong.status, wrong.pointer()),
            (StatusCode::UNPROCESSABLE_ENTITY, "?cursor".to_owned())
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn deleting_twice_deletes_once(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let id = async |path: &str, body: Value| {
        let made = client.post(path, body).await;
        format!("{path}/{}", made.json()["id"].as_str().unwrap())
    };
    let mut paths = vec![
        id("/monitors", json!({"url": "https://a.example"})).await,
        id(
            "/contacts",
            json!({"kind": "email", "address": "a@shop.example"}),
        )
        .await,
        id("/api-keys", json!({"name": "x", "scope": "read"})).await,
    ];
    id("/monitors", json!({"url": "https://b.example", "key": "k"})).await;
    paths.push("/monitors/by-key/k".to_owned());
    let stranger = app.account(Plan::Free).await;
    let stranger = app.client(stranger, Scope::Write).await;
    for path in &paths {
        for _ in 0..2 {
            assert_eq!(
                client.delete(path).await.status,
                StatusCode::NO_CONTENT,
                "{path}"
            );
        }
        assert_eq!(
            stranger.delete(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(
            client.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}
