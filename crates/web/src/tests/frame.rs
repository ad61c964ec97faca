//! What holds for every answer.

use http::{Method, StatusCode};
use sqlx::PgPool;

use super::App;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_page_carries_the_strict_headers(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.browser();
    for path in ["/signup", "/login", "/nowhere", "/monitors", "/robots.txt"] {
        let answer = browser.get(path).await;
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"),
            "{path}: {policy}"
        );
        assert!(
            !policy.contains("unsafe")
                && policy.contains("frame-ancestors 'none'")
                && policy.contains("base-uri 'none'")
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("x-request-id").starts_with("req_"));
        for inline in ["<script>", " style=", " onclick=", "javascript:"] {
            assert!(!answer.body.contains(inline), "{path} has {inline}");
        }
    }
    assert!(
        browser
            .get("/login")
            .await
            .header("strict-transport-security")
            .is_empty(),
        "http keeps quiet about https"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn faults_have_a_page_or_a_problem(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.browser();
    let missing = browser.get("/nowhere").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(
        missing
            .body
            .contains("There is nothing here, or it is not yours.")
            && missing.body.contains("type=\"search\"")
    );
    let method = browser.send(Method::DELETE, "/login", None).await;
    assert_eq!(method.status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(
        method.header("allow").contains("GET"),
        "{:?}",
        method.headers
    );
    browser.headers.push(("accept", "text/html".to_owned()));
    let reloaded = browser.get("/settings/security/password").await;
    assert_eq!(
        (reloaded.status, reloaded.location()),
        (StatusCode::SEE_OTHER, "/settings/security")
    );
    let mut person = app.signed_up("owner@shop.example").await;
    let missing = person.get("/nowhere").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    assert!(missing.body.contains("owner@shop.example") && !missing.body.contains("/signup"));
    let api = browser.get("/api/v1/nowhere").await;
    assert_eq!(
        (api.status, api.header("content-type")),
        (StatusCode::NOT_FOUND, "application/problem+json")
    );
    let problem: serde_json::Value = serde_json::from_str(&api.body).unwrap();
    assert_eq!(
        (problem["code"].as_str(), problem["status"].as_u64()),
        (Some("not_found"), Some(404))
    );
    assert_eq!(
        problem["type"],
        "http://localhost:8080/docs/errors/not_found"
    );
    assert_eq!(
        problem["request_id"].as_str(),
        Some(api.header("x-request-id"))
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn without_the_database_pages_say_whose_fault_it_is(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("a@shop.example").await;
    app.state.pool.close().await;
    let answer = browser.get("/settings/profile").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        answer.body.contains(
            "This is our fault. Looks and alerts run separately from this page. Reference"
        ),
        "{}",
        answer.body
    );
    assert!(
        answer.body.contains(answer.header("x-request-id")) && answer.header("retry-after") == "5"
    );
    let api = browser.get("/login").await;
    assert_eq!(
        api.status,
        StatusCode::SERVICE_UNAVAILABLE,
        "a cookie cannot be judged either"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn static_files_are_kept_for_ever_under_their_hash(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.browser();
    let url = crate::assets::url("css/app.css");
    assert!(
        url.starts_with("/static/app.")
            && url.ends_with(".css")
            && url.len() > "/static/app.css".len() + 8,
        "{url}"
    );
    let answer = browser.get(&url).await;
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
    assert_eq!(
        answer.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert_eq!(
        browser.get("/static/app.000000000000.css").await.status,
        StatusCode::NOT_FOUND
    );
}
