use domain::account::{Plan, Scope};
use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use super::{App, team};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn fifty_racing_requests_make_ten_monitors(pool: PgPool) {
    let app = App::new(pool).await;
    let account = app.account(Plan::Free).await;
    let client = app.client(account, Scope::Write).await;
    let races = (0..50).map(|i| {
        let client = client.clone();
        async move {
            if i % 2 == 0 {
                client
                    .post("/monitors", json!({"url": format!("https://m{i}.example")}))
                    .await
            } else {
                let body = json!({"url": format!("https://m{i}.example")});
                client
                    .send(Method::PUT, &format!("/monitors/by-key/k{i}"), &[], &body)
                    .await
            }
        }
    });
    let replies = futures::future::join_all(races).await;
    let made = replies
        .iter()
        .filter(|reply| reply.status == StatusCode::CREATED)
        .count();
    assert_eq!(
        made,
        10,
        "{:?}",
        replies.iter().map(|reply| reply.status).collect::<Vec<_>>()
    );
    for refused in replies
        .iter()
        .filter(|reply| reply.status != StatusCode::CREATED)
    {
        let problem = refused.json();
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{}", refused.text);
        assert_eq!(
            (
                &problem["code"],
                &problem["limit"],
                &problem["used"],
                &problem["plan"],
                &problem["lifted_by"]
            ),
            (
                &json!("plan_limit"),
                &json!(10),
                &json!(10),
                &json!("free"),
                &json!("solo")
            )
        );
    }
    let listed = client.get("/monitors").await.json();
    let ids: Vec<String> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 10);
    client
        .post(&format!("/monitors/{}/pause", ids[0]), json!({}))
        .await;
    assert_eq!(
        client
            .post("/monitors", json!({"url": "https://x.example"}))
            .await
            .code(),
        "plan_limit",
        "paused ones count"
    );
    client.delete(&format!("/monitors/{}", ids[1])).await;
    assert_eq!(
        client
            .post("/monitors", json!({"url": "https://x.example"}))
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(
        client
            .post(&format!("/monitors/{}/restore", ids[1]), json!({}))
            .await
            .code(),
        "plan_limit"
    );
    let fast = client
        .patch(
            &format!("/monitors/{}", ids[2]),
            json!({"interval_seconds": 30}),
        )
        .await;
    assert_eq!(
        (fast.status.as_u16(), fast.pointer().as_str()),
        (422, "/interval_seconds"),
        "the free plan looks once a minute"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn other_limits_hold_too(pool: PgPool) {
    let app = App::new(pool).await;
    let account = app.account(Plan::Free).await;
    let client = app.client(account, Scope::Write).await;
    for i in 0..5 {
        let made = client
            .post(
                "/contacts",
                json!({"kind": "email", "address": format!("a{i}@shop.example")}),
            )
            .await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    }
    let sixth = client
        .post(
            "/contacts",
            json!({"kind": "email", "address": "x@shop.example"}),
        )
        .await;
    assert_eq!(
        (sixth.code().as_str(), &sixth.json()["limit"]),
        ("plan_limit", &json!(5))
    );
    assert_eq!(
        client
            .post("/api-keys", json!({"name": "b", "scope": "read"}))
            .await
            .status,
        StatusCode::CREATED
    );
    let third = client
        .post("/api-keys", json!({"name": "c", "scope": "read"}))
        .await;
    assert_eq!(
        (third.code().as_str(), &third.json()["limit"]),
        ("plan_limit", &json!(2))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_repeated_request_is_carried_out_once(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let body = json!({"url": "https://shop.example"});
    let key = [("idempotency-key", "once")];
    let first = client.send(Method::POST, "/monitors", &key, &body).await;
    let again = client.send(Method::POST, "/monitors", &key, &body).await;
    assert_eq!(
        (again.status, &again.text),
        (StatusCode::CREATED, &first.text)
    );
    assert_eq!(
        (again.header("location"), again.header("etag")),
        (first.header("location"), first.header("etag"))
    );
    assert_eq!(
        (
            first.header("idempotency-replayed"),
            again.header("idempotency-replayed")
        ),
        ("", "true")
    );
    assert_ne!(first.header("x-request-id"), again.header("x-request-id"));
    let other = client
        .send(
            Method::POST,
            "/monitors",
            &key,
            &json!({"url": "https://b.example"}),
        )
        .await;
    assert_eq!(
        (other.status.as_u16(), other.code().as_str()),
        (422, "idempotency_mismatch")
    );
    let elsewhere = client
        .send(
            Method::POST,
            "/contacts",
            &key,
            &json!({"kind": "email", "address": "a@shop.example"}),
        )
        .await;
    assert_eq!(
        elsewhere.status,
        StatusCode::CREATED,
        "another route is another request: {}",
        elsewhere.text
    );
    let second_key = app.client(account, Scope::Write).await;
    assert_eq!(
        second_key
            .send(Method::POST, "/monitors", &key, &body)
            .await
            .header("idempotency-replayed"),
        ""
    );
    let refused = client
        .send(
            Method::POST,
            "/monitors",
            &[("idempotency-key", "wrong")],
            &json!({}),
        )
        .await;
    assert_eq!(refused.status.as_u16(), 422);
    let mended = client
        .send(
            Method::POST,
            "/monitors",
            &[("idempotency-key", "wrong")],
            &body,
        )
        .await;
    assert_eq!(
        mended.status,
        StatusCode::CREATED,
        "a refusal changed nothing, so its key is free"
    );
    app.wait(24 * 3_600 + 1);
    assert_eq!(
        client
            .send(Method::POST, "/monitors", &key, &body)
            .await
            .header("idempotency-replayed"),
        ""
    );
    let long = "x".repeat(256);
    assert_eq!(
        client
            .send(
                Method::POST,
                "/monitors",
                &[("idempotency-key", &long)],
                &body
            )
            .await
            .status
            .as_u16(),
        422
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn racing_repeats_make_one_monitor(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let races = (0..20).map(|_| {
        let client = client.clone();
        async move {
            client
                .send(
                    Method::POST,
                    "/monitors",
                    &[("idempotency-key", "race")],
                    &json!({"url": "https://shop.example"}),
                )
                .await
        }
    });
    let replies = futures::future::join_all(races).await;
    for reply in &replies {
        assert!(
            matches!(reply.status.as_u16(), 201 | 409),
            "{} {}",
            reply.status,
            reply.text
        );
    }
    assert!(
        replies
            .iter()
            .any(|reply| reply.status == StatusCode::CREATED)
    );
    assert_eq!(
        client.get("/monitors").await.json()["data"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_secret_is_never_shown_twice(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let body = json!({"name": "CI", "scope": "read"});
    let key = [("idempotency-key", "k")];
    let first = client.send(Method::POST, "/api-keys", &key, &body).await;
    let secret = first.json()["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("wb_") && secret.len() == 46);
    let again = client.send(Method::POST, "/api-keys", &key, &body).await;
    assert_eq!(
        (again.status.as_u16(), again.code().as_str()),
        (409, "conflict"),
        "{}",
        again.text
    );
    let kept: String = sqlx::query_scalar("SELECT string_agg(t::text, '') FROM (SELECT i::text AS t FROM idempotency_keys i UNION ALL SELECT k::text FROM api_keys k UNION ALL SELECT l::text FROM token_lookups l) all_rows")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    assert!(!kept.contains(&secret), "only hashes are kept");
    assert!(!client.get("/api-keys").await.text.contains(&secret));
}
