//! Whether the cause was right, by the API.

use domain::account::{Plan, Scope};
use domain::check::{Failure, FailureClass, Phase};
use domain::incident::{Confidence, Diagnosis};
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::team;

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_says_whether_the_cause_was_right(pool: PgPool) {
    let (app, account, owner) = team(pool).await;
    let shop = json!({"url": "https://shop.example"});
    let monitor = owner.post("/monitors", shop).await.json();
    let monitor = monitor["id"].as_str().unwrap().parse().unwrap();
    let refused = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let incident = app.down(monitor, refused).await;
    let path = format!("/incidents/{incident}/diagnosis-feedback");
    let right = json!({"right": true, "text": null});
    let unknown = owner.post(&path, right.clone()).await;
    assert_eq!(unknown.status, StatusCode::CONFLICT, "{}", unknown.text);
    let said = Diagnosis {
        cause: "nothing_listens".to_owned(),
        confidence: Confidence::Likely,
        attribution: None,
        sentence: "Nothing listens there.".to_owned(),
        technical: String::new(),
        evidence: Vec::new(),
        next_steps: Vec::new(),
        rule: "connect_refused".to_owned(),
    };
    let mut connection = app.state.pool.acquire().await.unwrap();
    let now = app.state.now();
    store::incidents::set_diagnosis(&mut connection, account, incident, &said, now)
        .await
        .unwrap();
    drop(connection);

    let stranger = app
        .client(app.account(Plan::Team).await, Scope::Write)
        .await;
    let reader = app.client(account, Scope::Read).await;
    for (client, status) in [
        (&stranger, StatusCode::NOT_FOUND),
        (&reader, StatusCode::FORBIDDEN),
        (&app.nobody(), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(client.post(&path, right.clone()).await.status, status);
    }
    for (body, pointer) in [
        (json!({"right": true, "text": "x".repeat(501)}), "/text"),
        (json!({"right": true, "text": "bell \u{7}"}), "/text"),
        (json!({"right": "yes"}), "/right"),
        (json!({"text": "the disk"}), "/right"),
    ] {
        let wrong = owner.post(&path, body.clone()).await;
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(wrong.pointer(), pointer, "{body}");
    }
    let said = owner.post(&path, right).await;
    assert_eq!(said.status, StatusCode::OK, "{}", said.text);
    assert_eq!(said.json()["id"], incident.to_string());
    let wrong = json!({"right": false, "text": "The disk was full."});
    assert_eq!(owner.post(&path, wrong).await.status, StatusCode::OK);
    let kept: Vec<(String, bool, String)> =
        sqlx::query_as("SELECT by_kind, is_right, said FROM diagnosis_feedback")
            .fetch_all(&app.state.pool)
            .await
            .unwrap();
    assert_eq!(
        kept,
        [("api_key".to_owned(), false, "The disk was full.".to_owned())]
    );
}
