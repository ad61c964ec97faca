use domain::check::{Check, Failure, FailureClass, LookResult, Observation, Phase, VerdictKind};
use domain::ids::CheckId;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;
use store::look_requests::{self, Reason, Subject};

use super::{App, team};

/// Answers one look request of that reason, as a worker does.
async fn worker(app: &App, reason: Reason) -> Subject {
    let mut connection = app.state.pool.acquire().await.unwrap();
    loop {
        let now = app.state.now();
        for (account, id, _) in look_requests::list_open(&mut connection, "local", now, 10)
            .await
            .unwrap()
        {
            let claimed =
                look_requests::claim(&mut connection, &app.state.secrets, (account, id), "w", now)
                    .await
                    .unwrap();
            let Some(request) = claimed.filter(|request| request.reason == reason) else {
                continue;
            };
            let observation = Observation::begin(now);
            let failure = Failure::new(FailureClass::HttpStatus, Phase::FirstByte, "status 502")
                .with_detail("502");
            let check = Check {
                id: CheckId::generate(),
                at: now,
                slot: None,
                region: "local".into(),
                verdict: VerdictKind::Down,
                phases: observation.phases,
                total_us: 72_800,
                address: Some("203.0.113.7:443".parse().unwrap()),
                http_status: Some(502),
                failure: Some(failure),
                attribution: None,
            };
            let result = LookResult::new(check, observation, None);
            look_requests::mark_done(&mut connection, (account, id), Some(&result), now)
                .await
                .unwrap();
            return request.subject;
        }
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_look_is_asked_for_and_answered(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let id = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/monitors/{id}/check");
    let (reply, subject) =
        tokio::join!(client.post(&path, json!({})), worker(&app, Reason::Manual));
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let check = reply.json();
    assert_eq!(
        (&check["verdict"], &check["http_status"], &check["total_ms"]),
        (&json!("down"), &json!(502), &json!(72.8))
    );
    assert_eq!(
        check["failure"],
        json!({"class": "http_status", "phase": "first_byte", "message": "status 502"})
    );
    assert_eq!(subject, Subject::Monitor(id.parse().unwrap()));

    let spec =
        json!({"url": "https://shop.example", "timeout_ms": 1000, "http": {"headers": {"A": "b"}}});
    let (reply, subject) = tokio::join!(client.post("/checks", spec), worker(&app, Reason::Test));
    assert_eq!(
        (reply.status, &reply.json()["verdict"]),
        (StatusCode::OK, &json!("down")),
        "{}",
        reply.text
    );
    assert!(matches!(subject, Subject::Spec(spec) if spec.timeout_ms == Some(1_000)));
    assert_eq!(
        client
            .post(
                "/checks?dry_run=true",
                json!({"url": "https://shop.example"})
            )
            .await
            .status,
        StatusCode::OK
    );
    assert_eq!(
        client
            .post("/checks", json!({"url": "nonsense"}))
            .await
            .pointer(),
        "/url"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn six_looks_a_minute_can_be_asked_for(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let id = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/monitors/{id}/check");
    for _ in 0..6 {
        let (reply, _) = tokio::join!(client.post(&path, json!({})), worker(&app, Reason::Manual));
        assert_eq!(reply.status, StatusCode::OK);
    }
    let seventh = client.post(&path, json!({})).await;
    assert_eq!(
        (seventh.status.as_u16(), seventh.code().as_str()),
        (429, "rate_limited")
    );
    assert!(seventh.header("retry-after").parse::<u32>().unwrap() <= 60);
    client
        .post(&format!("/monitors/{id}/pause"), json!({}))
        .await;
    assert_eq!(
        client.post(&path, json!({})).await.status,
        StatusCode::CONFLICT
    );
}
