//! The form of a monitor, kind by kind, and the pages of escalation policies.

use http::StatusCode;
use rstest::rstest;
use sqlx::PgPool;

use super::{App, Browser};

const OWNER: &str = "kim@shop.example";

/// The part of a page from a mark to the end of its tag.
fn tag<'p>(page: &'p str, mark: &str) -> &'p str {
    let (_, rest) = page.split_once(mark).expect(mark);
    rest.split('>').next().expect("a tag ends")
}

/// The address that `Location` leads to has the id of what was made.
fn made(location: &str) -> String {
    let (path, _) = location.split_once('?').expect("what was done");
    path.trim_start_matches("/monitors/").to_owned()
}

async fn monitor_of(browser: &mut Browser, fields: &[(&str, &str)]) -> String {
    let answer = browser.post("/monitors", fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    made(answer.location())
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_kind_is_chosen_by_a_link_and_only_its_fields_are_in_sight(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up(OWNER).await;
    for (path, kind) in [
        ("/monitors/new", "http"),
        ("/monitors/new?kind=nonsense", "http"),
        ("/monitors/new?kind=tcp&url=db.shop.example", "tcp"),
        ("/monitors/new?kind=heartbeat", "heartbeat"),
        ("/monitors/new?kind=dns", "dns"),
    ] {
        let page = browser.get(path).await.body;
        assert!(
            tag(&page, "id=\"kind\"").contains(&format!("value=\"{kind}\"")),
            "{path}"
        );
        assert!(
            tag(&page, &format!("data-kind=\"{kind}\"")).contains("aria-current"),
            "{path}"
        );
        let tcp_only = tag(&page, "data-kinds=\"tcp udp websocket\"");
        assert_eq!(tcp_only.contains("hidden"), kind != "tcp", "{path}");
        let dns_only = tag(&page, "data-kinds=\"dns\"");
        assert_eq!(dns_only.contains("hidden"), kind != "dns", "{path}");
        let looked_at = tag(&page, "class=\"target-row\"");
        assert_eq!(looked_at.contains("hidden"), kind == "heartbeat", "{path}");
    }
    let page = browser
        .get("/monitors/new?kind=tcp&url=db.shop.example")
        .await
        .body;
    assert!(page.contains("value=\"db.shop.example\""));
}

/// A form that is wrong in one field of its kind: the error is at it, in sight, and all else stays.
#[rstest]
#[case("tcp", &[("target", "db.shop.example"), ("port", "many")], "port")]
#[case("udp", &[("target", "game.shop.example"), ("port", "27015")], "send")]
#[case("dns", &[("target", "shop.example"), ("expected", "not an address")], "expected")]
#[case("ping", &[("target", "shop.example"), ("count", "99")], "count")]
#[case("tls", &[("target", "not a host"), ("port", "443")], "target")]
#[case("websocket", &[("target", "ftp://shop.example/"), ("send", "hello")], "target")]
#[case("grpc", &[("target", "")], "target")]
#[case("domain", &[("target", "203.0.113.7")], "target")]
#[case("smtp", &[("target", "mail.shop.example"), ("timeout_ms", "long")], "timeout_ms")]
#[case("heartbeat", &[("cron", "not a cron")], "cron")]
#[case("heartbeat", &[("period_seconds", "often")], "period_seconds")]
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_error_is_at_its_field_and_nothing_typed_is_lost(
    #[ignore] pool: PgPool,
    #[case] kind: &str,
    #[case] typed: &[(&str, &str)],
    #[case] field: &str,
) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up(OWNER).await;
    let mut fields = vec![
        ("long", "1"),
        ("kind", kind),
        ("name", "Mine"),
        ("tags", "prod"),
    ];
    fields.extend(typed);
    for path in ["/monitors", "/monitors/test"] {
        let answer = browser.post(path, &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::UNPROCESSABLE_ENTITY,
            "{path} {kind}"
        );
        let page = answer.body;
        assert!(
            page.contains(&format!("id=\"{field}-error\"")),
            "{path} {kind}: {page}"
        );
        assert!(tag(&page, "id=\"kind\"").contains(&format!("value=\"{kind}\"")));
        assert!(page.contains("value=\"Mine\"") && page.contains("value=\"prod\""));
        for (_, value) in typed.iter().filter(|(_, value)| !value.is_empty()) {
            assert!(page.contains(value), "{path} {kind}: {value}");
        }
    }
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_kind_of_a_monitor_stays_whatever_is_sent(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up(OWNER).await;
    let tcp = [
        ("long", "1"),
        ("kind", "tcp"),
        ("target", "db.shop.example:5432"),
    ];
    let id = monitor_of(&mut browser, &tcp).await;
    let path = format!("/monitors/{id}/edit");
    let page = browser.get(&path).await.body;
    assert!(
        !page.contains("data-kind-choice"),
        "there is nothing to choose"
    );
    assert!(page.contains("value=\"5432\"") && page.contains("value=\"db.shop.example\""));
    let sent = [
        ("long", "1"),
        ("kind", "http"),
        ("target", "db2.shop.example"),
        ("port", "5433"),
    ];
    let answer = browser.post(&path, &sent).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let page = browser.get(&path).await.body;
    assert!(tag(&page, "id=\"kind\"").contains("value=\"tcp\""));
    assert!(page.contains("value=\"5433\"") && page.contains("value=\"db2.shop.example\""));
}

/// What was typed for one kind before another was chosen does not get in the way.
#[sqlx::test(migrator = "store::MIGRATOR")]
async fn fields_of_another_kind_are_not_read(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up(OWNER).await;
    let everything = [
        ("long", "1"),
        ("target", "shop.example"),
        ("port", "many"),
        ("period_seconds", "often"),
        ("cron", "never"),
        ("timezone", "Mars/Olympus"),
        ("interval_seconds", "1"),
        ("max_redirects", "many"),
        ("headers", "no colon"),
        ("count", "many"),
        ("warn_days", "soon"),
    ];
    let of_kind = |kind, dropped: &[&str]| -> Vec<(&str, &str)> {
        let rest = everything.into_iter();
        let rest = rest.filter(|(name, _)| !dropped.contains(name));
        [("kind", kind)].into_iter().chain(rest).collect()
    };
    for (kind, own) in [
        ("ping", &["count", "interval_seconds"][..]),
        ("domain", &["warn_days"][..]),
        ("dns", &["interval_seconds"][..]),
    ] {
        monitor_of(&mut browser, &of_kind(kind, own)).await;
    }
    let own = ["period_seconds", "cron", "timezone"];
    monitor_of(&mut browser, &of_kind("heartbeat", &own)).await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_policy_is_made_chosen_and_removed(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    let page = browser.get("/policies/new").await.body;
    let contact = tag(&page, "name=\"contact-0\" value=\"")
        .trim_end_matches('"')
        .to_owned();
    let contact = contact.split('"').next().unwrap();
    let fields = [
        ("name", "Night"),
        ("delay-0", ""),
        ("contact-0", contact),
        ("delay-1", "5 min"),
        ("contact-1", contact),
    ];
    let wrong = browser
        .post("/policies", &[("name", "Night"), ("delay-0", "")])
        .await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"step-0-error\"") && wrong.body.contains("value=\"Night\""));
    let more = [("do", "more"), ("name", "Night"), ("delay-0", "7 min")];
    let page = browser.post("/policies", &more).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("delay-1") && page.body.contains("value=\"7 min\""));
    let answer = browser.post("/policies", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.body);
    let list = browser.get(answer.location()).await.body;
    assert!(list.contains("then kim@shop.example after 5 min"), "{list}");
    let id = format!(
        "pol_{}",
        list.rsplit("/policies/pol_")
            .next()
            .unwrap()
            .split('"')
            .next()
            .unwrap()
    );

    let chosen = [
        ("long", "1"),
        ("kind", "http"),
        ("target", "shop.example"),
        ("tell", &id),
    ];
    let monitor = monitor_of(&mut browser, &chosen).await;
    let page = browser.get(&format!("/monitors/{monitor}/edit")).await.body;
    assert!(tag(&page, &format!("value=\"{id}\"")).contains("checked"));
    let gone = [
        ("long", "1"),
        ("kind", "http"),
        ("target", "shop.example"),
        ("tell", "pol_x"),
    ];
    let answer = browser.post("/monitors", &gone).await;
    assert!(answer.body.contains("id=\"contacts-error\""));

    let page = browser.get(&format!("/policies/{id}")).await.body;
    assert!(page.contains("value=\"5 min\""));
    let page = browser.get(&format!("/policies/{id}/delete")).await.body;
    assert!(page.contains("One monitor uses it"));
    let answer = browser.post(&format!("/policies/{id}/delete"), &[]).await;
    assert_eq!(answer.location(), "/policies?done=deleted");
    assert_eq!(
        browser.get(&format!("/policies/{id}")).await.status,
        StatusCode::NOT_FOUND
    );
    let page = browser.get(&format!("/monitors/{monitor}/edit")).await.body;
    assert!(tag(&page, "name=\"tell\" value=\"default\"").contains("checked"));
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn the_default_policy_gets_its_own_rule_back(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.verified(OWNER).await;
    let list = browser.get("/policies").await.body;
    let id = format!(
        "pol_{}",
        list.split("/policies/pol_")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
    );
    let path = format!("/policies/{id}");
    let page = browser.get(&path).await.body;
    assert!(!page.contains("Delete this policy") && !page.contains("built_in"));
    let contact = tag(&page, "name=\"contact-0\" value=\"")
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    let fields = [
        ("name", "Usual"),
        ("delay-0", "2 min"),
        ("contact-0", contact.as_str()),
    ];
    assert_eq!(
        browser.post(&path, &fields).await.location(),
        "/policies?done=saved"
    );
    let page = browser.get(&path).await.body;
    assert!(page.contains("value=\"2 min\"") && page.contains("built_in"));
    let back = [("name", "Usual"), ("do", "built_in")];
    assert_eq!(
        browser.post(&path, &back).await.location(),
        "/policies?done=saved"
    );
    assert!(
        browser
            .get("/policies")
            .await
            .body
            .contains("told by default, at once")
    );
    assert_eq!(
        browser
            .post(&format!("{path}/delete"), &[])
            .await
            .location(),
        path
    );
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_heartbeat_shows_how_to_call_when_it_is_expected_and_what_was_missed(pool: PgPool) {
    let app = App::new(pool).await;
    let mut browser = app.signed_up(OWNER).await;
    let fields = [
        ("long", "1"),
        ("kind", "heartbeat"),
        ("cron", "0 3 * * *"),
        ("timezone", "Europe/Berlin"),
    ];
    let id = monitor_of(&mut browser, &fields).await;
    let page = browser.get(&format!("/monitors/{id}")).await.body;
    assert!(page.contains("id=\"ping-url\"") && page.contains("0 3 * * * /path/to/job; curl"));
    let times = page.split("class=\"upcoming\">").nth(1).unwrap();
    let times = times.split("</ol>").next().unwrap();
    assert_eq!(times.matches("03:00:00").count(), 5, "{times}");
    assert!(!page.contains(">Missed<"));

    let monitor: domain::ids::MonitorId = id.parse().unwrap();
    let failure = domain::check::Failure::new(
        domain::check::FailureClass::HeartbeatMissed,
        domain::check::Phase::FirstByte,
        "no call",
    );
    let incident = app.down(monitor, failure).await;
    let page = browser.get(&format!("/monitors/{id}")).await.body;
    assert!(page.contains(&format!("/incidents/{incident}")) && page.contains(">Missed<"));
    let page = browser.get(&format!("/incidents/{incident}")).await.body;
    assert!(page.contains("no call within the grace") && !page.contains("looks failed"));
    assert!(
        !page.contains(&format!("/incidents/{incident}/check")),
        "nothing to look at"
    );
}
