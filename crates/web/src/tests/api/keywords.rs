//! The text that is proposed for a monitor, in the API.

use domain::ids::{AccountId, MonitorId};
use domain::monitor::proposal::{Missing, Proposal};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{App, team};

async fn propose(app: &App, account: AccountId, monitor: MonitorId) {
    let mut c = app.state.pool.acquire().await.unwrap();
    let (offers, now) = (["Add to basket".to_owned()], app.state.now());
    let wanted = (account, monitor, 1);
    let is_new = store::keyword_proposals::want(&mut c, wanted, "local", &offers, now).await;
    assert!(is_new.unwrap());
    let proposal = Proposal {
        text: "Add to basket".to_owned(),
        missing: Missing::Answers,
        status: 200,
    };
    let key = (account, monitor);
    store::keyword_proposals::propose(&mut c, key, &offers, &proposal, now)
        .await
        .unwrap();
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_proposal_is_read_with_its_monitor_until_it_is_set(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let made = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json();
    assert_eq!(made.get("keyword_proposal"), None);
    let id = made["id"].as_str().unwrap().to_owned();
    propose(&app, account, id.parse().unwrap()).await;
    let one = format!("/monitors/{id}");
    let read = client.get(&one).await.json();
    let wanted =
        json!({"text": "Add to basket", "missing_status": 200, "missing_redirected": false});
    assert_eq!(read["keyword_proposal"], wanted);
    let listed = client.get("/monitors").await.json();
    assert_eq!(listed["data"][0]["keyword_proposal"], wanted);
    // What was read may be sent back, and changes nothing.
    let again = client.patch(&one, read.clone()).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    assert_eq!(again.json()["keyword_proposal"], wanted);
    let set = json!({"http": {"keyword": read["keyword_proposal"]["text"]}});
    let set = client.patch(&one, set).await.json();
    assert_eq!(
        (&set["http"]["keyword"], set.get("keyword_proposal")),
        (&json!("Add to basket"), None)
    );
    let unset = client
        .patch(&one, json!({"http": {"keyword": Value::Null}}))
        .await;
    assert_eq!(unset.json().get("keyword_proposal"), None);
}
