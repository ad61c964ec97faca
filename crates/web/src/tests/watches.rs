//! "Watch it and mail me when it is back". Workers are played by the database; time is played by the test.

use domain::account::EmailAddress;
use domain::check::{
    Check, Failure, FailureClass, LookResult, Observation, Phase, Verdict, VerdictKind,
};
use domain::delivery::AccountMessage;
use domain::ids::CheckId;
use domain::monitor::MonitorSpec;
use domain::target::AddressPolicy;
use domain::tools::{RunId, Tool, read};
use http::StatusCode;
use incidents::watches;
use insta::assert_snapshot;
use jiff::SignedDuration;
use sqlx::PgPool;
use store::tool_looks::{self, NewRun};

use super::{Answer, App, Browser};
use crate::config::ToolsMode;
use crate::config::tests::config;

const KIM: &str = "kim@elsewhere.example";
const TARGET: &str = "https://shop.example/cart?x=1&y=<b>z";

fn hosted() -> crate::WebConfig {
    let mut config = config("http://localhost:8080");
    config.address_policy = AddressPolicy::Hosted;
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    config
}

async fn desk(pool: &PgPool) -> App {
    let app = App::with(pool.clone(), hosted()).await;
    let mut c = pool.acquire().await.unwrap();
    store::regions::upsert(&mut c, "fra", "Frankfurt")
        .await
        .unwrap();
    sqlx::query("INSERT INTO workers (id, region, seen_at, started_at) VALUES ('fra-1', 'fra', 'infinity', now())")
        .execute(&mut *c)
        .await
        .unwrap();
    app
}

fn answer(app: &App, kind: VerdictKind) -> serde_json::Value {
    let mut seen = Observation::begin(app.state.now());
    seen.total_us = 41_000;
    let failure = Failure::new(FailureClass::ConnectRefused, Phase::Connect, "refused");
    let verdict = Verdict {
        kind,
        failure: (kind != VerdictKind::Up).then_some(failure),
        ..Verdict::up()
    };
    let check = Check::on_request(CheckId::generate(), "fra", &seen, &verdict);
    serde_json::to_value(LookResult::new(check, seen, None)).unwrap()
}

/// A result that somebody looks at.
async fn result(app: &App, tool: Tool, target: &str, kind: VerdictKind) -> String {
    let mut c = app.state.pool.acquire().await.unwrap();
    let target = match read(tool, target, AddressPolicy::Hosted) {
        Ok(asked) => asked.target,
        Err(_) => target.to_owned(),
    };
    let run = NewRun {
        id: RunId::generate(),
        tool,
        target: &target,
        inside: false,
        watch: false,
        created_at: app.state.now(),
        deadline: app.state.now() + SignedDuration::from_secs(13),
    };
    let regions = ["fra".to_owned()];
    tool_looks::insert(&mut c, &run, &regions, &[MonitorSpec::default()])
        .await
        .unwrap();
    let key = (run.id, "fra", 0);
    tool_looks::mark_done(&mut c, key, &answer(app, kind), app.state.now())
        .await
        .unwrap();
    format!("/tools/r/{}", run.id)
}

/// What the workers do in one round.
async fn round(app: &App, kind: VerdictKind) {
    let (state, now) = (&app.state, app.state.now());
    watches::round(&state.pool, &state.secrets, now)
        .await
        .unwrap();
    let mut c = state.pool.acquire().await.unwrap();
    for taken in tool_looks::take(&mut c, ("fra", true), now, 100)
        .await
        .unwrap()
    {
        let key = (taken.run_id, "fra", taken.part);
        tool_looks::mark_done(&mut c, key, &answer(app, kind), now)
            .await
            .unwrap();
    }
    drop(c);
    watches::round(&state.pool, &state.secrets, now)
        .await
        .unwrap();
}

async fn ask(browser: &mut Browser, result: &str, email: &str) -> Answer {
    browser
        .post(&format!("{result}/watch"), &[("email", email)])
        .await
}

/// Mails that no column says the address of: those of the address `to`, as a notifier claims them.
async fn mails(app: &App, to: &str) -> Vec<AccountMessage> {
    let mut mails = Vec::new();
    for mail in app.mails("").await {
        assert_eq!(mail.sealed_address(), Some(to));
        mails.push(mail);
    }
    mails
}

