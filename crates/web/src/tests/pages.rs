//! The pages of monitors, contacts, practice site and outbox: bad input changes nothing, strangers see
//! nothing.

use domain::delivery::AccountMessage;
use domain::ids::{DeliveryId, MonitorId};
use domain::monitor::MonitorSpec;
use http::StatusCode;
use sqlx::PgPool;

use super::App;
use crate::config::tests::config;
use crate::usecases::Caller;
use crate::usecases::monitors::{NewMonitor, create};

async fn account(app: &App, email: &str) -> domain::ids::AccountId {
    let mut connection = app.state.pool.acquire().await.unwrap();
    let id = sqlx::query_scalar::<_, uuid::Uuid>(
        "SELECT m.account_id FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.email = $1",
    )
    .bind(email)
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    domain::ids::AccountId::from_uuid(id)
}

async fn monitor(app: &App, email: &str, url: &str) -> MonitorId {
    let account_id = account(app, email).await;
    let caller = Caller {
        account_id,
        actor: domain::incident::Actor::system(),
        user_id: None,
        email: None,
        network: "192.0.2.1".into(),
        now: app.state.now(),
    };
    let mut transaction = store::tenant::begin(&app.state.pool, account_id)
        .await
        .unwrap();
    let spec = MonitorSpec {
        url: Some(url.into()),
        ..MonitorSpec::default()
    };
    let created = create(
        &mut transaction,
        &app.state,
        &caller,
        NewMonitor {
            spec,
            paused: false,
        },
    )
    .await
    .unwrap();
    transaction.commit().await.unwrap();
    created.monitor.id
}

