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
async fn a_url_is_a_secret_and_is_proven_by_a_test(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let url = "https://hooks.shop.example/watchbell/x8Kq2";
    let made = client
        .post("/contacts", json!({"kind": "webhook", "url": url}))
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let contact = made.json();
    assert!(
        contact["secret"].as_str().unwrap().starts_with("whsec_"),
        "{contact}"
    );
    assert_eq!(
        (
            &contact["url"],
            &contact["verified"],
            contact.get("address")
        ),
        (&json!(url), &json!(false), None),
        "nobody sends here, so the test is still on its way"
    );
    assert_eq!(contact["name"], "hooks.shop.example/…8Kq2");
    let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
    let read = client.get(&path).await.json();
    assert_eq!((read.get("secret"), &read["url"]), (None, &json!(url)));
    let reader = app.client(account, Scope::Read).await;
    for text in [
        reader.get(&path).await.text,
        reader.get("/contacts").await.text,
    ] {
        assert!(
            text.contains("\"url\":\"••••\"") && !text.contains("watchbell/x8Kq2"),
            "{text}"
        );
    }
    assert_eq!(
        client.patch(&path, read.clone()).await.status,
        StatusCode::OK
    );
    let masked = json!({"url": "••••", "name": "Pager"});
    assert_eq!(client.patch(&path, masked).await.status, StatusCode::OK);
    let other = client
        .patch(&path, json!({"url": "https://other.example/"}))
        .await;
    assert_eq!(other.status, StatusCode::CONFLICT);
    let twice = client
        .post("/contacts", json!({"kind": "webhook", "url": url}))
        .await;
    assert_eq!(
        (twice.status, twice.code().as_str()),
        (StatusCode::CONFLICT, "conflict")
    );
    for action in ["test", "verify"] {
        let body = match action {
            "verify" => json!({"code": "482913"}),
            _ => json!({}),
        };
        let reply = client.post(&format!("{path}/{action}"), body).await;
        assert_eq!(
            reply.status,
            StatusCode::CONFLICT,
            "{action}: {}",
            reply.text
        );
    }
    let again = client.post(&format!("{path}/resend"), json!({})).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.text);
    let soon = client.post(&format!("{path}/resend"), json!({})).await;
    assert_eq!(soon.status.as_u16(), 429);
    let tests = "SELECT count(*) FROM deliveries WHERE event = 'contact.test'";
    let tests: i64 = sqlx::query_scalar(tests)
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    assert_eq!(tests, 2);
    let mut connection = app.state.pool.acquire().await.unwrap();
    let id = contact["id"].as_str().unwrap().parse().unwrap();
    store::contacts::mark_proven(&mut connection, account, id, app.state.now())
        .await
        .unwrap();
    assert_eq!(client.get(&path).await.json()["verified"], true);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_secret_of_a_webhook_is_renewed_and_shown_once(pool: PgPool) {
    let (app, account, client) = team(pool).await;
    let make = async |body| {
        let made = client.post("/contacts", body).await;
        assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
        made.json()
    };
    let hook = json!({"kind": "webhook", "url": "https://hooks.shop.example/x8Kq"});
    let made = make(hook).await;
    let path = |made: &serde_json::Value, action| {
        format!("/contacts/{}{action}", made["id"].as_str().unwrap())
    };
    let dry = client
        .post(&path(&made, "/renew-secret?dry_run=true"), json!({}))
        .await;
    assert_eq!(
        (dry.status, dry.json().get("secret")),
        (StatusCode::OK, None)
    );
    let renewed = client.post(&path(&made, "/renew-secret"), json!({})).await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.text);
    let new = renewed.json()["secret"].as_str().unwrap().to_owned();
    assert!(new.starts_with("whsec_") && made["secret"] != json!(new));
    let read = client.get(&path(&made, "")).await;
    assert!(!read.text.contains("whsec_"), "once: {}", read.text);

    let mut connection = app.state.pool.acquire().await.unwrap();
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let find = store::contacts::hooks::find;
    let secrets = &app.state.secrets;
    let found = find(&mut connection, secrets, account, id, app.state.now()).await;
    let Some(domain::contact::Hook::Url { secrets, .. }) = found.unwrap() else {
        panic!("it is a webhook")
    };
    assert_eq!(secrets, [new, made["secret"].as_str().unwrap().to_owned()]);

    let chat = json!({"kind": "slack", "url": "https://hooks.slack.com/services/T0/B0/x8Kq"});
    let chat = make(chat).await;
    let refused = client.post(&path(&chat, "/renew-secret"), json!({})).await;
    assert_eq!(refused.status, StatusCode::CONFLICT, "{}", refused.text);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_wrong_url_says_where_the_right_one_is(pool: PgPool) {
    let (_app, _, client) = team(pool).await;
    for (body, pointer, words) in [
        (
            json!({"kind": "slack", "url": "https://app.slack.com/client/T0"}),
            "/url",
            "Incoming Webhooks",
        ),
        (
            json!({"kind": "discord", "url": "https://discord.com/channels/1/2"}),
            "/url",
            "Copy webhook URL",
        ),
        (
            json!({"kind": "webhook", "url": "ftp://shop.example/"}),
            "/url",
            "http",
        ),
        (json!({"kind": "webhook"}), "/url", "must be sent"),
        (
            json!({"kind": "slack", "address": "#ops"}),
            "/address",
            "send url",
        ),
        (
            json!({"kind": "email", "url": "https://shop.example/"}),
            "/url",
            "send address",
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
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_plan_has_a_number_of_webhooks_and_chats(pool: PgPool) {
    let app = super::App::new(pool).await;
    let account = app.account(domain::account::Plan::Free).await;
    let client = app.client(account, Scope::Write).await;
    let add = async |number: u32| {
        let url = format!("https://shop.example/hooks/{number}");
        client
            .post("/contacts", json!({"kind": "webhook", "url": url}))
            .await
    };
    for number in 0..3 {
        assert_eq!(add(number).await.status, StatusCode::CREATED);
    }
    let fourth = add(3).await;
    assert_eq!(
        (fourth.status, fourth.code().as_str()),
        (StatusCode::FORBIDDEN, "plan_limit")
    );
    assert!(
        fourth.text.contains("3 webhook and chat contacts"),
        "{}",
        fourth.text
    );
    let mail = json!({"kind": "email", "address": "a@shop.example"});
    assert_eq!(
        client.post("/contacts", mail).await.status,
        StatusCode::CREATED
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

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_number_that_is_called_is_proven_in_a_call(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let number = "+4915112345678";
    let text = json!({"kind": "sms", "address": number});
    assert_eq!(
        client.post("/contacts", text).await.status,
        StatusCode::CREATED
    );
    app.mails(number).await;
    let made = client
        .post(
            "/contacts",
            json!({"kind": "voice", "name": "Kim", "address": number}),
        )
        .await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let contact = made.json();
    assert_eq!(
        (
            &contact["kind"],
            &contact["verified"],
            &contact["in_default"],
            &contact["call_on_recovery"]
        ),
        (&json!("voice"), &json!(false), &json!(false), &json!(false)),
        "it is called only where that is asked for"
    );
    let path = format!("/contacts/{}", contact["id"].as_str().unwrap());
    let said = code(&app.mails(number).await);
    let proven = client
        .post(&format!("{path}/verify"), json!({"code": said}))
        .await;
    assert_eq!(proven.json()["verified"], json!(true), "{}", proven.text);
    let changed = client
        .patch(&path, json!({"in_default": true, "call_on_recovery": true}))
        .await
        .json();
    assert_eq!(
        (&changed["in_default"], &changed["call_on_recovery"]),
        (&json!(true), &json!(true))
    );
    let restored = client
        .patch(&path, json!({"in_default": null, "call_on_recovery": null}))
        .await
        .json();
    assert_eq!(
        (&restored["in_default"], &restored["call_on_recovery"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        client.post(&format!("{path}/test"), json!({})).await.status,
        StatusCode::OK
    );
    let mail = json!({"kind": "email", "address": "kim@shop.example", "call_on_recovery": true});
    let refused = client.post("/contacts", mail).await;
    assert_eq!(refused.pointer(), "/call_on_recovery", "{}", refused.text);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_unconfirmed_address_gets_one_mail_a_day_and_none_if_its_owner_wants_none(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let kim = json!({"kind": "email", "address": "kim@elsewhere.example"});
    let made = client.post("/contacts", kim.clone()).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    let path = format!("/contacts/{}", made.json()["id"].as_str().unwrap());
    app.wait(120);
    let again = client.post(&format!("{path}/resend"), json!({})).await;
    assert_eq!(
        (
            again.status.as_u16(),
            again.code().as_str(),
            again.header("retry-after")
        ),
        (429, "rate_limited", "86280")
    );
    let detail = again.json()["detail"].as_str().unwrap().to_owned();
    assert!(
        detail.contains("one mail a day") && detail.contains("Mon 23 Nov 2026"),
        "{detail}"
    );
    let digits = code(&app.mails("kim@elsewhere.example").await);
    let email = domain::account::EmailAddress::parse("KIM@elsewhere.example").unwrap();
    let mut connection = app.state.pool.acquire().await.unwrap();
    let (secrets, now) = (&app.state.secrets, app.state.now());
    incidents::block_address(&mut connection, secrets, &email, "http://localhost", now)
        .await
        .unwrap();
    let dead = client
        .post(&format!("{path}/verify"), json!({"code": digits}))
        .await;
    assert_eq!(dead.json()["errors"][0]["code"], "expired_code");
    let stopped = client.get(&path).await.text;
    assert!(
        stopped.contains("the owner of this address asked not to be written to"),
        "{stopped}"
    );
    let resent = client.post(&format!("{path}/resend"), json!({})).await;
    assert_eq!(
        (resent.status.as_u16(), resent.code().as_str()),
        (409, "conflict")
    );
    assert!(
        resent.text.contains("asked not to be written to"),
        "{}",
        resent.text
    );
    assert_eq!(client.delete(&path).await.status, StatusCode::NO_CONTENT);
    let remade = client.post("/contacts", kim).await;
    assert_eq!(
        (remade.status.as_u16(), remade.code().as_str()),
        (409, "conflict")
    );
}
