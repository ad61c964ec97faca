//! Signing up, in and out; codes, links, resets.

use domain::delivery::AccountMessage;
use http::{StatusCode, header};
use sqlx::PgPool;

use super::{Answer, App, PASSWORD};
use crate::config::tests::config;

fn path_of(link: &str) -> &str {
    link.strip_prefix("http://localhost:8080").unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_person_signs_up_with_a_url_and_confirms_by_code(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.browser();
    let form = browser.get("/signup?url=shop.example/a%3Fb").await;
    assert!(
        form.body.contains(r#"name="url" value="shop.example/a?b""#),
        "{}",
        form.body
    );
    let fields = [
        ("email", "Ada@Shop.example"),
        ("password", PASSWORD),
        ("url", "shop.example/a?b"),
        ("timezone", "Europe/Berlin"),
    ];
    let answer = browser.post("/signup", &fields).await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/verify?url=shop.example%2Fa%3Fb")
    );
    let page = browser.get("/verify?url=shop.example%2Fa%3Fb").await;
    assert!(page.body.contains("Ada@Shop.example") && page.body.contains("Add the monitor first"));

    let mails = app.mails("Ada@Shop.example").await;
    let [AccountMessage::VerifyEmail { code, .. }] = mails.as_slice() else {
        panic!("{mails:?}")
    };
    let answer = browser
        .post(
            "/verify",
            &[
                ("code", &format!(" {} {} ", &code[..3], &code[3..])),
                ("url", "shop.example/a?b"),
            ],
        )
        .await;
    assert_eq!(
        answer.location(),
        "/monitors/new?url=shop.example%2Fa%3Fb",
        "{}",
        answer.body
    );

    let email = domain::account::EmailAddress::parse("ada@shop.EXAMPLE").unwrap();
    let mut connection = app.state.pool.acquire().await.unwrap();
    let user = store::users::find_credentials(&mut connection, &email)
        .await
        .unwrap()
        .unwrap();
    assert!(user.email_verified_at.is_some());
    let accounts = store::memberships::list_of_user(&mut connection, user.id)
        .await
        .unwrap();
    let contacts = store::contacts::list(&mut connection, accounts[0].0)
        .await
        .unwrap();
    assert_eq!(contacts.len(), 1);
    assert!(contacts[0].is_usable() && contacts[0].in_default);
    assert_eq!(
        store::users::find_timezone(&mut connection, user.id)
            .await
            .unwrap(),
        "Europe/Berlin"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_link_confirms_on_any_device_and_only_by_its_button(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("a@shop.example").await;
    assert!(browser.get("/docs").await.body.contains(
        "We look, but alert nobody until you have confirmed <strong>a@shop.example</strong>."
    ));
    let mails = app.mails("a@shop.example").await;
    let [AccountMessage::VerifyEmail { link, .. }] = mails.as_slice() else {
        panic!("{mails:?}")
    };
    let mut phone = app.browser();
    for _ in 0..2 {
        let page = phone.get(path_of(link)).await;
        assert!(
            page.status == StatusCode::OK && page.body.contains("Confirm"),
            "a scanner that opens the link changes nothing"
        );
    }
    assert!(browser.get("/docs").await.body.contains("alert nobody"));
    assert!(
        phone
            .post(path_of(link), &[])
            .await
            .body
            .contains("Confirmed")
    );
    assert!(!browser.get("/docs").await.body.contains("alert nobody"));
    assert_eq!(
        phone.post(path_of(link), &[]).await.status,
        StatusCode::GONE
    );
}

/// Everything that tells one answer from another, without what is random in all of them.
fn told(answer: &Answer, email: &str) -> String {
    let cookies: Vec<String> = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|cookie| {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let (value, flags) = rest.split_once(';').unwrap();
            format!("{name} {} {flags}", value.len())
        })
        .collect();
    // Ids and tokens are random, and nothing else is that long.
    let word = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    let body: Vec<&str> = answer
        .body
        .split_inclusive(|c| !word(c))
        .filter(|part| part.len() < 26)
        .collect();
    format!(
        "{} {} {cookies:?} {}",
        answer.status,
        answer.location(),
        body.concat().replace(email, "the address")
    )
}

/// What a stranger can see after a sign-up with an address, page by page.
async fn walked(app: &App, email: &str) -> Vec<String> {
    let password = "another long password";
    let mut browser = app.browser();
    let sign_up = [
        ("email", email),
        ("password", password),
        ("url", "a.example"),
    ];
    let mut seen = vec![told(&browser.post("/signup", &sign_up).await, email)];
    for path in [
        "/verify?url=a.example",
        "/monitors",
        "/monitors/new?url=a.example",
        "/contacts",
        "/settings/profile",
        "/settings/plan",
    ] {
        seen.push(told(&browser.get(path).await, email));
    }
    let fields = [
        ("url", "https://a.example"),
        ("target", "https://a.example"),
    ];
    let added = browser.post("/monitors", &fields).await;
    assert_eq!(added.status, StatusCode::SEE_OTHER, "{}", added.body);
    seen.push(told(
        &browser.post("/verify", &[("code", "000000")]).await,
        email,
    ));
    seen.push(told(&browser.post("/verify/resend", &[]).await, email));
    app.wait(61);
    seen.push(told(&browser.post("/verify/resend", &[]).await, email));
    browser.post("/logout", &[]).await;
    let login = |password| [("email", email), ("password", password)];
    seen.push(told(
        &browser.post("/login", &login("a wrong password")).await,
        email,
    ));
    seen.push(told(&browser.post("/login", &login(password)).await, email));
    seen.push(told(&browser.get("/settings/security").await, email));
    seen.push(told(&app.browser().post("/signup", &sign_up).await, email));
    seen
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_stranger_cannot_tell_a_known_address_from_another(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("known@shop.example").await;
    // The clock of both walks goes alike, so that moments on pages are the same.
    let start = app.state.now();
    let known = walked(&app, "known@shop.example").await;
    app.clock.advance(start.duration_since(app.state.now()));
    let other = walked(&app, "other@shop.example").await;
    for (known, other) in known.iter().zip(&other) {
        assert_eq!(known, other);
    }

    let mails = app.mails("known@shop.example").await;
    assert!(
        mails.len() == 3
            && mails
                .iter()
                .all(|mail| matches!(mail, AccountMessage::AlreadySignedUp { .. })),
        "the owner is told, and no stranger's code is sent: {mails:?}"
    );
    let mut owner = app.browser();
    let fields = [("email", "known@shop.example"), ("password", PASSWORD)];
    owner.post("/login", &fields).await;
    let page = owner.get("/monitors").await.body;
    assert!(
        !page.contains("a.example") && !page.contains("alert nobody"),
        "the owner's account is as it was: {page}"
    );
}

/// Argon2 is what takes time, so its runs are counted: as many for an address that nobody, one person
/// or two people name.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_known_address_costs_as_many_passwords(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("known@shop.example").await;
    app.verified("twice@shop.example").await;
    app.signed_up("twice@shop.example").await;
    for (path, runs) in [("/login", 2), ("/signup", 1)] {
        for email in ["known", "twice", "unknown"] {
            let email = format!("{email}@shop.example");
            let fields = [
                ("email", email.as_str()),
                ("password", "another long password"),
            ];
            let before = app.state.hasher.runs();
            app.browser().post(path, &fields).await;
            assert_eq!(app.state.hasher.runs() - before, runs, "{email} at {path}");
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
#[ignore = "compares times: part of make soak"]
async fn a_known_address_is_answered_in_the_same_time(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("known@shop.example").await;
    let mut took = Vec::new();
    for email in ["known@shop.example", "unknown@shop.example"] {
        let fields = [("email", email), ("password", "another long password")];
        for path in ["/signup", "/login"] {
            let started = std::time::Instant::now();
            app.browser().post(path, &fields).await;
            took.push(started.elapsed());
        }
    }
    for i in 0..2 {
        let ratio = took[i].as_secs_f64() / took[i + 2].as_secs_f64();
        assert!((0.5..2.0).contains(&ratio), "{took:?}");
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_address_belongs_to_whoever_proves_it(pool: PgPool) {
    let app = App::new(pool).await;
    let email = "a@shop.example";
    let mut squatter = app.signed_up(email).await;
    let code = |mails: Vec<AccountMessage>| match mails.as_slice() {
        [AccountMessage::VerifyEmail { code, link }] => (code.clone(), link.clone()),
        other => panic!("{other:?}"),
    };
    let (first, first_link) = code(app.mails(email).await);
    let mut owner = app.browser();
    let fields = [("email", email), ("password", "the owner's password")];
    owner.post("/signup", &fields).await;
    let (second, _) = code(app.mails(email).await);
    assert_eq!(
        owner.post("/verify", &[("code", &second)]).await.location(),
        "/monitors"
    );
    let late = squatter.post("/verify", &[("code", &first)]).await;
    assert!(
        late.status == StatusCode::UNPROCESSABLE_ENTITY
            && late.body.contains("confirmed for another account"),
        "{}",
        late.body
    );
    assert_eq!(
        squatter.post(path_of(&first_link), &[]).await.status,
        StatusCode::GONE,
        "the code was used up"
    );
    assert!(squatter.get("/docs").await.body.contains("alert nobody"));
    owner.post("/logout", &[]).await;
    let back = owner.post("/login", &fields).await;
    assert_eq!(back.status, StatusCode::SEE_OTHER);
    assert!(!owner.get("/docs").await.body.contains("alert nobody"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_sign_in_brings_the_colours_along(pool: PgPool) {
    let app = App::new(pool).await;
    let mut first = app.verified("a@shop.example").await;
    first.post("/settings/theme", &[("theme", "dark")]).await;
    let mut second = app.browser();
    let fields = [("email", "a@shop.example"), ("password", PASSWORD)];
    second.post("/login", &fields).await;
    assert!(
        second
            .get("/monitors")
            .await
            .body
            .contains(r#"data-theme="dark""#)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_forgotten_password_answers_alike_for_all(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("known@shop.example").await;
    let mut browser = app.browser();
    let known = browser
        .post("/forgot", &[("email", "known@shop.example")])
        .await;
    let unknown = browser
        .post("/forgot", &[("email", "other@shop.example")])
        .await;
    assert_eq!(
        (known.status, unknown.status),
        (StatusCode::OK, StatusCode::OK)
    );
    assert_eq!(known.body.replace("known@", "other@"), unknown.body);
    assert_eq!(app.mails("known@shop.example").await.len(), 1);
    assert!(app.mails("other@shop.example").await.is_empty());
    let wrong = |email| {
        [
            ("email", email),
            ("code", "000000"),
            ("password", "a new long password"),
        ]
    };
    let known = browser.post("/reset", &wrong("known@shop.example")).await;
    let unknown = browser.post("/reset", &wrong("other@shop.example")).await;
    assert_eq!(
        (known.status, known.body.replace("known@", "other@")),
        (unknown.status, unknown.body)
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_reset_ends_other_sessions_and_is_told(pool: PgPool) {
    let app = App::new(pool).await;
    let mut old = app.verified("a@shop.example").await;
    let mut browser = app.browser();
    browser
        .post("/forgot", &[("email", "a@shop.example")])
        .await;
    let mails = app.mails("a@shop.example").await;
    let [AccountMessage::ResetPassword { link, .. }] = mails.as_slice() else {
        panic!("{mails:?}")
    };
    assert_eq!(browser.get(path_of(link)).await.status, StatusCode::OK);
    let weak = browser.post(path_of(link), &[("password", "short")]).await;
    assert!(
        weak.status == StatusCode::UNPROCESSABLE_ENTITY
            && weak.body.contains("needs at least 10 characters")
    );
    let answer = browser
        .post(path_of(link), &[("password", "a new long password")])
        .await;
    assert_eq!(
        (answer.status, answer.location()),
        (StatusCode::SEE_OTHER, "/monitors")
    );
    assert!(browser.has_session());
    assert_eq!(
        old.get("/settings/profile").await.location(),
        "/login?next=%2Fsettings%2Fprofile"
    );
    assert!(matches!(
        app.mails("a@shop.example").await.as_slice(),
        [AccountMessage::PasswordChanged { .. }]
    ));
    assert_eq!(
        browser
            .post(path_of(link), &[("password", "yet another password")])
            .await
            .status,
        StatusCode::GONE
    );
    let mut login = app.browser();
    assert!(
        login
            .post(
                "/login",
                &[
                    ("email", "a@shop.example"),
                    ("password", "a new long password")
                ]
            )
            .await
            .status
            .is_redirection()
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn racing_tries_are_counted_each(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("a@shop.example").await;
    let mails = app.mails("a@shop.example").await;
    let [AccountMessage::VerifyEmail { code, .. }] = mails.as_slice() else {
        panic!("{mails:?}")
    };
    let wrong: Vec<String> = (0..20)
        .map(|i| format!("{:06}", (code.parse::<u32>().unwrap() + 1 + i) % 1_000_000))
        .collect();
    let tries = wrong.iter().map(|guess| {
        let mut twin = browser.twin();
        async move { twin.post("/verify", &[("code", guess)]).await.status }
    });
    let statuses = futures::future::join_all(tries).await;
    assert!(
        statuses
            .iter()
            .all(|status| *status == StatusCode::UNPROCESSABLE_ENTITY),
        "{statuses:?}"
    );
    let attempts: i32 = sqlx::query_scalar("SELECT attempts FROM challenges")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    assert_eq!(attempts, 5, "twenty at once are five tries");
    let right = browser.post("/verify", &[("code", code)]).await;
    assert_eq!(
        right.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "a dead code stays dead, even the right one"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_code_runs_out_and_another_waits_a_minute(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("a@shop.example").await;
    let first = app.mails("a@shop.example").await;
    assert_eq!(
        browser.post("/verify/resend", &[]).await.status,
        StatusCode::TOO_MANY_REQUESTS
    );
    app.wait(60);
    assert_eq!(
        browser.post("/verify/resend", &[]).await.status,
        StatusCode::OK
    );
    let second = app.mails("a@shop.example").await;
    let code = |mails: &[AccountMessage]| match mails {
        [AccountMessage::VerifyEmail { code, .. }] => code.clone(),
        other => panic!("{other:?}"),
    };
    if code(&first) != code(&second) {
        assert_eq!(
            browser
                .post("/verify", &[("code", &code(&first))])
                .await
                .status,
            StatusCode::UNPROCESSABLE_ENTITY
        );
    }
    app.wait(601);
    assert_eq!(
        browser
            .post("/verify", &[("code", &code(&second))])
            .await
            .status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn wrong_passwords_are_throttled_by_address(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("a@shop.example").await;
    let mut browser = app.browser();
    for _ in 0..10 {
        let answer = browser
            .post(
                "/login",
                &[("email", "a@shop.example"), ("password", "wrong password")],
            )
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let answer = browser
        .post(
            "/login",
            &[("email", "A@shop.example"), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(
        answer.status,
        StatusCode::TOO_MANY_REQUESTS,
        "also with the right one"
    );
    assert!(answer.header("retry-after").parse::<u64>().unwrap() <= 900);
    assert!(answer.body.contains("Try again in"));
    app.wait(900);
    let answer = browser
        .post(
            "/login",
            &[("email", "a@shop.example"), ("password", PASSWORD)],
        )
        .await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn racing_wrong_passwords_do_not_slip_past_the_limit(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("a@shop.example").await;
    let tries = (0..20).map(|_| {
        let mut browser = app.browser();
        async move {
            browser
                .post(
                    "/login",
                    &[("email", "a@shop.example"), ("password", "wrong password")],
                )
                .await
                .status
        }
    });
    let statuses = futures::future::join_all(tries).await;
    let of = |status: StatusCode| statuses.iter().filter(|one| **one == status).count();
    assert_eq!(
        (
            of(StatusCode::UNPROCESSABLE_ENTITY),
            of(StatusCode::TOO_MANY_REQUESTS)
        ),
        (10, 10),
        "{statuses:?}"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn right_passwords_are_not_counted(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("a@shop.example").await;
    for _ in 0..12 {
        let answer = app
            .browser()
            .post(
                "/login",
                &[("email", "a@shop.example"), ("password", PASSWORD)],
            )
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_sign_in_from_a_new_browser_is_told(pool: PgPool) {
    let app = App::new(pool).await;
    app.verified("a@shop.example").await;
    let mut same = app.browser();
    same.post(
        "/login",
        &[("email", "a@shop.example"), ("password", PASSWORD)],
    )
    .await;
    assert!(app.mails("a@shop.example").await.is_empty());
    let mut other = app.browser();
    other.headers = vec![(
        "user-agent",
        "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36".into(),
    )];
    let answer = other
        .post(
            "/login",
            &[
                ("email", "a@shop.example"),
                ("password", PASSWORD),
                ("next", "//evil.example"),
            ],
        )
        .await;
    assert_eq!(answer.location(), "/monitors");
    let mails = app.mails("a@shop.example").await;
    let [AccountMessage::NewSignIn { agent, .. }] = mails.as_slice() else {
        panic!("{mails:?}")
    };
    assert_eq!(agent, "Chrome on Windows");
    assert_eq!(other.post("/logout", &[]).await.location(), "/");
    assert!(!other.has_session());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn over_https_the_cookie_is_bound_to_the_host(pool: PgPool) {
    let app = App::with(pool, config("https://watchbell.example")).await;
    let answer = app
        .browser()
        .post(
            "/signup",
            &[("email", "a@shop.example"), ("password", PASSWORD)],
        )
        .await;
    let cookies: Vec<&str> = answer
        .headers
        .get_all(header::SET_COOKIE)
        .iter()
        .map(|c| c.to_str().unwrap())
        .collect();
    let session = cookies
        .iter()
        .find(|cookie| cookie.starts_with("__Host-watchbell="))
        .expect("the session");
    for flag in ["; Path=/", "; HttpOnly", "; SameSite=Lax", "; Secure"] {
        assert!(session.contains(flag), "{session}");
    }
    assert!(!session.contains("Domain"));
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=63072000"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn forms_that_are_wrong_say_where_and_change_nothing(pool: PgPool) {
    let app = App::new(pool).await;
    let long = format!("{}@shop.example", "a".repeat(1_000_000));
    for (fields, field) in [
        (vec![], "email"),
        (vec![("email", "nobody"), ("password", PASSWORD)], "email"),
        (
            vec![("email", "a\0b@shop.example"), ("password", PASSWORD)],
            "email",
        ),
        (
            vec![("email", "a\u{202e}@shop.example"), ("password", PASSWORD)],
            "email",
        ),
        (vec![("email", "a@shop.example")], "password"),
        (
            vec![("email", "a@shop.example"), ("password", "1234567890")],
            "password",
        ),
    ] {
        let answer = app.browser().post("/signup", &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{fields:?}"
        );
        assert!(
            answer.body.contains(&format!("href=\"#{field}\"")),
            "{fields:?} {}",
            answer.body
        );
        assert!(
            !answer.body.contains(PASSWORD),
            "a password never comes back"
        );
    }
    let answer = app
        .browser()
        .post("/signup", &[("email", &long), ("password", PASSWORD)])
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    assert_eq!(users, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn posts_from_elsewhere_are_refused(pool: PgPool) {
    let app = App::new(pool).await;
    let cases: [(&[(&str, &str)], bool); 9] = [
        (&[("sec-fetch-site", "same-origin")], true),
        (&[("sec-fetch-site", "none")], true),
        (&[("sec-fetch-site", "cross-site")], false),
        (&[("sec-fetch-site", "same-site")], false),
        (
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "http://localhost:8080"),
            ],
            false,
        ),
        (&[("origin", "http://localhost:8080")], true),
        (&[("origin", "https://evil.example")], false),
        (&[("origin", "null")], false),
        (&[], true),
    ];
    let (table, _) = crate::routes().into_parts();
    let posts = table
        .into_iter()
        .filter(|route| route.method == http::Method::POST && !route.path.starts_with("/api/"));
    for path in posts.map(|route| route.path.replace(['{', '}'], "")) {
        if path.starts_with("/callbacks/") || path.starts_with("/ping/") {
            continue;
        }
        for (headers, passes) in cases {
            let mut browser = app.browser();
            browser.headers.extend(
                headers
                    .iter()
                    .map(|(name, value)| (leaked(name), (*value).to_owned())),
            );
            let answer = browser.post(&path, &[]).await;
            assert_eq!(
                answer.status != StatusCode::FORBIDDEN,
                passes,
                "{path} {headers:?}"
            );
        }
    }
}

fn leaked(name: &str) -> &'static str {
    if name == "origin" {
        "origin"
    } else {
        "sec-fetch-site"
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn too_many_mails_to_an_address_wait_and_say_so(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up("a@shop.example").await;
    for _ in 0..5 {
        app.wait(61);
        let again = browser.post("/verify/resend", &[]).await;
        assert_eq!(again.status, StatusCode::OK);
    }
    assert_eq!(app.mails("a@shop.example").await.len(), 6);
    app.wait(61);
    let over = browser.post("/verify/resend", &[]).await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(over.header("retry-after").parse::<u64>().unwrap() > 60);
    app.signed_up("a@shop.example").await;
    assert!(app.mails("a@shop.example").await.is_empty());
}
