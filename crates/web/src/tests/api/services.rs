//! Contacts at services whose address has several parts.

use domain::account::Scope;
use http::StatusCode;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::team;

const SECRETS: [&str; 8] = [
    "AAHdqTcvCH1v",
    "syt_YW5h",
    "shop-alerts-x8",
    "tk_AgQdq7",
    "uQiRzpo4",
    "azGDORePK8",
    "AwLoxKPN",
    "e93facc0",
];

fn telegram() -> Value {
    json!({"bot_token": "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", "chat_id": "-1001234567890"})
}

/// One of each, and the name that it gets by default.
fn one_of_each() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("telegram", telegram(), "chat -1001234567890"),
        (
            "matrix",
            json!({"homeserver": "https://matrix.example", "room_id": "!x8Kq:example", "access_token": "syt_YW5h_x8Kq"}),
            "matrix.example/!x8Kq:example",
        ),
        (
            "ntfy",
            json!({"server": "https://ntfy.sh", "topic": "shop-alerts-x8Kq", "token": "tk_AgQdq7mVBoFD37zQVN"}),
            "ntfy.sh/…x8Kq",
        ),
        (
            "pushover",
            json!({"user_key": "uQiRzpo4DXghDmr9QzzfQu27cmVRsG", "app_token": "azGDORePK8gMaC0QOYAMyEEuzJnyUi", "priority": "emergency"}),
            "key …VRsG",
        ),
        (
            "gotify",
            json!({"server": "https://push.example", "app_token": "AwLoxKPN.x8Kq2L"}),
            "push.example/…Kq2L",
        ),
        (
            "pagerduty",
            json!({"integration_key": "e93facc04764012d7bfb002500d5d1a6", "region": "eu"}),
            "key …d1a6 (EU)",
        ),
        (
            "opsgenie",
            json!({"api_key": "8a7b0c1d-2e3f-4a5b-8c7d-9e0f1a2b3c4d", "region": "us"}),
            "key …3c4d",
        ),
    ]
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_parts_of_a_service_are_secrets_and_stay(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let reader = app.client(account, Scope::Read).await;
    let other = app.account(domain::account::Plan::Team).await;
    let stranger = app.client(other, Scope::Write).await;
    for (kind, parts, name) in one_of_each() {
        let body = json!({ "kind": kind, (kind): parts });
        let made = client.post("/contacts", body.clone()).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        let contact = made.json();
        let wanted = (&parts, &json!(false), &json!(name));
        let found = (&contact[kind], &contact["verified"], &contact["name"]);
        assert_eq!(found, wanted);
        assert_eq!((contact.get("url"), contact.get("address")), (None, None));
        let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
        assert_eq!(client.get(&path).await.json()[kind], parts);
        let masked = reader.get(&path).await;
        assert!(masked.text.contains("••••"), "{}", masked.text);
        let hidden = |text: &str| SECRETS.iter().all(|secret| !text.contains(secret));
        assert!(hidden(&masked.text), "{}", masked.text);
        assert!(hidden(&reader.get("/contacts").await.text));
        let masked = json!({ (kind): masked.json()[kind], "name": "Ops" });
        let named = client.patch(&path, masked).await;
        assert_eq!(
            (named.status, &named.json()[kind]),
            (StatusCode::OK, &parts)
        );
        let whole = client.patch(&path, named.json()).await;
        assert_eq!(whole.status, StatusCode::OK, "{}", whole.text);
        let mut changed = parts.clone();
        let first = changed
            .as_object_mut()
            .unwrap()
            .values_mut()
            .next()
            .unwrap();
        *first = "another".into();
        let changed = client.patch(&path, json!({ (kind): changed })).await;
        assert_eq!(changed.status, StatusCode::CONFLICT, "{}", changed.text);
        let wrong = client.patch(&path, json!({ (kind): "••••" })).await;
        assert_eq!(wrong.pointer(), format!("/{kind}"), "{}", wrong.text);
        let twice = client.post("/contacts", body).await;
        assert_eq!(twice.status, StatusCode::CONFLICT, "{}", twice.text);
        let theirs = stranger.get(&path).await;
        assert_eq!(theirs.status, StatusCode::NOT_FOUND);
        let deleted = stranger.delete(&path).await;
        assert_eq!(deleted.status, StatusCode::NOT_FOUND);
    }
    let stored: Vec<String> = sqlx::query_scalar("SELECT contacts::text FROM contacts")
        .fetch_all(&app.state.pool)
        .await
        .unwrap();
    let stored = stored.join("\n");
    assert!(
        SECRETS.iter().all(|secret| !stored.contains(secret)),
        "{stored}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_wrong_part_is_named_and_says_where_the_right_one_is(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let with = |name: &str, value: Value| {
        let mut parts = telegram();
        parts[name] = value;
        json!({ "kind": "telegram", "telegram": parts })
    };
    for (body, pointer, words) in [
        (json!({"kind": "telegram"}), "/telegram", "must be sent"),
        (
            json!({"kind": "telegram", "telegram": null}),
            "/telegram",
            "must be sent",
        ),
        (
            json!({"kind": "telegram", "url": "https://t.me/ops"}),
            "/url",
            "send telegram",
        ),
        (
            json!({"kind": "slack", "telegram": telegram()}),
            "/telegram",
            "send url",
        ),
        (
            json!({"kind": "email", "address": "a@shop.example", "telegram": telegram()}),
            "/telegram",
            "send address",
        ),
        (
            json!({"kind": "telegram", "telegram": {"chat_id": "7"}}),
            "/telegram/bot_token",
            "",
        ),
        (with("silent", json!(true)), "/telegram/silent", ""),
        (with("chat_id", json!(7)), "/telegram/chat_id", ""),
        (with("chat_id", json!("ops")), "/telegram/chat_id", "@name"),
        (
            with("bot_token", json!("hunter2")),
            "/telegram/bot_token",
            "@BotFather",
        ),
        (
            json!({"kind": "pagerduty", "pagerduty": {"integration_key": "short"}}),
            "/pagerduty/integration_key",
            "Events API V2",
        ),
        (
            json!({"kind": "opsgenie", "opsgenie": {"api_key": "8a7b0c1d-2e3f-4a5b-8c7d-9e0f1a2b3c4d", "region": "mars"}}),
            "/opsgenie/region",
            "",
        ),
        (
            json!({"kind": "matrix", "matrix": {"homeserver": "https://matrix.example", "room_id": "#ops:example", "access_token": "syt_YW5h_x8Kq"}}),
            "/matrix/room_id",
            "internal room ID",
        ),
        (
            json!({"kind": "teams", "url": "https://shop.webhook.office.com/webhookb2/a/IncomingWebhook/b/c"}),
            "/url",
            "switched those off",
        ),
    ] {
        let reply = client.post("/contacts", body.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.pointer().as_str()),
            (422, pointer),
            "{body} {}",
            reply.text
        );
        assert!(reply.text.contains(words), "{}", reply.text);
        assert!(!reply.text.contains("hunter2"), "{}", reply.text);
    }
}
