//! Addresses that somebody typed and nobody has confirmed: one mail a day, and “this was not me”.

use domain::delivery::AccountMessage;
use http::{Method, StatusCode};
use incidents::links;
use sqlx::PgPool;

use super::{Answer, App, Browser};

const KIM: &str = "kim@elsewhere.example";
const HOUR: i64 = 3_600;

async fn add(browser: &mut Browser, address: &str) -> Answer {
    let fields = [("kind", "email"), ("address", address), ("in_default", "1")];
    browser.post("/contacts", &fields).await
}

fn codes(mails: &[AccountMessage]) -> Vec<String> {
    let code = |mail: &AccountMessage| match mail {
        AccountMessage::ContactCode { code, .. } | AccountMessage::VerifyEmail { code, .. } => {
            code.clone()
        }
        other => panic!("{other:?}"),
    };
    mails.iter().map(code).collect()
}

/// The path of a contact that was added, and its code.
async fn added(app: &App, browser: &mut Browser, address: &str) -> (String, String) {
    let answer = add(browser, address).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let [code] = &codes(&app.mails(address).await)[..] else {
        panic!("one code")
    };
    (answer.location().to_owned(), code.clone())
}

async fn confirm(browser: &mut Browser, path: &str, code: &str) -> Answer {
    browser
        .post(&format!("{path}/verify"), &[("code", code)])
        .await
}

