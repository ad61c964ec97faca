//! Bad input gets one clear error that names the field, and changes nothing.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use sqlx::PgPool;
use tower::ServiceExt;

use super::team;

/// Content type, body; status, code and pointer of the answer.
type Sent = (
    Option<&'static str>,
    &'static [u8],
    u16,
    &'static str,
    &'static str,
);

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_body_is_read_strictly(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let monitor = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json();
    let contact = client
        .post(
            "/contacts",
            json!({"kind": "email", "address": "a@shop.example"}),
        )
        .await
        .json();
    let monitor_path = format!("/monitors/{}", monitor["id"].as_str().unwrap());
    let contact_path = format!("/contacts/{}", contact["id"].as_str().unwrap());
    let before = (
        client.get("/monitors").await.text,
        client.get("/contacts").await.text,
        client.get("/api-keys").await.text,
    );
    let addresses = [
        (Method::POST, "/monitors".to_owned()),
        (Method::PUT, "/monitors/by-key/k".to_owned()),
        (Method::PATCH, monitor_path.clone()),
        (Method::POST, "/monitors/bulk".to_owned()),
        (Method::POST, "/checks".to_owned()),
        (Method::POST, "/contacts".to_owned()),
        (Method::PATCH, contact_path.clone()),
        (Method::POST, format!("{contact_path}/verify")),
        (Method::POST, "/api-keys".to_owned()),
        (Method::PATCH, "/me".to_owned()),
    ];
    let json_type = Some("application/json");
    let cases: [Sent; 11] = [
        (json_type, b"", 400, "malformed_json", "none"),
        (json_type, b"{", 400, "malformed_json", "none"),
        (json_type, b"{\"url\":}", 400, "malformed_json", "none"),
        (
            json_type,
            b"{\"a\":1,\"a\":2}",
            400,
            "malformed_json",
            "none",
        ),
        (json_type, b"\xff\xfe", 400, "malformed_json", "none"),
        (json_type, b"null", 422, "validation_failed", ""),
        (json_type, b"[]", 422, "validation_failed", ""),
        (json_type, b"\"x\"", 422, "validation_failed", ""),
        (
            json_type,
            b"{\"nonsense\":1}",
            422,
            "validation_failed",
            "/nonsense",
        ),
        (
            json_type,
            b"{\"name\":\"a\\u0000b\"}",
            422,
            "validation_failed",
            "/name",
        ),
        (
            Some("text/plain"),
            b"{}",
            415,
            "unsupported_media_type",
            "none",
        ),
    ];
    for (method, path) in &addresses {
        for (kind, body, status, code, pointer) in cases {
            let headers: Vec<(&str, &str)> = kind
                .map(|kind| ("content-type", kind))
                .into_iter()
                .collect();
            let reply = client
                .raw(
                    method.clone(),
                    &format!("/api/v1{path}"),
                    &headers,
                    body.to_vec(),
                )
                .await;
            let text = String::from_utf8_lossy(body);
            let known = (reply.status.as_u16(), reply.code(), reply.pointer());
            assert_eq!(
                known,
                (status, code.to_owned(), pointer.to_owned()),
                "{method} {path} {text}: {}",
                reply.text
            );
            assert_eq!(reply.header("content-type"), "application/problem+json");
        }
        let named = |bytes: usize| format!("{{\"name\":\"{}\"}}", "x".repeat(bytes)).into_bytes();
        let kind = [("content-type", "application/json")];
        let reply = client
            .raw(
                method.clone(),
                &format!("/api/v1{path}"),
                &kind,
                named(1_000_000),
            )
            .await;
        assert_eq!(
            reply.status.as_u16(),
            422,
            "a field that is far too long is a wrong field: {method} {path}"
        );
        assert!(
            reply.text.len() < 2_000
                && reply.json()["errors"][0]["pointer"]
                    .as_str()
                    .is_some_and(|field| field.len() > 1)
        );
        let reply = client
            .raw(
                method.clone(),
                &format!("/api/v1{path}"),
                &kind,
                named(3_000_000),
            )
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (413, "payload_too_large"),
            "{method} {path}"
        );
    }
    let after = (
        client.get("/monitors").await.text,
        client.get("/contacts").await.text,
        client.get("/api-keys").await.text,
    );
    assert_eq!(before.0, after.0);
    assert_eq!(before.1, after.1);
    assert_eq!(before.2, after.2);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_field_of_a_monitor_is_named_when_it_is_wrong(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let with = |field: &str, value: Value| {
        let mut body = json!({"url": "https://shop.example"});
        match field.split_once('.') {
            Some((block, inner)) => body[block] = json!({inner: value}),
            None => body[field] = value,
        }
        body
    };
    let foreign = domain::ids::ContactId::generate().to_string();
    let cases = [
        (json!({}), "/url"),
        (json!({"url": null}), "/url"),
        (with("url", json!("shop.example")), "/url"),
        (with("url", json!("ftp://shop.example")), "/url"),
        (with("url", json!(5)), "/url"),
        (
            with(
                "url",
                json!(format!("https://shop.example/{}", "x".repeat(2_048))),
            ),
            "/url",
        ),
        (with("name", json!("")), "/name"),
        (with("name", json!("x".repeat(201))), "/name"),
        (with("name", json!("a\nb")), "/name"),
        (with("name", json!("a\u{202e}b")), "/name"),
        (with("kind", json!("gopher")), "/kind"),
        (
            json!({"kind": "tcp", "url": "https://shop.example", "host": "a.example", "port": 1}),
            "/url",
        ),
        (with("host", json!("shop.example")), "/host"),
        (with("interval_seconds", json!(0)), "/interval_seconds"),
        (with("interval_seconds", json!(29)), "/interval_seconds"),
        (with("interval_seconds", json!(86_401)), "/interval_seconds"),
        (with("interval_seconds", json!(-1)), "/interval_seconds"),
        (with("interval_seconds", json!("60")), "/interval_seconds"),
        (with("interval_seconds", json!(60.5)), "/interval_seconds"),
        (
            with("interval_seconds", json!(5_000_000_000_u64)),
            "/interval_seconds",
        ),
        (with("timeout_ms", json!(499)), "/timeout_ms"),
        (with("timeout_ms", json!(60_001)), "/timeout_ms"),
        (with("http", json!([])), "/http"),
        (with("http.method", json!("GE T")), "/http/method"),
        (
            with("http.headers", json!({"a b": "c"})),
            "/http/headers/a b",
        ),
        (
            with("http.headers", json!({"A": "b\r\nC: d"})),
            "/http/headers/A",
        ),
        (
            with("http.headers", json!({"Host": "other.example", "A": 5})),
            "/http/headers/A",
        ),
        (with("http.max_redirects", json!(21)), "/http/max_redirects"),
        (
            with("http.expected_status", json!(["700"])),
            "/http/expected_status/0",
        ),
        (
            with("http.json", json!([{"path": "$.a"}])),
            "/http/json/0/op",
        ),
        (
            with("http.json", json!([{"path": "a", "op": "eq", "value": 1}])),
            "/http/json/0/path",
        ),
        (
            with(
                "http.json",
                json!([{"path": "$.a", "op": "like", "value": 1}]),
            ),
            "/http/json/0/op",
        ),
        (with("http.unknown", json!(1)), "/http/unknown"),
        (with("http.body", json!("••••")), "/http/body"),
        (with("tls.warn_days", json!([0])), "/tls/warn_days/0"),
        (with("regions", json!(["mars"])), "/regions/0"),
        (with("regions", json!([])), "/regions"),
        (with("confirm.rechecks", json!(6)), "/confirm/rechecks"),
        (
            with("confirm.over_seconds", json!(601)),
            "/confirm/over_seconds",
        ),
        (with("degraded_above_ms", json!(0)), "/degraded_above_ms"),
        (with("dns_cache", json!("no")), "/dns_cache"),
        (
            json!({"kind": "dns", "host": "shop.example", "dns_cache": false}),
            "/dns_cache",
        ),
        (with("policy_id", json!("pol_x")), "/policy_id"),
        (with("contact_ids", json!([foreign])), "/contact_ids/0"),
        (with("contact_ids", json!(["con_x"])), "/contact_ids/0"),
        (with("tags", json!(["x".repeat(51)])), "/tags/0"),
        (
            with(
                "tags",
                json!((0..21).map(|i| i.to_string()).collect::<Vec<_>>()),
            ),
            "/tags",
        ),
        (with("tags", json!("prod")), "/tags"),
        (with("key", json!("a b")), "/key"),
        (with("paused", json!("yes")), "/paused"),
        (with("status", json!("up")), "/status"),
        (with("id", json!("mon_x")), "/id"),
        (json!({"kind": "tcp", "host": "shop.example"}), "/port"),
        (json!({"kind": "ping"}), "/host"),
        (
            json!({"kind": "ping", "host": "shop.example", "ping": {"count": 0}}),
            "/ping/count",
        ),
        (
            json!({"kind": "ping", "host": "shop.example", "ping": []}),
            "/ping",
        ),
        (
            json!({"kind": "dns", "host": "shop.example", "record": "PTR"}),
            "/record",
        ),
        (
            json!({"kind": "dns", "host": "shop.example", "expected": ["x"]}),
            "/expected/0",
        ),
        (
            json!({"kind": "dns", "host": "shop.example", "dns": {"match": "like"}}),
            "/dns/match",
        ),
        (
            json!({"kind": "udp", "host": "shop.example", "port": 1}),
            "/udp/send",
        ),
        (
            json!({"kind": "udp", "host": "shop.example", "port": 1, "udp": {"send": "••••"}}),
            "/udp/send",
        ),
        (
            json!({"kind": "tls", "host": "shop.example", "tls": {"starttls": "ftp"}}),
            "/tls/starttls",
        ),
        (
            json!({"kind": "websocket", "url": "ftp://shop.example"}),
            "/url",
        ),
        (
            json!({"kind": "domain", "host": "shop.example", "interval_seconds": 60}),
            "/interval_seconds",
        ),
        (with("http.regex", json!("(")), "/http/regex"),
        (with("http.auth", json!({})), "/http/auth"),
        (
            with("http.auth", json!({"bearer": "••••"})),
            "/http/auth/bearer",
        ),
        (with("http.ip_family", json!("v5")), "/http/ip_family"),
        (
            json!({"kind": "tcp", "host": "shop.example", "port": 0}),
            "/port",
        ),
        (json!({"kind": "tls", "host": "a b", "port": 443}), "/host"),
    ];
    for (body, pointer) in cases {
        let reply = client.post("/monitors", body.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.pointer().as_str()),
            (422, pointer),
            "{body}: {}",
            reply.text
        );
        assert_eq!(
            reply.json()["errors"].as_array().map(Vec::len),
            Some(1),
            "{body}: {}",
            reply.text
        );
    }
    assert_eq!(client.get("/monitors").await.json()["data"], json!([]));
    let emoji = client
        .post("/monitors", with("name", json!("🔔 متجر")))
        .await;
    assert_eq!(emoji.status, StatusCode::CREATED, "{}", emoji.text);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn addresses_and_parameters_are_read_strictly(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let id = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for (path, status, code) in [
        ("/monitors/mon_x", 404, "not_found"),
        ("/monitors/%00", 404, "not_found"),
        ("/monitors/%ff", 404, "not_found"),
        ("/monitors/by-key/%00", 404, "not_found"),
        ("/monitors/by-key/none", 404, "not_found"),
        ("/nowhere", 404, "not_found"),
        ("/monitors?limit=0", 422, "validation_failed"),
        ("/monitors?limit=9999999999", 422, "validation_failed"),
        ("/monitors?cursor=x", 422, "validation_failed"),
        ("/monitors?q=%00", 422, "validation_failed"),
        ("/monitors?status=odd", 422, "validation_failed"),
        ("/monitors?sort=age", 422, "validation_failed"),
        ("/monitors?unknown=1", 422, "validation_failed"),
        ("/incidents?acknowledged=maybe", 422, "validation_failed"),
        ("/incidents?from=yesterday", 422, "validation_failed"),
        ("/incidents?monitor_id=x", 422, "validation_failed"),
        ("/contacts?tag=1", 422, "validation_failed"),
        ("/regions?x=1", 422, "validation_failed"),
    ] {
        let reply = client.get(path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (status, code),
            "{path}: {}",
            reply.text
        );
    }
    for path in [
        "checks?verdict=odd",
        "uptime?from=-1h&to=-2h",
        "response-times?from=2026-13-01T00:00:00Z",
        "checks?cursor=bnVsbA",
    ] {
        assert_eq!(
            client
                .get(&format!("/monitors/{id}/{path}"))
                .await
                .status
                .as_u16(),
            422,
            "{path}"
        );
    }
    let wrong_method = client
        .raw(Method::PUT, "/api/v1/monitors", &[], Vec::new())
        .await;
    assert_eq!(
        (wrong_method.status.as_u16(), wrong_method.code().as_str()),
        (405, "method_not_allowed")
    );
    assert!(
        wrong_method.header("allow").contains("POST"),
        "{:?}",
        wrong_method.headers
    );
    for action in ["pause", "resume", "restore", "check"] {
        let reply = client
            .post(&format!("/monitors/{id}/{action}"), json!({"x": 1}))
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.pointer().as_str()),
            (422, "/x"),
            "{action}"
        );
    }
    let empty = client
        .raw(
            Method::POST,
            &format!("/api/v1/monitors/{id}/pause"),
            &[],
            Vec::new(),
        )
        .await;
    assert_eq!(empty.status, StatusCode::OK, "an action needs no body");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_body_that_is_cut_off_is_not_too_large(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let cut = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let parts = tokio_stream::iter([Ok("{\"url\":"), Err(cut())]);
    let request = Request::post("/api/v1/monitors")
        .header(
            "authorization",
            format!("Bearer {}", client.key.as_deref().unwrap()),
        )
        .header("content-type", "application/json")
        .body(Body::from_stream(parts))
        .unwrap();
    let response = client.router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_wrong_idempotency_key_is_named(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let reply = client
        .send(
            Method::POST,
            "/monitors",
            &[("idempotency-key", "")],
            &json!({"url": "https://shop.example"}),
        )
        .await;
    assert_eq!(
        (reply.status.as_u16(), reply.pointer().as_str()),
        (422, "Idempotency-Key")
    );
}
