//! Settings: password, address, sessions, data.

use domain::delivery::AccountMessage;
use http::StatusCode;
use sqlx::PgPool;

use super::{App, Browser, PASSWORD};

const A: &str = "a@shop.example";
const B: &str = "b@shop.example";

async fn login(app: &App, email: &str, password: &str) -> (Browser, StatusCode) {
    let mut browser = app.browser();
    let answer = browser
        .post("/login", &[("email", email), ("password", password)])
        .await;
    (browser, answer.status)
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_new_password_ends_other_sessions_and_is_told(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let (mut there, _) = login(&app, A, PASSWORD).await;
    let wrong = here
        .post(
            "/settings/security/password",
            &[
                ("current_password", "wrong"),
                ("new_password", "a new long password"),
            ],
        )
        .await;
    assert!(
        wrong.status == StatusCode::UNPROCESSABLE_ENTITY
            && wrong.body.contains("Current password: this is not it.")
    );
    let fields = [
        ("current_password", PASSWORD),
        ("new_password", "a new long password"),
    ];
    assert_eq!(
        here.post("/settings/security/password", &fields)
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert!(
        there
            .get("/settings/security")
            .await
            .location()
            .starts_with("/login")
    );
    assert_eq!(here.get("/settings/security").await.status, StatusCode::OK);
    assert!(matches!(
        app.mails(A).await.as_slice(),
        [AccountMessage::PasswordChanged { .. }]
    ));
    assert_eq!(
        login(&app, A, PASSWORD).await.1,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(
        login(&app, A, "a new long password").await.1,
        StatusCode::SEE_OTHER
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_address_changes_when_both_sides_agree(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let asked = here
        .post(
            "/settings/security/email",
            &[("new_email", B), ("email_password", PASSWORD)],
        )
        .await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    let (old, new) = (app.mails(A).await, app.mails(B).await);
    let (
        [
            AccountMessage::ChangeEmailOld {
                code, new_address, ..
            },
        ],
        [AccountMessage::ChangeEmailNew { link, .. }],
    ) = (old.as_slice(), new.as_slice())
    else {
        panic!("{old:?} {new:?}")
    };
    assert_eq!(new_address, B);
    let half = here
        .post("/settings/security/email/confirm", &[("code_old", code)])
        .await;
    assert_eq!(half.location(), "/settings/security?done=half");
    assert_eq!(
        login(&app, B, PASSWORD).await.1,
        StatusCode::UNPROCESSABLE_ENTITY,
        "one side is not enough"
    );
    let mut phone = app.browser();
    let pressed = phone
        .post(link.strip_prefix("http://localhost:8080").unwrap(), &[])
        .await;
    assert!(
        pressed
            .body
            .contains("Your account is used with b@shop.example"),
        "{}",
        pressed.body
    );
    assert_eq!(
        login(&app, A, PASSWORD).await.1,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(login(&app, B, PASSWORD).await.1, StatusCode::SEE_OTHER);
    assert!(
        app.mails(A)
            .await
            .iter()
            .any(|mail| matches!(mail, AccountMessage::EmailChanged { .. }))
    );
    let contact: (String, bool) =
        sqlx::query_as("SELECT address, verified_at IS NOT NULL FROM contacts")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
    assert_eq!(contact, (B.to_owned(), true));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_address_that_somebody_has_is_never_taken_over(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified(B).await;
    let mut here = app.verified(A).await;
    let asked = here
        .post(
            "/settings/security/email",
            &[("new_email", B), ("email_password", PASSWORD)],
        )
        .await;
    assert_eq!(
        asked.location(),
        "/settings/security?done=mails",
        "the page does not say that it is taken"
    );
    assert!(matches!(
        app.mails(B).await.as_slice(),
        [AccountMessage::AlreadySignedUp { .. }]
    ));
    let old = app.mails(A).await;
    let [AccountMessage::ChangeEmailOld { code, .. }] = old.as_slice() else {
        panic!("{old:?}")
    };
    here.post("/settings/security/email/confirm", &[("code_old", code)])
        .await;
    assert_eq!(login(&app, A, PASSWORD).await.1, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_session_is_ended_from_another(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let (mut there, _) = login(&app, A, PASSWORD).await;
    let page = there.get("/settings/security").await.body;
    let id = page
        .split("/settings/security/sessions/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    assert!(id.starts_with("ses_"), "{id}");
    let mut stranger = app.verified(B).await;
    let path = format!("/settings/security/sessions/{id}/revoke");
    assert_eq!(
        stranger.post(&path, &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let mut listener = sqlx::postgres::PgListener::connect_with(&app.state.pool)
        .await
        .unwrap();
    listener.listen("watchbell_sessions").await.unwrap();
    assert_eq!(there.post(&path, &[]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(
        listener.recv().await.unwrap().payload(),
        id.parse::<domain::ids::SessionId>()
            .unwrap()
            .uuid()
            .to_string()
    );
    assert!(
        here.get("/settings/security")
            .await
            .location()
            .starts_with("/login")
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_profile_and_its_colours_are_kept(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let bad = here
        .post(
            "/settings/profile",
            &[
                ("account_name", ""),
                ("timezone", "Mars/Olympus"),
                ("name", "Ada"),
            ],
        )
        .await;
    assert!(
        bad.status == StatusCode::UNPROCESSABLE_ENTITY
            && bad.body.contains("value=\"Ada\"")
            && bad.body.contains("Mars/Olympus")
    );
    let good = [
        ("name", "Ada"),
        ("account_name", "Shop <b>Ltd</b>"),
        ("timezone", "Asia/Kolkata"),
    ];
    assert_eq!(
        here.post("/settings/profile", &good).await.status,
        StatusCode::SEE_OTHER
    );
    let page = here.get("/settings/profile").await.body;
    assert!(
        page.contains("Shop &#60;b&#62;Ltd") && page.contains("UTC+5:30") && !page.contains("<b>"),
        "{page}"
    );
    here.post("/settings/theme", &[("theme", "dark")]).await;
    assert!(
        here.get("/settings/profile")
            .await
            .body
            .contains("data-theme=\"dark\"")
    );
}

async fn audited(app: &App) -> Vec<String> {
    sqlx::query_scalar("SELECT action FROM audit_events ORDER BY id")
        .fetch_all(&app.state.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_a_person_changes_is_in_the_audit_log(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let before = audited(&app).await.len();
    let profile = |name, zone| {
        [
            ("name", name),
            ("account_name", "Shop"),
            ("timezone", zone),
            ("keyboard_shortcuts", "on"),
        ]
    };
    for fields in [
        profile("Ada", "Asia/Kolkata"),
        profile("Ada", "Asia/Kolkata"),
        profile("Ada B", "Asia/Kolkata"),
    ] {
        assert_eq!(
            here.post("/settings/profile", &fields).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let fields = [
        ("current_password", PASSWORD),
        ("new_password", "a new long password"),
    ];
    here.post("/settings/security/password", &fields).await;
    here.post(
        "/settings/security/email",
        &[("new_email", B), ("email_password", "a new long password")],
    )
    .await;
    for address in [A, B] {
        for mail in app.mails(address).await {
            if let AccountMessage::ChangeEmailOld { link, .. }
            | AccountMessage::ChangeEmailNew { link, .. } = mail
            {
                here.post(link.strip_prefix("http://localhost:8080").unwrap(), &[])
                    .await;
            }
        }
    }
    let wanted = [
        "user.updated",
        "account.updated",
        "user.updated",
        "user.password_changed",
        "user.email_changed",
    ];
    assert_eq!(audited(&app).await[before..], wanted);
    let subjects: Vec<String> = sqlx::query_scalar(
        "SELECT DISTINCT left(subject, 4) FROM audit_events WHERE action LIKE 'user.%'",
    )
    .fetch_all(&app.state.pool)
    .await
    .unwrap();
    assert_eq!(subjects, ["usr_"]);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn everything_is_exported_then_deleted(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let mut other = app.verified(B).await;
    let file = here.get("/settings/data/export").await;
    assert!(
        file.header("content-disposition")
            .contains("watchbell-2026-11-22.json")
    );
    let export: serde_json::Value = serde_json::from_str(&file.body).unwrap();
    assert_eq!(export["people"][0]["email"], A);
    assert_eq!(
        export["contacts"].as_array().unwrap().len(),
        1,
        "only the account's own"
    );
    assert!(!file.body.contains(B) && !file.body.contains("argon2"));
    for part in store::exports::Part::ALL {
        assert!(export[part.key()].is_array(), "{}", part.key());
    }
    let wrong = here
        .post("/settings/data/delete", &[("password", "wrong")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let gone = here
        .post("/settings/data/delete", &[("password", PASSWORD)])
        .await;
    assert_eq!(gone.location(), "/?deleted");
    assert!(
        here.get("/?deleted")
            .await
            .body
            .contains("The account is deleted.")
    );
    assert!(
        app.mails(A)
            .await
            .iter()
            .any(|mail| matches!(mail, AccountMessage::AccountDeleted { .. }))
    );
    assert_eq!(
        login(&app, A, PASSWORD).await.1,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(other.get("/settings/profile").await.status, StatusCode::OK);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_key_is_shown_once_and_revoked_at_once(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let page = here
        .post(
            "/settings/api-keys",
            &[
                ("name", "Deploy"),
                ("scope", "read"),
                ("expires_in_days", "30"),
            ],
        )
        .await
        .body;
    let secret = page
        .split("value=\"wb_")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    let list = here.get("/settings/api-keys").await.body;
    assert!(list.contains("Deploy") && !list.contains(secret) && list.contains("1 of 2"));
    assert!(
        app.mails(A)
            .await
            .iter()
            .any(|mail| matches!(mail, AccountMessage::KeyCreated { .. }))
    );
    let mut program = app.browser();
    program
        .headers
        .push(("authorization", format!("Bearer wb_{secret}")));
    assert_eq!(program.get("/api/v1/me").await.status, StatusCode::OK);
    let id = list
        .split("/settings/api-keys/")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(
        here.post(&format!("/settings/api-keys/{id}/revoke"), &[])
            .await
            .status,
        StatusCode::SEE_OTHER
    );
    assert_eq!(
        program.get("/api/v1/me").await.status,
        StatusCode::UNAUTHORIZED
    );
    for _ in 0..2 {
        here.post("/settings/api-keys", &[("name", "More")]).await;
    }
    let third = here.post("/settings/api-keys", &[("name", "Third")]).await;
    assert!(
        third.status == StatusCode::UNPROCESSABLE_ENTITY
            && third.body.contains("The free plan has 2 API keys"),
        "{}",
        third.body
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_form_sent_twice_makes_one_key(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    let form = here.get("/settings/api-keys").await.body;
    let id = form.split("name=\"id\" value=\"").nth(1).unwrap();
    let id = id.split('"').next().unwrap();
    let fields = [("id", id), ("name", "Deploy")];
    let made = here.post("/settings/api-keys", &fields).await;
    assert!(made.status == StatusCode::OK && made.body.contains("1 of 2"));
    let again = here.post("/settings/api-keys", &fields).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.body.contains("made already") && again.body.contains("1 of 2"));
    assert!(!again.body.contains("value=\"wb_"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_other_tabs_open(pool: PgPool) {
    let app = App::new(pool).await;
    let mut here = app.verified(A).await;
    for (path, words) in [
        (
            "/settings/plan",
            "You are on the <strong>free</strong> plan.",
        ),
        ("/settings/wallet", "0.00 <span"),
        ("/settings/data", "Delete the account"),
        ("/settings/data/delete", "0 monitors stop"),
    ] {
        let page = here.get(path).await;
        assert!(
            page.status == StatusCode::OK && page.body.contains(words),
            "{path}: {}",
            page.body
        );
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn pages_for_everyone_open_and_are_small(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.browser();
    let mut paths: Vec<String> = crate::pages::docs::guides::INDEX
        .iter()
        .map(|(path, _, _)| (*path).to_owned())
        .collect();
    paths.extend(["/", "/docs", "/bot", "/changelog"].map(str::to_owned));
    paths.extend(
        domain::check::FailureClass::ALL
            .iter()
            .map(|class| format!("/docs/failures/{}", class.as_str())),
    );
    for path in paths.into_iter().filter(|path| path != "/docs/api") {
        let page = browser.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.body.len() < 40_000,
            "{path} has {} bytes",
            page.body.len()
        );
        assert!(
            !page.body.contains(" style=")
                && !page.body.trim_start_matches("<!doctype").contains('!'),
            "{path}"
        );
        assert_eq!(page.header("x-robots-tag"), "all", "{path}");
    }
    assert_eq!(
        browser.get("/docs/failures/nothing").await.status,
        StatusCode::NOT_FOUND
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_addresses_of_our_looks_are_a_plain_list(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.browser();
    let empty = browser.get("/bot/ips.txt").await;
    assert_eq!((empty.status, empty.body.as_str()), (StatusCode::OK, ""));
    let mut connection = app.state.pool.acquire().await.unwrap();
    for (region, addresses) in [
        ("fra", ["198.51.100.7", "2001:db8::7"]),
        ("nyc", ["203.0.113.9", "198.51.100.7"]),
    ] {
        store::regions::upsert(&mut connection, region, region)
            .await
            .unwrap();
        let addresses = addresses.map(str::to_owned);
        store::regions::set_addresses(&mut connection, region, &addresses)
            .await
            .unwrap();
    }
    let list = browser.get("/bot/ips.txt").await;
    assert_eq!(list.body, "198.51.100.7\n2001:db8::7\n203.0.113.9\n");
    assert_eq!(list.header("content-type"), "text/plain; charset=utf-8");
    assert!(browser.get("/bot").await.body.contains("2001:db8::7"));
}