/// The path of the page that a mail to confirm leads to.
async fn link(app: &App) -> String {
    let mails = mails(app, KIM).await;
    let [AccountMessage::WatchConfirm { token, .. }] = &mails[..] else {
        panic!("{mails:?}")
    };
    format!("/tools/watch/{token}")
}

/// Presses the button while workers look.
async fn confirm(app: &App, browser: &mut Browser, path: &str, kind: VerdictKind) -> Answer {
    let (answer, ()) = tokio::join!(browser.post(path, &[]), async {
        for _ in 0..20 {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            round(app, kind).await;
        }
    });
    answer
}

/// What a person reads.
fn content(answer: &Answer) -> String {
    let main = answer.body.split("<main").nth(1).unwrap();
    let main = main.split("</main>").next().unwrap();
    main.lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .skip(1)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The same without the token, which is another each time.
fn page(answer: &Answer, path: &str) -> String {
    let text = content(answer)
        .replace(path, "/tools/watch/TOKEN")
        .replace(&crate::assets::url("icons/marks.svg"), "marks.svg");
    let ids = runs_in(&text);
    ids.into_iter()
        .fold(text, |text, id| text.replace(&id, "RUN"))
}

fn runs_in(text: &str) -> Vec<String> {
    let after = text.split("/tools/r/").skip(1);
    after.map(|rest| rest.chars().take(16).collect()).collect()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_visitor_waits_for_a_shop_and_is_told_once(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Down, TARGET, VerdictKind::Down).await;
    let mut browser = app.browser();
    let shown = browser.get(&result).await;
    assert!(
        shown.body.contains("Mail me when it is back"),
        "{}",
        shown.body
    );
    assert!(shown.body.contains("autocomplete=\"email\""));
    let sent = ask(&mut browser, &result, KIM).await;
    assert_eq!(sent.status, StatusCode::OK, "{}", sent.body);
    assert_snapshot!("watch_sent", page(&sent, "no token"));
    let path = link(&app).await;
    // A scanner opens the link, and everything in it.
    let opened = app.browser().get(&path).await;
    assert_snapshot!("watch_asked", page(&opened, &path));
    app.browser().get(&format!("{path}/end")).await;
    round(&app, VerdictKind::Down).await;
    assert_eq!(
        rows(&app, "SELECT count(*) FROM tool_looks WHERE watch").await,
        0
    );
    assert_eq!(
        (
            opened.header("x-robots-tag"),
            opened.header("cache-control")
        ),
        ("noindex", "no-store")
    );

    let confirmed = confirm(&app, &mut browser, &path, VerdictKind::Down).await;
    assert_eq!(
        (confirmed.status, confirmed.location()),
        (StatusCode::SEE_OTHER, path.as_str())
    );
    let watching = browser.get(&path).await;
    assert_snapshot!("watch_watching", page(&watching, &path));
    assert_eq!(
        browser.post(&path, &[]).await.location(),
        path,
        "twice is once"
    );
    assert_eq!(
        rows(&app, "SELECT count(*) FROM tool_watch_targets").await,
        1
    );
    let asks = browser.get(&format!("{path}/end")).await;
    assert_snapshot!("watch_ending", page(&asks, &path));

    for _ in 0..2 {
        app.wait(60);
        round(&app, VerdictKind::Up).await;
    }
    let mails = mails(&app, KIM).await;
    let [AccountMessage::WatchBack { run, target, .. }] = &mails[..] else {
        panic!("{mails:?}")
    };
    assert_eq!(target, "https://shop.example/cart?x=1&y=%3Cb%3Ez");
    let over = browser.get(&path).await;
    assert_snapshot!("watch_back", page(&over, &path));
    assert_eq!(
        browser.get(&format!("/tools/r/{run}")).await.status,
        StatusCode::OK
    );
    // The link of the mail leads on, with or without an account.
    let monitor = format!("/tools/r/{run}/monitor");
    let carried = "url=https%3A%2F%2Fshop.example%2Fcart%3Fx%3D1%26y%3D%253Cb%253Ez";
    assert_eq!(
        browser.get(&monitor).await.location(),
        format!("/signup?{carried}")
    );
    let mut member = app.signed_up("a@shop.example").await;
    assert_eq!(
        member.get(&monitor).await.location(),
        format!("/monitors/new?{carried}&kind=http")
    );
    assert_eq!(
        confirm(&app, &mut browser, &path, VerdictKind::Up)
            .await
            .location(),
        path
    );
    assert_eq!(
        rows(&app, "SELECT count(*) FROM tool_watch_targets").await,
        0,
        "what is over is over"
    );
}

async fn rows(app: &App, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&app.state.pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_back_when_it_is_confirmed_is_said_at_the_page_alone(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    let mut browser = app.browser();
    ask(&mut browser, &result, KIM).await;
    let path = link(&app).await;
    let answer = confirm(&app, &mut browser, &path, VerdictKind::Up).await;
    assert_eq!(answer.location(), path);
    assert_snapshot!("watch_already_back", page(&browser.get(&path).await, &path));
    app.wait(60);
    round(&app, VerdictKind::Up).await;
    assert!(mails(&app, KIM).await.is_empty());
    let kept = "SELECT count(*) FROM tool_watches WHERE address IS NOT NULL";
    assert_eq!(rows(&app, kept).await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_watch_ends_by_the_link_and_its_address_goes(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Ping, "shop.example", VerdictKind::Down).await;
    let mut browser = app.browser();
    ask(&mut browser, &result, KIM).await;
    let path = link(&app).await;
    confirm(&app, &mut browser, &path, VerdictKind::Down).await;
    let ended = browser.post(&format!("{path}/end"), &[]).await;
    assert_eq!(ended.location(), path);
    assert_snapshot!("watch_ended", page(&browser.get(&path).await, &path));
    assert_eq!(
        browser.post(&format!("{path}/end"), &[]).await.location(),
        path
    );
    let kept = "SELECT count(*) FROM tool_watches WHERE num_nonnulls(address, address_hash) > 0";
    assert_eq!(rows(&app, kept).await, 0);
    for _ in 0..3 {
        app.wait(60);
        round(&app, VerdictKind::Up).await;
    }
    assert!(mails(&app, KIM).await.is_empty());
    // A week later nothing is left of it.
    app.wait(7 * 24 * 3_600);
    round(&app, VerdictKind::Up).await;
    assert_eq!(rows(&app, "SELECT count(*) FROM tool_watches").await, 0);
    let gone = browser.get(&path).await;
    assert_eq!(gone.status, StatusCode::NOT_FOUND);
    assert_snapshot!("watch_gone", page(&gone, &path));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn wrong_and_old_links_do_nothing(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Certificate, "shop.example", VerdictKind::Down).await;
    let mut browser = app.browser();
    ask(&mut browser, &result, KIM).await;
    let path = link(&app).await;
    let wrong = format!("{}x", &path[..path.len() - 1]);
    for path in [wrong.as_str(), "/tools/watch/%00", "/tools/again/t0k3n"] {
        assert_eq!(
            browser.get(path).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
        assert_eq!(
            browser.post(path, &[]).await.status,
            StatusCode::NOT_FOUND,
            "{path}"
        );
    }
    assert_eq!(
        browser.post(&format!("{wrong}/end"), &[]).await.status,
        StatusCode::NOT_FOUND
    );
    let mut foreign = app.browser();
    foreign
        .headers
        .push(("sec-fetch-site", "cross-site".into()));
    for path in [
        path.clone(),
        format!("{path}/end"),
        format!("{result}/watch"),
    ] {
        let answer = foreign.post(&path, &[("email", KIM)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
    }
    app.wait(3_600);
    assert_eq!(
        browser.post(&path, &[]).await.status,
        StatusCode::NOT_FOUND,
        "an hour is over"
    );
    assert_eq!(
        rows(&app, "SELECT count(*) FROM tool_watch_targets").await,
        0
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn after_a_day_the_mail_leads_to_another(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    let mut browser = app.browser();
    ask(&mut browser, &result, KIM).await;
    let path = link(&app).await;
    confirm(&app, &mut browser, &path, VerdictKind::Down).await;
    app.wait(24 * 3_600);
    round(&app, VerdictKind::Down).await;
    let stopped = mails(&app, KIM).await;
    let [AccountMessage::WatchStopped { again, .. }] = &stopped[..] else {
        panic!("{stopped:?}")
    };
    assert_snapshot!("watch_stopped", page(&browser.get(&path).await, &path));
    let again = format!("/tools/again/{again}");
    let asks = browser.get(&again).await;
    assert_eq!(
        rows(&app, "SELECT count(*) FROM tool_watch_targets").await,
        0
    );
    assert_snapshot!("watch_again", page(&asks, &again));
    let begun = confirm(&app, &mut browser, &again, VerdictKind::Down).await;
    let next = begun.location().to_owned();
    assert!(
        next.starts_with("/tools/watch/") && next != path,
        "{}",
        begun.body
    );
    assert!(
        browser
            .get(&next)
            .await
            .body
            .contains("Watching shop.example")
    );
    assert_eq!(
        browser.post(&again, &[]).await.location(),
        next,
        "twice is once"
    );
    app.wait(7 * 24 * 3_600);
    assert_eq!(
        browser.get(&again).await.status,
        StatusCode::NOT_FOUND,
        "it has run out"
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn whoever_asks_is_answered_alike(pool: PgPool) {
    let app = desk(&pool).await;
    app.verified(KIM).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    let mut asker = app.browser();
    let known = content(&ask(&mut asker, &result, KIM).await);
    let unknown = content(&ask(&mut asker, &result, "nobody@elsewhere.example").await);
    assert_eq!(known.replace("kim", "nobody"), unknown);
    // Five mails a day, and the sixth asker reads the same.
    for n in 0..6 {
        app.wait(60);
        let mut other = from(&app, n);
        let answer = ask(&mut other, &result, KIM).await;
        assert_eq!(
            (answer.status, content(&answer)),
            (StatusCode::OK, known.clone())
        );
    }
    let to = |mail: &AccountMessage| mail.sealed_address() == Some(KIM);
    assert_eq!(
        app.mails("").await.iter().filter(|mail| to(mail)).count(),
        5
    );
    // Its owner wants no mails: the same again, and none goes.
    app.wait(24 * 3_600);
    let mut c = app.state.pool.acquire().await.unwrap();
    let (address, base) = (EmailAddress::parse(KIM).unwrap(), "http://localhost:8080");
    incidents::block_address(&mut c, &app.state.secrets, &address, base, app.state.now())
        .await
        .unwrap();
    let blocked = ask(&mut from(&app, 9), &result, KIM).await;
    assert_eq!(content(&blocked), known);
    assert!(app.mails("").await.is_empty());
    assert_eq!(
        rows(
            &app,
            "SELECT count(*) FROM tool_watches WHERE ended_at IS NULL"
        )
        .await,
        1
    );
}

fn from(app: &App, n: u8) -> Browser {
    let mut browser = app.browser();
    browser
        .headers
        .push(("x-forwarded-for", format!("203.0.113.{n}")));
    browser
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn askers_are_counted_and_bad_addresses_refused(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    let mut browser = from(&app, 1);
    for email in [
        "",
        "kim",
        "kim@x y",
        "kim@shop.example\u{0}",
        "a,b@shop.example",
    ] {
        let answer = ask(&mut browser, &result, email).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{email}");
        assert!(
            answer.body.contains("id=\"email-error\""),
            "{}",
            answer.body
        );
    }
    let hostile = ask(&mut browser, &result, "\"><script>alert(1)</script>@x").await;
    assert!(!hostile.body.contains("<script>alert"), "{}", hostile.body);
    for n in 0..6 {
        let answer = ask(&mut browser, &result, &format!("kim{n}@elsewhere.example")).await;
        assert_eq!(answer.status, StatusCode::OK, "{n}");
    }
    let over = ask(&mut browser, &result, KIM).await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(over.header("retry-after").parse::<u32>().unwrap() <= 3_600);
    assert!(
        over.body.contains("as many mails as one visitor may"),
        "{}",
        over.body
    );
    assert_eq!(
        ask(&mut from(&app, 2), &result, KIM).await.status,
        StatusCode::OK
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn it_is_offered_only_where_back_has_a_sense(pool: PgPool) {
    use VerdictKind::{Blocked, Down, Unknown, Up};
    let app = desk(&pool).await;
    for (tool, kind, offered) in [
        (Tool::Down, Down, true),
        (Tool::Ping, Down, true),
        (Tool::Certificate, Down, true),
        (Tool::Down, Up, false),
        (Tool::Down, Blocked, false),
        (Tool::Down, Unknown, false),
        (Tool::Dns, Down, false),
        (Tool::Headers, Down, false),
    ] {
        let result = result(&app, tool, "shop.example", kind).await;
        let shown = app.browser().get(&result).await.body;
        assert_eq!(shown.contains("Mail me when"), offered, "{tool:?} {kind:?}");
        let answer = ask(&mut from(&app, 1 + u8::from(offered)), &result, KIM).await;
        assert_eq!(
            answer.status == StatusCode::OK,
            offered,
            "{tool:?} {kind:?}"
        );
    }
    let none = ask(&mut app.browser(), "/tools/r/0123456789abcdef", KIM).await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn what_is_inside_is_refused_as_the_tools_do(pool: PgPool) {
    let app = desk(&pool).await;
    // A member's look; its link came to a stranger.
    let result = result(&app, Tool::Down, "http://10.0.0.1/", VerdictKind::Down).await;
    let answer = ask(&mut app.browser(), &result, KIM).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("private"), "{}", answer.body);
    assert!(app.mails("").await.is_empty());
    assert_eq!(rows(&app, "SELECT count(*) FROM tool_watches").await, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn where_tools_are_off_a_watch_can_still_be_ended(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    ask(&mut app.browser(), &result, KIM).await;
    let path = link(&app).await;
    let mut config = hosted();
    config.tools = ToolsMode::Off;
    let off = App::with(pool, config).await;
    assert_eq!(
        off.browser().post(&path, &[]).await.status,
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        ask(&mut off.browser(), &result, KIM).await.status,
        StatusCode::NOT_FOUND
    );
    let ended = off.browser().post(&format!("{path}/end"), &[]).await;
    assert_eq!(ended.status, StatusCode::SEE_OTHER);
    assert_eq!(
        rows(
            &off,
            "SELECT count(*) FROM tool_watches WHERE address IS NOT NULL"
        )
        .await,
        0
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn where_no_mail_can_go_none_is_offered(pool: PgPool) {
    let mut config = hosted();
    config.email_available = false;
    let app = App::with(pool, config).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    assert!(
        !app.browser()
            .get(&result)
            .await
            .body
            .contains("Mail me when")
    );
    let answer = ask(&mut app.browser(), &result, KIM).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn when_too_many_are_watched_it_is_said_and_can_be_tried_again(pool: PgPool) {
    let app = desk(&pool).await;
    let result = result(&app, Tool::Down, "shop.example", VerdictKind::Down).await;
    ask(&mut app.browser(), &result, KIM).await;
    let path = link(&app).await;
    let fill = "INSERT INTO tool_watch_targets (id, tool, target, inside, spec, site, created_at, next_at)
        SELECT gen_random_uuid(), 'down', 'https://' || n || '.shop.example/', false, '{}', 'example.shop', now(), now()
        FROM generate_series(1, 30) AS n";
    sqlx::query(fill).execute(&pool).await.unwrap();
    let full = app.browser().post(&path, &[]).await;
    assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(full.header("retry-after"), "600");
    assert!(
        full.body.contains("As many targets as we can"),
        "{}",
        full.body
    );
    assert!(
        full.body.contains("Watch it and mail me"),
        "the button is still there"
    );
    let asked = ask(&mut from(&app, 3), &result, "lee@elsewhere.example").await;
    assert_eq!(asked.status, StatusCode::TOO_MANY_REQUESTS);
    sqlx::query("DELETE FROM tool_watch_targets")
        .execute(&pool)
        .await
        .unwrap();
    let mut browser = app.browser();
    confirm(&app, &mut browser, &path, VerdictKind::Down).await;
    assert!(
        browser
            .get(&path)
            .await
            .body
            .contains("Watching shop.example")
    );
}
