//! The server behind a monitor, through the API and on its page.

use domain::ids::{AccountId, MonitorId};
use domain::origin::{Answer, How};
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{App, team};

/// Answers the next proof that is asked for, as a worker does.
async fn worker(app: &App, (account, monitor): (AccountId, MonitorId), answer: Answer) {
    let mut connection = app.state.pool.acquire().await.unwrap();
    loop {
        let now = app.state.now();
        let due = store::origins::list_due(&mut connection, "local", now, 10);
        if due.await.unwrap().contains(&(account, monitor)) {
            let key = (account, monitor);
            let taken = store::origins::claim(&mut connection, key, now).await;
            if let Some(stored) = taken.unwrap() {
                let origin = &stored.origin;
                incidents::record_proof(&app.state.pool, key, origin, &answer, now)
                    .await
                    .unwrap();
                return;
            }
        }
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_origin_is_named_proven_and_lost_with_another(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let monitor =
        json!({"url": "https://shop.example", "http": {"origin": "Origin.shop.example:8443"}});
    let made = client.post("/monitors", monitor).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let made = made.json();
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made["http"]["origin"], "Origin.shop.example:8443",
        "as it was sent"
    );
    let origin = &made["origin"];
    assert_eq!(origin["state"], "unproven");
    assert_eq!(
        origin["dns_record"],
        "_watchbell-origin.origin.shop.example"
    );
    let file = "http://origin.shop.example:8443/.well-known/watchbell-origin.txt";
    assert_eq!(origin["file_url"], file);
    let token = origin["token"].as_str().unwrap().to_owned();
    assert!(
        token.starts_with("watchbell-origin-") && token.len() > 50,
        "{token}"
    );

    let path = format!("/monitors/{id}/origin/verify");
    let key = (account, id.parse().unwrap());
    let no = Answer::Missing("It is not there.".to_owned());
    // Naming it asked for the proof.
    worker(&app, key, no.clone()).await;
    app.clock.advance(jiff::SignedDuration::from_secs(5));
    let (reply, ()) = tokio::join!(client.post(&path, json!({})), worker(&app, key, no));
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text);
    let origin = reply.json()["origin"].clone();
    assert_eq!(
        (&origin["state"], &origin["reason"]),
        (&json!("unproven"), &json!("It is not there."))
    );
    assert_eq!(origin["token"], token.as_str());

    app.clock.advance(jiff::SignedDuration::from_secs(5));
    let found = Answer::Found(How::Dns);
    let (reply, ()) = tokio::join!(client.post(&path, json!({})), worker(&app, key, found));
    let origin = reply.json()["origin"].clone();
    assert_eq!(
        (&origin["state"], &origin["proven_by"]),
        (&json!("proven"), &json!("dns")),
        "{}",
        reply.text
    );
    assert_eq!(
        (&origin["last_look"], &origin["failure"]),
        (&Value::Null, &Value::Null)
    );

    // What was read may be sent back; another origin begins unproven, with a token of its own.
    let one = format!("/monitors/{id}");
    let again = client.patch(&one, reply.json()).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    assert_eq!(again.json()["origin"]["state"], "proven");
    let other = json!({"http": {"origin": "8.8.8.8"}});
    let changed = client.patch(&one, other).await.json()["origin"].clone();
    assert_eq!(
        (&changed["state"], &changed["dns_record"]),
        (&json!("unproven"), &Value::Null)
    );
    assert_ne!(changed["token"], token.as_str());
    let none = client
        .patch(&one, json!({"http": {"origin": null}}))
        .await
        .json();
    assert_eq!(
        (none.get("origin"), &none["http"]["origin"]),
        (None, &Value::Null)
    );
    let reply = client.post(&path, json!({})).await;
    assert_eq!(reply.status, StatusCode::CONFLICT, "{}", reply.text);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_origin_inside_is_refused(pool: PgPool) {
    let mut config = crate::config::tests::config("https://watchbell.example");
    config.address_policy = domain::target::AddressPolicy::Hosted;
    let app = App::with(pool, config).await;
    let account = app.account(domain::account::Plan::Team).await;
    let client = app.client(account, domain::account::Scope::Write).await;
    for origin in [
        "10.0.0.1",
        "localhost:8080",
        "[::1]:80",
        "db.internal",
        "8.8.8.8:6379",
        "https://8.8.8.8",
        "8.8.8.8/x",
        "",
    ] {
        let monitor = json!({"url": "https://shop.example", "http": {"origin": origin}});
        let reply = client.post("/monitors", monitor).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{origin}");
        assert_eq!(reply.pointer(), "/http/origin", "{origin}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_page_says_how_to_prove_it(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("kim@shop.example").await;
    let fields = [
        ("long", "1"),
        ("kind", "http"),
        ("target", "https://shop.example/"),
        ("follow_redirects", "1"),
        ("verify_tls", "1"),
        ("origin", "origin.shop.example"),
    ];
    let made = browser.post("/monitors", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let id: MonitorId = {
        let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM monitors")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
        MonitorId::from_uuid(id)
    };
    let page = browser.get(&format!("/monitors/{id}")).await.body;
    for text in [
        "not shown to be yours yet",
        "_watchbell-origin.origin.shop.example",
        "watchbell-origin-",
        "Check proof now",
        "/.well-known/watchbell-origin.txt",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let form = browser.get(&format!("/monitors/{id}/edit")).await.body;
    assert!(form.contains("value=\"origin.shop.example\""));
    // Another one: its place on the page is opened, and what to do there.
    let other: Vec<_> = fields[..5].to_vec();
    let other = [other.as_slice(), &[("origin", "203.0.113.7:8443")]].concat();
    let edit = format!("/monitors/{id}/edit");
    let named = browser.post(&edit, &other).await;
    assert_eq!(
        named.location(),
        format!("/monitors/{id}?done=named#origin")
    );
    let page = browser.get(named.location()).await.body;
    assert!(page.contains("once it is shown to be yours") && page.contains("The file is this"));
    let same = browser.post(&edit, &other).await;
    assert_eq!(same.location(), format!("/monitors/{id}?done=saved"));
    let bad = [
        ("long", "1"),
        ("kind", "http"),
        ("target", "https://shop.example/"),
        ("origin", "https://x"),
    ];
    let answer = browser.post(&format!("/monitors/{id}/edit"), &bad).await;
    assert!(
        answer.body.contains("id=\"origin-error\""),
        "{}",
        answer.body
    );

    let mut stranger = app.signed_up("eve@other.example").await;
    let reply = stranger.post(&format!("/monitors/{id}/origin"), &[]).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
}
