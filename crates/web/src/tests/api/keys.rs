use domain::account::Scope;
use domain::delivery::AccountMessage;
use domain::ids::AccountId;
use http::{Method, StatusCode};
use serde_json::json;
use sqlx::PgPool;

use super::super::App;
use super::{Client, team};

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_does_what_its_scope_says_until_it_ends(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let reader = app.client(account, Scope::Read).await;
    let heartbeat = app.client(account, Scope::Heartbeat).await;
    assert_eq!(reader.get("/monitors").await.status, StatusCode::OK);
    for (who, method, path) in [
        (&reader, Method::POST, "/monitors"),
        (&reader, Method::PATCH, "/me"),
        (&reader, Method::POST, "/api-keys"),
        (&heartbeat, Method::GET, "/monitors"),
        (&heartbeat, Method::POST, "/monitors"),
    ] {
        let reply = who
            .send(method, path, &[], &json!({"url": "https://shop.example"}))
            .await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (403, "forbidden"),
            "{path}"
        );
    }
    let made = client
        .post(
            "/api-keys",
            json!({"name": "short", "scope": "write", "expires_at": "2026-11-22T14:00:00Z"}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let short = Client {
        key: made.json()["secret"].as_str().map(str::to_owned),
        ..client.clone()
    };
    let longer = short
        .post("/api-keys", json!({"name": "long", "scope": "read"}))
        .await;
    assert_eq!(
        (longer.status.as_u16(), longer.pointer().as_str()),
        (422, "/expires_at"),
        "none lives longer than its maker"
    );
    assert_eq!(short.get("/me").await.status, StatusCode::OK);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    let listed = client.get(&format!("/api-keys/{id}")).await.json();
    assert!(listed["last_used_at"].is_string() && listed.get("secret").is_none());
    app.wait(3_600);
    assert_eq!(
        short.get("/me").await.status,
        StatusCode::UNAUTHORIZED,
        "it has run out"
    );
    assert_eq!(
        client
            .post(
                "/api-keys",
                json!({"name": "x", "scope": "read", "expires_at": "2020-01-01T00:00:00Z"})
            )
            .await
            .pointer(),
        "/expires_at"
    );
    let own = client.get("/api-keys").await.json()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        client.delete(&format!("/api-keys/{own}")).await.status,
        StatusCode::NO_CONTENT
    );
    let gone = client.get("/me").await;
    assert_eq!(
        (gone.status.as_u16(), gone.header("www-authenticate")),
        (401, "Bearer"),
        "revoked at once"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_counts_from_either_header_and_nothing_else_does(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let secret = client.key.clone().unwrap();
    let nobody = app.nobody();
    let ask = async |headers: &[(&str, &str)]| {
        nobody
            .raw(Method::GET, "/api/v1/me", headers, Vec::new())
            .await
            .status
            .as_u16()
    };
    assert_eq!(ask(&[("x-api-key", &secret)]).await, 200);
    assert_eq!(
        ask(&[("authorization", &format!("bearer {secret}"))]).await,
        200
    );
    let last = if secret.ends_with('a') { 'b' } else { 'a' };
    let wrong = format!("{}{last}", &secret[..secret.len() - 1]);
    for headers in [
        vec![],
        vec![("x-api-key", wrong.as_str())],
        vec![("x-api-key", "x")],
        vec![("authorization", secret.as_str())],
    ] {
        assert_eq!(ask(&headers).await, 401, "{headers:?}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_account_is_read_and_renamed(pool: PgPool) {
    let (_app, account, client) = team(pool).await;
    let me = client.get("/me").await.json();
    assert_eq!(
        me["account"],
        json!({"id": account.to_string(), "name": "Shop Ltd", "timezone": "UTC", "notice_policy_id": null})
    );
    assert_eq!(
        (
            &me["plan"],
            &me["limits"]["monitors"],
            &me["usage"]["api_keys"]
        ),
        (&json!("team"), &json!(200), &json!(1))
    );
    assert_eq!(me["wallet"], json!({"amount": "0.00", "currency": "USD"}));
    let changed = client
        .patch("/me", json!({"name": "Shop", "timezone": "Europe/Berlin"}))
        .await
        .json();
    assert_eq!(
        (&changed["account"]["name"], &changed["account"]["timezone"]),
        (&json!("Shop"), &json!("Europe/Berlin"))
    );
    for (body, pointer) in [
        (json!({"timezone": "Mars/Base"}), "/timezone"),
        (json!({"timezone": null}), "/timezone"),
        (json!({"name": ""}), "/name"),
        (json!({"plan": "enterprise"}), "/plan"),
    ] {
        assert_eq!(client.patch("/me", body).await.pointer(), pointer);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_that_a_program_made_is_told_to_the_owner(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("a@shop.example").await;
    let account = sqlx::query_scalar("SELECT account_id FROM memberships")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    let client = app
        .client(AccountId::from_uuid(account), Scope::Write)
        .await;
    let body = json!({"name": "Nightly", "scope": "read"});
    assert_eq!(
        client
            .post("/api-keys?dry_run=true", body.clone())
            .await
            .status,
        StatusCode::OK
    );
    assert!(
        app.mails("a@shop.example").await.is_empty(),
        "nothing was made"
    );
    assert_eq!(
        client.post("/api-keys", body).await.status,
        StatusCode::CREATED
    );
    let mails = app.mails("a@shop.example").await;
    let [
        AccountMessage::KeyCreated {
            name,
            scope,
            link,
            timezone,
            ..
        },
    ] = mails.as_slice()
    else {
        panic!("{mails:?}")
    };
    assert_eq!(
        (name.as_str(), scope.as_str(), timezone.as_str()),
        ("Nightly", "read", "Europe/Berlin")
    );
    assert_eq!(link, "http://localhost:8080/settings/api-keys");
}