fn link(app: &App, address: &str) -> String {
    let token = links::not_me_token(&app.state.secrets, address, app.state.now()).unwrap();
    format!("/not-me/{token}")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn one_mail_a_day_over_all_accounts_until_it_is_confirmed(pool: PgPool) {
    let app = App::new(pool).await;
    let mut first = app.verified("first@shop.example").await;
    let mut second = app.verified("second@shop.example").await;
    let (contact, code) = added(&app, &mut first, KIM).await;
    app.wait(2 * HOUR);
    let again = first.post(&format!("{contact}/resend"), &[]).await;
    assert_eq!(again.status, StatusCode::TOO_MANY_REQUESTS);
    for words in [
        "one mail a day",
        "The code we sent still counts.",
        "The next can be sent from Mon 23 Nov 2026, 14:02:11 UTC+1.",
        "valid for 24 hours",
    ] {
        assert!(again.body.contains(words), "{words}: {}", again.body);
    }
    let other = add(&mut second, "Kim@Elsewhere.Example").await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        other.body.contains("one mail a day") && !other.body.contains("still counts"),
        "{}",
        other.body
    );
    assert!(app.mails(KIM).await.is_empty(), "nothing more was sent");
    let list = second.get("/contacts").await.body;
    assert!(!list.contains("Kim@"), "what was refused is not kept");
    app.wait(21 * HOUR);
    let confirmed = confirm(&mut first, &contact, &code).await;
    assert_eq!(confirmed.location(), "/contacts?done=verified");
    added(&app, &mut second, KIM).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_day_later_another_code_takes_the_place_of_the_first(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified("first@shop.example").await;
    let (contact, first) = added(&app, &mut browser, KIM).await;
    app.wait(24 * HOUR);
    let late = confirm(&mut browser, &contact, &first).await;
    assert!(late.body.contains("No code is waiting"), "{}", late.body);
    let again = browser.post(&format!("{contact}/resend"), &[]).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER, "{}", again.body);
    let [second] = &codes(&app.mails(KIM).await)[..] else {
        panic!("one code")
    };
    let confirmed = confirm(&mut browser, &contact, second).await;
    assert_eq!(confirmed.status, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_signs_up_may_ask_again_within_a_minute_but_not_all_day(pool: PgPool) {
    let app = App::new(pool).await;
    let mut stranger = app.verified("stranger@shop.example").await;
    added(&app, &mut stranger, KIM).await;
    let mut kim = app.signed_up(KIM).await;
    assert_eq!(app.mails(KIM).await.len(), 1, "a sign-up waits for nothing");
    app.wait(61);
    let again = kim.post("/verify/resend", &[]).await;
    assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    for _ in 0..8 {
        app.wait(700);
        let again = kim.post("/verify/resend", &[]).await;
        assert_eq!(again.status, StatusCode::OK, "{}", again.body);
    }
    assert_eq!(app.mails(KIM).await.len(), 9);
    app.wait(700);
    let over = kim.post("/verify/resend", &[]).await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(app.mails(KIM).await.is_empty());

    let lee = "lee@elsewhere.example";
    let mut person = app.signed_up(lee).await;
    let refused = add(&mut stranger, lee).await;
    assert!(
        refused.body.contains("one mail a day"),
        "the mail of a sign-up is the one of its day: {}",
        refused.body
    );
    let [code] = &codes(&app.mails(lee).await)[..] else {
        panic!("one code")
    };
    person.post("/verify", &[("code", code)]).await;
    added(&app, &mut stranger, lee).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_new_address_of_a_person_is_asked_for_within_the_same_limits(pool: PgPool) {
    let app = App::new(pool).await;
    let mut person = app.verified("person@shop.example").await;
    let mut stranger = app.verified("stranger@shop.example").await;
    let fields = [("new_email", KIM), ("email_password", super::PASSWORD)];
    let asked = person.post("/settings/security/email", &fields).await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    let refused = add(&mut stranger, KIM).await;
    assert!(refused.body.contains("one mail a day"), "{}", refused.body);
    app.browser().post(&link(&app, KIM), &[]).await;
    app.mails(KIM).await;
    app.wait(61);
    let blocked = person.post("/settings/security/email", &fields).await;
    assert!(
        blocked.body.contains("asked not to be written to"),
        "{}",
        blocked.body
    );
    assert!(app.mails(KIM).await.is_empty());
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn this_was_not_me_lets_no_account_write_to_an_address(pool: PgPool) {
    let app = App::new(pool).await;
    let mut relied = app.verified("relied@shop.example").await;
    let (known, code) = added(&app, &mut relied, KIM).await;
    confirm(&mut relied, &known, &code).await;
    let mut asker = app.verified("asker@shop.example").await;
    let (contact, code) = added(&app, &mut asker, KIM).await;
    let mut own = app.verified(KIM).await;
    let page = link(&app, KIM);

    let mut reader = app.browser();
    for _ in 0..2 {
        let shown = reader.get(&page).await;
        assert_eq!(shown.status, StatusCode::OK);
        assert!(
            shown.body.contains(KIM) && shown.body.contains("This was not me</button>"),
            "looking changes nothing: {}",
            shown.body
        );
    }
    assert!(relied.get("/contacts").await.body.contains("Confirmed"));
    for _ in 0..2 {
        let pressed = reader.post(&page, &[]).await;
        assert_eq!(pressed.location(), page, "{}", pressed.body);
    }
    let done = reader.get(&page).await.body;
    assert!(done.contains("can no longer write") && done.contains("Take it back"));

    let told = "the owner of this address asked not to be written to";
    for (browser, path) in [(&mut relied, &known), (&mut asker, &contact)] {
        assert!(browser.get("/contacts").await.body.contains(told));
        let shown = browser.get(path).await.body;
        assert!(
            shown.contains(told) && !shown.contains("Enter the code"),
            "{shown}"
        );
        let resent = browser.post(&format!("{path}/resend"), &[]).await;
        assert_eq!(resent.status, StatusCode::CONFLICT, "{}", resent.body);
    }
    let late = confirm(&mut asker, &contact, &code).await;
    assert!(
        late.body.contains("No code is waiting") || late.status == StatusCode::UNPROCESSABLE_ENTITY,
        "{}",
        late.body
    );
    let mails = app.mails("relied@shop.example").await;
    assert!(
        matches!(&mails[..], [AccountMessage::ContactDisabled { reason, .. }] if reason == told),
        "told once, whoever lost a contact it relied on: {mails:?}"
    );
    assert!(app.mails("asker@shop.example").await.is_empty());
    let mut third = app.verified("third@shop.example").await;
    app.wait(48 * HOUR);
    let refused = add(&mut third, KIM).await;
    assert!(
        refused.body.contains("asked not to be written to"),
        "{}",
        refused.body
    );
    let listed = own.get("/contacts").await.body;
    assert!(
        listed.contains("Confirmed") && !listed.contains(told),
        "an account of one's own goes on as before: {listed}"
    );
    own.post("/logout", &[]).await;
    let fields = [("email", KIM), ("password", super::PASSWORD)];
    assert_eq!(
        own.post("/login", &fields).await.status,
        StatusCode::SEE_OTHER
    );
    let reset = [("email", KIM)];
    app.mails(KIM).await;
    app.browser().post("/forgot", &reset).await;
    assert!(matches!(
        &app.mails(KIM).await[..],
        [AccountMessage::ResetPassword { .. }]
    ));

    let undone = reader.post(&format!("{page}/undo"), &[]).await;
    assert_eq!(undone.location(), page);
    assert!(
        reader
            .get(&page)
            .await
            .body
            .contains("Was it somebody else?")
    );
    assert!(
        asker.get("/contacts").await.body.contains(told),
        "a contact stays stopped until it is confirmed anew"
    );
    added(&app, &mut third, KIM).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_link_needs_no_session_and_no_session_helps_without_it(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("owner@shop.example").await;
    added(&app, &mut owner, KIM).await;
    let page = link(&app, KIM);
    let mut kim = app.verified(KIM).await;
    let mut stranger = app.browser();
    for browser in [&mut owner, &mut kim, &mut stranger] {
        assert_eq!(browser.get(&page).await.status, StatusCode::OK);
        let mut wrong = page.clone();
        wrong.pop();
        for path in [wrong.as_str(), "/not-me/x", "/not-me/v1.a.b.c"] {
            assert_eq!(browser.get(path).await.status, StatusCode::NOT_FOUND);
            for path in [path.to_owned(), format!("{path}/undo")] {
                let pressed = browser.post(&path, &[]).await;
                assert_eq!(pressed.status, StatusCode::NOT_FOUND, "{path}");
            }
        }
        assert_eq!(
            browser
                .send(Method::GET, &format!("{page}/undo"), None)
                .await
                .status,
            StatusCode::METHOD_NOT_ALLOWED,
            "nothing is taken back by a look"
        );
    }
    app.wait(30 * 24 * HOUR);
    let shown = stranger.get(&page).await;
    assert_eq!(shown.status, StatusCode::GONE);
    assert!(shown.body.contains("30 days") && !shown.body.contains(KIM));
    stranger.post(&page, &[]).await;
    stranger.post(&format!("{page}/undo"), &[]).await;
    let blocked: i64 = sqlx::query_scalar("SELECT count(*) FROM blocked_addresses")
        .fetch_one(&app.state.pool)
        .await
        .unwrap();
    assert_eq!(blocked, 0, "a link that has run out does nothing");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn signing_up_takes_it_back_by_one_mail_a_day(pool: PgPool) {
    let app = App::new(pool).await;
    let mut squatter = app.signed_up(KIM).await;
    app.mails(KIM).await;
    app.browser().post(&link(&app, KIM), &[]).await;
    assert!(
        squatter
            .get("/contacts")
            .await
            .body
            .contains("asked not to be written to")
    );
    app.wait(61);
    let refused = squatter.post("/verify/resend", &[]).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(app.mails(KIM).await.is_empty());
    app.wait(24 * HOUR);
    let mut kim = app.signed_up(KIM).await;
    app.wait(61);
    assert_eq!(
        kim.post("/verify/resend", &[]).await.status,
        StatusCode::TOO_MANY_REQUESTS,
        "one a day is how the owner of a blocked address may come back"
    );
    let [code] = &codes(&app.mails(KIM).await)[..] else {
        panic!("one code")
    };
    let confirmed = kim.post("/verify", &[("code", code)]).await;
    assert_eq!(
        confirmed.status,
        StatusCode::SEE_OTHER,
        "{}",
        confirmed.body
    );
    assert!(kim.get("/contacts").await.body.contains("Confirmed"));
    let mut other = app.verified("other@shop.example").await;
    added(&app, &mut other, KIM).await;
}
