//! The tools for everybody. Workers are played by the database.

use std::time::Duration;

use domain::check::{
    Check, Expectation, Failure, FailureClass, HttpFacts, LookResult, Observation, Phase, Verdict,
    verdict::judge,
};
use domain::ids::CheckId;
use domain::incident::diagnosis;
use domain::monitor::Settings;
use domain::target::AddressPolicy;
use http::{Method, StatusCode};
use sqlx::PgPool;
use store::tool_looks;

use super::{App, Browser};
use crate::config::ToolsMode;
use crate::config::tests::config;

fn hosted() -> crate::WebConfig {
    let mut config = config("http://localhost:8080");
    config.address_policy = AddressPolicy::Hosted;
    config
}

/// A region with a worker that lives, and one whose worker died.
async fn regions(pool: &PgPool) {
    for (region, name, seconds) in [("fra", "Frankfurt", 0), ("old", "Gone", 100)] {
        let mut c = pool.acquire().await.unwrap();
        store::regions::upsert(&mut c, region, name).await.unwrap();
        let seen = format!("clock_timestamp() - interval '{seconds} seconds'");
        let sql = format!(
            "INSERT INTO workers (id, region, seen_at, started_at) VALUES ('{region}-1', '{region}', {seen}, now())"
        );
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut *c)
            .await
            .unwrap();
    }
}

