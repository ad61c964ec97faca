//! The text that is proposed for a page: as owner, as teammates of each role, and as a stranger.

use domain::account::Role;
use domain::check::{Check, LookResult, Observation, VerdictKind};
use domain::ids::{AccountId, CheckId, MonitorId};
use domain::monitor::proposal::{Missing, Proposal};
use http::StatusCode;
use sqlx::PgPool;
use store::keyword_proposals as proposals;
use store::look_requests::{self, Reason};

use super::snooze::teammate;
use super::{App, Browser};

type Key = (AccountId, MonitorId);

/// A text that could do harm, were it written as it is.
const HOSTILE: &str = "\"><script>alert(1)</script>";

async fn monitor(app: &App, owner: &mut Browser, target: &str) -> Key {
    let made = owner.post("/monitors", &[("target", target)]).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let (account, id): (uuid::Uuid, uuid::Uuid) =
        sqlx::query_as("SELECT account_id, id FROM monitors ORDER BY id DESC LIMIT 1")
            .fetch_one(&app.state.pool)
            .await
            .unwrap();
    (AccountId::from_uuid(account), MonitorId::from_uuid(id))
}

async fn version(app: &App, (_, id): Key) -> i64 {
    sqlx::query_scalar("SELECT config_version FROM monitors WHERE id = $1")
        .bind(id.uuid())
        .fetch_one(&app.state.pool)
        .await
        .unwrap()
}

/// Proposes a text, as a worker does.
async fn propose(app: &App, key: Key, text: &str, missing: Missing) {
    let mut c = app.state.pool.acquire().await.unwrap();
    let (offers, now) = ([text.to_owned()], app.state.now());
    let of = (key.0, key.1, version(app, key).await);
    let is_new = proposals::want(&mut c, of, "local", &offers, now).await;
    assert!(is_new.unwrap());
    let proposal = Proposal {
        text: text.to_owned(),
        missing,
        status: if missing == Missing::Refuses {
            404
        } else {
            200
        },
    };
    let is_kept = proposals::propose(&mut c, key, &offers, &proposal, now).await;
    assert!(is_kept.unwrap());
}

/// Answers the next look that a person asks for, as a worker does.
async fn worker(app: &App, verdict: VerdictKind) {
    let mut c = app.state.pool.acquire().await.unwrap();
    loop {
        let now = app.state.now();
        let open = look_requests::list_open(&mut c, "local", now, 10).await;
        for (account, id, _) in open.unwrap() {
            let key = (account, id);
            let taken = look_requests::claim(&mut c, &app.state.secrets, key, "w", now).await;
            let taken = taken.unwrap().unwrap();
            if taken.reason != Reason::Manual {
                continue;
            }
            let observation = Observation::begin(now);
            let check = Check {
                id: CheckId::generate(),
                at: now,
                slot: None,
                region: "local".into(),
                verdict,
                phases: observation.phases,
                total_us: 72_800,
                address: None,
                http_status: Some(200),
                failure: None,
                attribution: None,
            };
            let result = LookResult::new(check, observation, None);
            look_requests::mark_done(&mut c, key, Some(&result), now)
                .await
                .unwrap();
            return;
        }
        tokio::task::yield_now().await;
    }
}

async fn keyword(app: &App, (_, id): Key) -> Option<String> {
    sqlx::query_scalar("SELECT spec -> 'http' ->> 'keyword' FROM monitors WHERE id = $1")
        .bind(id.uuid())
        .fetch_one(&app.state.pool)
        .await
        .unwrap()
}

