use domain::account::{Plan, Scope};
use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use super::{App, team};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_answer_says_how_many_may_follow(pool: PgPool) {
    let app = App::new(pool).await;
    let account = app.account(Plan::Free).await;
    let client = app.client(account, Scope::Write).await;
    for (who, path, status, limit) in [
        (&client, "/monitors", 200, "120"),
        (&client, "/monitors/mon_x", 404, "120"),
        (&client, "/nowhere", 404, "120"),
        (&app.nobody(), "/monitors", 401, "120"),
        (&app.nobody(), "/regions", 200, "120"),
    ] {
        let reply = who.get(path).await;
        assert_eq!(
            (reply.status.as_u16(), reply.header("ratelimit-limit")),
            (status, limit),
            "{path}"
        );
        assert!(
            reply.header("ratelimit-remaining").parse::<u32>().unwrap() < 120,
            "{path}"
        );
        assert!(
            reply.header("x-request-id").starts_with("req_")
                && !reply.header("ratelimit-reset").is_empty()
        );
    }
    let method = client
        .raw(Method::PUT, "/api/v1/tags", &[], Vec::new())
        .await;
    assert_eq!(
        (method.status.as_u16(), method.header("ratelimit-limit")),
        (405, "120")
    );
    let mut last = client.get("/monitors").await;
    for _ in 0..130 {
        if last.status != StatusCode::OK {
            break;
        }
        last = client.get("/monitors").await;
    }
    assert_eq!(
        (last.status.as_u16(), last.code().as_str()),
        (429, "rate_limited")
    );
    assert!(
        last.header("retry-after").parse::<u32>().unwrap() >= 1
            && last.header("ratelimit-remaining") == "0"
    );
    let other = app.client(app.account(Plan::Solo).await, Scope::Read).await;
    assert_eq!(
        other.get("/monitors").await.header("ratelimit-limit"),
        "600",
        "another account has its own"
    );
    app.wait(1);
    assert_eq!(client.get("/monitors").await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn versions_guard_changes_and_spare_reads(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let made = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await;
    let path = format!("/monitors/{}", made.json()["id"].as_str().unwrap());
    let tag = made.header("etag").to_owned();
    let known = client
        .raw(
            Method::GET,
            &format!("/api/v1{path}"),
            &[("if-none-match", &tag)],
            Vec::new(),
        )
        .await;
    assert_eq!(
        (known.status, known.text.as_str(), known.header("etag")),
        (StatusCode::NOT_MODIFIED, "", tag.as_str())
    );
    let edit = async |tag: &str, name: &str| {
        client
            .send(
                Method::PATCH,
                &path,
                &[("if-match", tag)],
                &json!({"name": name}),
            )
            .await
    };
    let first = edit(&tag, "A").await;
    assert_eq!(first.status, StatusCode::OK);
    let stale = edit(&tag, "B").await;
    assert_eq!(
        (stale.status.as_u16(), stale.code().as_str()),
        (412, "precondition_failed")
    );
    assert_eq!(edit("*", "C").await.status, StatusCode::OK);
    let stale_delete = client
        .raw(
            Method::DELETE,
            &format!("/api/v1{path}"),
            &[("if-match", &tag)],
            Vec::new(),
        )
        .await;
    assert_eq!(stale_delete.status, StatusCode::PRECONDITION_FAILED);
    assert_eq!(client.get(&path).await.json()["name"], "C");
    let contact = client
        .post(
            "/contacts",
            json!({"kind": "email", "address": "a@shop.example"}),
        )
        .await;
    let contact_path = format!("/contacts/{}", contact.json()["id"].as_str().unwrap());
    let renamed = client
        .send(
            Method::PATCH,
            &contact_path,
            &[("if-match", contact.header("etag"))],
            &json!({"name": "Kim"}),
        )
        .await;
    assert_eq!(renamed.status, StatusCode::OK, "{}", renamed.text);
    let stale = client
        .send(
            Method::PATCH,
            &contact_path,
            &[("if-match", contact.header("etag"))],
            &json!({"name": "Lee"}),
        )
        .await;
    assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED);
    for path in ["/me", &contact_path, &path] {
        assert!(!client.get(path).await.header("etag").is_empty(), "{path}");
    }
}