/// What a worker does, with what it sees made up.
fn worker(app: &App, region: &'static str, seen: impl Fn(&mut Observation) + Send + 'static) {
    let (pool, events, now) = (
        app.state.pool.clone(),
        app.state.events.clone(),
        app.state.now(),
    );
    tokio::spawn(async move {
        loop {
            let mut c = pool.acquire().await.unwrap();
            for taken in tool_looks::take(&mut c, (region, false), now, 32)
                .await
                .unwrap()
            {
                let settings = Settings::of(&taken.spec);
                let mut observation = Observation::begin(now);
                seen(&mut observation);
                let verdict: Verdict =
                    judge(&observation, &Expectation::of(&settings, true, false));
                let diagnosis = diagnosis::explain(&observation, &verdict, &settings);
                let check = Check::on_request(CheckId::generate(), region, &observation, &verdict);
                let result = LookResult::new(check, observation, diagnosis);
                let mut result = serde_json::to_value(result).unwrap();
                domain::tools::clean(&mut result);
                let key = (taken.run_id, region, taken.part);
                tool_looks::mark_done(&mut c, key, &result, now)
                    .await
                    .unwrap();
                let id = domain::ids::LookRequestId::from_uuid(taken.run_id.uuid());
                events.publish(crate::events::Event::LookDone(id));
            }
            drop(c);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
}

fn answers(status: u16, header: &'static str) -> impl Fn(&mut Observation) + Send + 'static {
    move |seen| {
        seen.phases.add(Phase::Dns, 1_000);
        seen.phases.add(Phase::FirstByte, 20_000);
        seen.total_us = 21_000;
        seen.http = Some(HttpFacts {
            status,
            version: "HTTP/1.1".into(),
            headers: vec![("server".into(), header.into())],
            body: b"<title>Sorry</title><p>a secret page</p>".to_vec(),
            ..HttpFacts::default()
        });
    }
}

async fn json(
    browser: &mut Browser,
    method: Method,
    path: &str,
    form: Option<&str>,
) -> (StatusCode, serde_json::Value) {
    browser.headers.push(("accept", "application/json".into()));
    let form = form.map(|text| text.as_bytes().to_vec());
    let answer = browser.send(method, path, form).await;
    browser.headers.pop();
    assert_eq!(
        answer.header("content-type"),
        "application/json",
        "{}",
        answer.body
    );
    (answer.status, serde_json::from_str(&answer.body).unwrap())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_tool_has_its_page_and_is_linked(pool: PgPool) {
    let app = App::with(pool, hosted()).await;
    for mut browser in [app.browser(), app.signed_up("a@shop.example").await] {
        let index = browser.get("/tools").await;
        assert_eq!(index.status, StatusCode::OK);
        for tool in domain::tools::Tool::ALL {
            let path = format!("/tools/{}", tool.as_str());
            assert!(index.body.contains(&format!("\"{path}\"")), "{path}");
            let form = browser
                .get(&format!("{path}?target=%22%3E%3Cb%3Eshop.example"))
                .await;
            assert_eq!(form.status, StatusCode::OK);
            assert!(
                form.body.contains("&#34;&#62;&#60;b&#62;shop.example")
                    && !form.body.contains("<b>shop")
            );
            assert!(
                form.header("content-security-policy")
                    .contains("default-src 'none'")
            );
        }
        assert_eq!(
            browser.get("/tools/nothing").await.status,
            StatusCode::NOT_FOUND
        );
    }
    let landing = app.browser().get("/").await.body;
    assert!(landing.contains("href=\"/tools\"") && landing.contains("href=\"/tools/down\""));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_visitor_asks_and_hands_the_result_on(pool: PgPool) {
    let app = App::with(pool.clone(), hosted()).await;
    regions(&pool).await;
    worker(&app, "fra", answers(502, "nginx<script>\u{202e}\u{1b}"));
    let mut browser = app.browser();
    let asked = browser
        .post("/tools/down", &[("target", "shop.example/cart?x=1&y=2")])
        .await;
    assert_eq!(asked.status, StatusCode::SEE_OTHER, "{}", asked.body);
    let path = asked.location().to_owned();
    assert!(path.starts_with("/tools/r/") && path.len() == "/tools/r/".len() + 16);
    // Somebody else opens it.
    let page = app.browser().get(&path).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.body.contains("shop.example is down") && page.body.contains("Frankfurt"),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("nginx&#60;script&#62;\u{fffd}\u{fffd}")
            && !page.body.contains("nginx<script")
    );
    assert!(
        !page.body.contains("Gone"),
        "only regions that live are asked"
    );
    assert!(
        !page.body.contains("secret page"),
        "it is no way to read a page"
    );
    assert_eq!(
        (page.header("x-robots-tag"), page.header("cache-control")),
        ("noindex", "no-store")
    );
    let carried = "/signup?url=https%3A%2F%2Fshop.example%2Fcart%3Fx%3D1%26y%3D2";
    assert!(page.body.contains(carried), "{}", page.body);
    let sign_up = app.browser().get(carried).await.body;
    assert!(
        sign_up.contains("value=\"https://shop.example/cart?x=1&#38;y=2\""),
        "{sign_up}"
    );

    let mut member = app.signed_up("a@shop.example").await;
    let page = member.get(&path).await;
    assert!(page.body.contains(
        "/monitors/new?url=https%3A%2F%2Fshop.example%2Fcart%3Fx%3D1%26y%3D2&#38;kind=http"
    ));

    for answer in [
        json(&mut browser, Method::GET, &path, None).await,
        json(&mut browser, Method::GET, &format!("{path}.json"), None).await,
    ] {
        let (status, view) = answer;
        assert_eq!(
            (status, &view["finding"], &view["complete"]),
            (StatusCode::OK, &"down".into(), &true.into())
        );
        assert_eq!(view["looks"][0]["region"], "fra");
        assert_eq!(view["looks"][0]["check"]["http_status"], 502);
        assert_eq!(view["url"], format!("http://localhost:8080{path}"));
    }
    // After a week it is gone.
    app.wait(7 * 24 * 3600 + 1);
    assert_eq!(browser.get(&path).await.status, StatusCode::NOT_FOUND);
    let (status, _) = json(&mut browser, Method::GET, &path, None).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn every_tool_shows_what_it_saw(pool: PgPool) {
    let app = App::with(pool.clone(), hosted()).await;
    regions(&pool).await;
    worker(&app, "fra", |seen| {
        answers(200, "nginx")(seen);
        seen.records = Some(vec!["203.0.113.7".into()]);
        seen.ping = Some(domain::check::PingFacts {
            sent: 4,
            received: 4,
            mean_us: 9_000,
            max_us: 12_000,
        });
    });
    for (tool, words) in [
        ("down", "shop.example is up"),
        ("headers", "server: nginx"),
        ("dns", "203.0.113.7"),
        ("ping", "4 of 4"),
        ("certificate", "shop.example"),
    ] {
        let path = format!("/tools/{tool}");
        let (status, view) = json(
            &mut app.browser(),
            Method::POST,
            &path,
            Some("target=shop.example"),
        )
        .await;
        assert_eq!(status, StatusCode::OK, "{tool} {view}");
        assert_eq!(view["complete"], true);
        let id = view["id"].as_str().unwrap();
        let page = app.browser().get(&format!("/tools/r/{id}")).await;
        assert!(page.body.contains(words), "{tool}: {}", page.body);
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn refusals_are_pages_and_nothing_is_written(pool: PgPool) {
    let app = App::with(pool.clone(), hosted()).await;
    regions(&pool).await;
    let huge = "a".repeat(100_000);
    for mut browser in [app.browser(), app.signed_up("a@shop.example").await] {
        for target in [
            "127.0.0.1",
            "http://169.254.169.254/",
            "0x7f.1",
            "ftp://shop.example",
            "sh\u{202e}op.example",
            "\u{0}",
            &huge,
        ] {
            let answer = browser.post("/tools/down", &[("target", target)]).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{target}");
            assert!(answer.body.contains("id=\"target-error\""), "{target}");
            assert!(answer.body.len() < 40_000, "what was typed comes back cut");
        }
        let (status, view) = json(
            &mut browser,
            Method::POST,
            "/tools/ping",
            Some("target=10.0.0.1"),
        )
        .await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(
            view["error"].as_str().unwrap().contains("private"),
            "{view}"
        );
    }
    let too_large = "target=".to_owned() + &"a".repeat(300 * 1024);
    let answer = app
        .browser()
        .send(Method::POST, "/tools/down", Some(too_large.into_bytes()))
        .await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    let mut stranger = app.browser();
    stranger
        .headers
        .push(("sec-fetch-site", "cross-site".into()));
    let answer = stranger
        .post("/tools/down", &[("target", "shop.example")])
        .await;
    assert_eq!(
        answer.status,
        StatusCode::FORBIDDEN,
        "no other site sends its visitors"
    );
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM tool_looks")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_name_that_leads_inside_is_refused_and_not_down(pool: PgPool) {
    let app = App::with(pool.clone(), hosted()).await;
    regions(&pool).await;
    worker(&app, "fra", |seen| {
        let why = "the name leads to an address that is not allowed here";
        seen.failure = Some(Failure::new(FailureClass::TargetRefused, Phase::Dns, why));
    });
    let (_, view) = json(
        &mut app.browser(),
        Method::POST,
        "/tools/down",
        Some("target=inside.shop.example"),
    )
    .await;
    assert_eq!(view["finding"], "refused");
    let page = app
        .browser()
        .get(&format!("/tools/r/{}", view["id"].as_str().unwrap()))
        .await;
    assert!(
        page.body.contains("is not looked at from here") && !page.body.contains("is down"),
        "{}",
        page.body
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn private_addresses_are_for_members_where_they_are_allowed_at_all(pool: PgPool) {
    let mut config = config("http://localhost:8080");
    let app = App::with(pool.clone(), config.clone()).await;
    regions(&pool).await;
    let form = [("target", "http://127.0.0.1:9/")];
    let visitor = app.browser().post("/tools/down", &form).await;
    assert_eq!(visitor.status, StatusCode::UNPROCESSABLE_ENTITY);
    worker(&app, "fra", answers(200, "x"));
    let member = app
        .signed_up("a@shop.example")
        .await
        .post("/tools/down", &form)
        .await;
    assert_eq!(member.status, StatusCode::SEE_OTHER);
    let inside: Vec<bool> = sqlx::query_scalar("SELECT inside FROM tool_looks")
        .fetch_all(&pool)
        .await
        .unwrap();
    assert_eq!(inside, [true]);
    config.tools = ToolsMode::Inside;
    let open = App::with(pool.clone(), config).await;
    let visitor = open.browser().post("/tools/down", &form).await;
    assert_eq!(visitor.status, StatusCode::SEE_OTHER);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn visitors_are_counted_and_so_are_targets(pool: PgPool) {
    let mut config = hosted();
    config.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    let app = App::with(pool.clone(), config).await;
    regions(&pool).await;
    worker(&app, "fra", answers(200, "x"));
    let from = |address: String| {
        let mut browser = app.browser();
        browser.headers.push(("x-forwarded-for", address));
        browser
    };
    let mut one = from("198.51.100.1".into());
    for n in 0..12 {
        let target = format!("shop{n}.example");
        assert_eq!(
            one.post("/tools/ping", &[("target", &target)]).await.status,
            StatusCode::SEE_OTHER
        );
    }
    let over = one
        .post("/tools/ping", &[("target", "other.example")])
        .await;
    assert_eq!(over.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(over.header("retry-after").parse::<u32>().unwrap() <= 60);
    assert!(
        over.body.contains("as many looks as one visitor may"),
        "{}",
        over.body
    );
    let (status, _) = json(
        &mut one,
        Method::POST,
        "/tools/ping",
        Some("target=other.example"),
    )
    .await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    // The same question at once is one look.
    let count = async || {
        let sql =
            "SELECT count(DISTINCT run_id) FROM tool_looks WHERE target = 'busy.test.example'";
        sqlx::query_scalar::<_, i64>(sql)
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    for n in 0..5 {
        let mut other = from(format!("203.0.113.{n}"));
        let answer = other
            .post("/tools/ping", &[("target", "busy.test.example")])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    }
    assert_eq!(count().await, 1);
    // Many visitors who ask about one target are shown what was seen last.
    for n in 5..30 {
        app.wait(1);
        sqlx::query("UPDATE tool_looks SET created_at = created_at - interval '6 seconds'")
            .execute(&pool)
            .await
            .unwrap();
        let mut other = from(format!("203.0.113.{n}"));
        let answer = other
            .post("/tools/ping", &[("target", "busy.test.example")])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    }
    assert!(count().await <= 10, "at most ten a minute");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_waits_where_nobody_looks(pool: PgPool) {
    let app = App::with(pool.clone(), hosted()).await;
    let answer = app
        .browser()
        .post("/tools/down", &[("target", "shop.example")])
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("our fault"), "{}", answer.body);
    let (status, view) = json(
        &mut app.browser(),
        Method::POST,
        "/tools/down",
        Some("target=shop.example"),
    )
    .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{view}");
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn tools_can_be_switched_off(pool: PgPool) {
    let mut config = hosted();
    config.tools = ToolsMode::Off;
    let app = App::with(pool, config).await;
    for path in ["/tools", "/tools/down", "/tools/r/0123456789abcdef"] {
        assert_eq!(app.browser().get(path).await.status, StatusCode::NOT_FOUND);
    }
    let answer = app
        .browser()
        .post("/tools/down", &[("target", "shop.example")])
        .await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert!(!app.browser().get("/").await.body.contains("/tools"));
}