/// The hint on a page, one tag a line; empty where there is none.
async fn hint(browser: &mut Browser, (_, id): Key) -> String {
    let page = browser.get(&format!("/monitors/{id}")).await;
    assert_eq!(page.status, StatusCode::OK);
    let (_, rest) = page
        .body
        .split_once("<div id=\"keyword\" data-live>")
        .unwrap();
    let (hint, _) = rest.split_once("<section class=\"status-card").unwrap();
    let hint = hint.trim().trim_end_matches("</div>").trim();
    hint.replace(&id.to_string(), "mon_ID")
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_text_is_watched_for_by_one_button(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let key = monitor(&app, &mut owner, "https://shop.example/").await;
    assert_eq!(hint(&mut owner, key).await, "");
    propose(&app, key, "Add to basket", Missing::Answers).await;
    insta::assert_snapshot!("keyword_hint", hint(&mut owner, key).await);

    let path = format!("/monitors/{}/keyword", key.1);
    let now = version(&app, key).await;
    // Somebody changed it after the page was opened.
    for stale in [(now - 1).to_string(), "x".to_owned(), String::new()] {
        let reply = owner.post(&path, &[("version", &stale)]).await;
        assert!(reply.location().ends_with("?done=changed"), "{stale}");
        let page = owner.get(reply.location()).await.body;
        assert!(page.contains("The monitor was changed meanwhile, so nothing was set."));
    }
    assert_eq!(keyword(&app, key).await, None);

    let version_now = now.to_string();
    let fields = [("version", version_now.as_str())];
    let (reply, ()) = tokio::join!(owner.post(&path, &fields), worker(&app, VerdictKind::Up));
    assert!(
        reply.location().ends_with("?done=watched"),
        "{}",
        reply.body
    );
    assert_eq!(keyword(&app, key).await.as_deref(), Some("Add to basket"));
    assert_eq!(version(&app, key).await, now + 1);
    assert_eq!(hint(&mut owner, key).await, "");
    // Pressed twice.
    let again = owner.post(&path, &fields).await;
    assert!(again.location().ends_with("?done=changed"));
    assert_eq!(version(&app, key).await, now + 1);
    // Nobody proposes another while it asks for one.
    let mut c = app.state.pool.acquire().await.unwrap();
    assert_eq!(proposals::find(&mut c, key.0, key.1).await.unwrap(), None);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_text_that_is_gone_already_is_shown(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let key = monitor(&app, &mut owner, "https://shop.example/").await;
    propose(&app, key, "Add to basket", Missing::Leads).await;
    let said = hint(&mut owner, key).await;
    assert!(
        said.contains("leads visitors of pages that do not exist to one that answers 200"),
        "{said}"
    );
    let now = version(&app, key).await.to_string();
    let (path, fields) = (
        format!("/monitors/{}/keyword", key.1),
        [("version", now.as_str())],
    );
    let (reply, ()) = tokio::join!(owner.post(&path, &fields), worker(&app, VerdictKind::Down));
    assert!(reply.location().ends_with("?done=checked#asked"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_proposal_goes_with_what_it_is_about(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let key = monitor(&app, &mut owner, "https://shop.example/").await;
    propose(&app, key, HOSTILE, Missing::Refuses).await;
    let said = hint(&mut owner, key).await;
    assert!(
        said.contains("answers 404 for pages that do not exist, as it should"),
        "{said}"
    );
    assert!(
        !said.contains("<script") && said.contains("&#60;script&#62;"),
        "{said}"
    );

    let edit = format!("/monitors/{}/edit", key.1);
    let form = |target, name, keyword| {
        [
            ("long", "1"),
            ("kind", "http"),
            ("target", target),
            ("name", name),
            ("keyword", keyword),
            ("follow_redirects", "1"),
            ("verify_tls", "1"),
        ]
    };
    let same = "https://shop.example/";
    let named = owner.post(&edit, &form(same, "Shop", "")).await;
    assert_eq!(named.status, StatusCode::SEE_OTHER, "{}", named.body);
    assert!(
        hint(&mut owner, key).await.contains("script"),
        "a name is not what it is about"
    );
    owner.post(&edit, &form(same, "Shop", "Boots")).await;
    assert_eq!(hint(&mut owner, key).await, "");
    owner.post(&edit, &form(same, "Shop", "")).await;
    assert_eq!(hint(&mut owner, key).await, "");

    propose(&app, key, "Add to basket", Missing::Answers).await;
    assert_ne!(hint(&mut owner, key).await, "");
    owner
        .post(&edit, &form("https://shop.example/de", "Shop", ""))
        .await;
    assert_eq!(hint(&mut owner, key).await, "");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn who_may_edit_sees_it_and_may_dismiss_it(pool: PgPool) {
    let app = App::new(pool).await;
    let mut owner = app.verified("kim@shop.example").await;
    let key = monitor(&app, &mut owner, "https://shop.example/").await;
    propose(&app, key, "Add to basket", Missing::Answers).await;
    let watch = format!("/monitors/{}/keyword", key.1);
    let dismiss = format!("{watch}/dismiss");
    let now = version(&app, key).await.to_string();
    let fields = [("version", now.as_str())];
    for role in [Role::Viewer, Role::Responder] {
        let mut mate = teammate(&app, key.0, role).await;
        assert_eq!(hint(&mut mate, key).await, "", "{role:?}");
        for path in [&watch, &dismiss] {
            let reply = mate.post(path, &fields).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{role:?} {path}");
        }
    }
    let mut stranger = app.verified("eve@other.example").await;
    for path in [&watch, &dismiss] {
        let reply = stranger.post(path, &fields).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
    }
    assert!(hint(&mut owner, key).await.contains("Add to basket"));

    let mut editor = teammate(&app, key.0, Role::Editor).await;
    assert!(hint(&mut editor, key).await.contains("Add to basket"));
    for _ in 0..2 {
        let reply = editor.post(&dismiss, &[]).await;
        assert_eq!(reply.location(), format!("/monitors/{}", key.1));
        assert_eq!(hint(&mut owner, key).await, "");
    }
    let late = owner.post(&watch, &fields).await;
    assert!(late.location().ends_with("?done=changed"));
    assert_eq!(keyword(&app, key).await, None);
}
