use domain::account::Scope;
use domain::delivery::AccountMessage;
use http::StatusCode;
use serde_json::json;
use sqlx::PgPool;

use super::team;

fn code(mails: &[AccountMessage]) -> String {
    match mails {
        [.., AccountMessage::ContactCode { code, account }] => {
            assert_eq!(account, "Shop Ltd");
            code.clone()
        }
        other => panic!("{other:?}"),
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_number_is_proven_by_its_code_before_anything_else(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let made = client
        .post(
            "/contacts",
            json!({"kind": "sms", "name": "Kim", "address": "+49 151 1234-5678"}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let contact = made.json();
    assert_eq!(
        (
            &contact["address"],
            &contact["verified"],
            &contact["in_default"]
        ),
        (&json!("+4915112345678"), &json!(false), &json!(true))
    );
    let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
    assert_eq!(
        client.post(&format!("{path}/test"), json!({})).await.status,
        StatusCode::CONFLICT
    );
    let again = client
        .post(
            "/contacts",
            json!({"kind": "sms", "address": "004915112345678"}),
        )
        .await;
    assert_eq!(
        (again.status, again.code().as_str()),
        (StatusCode::CONFLICT, "conflict")
    );
    let right = code(&app.mails("+4915112345678").await);
    let wrong = if right == "000000" {
        "000001"
    } else {
        "000000"
    };
    let guess = async |code: &str| {
        client
            .post(&format!("{path}/verify"), json!({"code": code}))
            .await
    };
    assert_eq!(guess("12345").await.pointer(), "/code");
    for words in [
        "4 tries are left",
        "3 tries are left",
        "2 tries are left",
        "1 try is left",
        "tried 5 times",
    ] {
        let reply = guess(wrong).await;
        assert_eq!(reply.json()["errors"][0]["code"], "wrong_code");
        assert!(
            reply.json()["errors"][0]["message"]
                .as_str()
                .unwrap()
                .contains(words),
            "{}",
            reply.text
        );
    }
    assert_eq!(
        guess(&right).await.json()["errors"][0]["code"],
        "expired_code",
        "five tries, then even the right one is dead"
    );
    let soon = client.post(&format!("{path}/resend"), json!({})).await;
    assert_eq!(
        (soon.status.as_u16(), soon.header("retry-after")),
        (429, "60")
    );
    app.wait(60);
    assert_eq!(
        client
            .post(&format!("{path}/resend"), json!({}))
            .await
            .status,
        StatusCode::OK
    );
    let fresh = code(&app.mails("+4915112345678").await);
    let proven = guess(&fresh).await;
    assert_eq!(
        (proven.status, &proven.json()["verified"]),
        (StatusCode::OK, &json!(true)),
        "{}",
        proven.text
    );
    assert_eq!(
        client.get("/me").await.json()["wallet"]["amount"],
        "0.50",
        "the first number is a gift"
    );
    assert_eq!(
        client.post(&format!("{path}/test"), json!({})).await.status,
        StatusCode::OK
    );
    assert_eq!(
        client
            .post(&format!("{path}/test"), json!({}))
            .await
            .status
            .as_u16(),
        429
    );
    let jobs: i64 =
        sqlx::query_scalar("SELECT count(*) FROM deliveries WHERE event = 'contact.test'")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
    assert_eq!(jobs, 1);
    let reader = app.client(account, Scope::Read).await;
    assert!(
        !reader.get("/contacts").await.text.contains("1511234"),
        "numbers are masked for those who read"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn contacts_are_changed_and_forgotten(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    let id = client
        .post(
            "/contacts",
            json!({"kind": "email", "address": "Ops@shop.example"}),
        )
        .await
        .json()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let path = format!("/contacts/{id}");
    let changed = client
        .patch(&path, json!({"name": "Ops", "in_default": false}))
        .await
        .json();
    assert_eq!(
        (&changed["name"], &changed["in_default"]),
        (&json!("Ops"), &json!(false))
    );
    let restored = client
        .patch(&path, json!({"name": null, "in_default": null}))
        .await
        .json();
    assert_eq!(
        (&restored["name"], &restored["in_default"]),
        (&json!("Ops@shop.example"), &json!(true))
    );
    assert_eq!(
        client
            .patch(&path, json!({"address": "other@shop.example"}))
            .await
            .status,
        StatusCode::CONFLICT
    );
    assert_eq!(
        client.patch(&path, restored.clone()).await.status,
        StatusCode::OK,
        "a whole object can be sent back"
    );
    for (body, pointer) in [
        (json!({"kind": "email", "address": "nobody"}), "/address"),
        (json!({"kind": "sms", "address": "0151 123"}), "/address"),
        (json!({"kind": "fax", "address": "1"}), "/kind"),
        (json!({"kind": "email"}), "/address"),
        (
            json!({"kind": "email", "address": "b@shop.example", "name": ""}),
            "/name",
        ),
        (
            json!({"kind": "email", "address": "b@shop.example", "verified": true}),
            "/verified",
        ),
    ] {
        let reply = client.post("/contacts", body.clone()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.pointer().as_str()),
            (422, pointer),
            "{body} {}",
            reply.text
        );
    }
    let monitor = client
        .post(
            "/monitors",
            json!({"url": "https://shop.example", "contact_ids": [id]}),
        )
        .await
        .json();
    assert_eq!(monitor["contact_ids"], json!([id]));
    assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    let monitor = client
        .get(&format!("/monitors/{}", monitor["id"].as_str().unwrap()))
        .await
        .json();
    assert_eq!(
        monitor["contact_ids"],
        json!(null),
        "it uses the default policy again"
    );
    assert_eq!(client.get(&path).await.status, StatusCode::NOT_FOUND);
}