async fn monitors(app: &App) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM monitors")
        .fetch_one(&app.state.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn bad_input_is_named_and_changes_nothing(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("kim@shop.example").await;
    let bad: [(&[(&str, &str)], &str); 6] = [
        (&[("target", "")], "An address is needed"),
        (&[("target", "ftp://shop.example/")], "error-summary"),
        (
            &[("target", "shop.example\nhttp://[::bad\napi.example")],
            "error-summary",
        ),
        (
            &[("target", "shop.example"), ("name", "a\u{0}b")],
            "control character",
        ),
        (
            &[("target", "shop.example"), ("interval_seconds", "0")],
            "interval_seconds-error",
        ),
        (
            &[("target", "shop.example"), ("timeout_ms", "soon")],
            "length of time",
        ),
    ];
    for (fields, complaint) in bad {
        let answer = browser.post("/monitors", fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields:?}"
        );
        assert!(answer.body.contains(complaint), "{fields:?}: {complaint}");
        assert!(
            answer.body.contains("aria-invalid=\"true\""),
            "the field is marked: {fields:?}"
        );
    }
    let name = "x".repeat(1_000_000);
    let answer = browser
        .post("/monitors", &[("target", "shop.example"), ("name", &name)])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(
        monitors(&app).await,
        0,
        "of several with one bad, none is kept"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn typed_values_come_back(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("kim@shop.example").await;
    let fields = [
        ("target", "shop.example"),
        ("name", "Shop <b>\u{1f514}</b>"),
        ("timeout_ms", "soon"),
        ("tags", "prod"),
    ];
    let answer = browser.post("/monitors", &fields).await;
    assert!(
        answer.body.contains("value=\"shop.example\"") && answer.body.contains("value=\"prod\"")
    );
    assert!(
        answer.body.contains('\u{1f514}') && !answer.body.contains("<b>"),
        "shown as text"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn strangers_see_nothing_of_a_monitor(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.signed_up("kim@shop.example").await;
    let mut stranger = app.signed_up("eve@other.example").await;
    let id = monitor(&app, "kim@shop.example", "https://shop.example/").await;
    for page in [
        "",
        "/edit",
        "/delete",
        "/looks.csv",
        "?range=7d",
        "?range=30d",
        "?range=90d",
    ] {
        let path = format!("/monitors/{id}{page}");
        assert_eq!(owner.get(&path).await.status, StatusCode::OK, "{path}");
        assert_eq!(
            stranger.get(&path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        let anonymous = app.browser().get(&path).await;
        assert_eq!(anonymous.status, StatusCode::SEE_OTHER, "{path}");
        assert!(anonymous.header("location").starts_with("/login?next="));
    }
    for action in [
        "pause",
        "resume",
        "duplicate",
        "delete",
        "restore",
        "edit",
        "check",
    ] {
        let path = format!("/monitors/{id}/{action}");
        assert_eq!(
            stranger
                .post(&path, &[("target", "evil.example")])
                .await
                .status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    let bulk = stranger
        .post(
            "/monitors/bulk",
            &[("id", &id.to_string()), ("action", "delete")],
        )
        .await;
    assert_eq!(bulk.header("location"), "/monitors?done=refused");
    assert!(
        !stranger
            .get("/monitors")
            .await
            .body
            .contains("shop.example</a>")
    );
    assert!(
        owner
            .get("/monitors")
            .await
            .body
            .contains("1 of 10 monitors")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_monitor_is_paused_deleted_and_restored(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.signed_up("kim@shop.example").await;
    let id = monitor(&app, "kim@shop.example", "https://shop.example/").await;
    assert_eq!(
        owner
            .post(&format!("/monitors/{id}/pause"), &[])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert!(owner.get("/monitors").await.body.contains("It is paused"));
    assert_eq!(
        owner
            .post(&format!("/monitors/{id}/delete"), &[])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert!(
        owner
            .get("/monitors")
            .await
            .body
            .contains("What should we look at?"),
        "the dashboard is empty again"
    );
    assert!(
        owner
            .get("/monitors/deleted")
            .await
            .body
            .contains("Restore")
    );
    assert!(
        owner
            .get(&format!("/monitors/{id}"))
            .await
            .body
            .contains("This monitor is deleted.")
    );
    assert_eq!(
        owner
            .post(&format!("/monitors/{id}/restore"), &[])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert!(
        owner
            .get("/monitors")
            .await
            .body
            .contains("1 of 10 monitors")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn contacts_are_the_accounts_own(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let mut stranger = app.signed_up("eve@other.example").await;
    let added = owner
        .post(
            "/contacts",
            &[
                ("kind", "sms"),
                ("address", "+49 1511 2345678"),
                ("in_default", "1"),
            ],
        )
        .await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    let path = added.header("location").to_owned();
    assert!(owner.get(&path).await.body.contains("Enter the code"));
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
    for action in ["verify", "resend", "renew-secret", "edit", "test", "delete"] {
        let answer = stranger
            .post(
                &format!("{path}/{action}"),
                &[("code", "123456"), ("name", "x")],
            )
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{action}");
    }
    let wrong = owner
        .post(&format!("{path}/verify"), &[("code", "12345")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let bad = owner
        .post("/contacts", &[("kind", "sms"), ("address", "not a number")])
        .await;
    assert!(
        bad.status == StatusCode::UNPROCESSABLE_ENTITY
            && bad.body.contains("value=\"not a number\"")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_webhook_is_added_and_its_secret_shown_once(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let mut stranger = app.signed_up("eve@other.example").await;
    let form = owner.get("/contacts?kind=slack").await.body;
    assert!(form.contains("Incoming Webhooks") && form.contains("name=\"kind\" value=\"slack\""));
    let url = "https://hooks.shop.example/watchbell/x8Kq2";
    let fields = [("kind", "webhook"), ("address", url), ("in_default", "1")];
    let made = owner.post("/contacts", &fields).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    assert!(made.body.contains("whsec_") && made.body.contains("hmac.new"));
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM contacts WHERE channel = 'webhook'")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    let path = format!("/contacts/{}", domain::ids::ContactId::from_uuid(id));
    let page = owner.get(&path).await.body;
    assert!(page.contains("Send a test again") && page.contains("hooks.shop.example/…8Kq2"));
    assert!(
        !page.contains("whsec_") && !page.contains("watchbell/x8Kq2"),
        "once"
    );
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
    let theirs = stranger.post(&format!("{path}/resend"), &[]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    let again = owner.post(&format!("{path}/resend"), &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let renew = format!("{path}/renew-secret");
    let theirs = stranger.post(&renew, &[]).await;
    assert_eq!(theirs.status, StatusCode::NOT_FOUND);
    let renewed = owner.post(&renew, &[]).await;
    assert_eq!(renewed.status, StatusCode::OK, "{}", renewed.body);
    let secret = |body: &str| body[body.find("whsec_").unwrap()..][..20].to_owned();
    assert_ne!(secret(&renewed.body), secret(&made.body));
    assert!(renewed.body.contains("For 24 hours the old one signs too"));
    assert!(!owner.get(&path).await.body.contains("whsec_"), "once");
    let bad = owner
        .post(
            "/contacts",
            &[
                ("kind", "discord"),
                ("address", "https://discord.com/login"),
            ],
        )
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(bad.body.contains("Copy webhook URL") && bad.body.contains("value=\"discord\""));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_service_is_added_by_its_own_fields(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let mut stranger = app.signed_up("eve@other.example").await;
    let form = owner.get("/contacts?kind=telegram").await.body;
    for words in [
        "name=\"bot_token\"",
        "name=\"chat_id\"",
        "@BotFather",
        "Paging",
    ] {
        assert!(form.contains(words), "{words}: {form}");
    }
    let token = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
    let bad = owner
        .post("/contacts", &[("kind", "telegram"), ("bot_token", token)])
        .await;
    assert_eq!(bad.status, StatusCode::UNPROCESSABLE_ENTITY);
    for words in ["id=\"chat_id-error\"", "Chat is missing.", token] {
        assert!(bad.body.contains(words), "{words}: {}", bad.body);
    }
    let fields = [
        ("kind", "telegram"),
        ("bot_token", token),
        ("chat_id", "ops"),
    ];
    let bad = owner.post("/contacts", &fields).await;
    assert!(
        bad.body.contains("This is not the id of a chat"),
        "{}",
        bad.body
    );
    let fields = [
        ("kind", "telegram"),
        ("bot_token", token),
        ("chat_id", "-1001"),
    ];
    let made = owner.post("/contacts", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM contacts WHERE channel = 'telegram'")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    let path = format!("/contacts/{}", domain::ids::ContactId::from_uuid(id));
    let page = owner.get(&path).await.body;
    assert!(page.contains("chat -1001") && page.contains("Send a test again"));
    assert!(!page.contains("AAHdqTcvCH1v"), "{page}");
    assert_eq!(stranger.get(&path).await.status, StatusCode::NOT_FOUND);
    let twice = owner.post("/contacts", &fields).await;
    assert!(
        twice.body.contains("leads there exists already"),
        "{}",
        twice.body
    );
    let fields = [
        ("kind", "pagerduty"),
        ("integration_key", "e93facc04764012d7bfb002500d5d1a6"),
        ("region", "eu"),
    ];
    let made = owner.post("/contacts", &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let list = owner.get("/contacts").await.body;
    assert!(list.contains("key …d1a6 (EU)"), "{list}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_press_breaks_the_practice_site(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.signed_up("kim@shop.example").await;
    let token: String = sqlx::query_scalar("SELECT practice_token FROM accounts")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    let site = format!("/practice/{token}");
    // Nothing watches it yet: the buttons add the monitor as well.
    let unwatched = owner.get(&site).await.body;
    assert!(unwatched.contains("action=\"/monitors/practice\" class=\"practice-buttons\""));
    let mut visitor = app.browser();
    let look =
        async |visitor: &mut super::Browser| visitor.get(&format!("{site}/site")).await.status;
    assert_eq!(look(&mut visitor).await, StatusCode::OK);
    assert_eq!(
        visitor.post(&site, &[("mode", "502")]).await.status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(look(&mut visitor).await, StatusCode::BAD_GATEWAY);
    assert!(visitor.get(&site).await.body.contains("Error 502 since"));
    assert_eq!(
        visitor.post(&site, &[("mode", "504")]).await.status,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        look(&mut visitor).await,
        StatusCode::BAD_GATEWAY,
        "an unknown button changes nothing"
    );
    assert_eq!(
        visitor.get("/practice/nobody").await.status,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_outbox_is_on_this_machine_only(pool: PgPool) {
    let mut hosted = config("https://watchbell.example");
    hosted.outbox = false;
    let app = App::with(pool.clone(), hosted).await;
    assert_eq!(
        app.browser().get("/outbox").await.status,
        StatusCode::NOT_FOUND
    );
    let local = App::new(pool).await;
    assert!(
        local
            .browser()
            .get("/outbox")
            .await
            .body
            .contains("Nothing has been sent yet")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn unknown_tokens_are_404(pool: PgPool) {
    let app = App::new(pool).await;
    for path in ["/a/nobody", "/stop/nobody", "/m/00000000"] {
        assert_eq!(
            app.browser().get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_stops_alerts_is_named_to_the_owner_with_what_nobody_watches(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("kim@shop.example").await;
    let account = account(&app, "kim@shop.example").await;
    monitor(&app, "kim@shop.example", "https://shop.example/").await;
    let mut transaction = store::begin(&app.state.pool).await.unwrap();
    let contact = store::contacts::list(&mut transaction, account)
        .await
        .unwrap()
        .remove(0);
    let secrets = &app.state.secrets;
    let message = (DeliveryId::generate(), contact.id, None);
    incidents::links::mint(&mut transaction, secrets, account, message, app.state.now())
        .await
        .unwrap();
    let token = incidents::links::stop_token(secrets, contact.id);
    transaction.commit().await.unwrap();
    app.mails("kim@shop.example").await;
    let mut reader = app.browser();
    for _ in 0..2 {
        assert_eq!(
            reader.post(&format!("/stop/{token}"), &[]).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let mails = app.mails("kim@shop.example").await;
    let [
        AccountMessage::ContactDisabled {
            reason, uncovered, ..
        },
    ] = mails.as_slice()
    else {
        panic!("{mails:?}")
    };
    assert_eq!(
        (reason.as_str(), uncovered.as_slice()),
        (
            "its recipient stopped the alerts",
            ["shop.example".to_owned()].as_slice()
        )
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn guides_are_read_by_everybody_and_linked_from_failures(pool: PgPool) {
    let app = App::new(pool).await;
    for mut browser in [app.browser(), app.signed_up("guide@shop.example").await] {
        let index = browser.get("/docs/guides").await;
        assert_eq!(index.status, StatusCode::OK);
        for slug in domain::incident::diagnosis::GUIDES {
            let path = format!("/docs/guides/{slug}");
            assert!(index.body.contains(&format!("\"{path}\"")), "{path}");
            let page = browser.get(&path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert_eq!(page.header("x-robots-tag"), "all");
        }
        let missing = browser.get("/docs/guides/nothing").await;
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
        let failure = browser.get("/docs/failures/connect_refused").await.body;
        assert!(failure.contains("/docs/guides/connection-refused"));
    }
}
