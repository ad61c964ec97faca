//! Everything breaks, and each incident says why.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::cases::{CASES, Case};
use super::house::House;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::program::Settings;
use crate::support::wait;

/// Of a hundred verdicts at most so many may be unsure.
const UNSURE_OF_HUNDRED: usize = 10;

async fn count(database: &StoryDatabase, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&database.pool)
        .await
        .expect("a count")
}

async fn wait_for(database: &StoryDatabase, what: &str, sql: &'static str, limit: Duration) {
    let wanted = i64::try_from(CASES.len()).expect("a few");
    wait::until(what, limit, async || {
        (count(database, sql).await >= wanted).then_some(())
    })
    .await;
}

async fn look_now(api: &Api, monitors: &[String]) {
    let mut looks = JoinSet::new();
    for id in monitors {
        let (api, path) = (api.clone(), format!("/monitors/{id}/check"));
        looks.spawn(async move { api.send("POST", &path, None).await });
    }
    looks.join_all().await;
}

#[derive(Debug, PartialEq, Eq)]
enum Mark {
    Right,
    Unsure,
    Wrong,
}

/// Who names a true cause and the true side is right; who names another and says "possible" is unsure.
fn mark(case: &Case, incident: &Value) -> Mark {
    let diagnosis = &incident["diagnosis"];
    let is = |list: &[&str], field: &str| list.iter().any(|one| diagnosis[field] == *one);
    let right = is(case.right, "cause") && is(case.lies, "attribution");
    match (right, diagnosis["confidence"] == "possible") {
        (true, false) => Mark::Right,
        (true, true) | (false, true) => Mark::Unsure,
        (false, false) => Mark::Wrong,
    }
}

#[tokio::test]
#[ignore = "needs Debian's nginx, Apache, HAProxy, Varnish, PHP-FPM and Node: make soak"]
async fn an_incident_says_truly_why_a_server_of_the_world_is_down() {
    let house = House::start().await;
    let database = StoryDatabase::fresh().await;
    let settings =
        Settings::local(&database.url).with("TLS_ROOTS", house.roots().to_str().expect("UTF-8"));
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let mut monitors = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let about = json!({ "name": case.name, "interval_seconds": 3_600, "timeout_ms": 5_000 });
        monitors.push(api.watch(&house.url(number), about).await);
    }
    let well = "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming";
    let all_up = wait_for(&database, "everything is up", well, Duration::from_secs(90));
    if tokio::time::timeout(Duration::from_secs(30), all_up)
        .await
        .is_err()
    {
        let list = api.get("/monitors?limit=200").await;
        let monitors = list["data"].as_array().expect("a list").iter();
        let others = monitors.filter(|monitor| monitor["status"] != "up");
        let others: Vec<String> = others
            .map(|one| format!("{}: {}", one["name"], one["last_check"]))
            .collect();
        panic!("not up: {}", others.join("\n"));
    }

    house.break_everything().await;
    look_now(&api, &monitors).await;
    let opened = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL";
    let _all = tokio::time::timeout(
        Duration::from_secs(60),
        wait_for(&database, "all incidents", opened, Duration::from_secs(120)),
    )
    .await;
    let read = "SELECT count(*) FROM incidents WHERE diagnosed_at IS NOT NULL";
    let _all = tokio::time::timeout(
        Duration::from_secs(10),
        wait_for(&database, "all verdicts", read, Duration::from_secs(30)),
    )
    .await;

    let (mut table, mut wrong, mut unsure) = (String::new(), 0, 0);
    for (case, monitor) in CASES.iter().zip(&monitors) {
        let list = api.get(&format!("/incidents?monitor_id={monitor}")).await;
        let incident = &list["data"][0];
        if incident.is_null() {
            let monitor = api.get(&format!("/monitors/{monitor}")).await;
            writeln!(
                table,
                "NO INCIDENT {} {} {}",
                case.name, monitor["status"], monitor["last_check"]
            )
            .expect("written");
            wrong += 1;
            continue;
        }
        let diagnosis = &incident["diagnosis"];
        let mark = mark(case, incident);
        wrong += usize::from(mark == Mark::Wrong);
        unsure += usize::from(mark == Mark::Unsure);
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        writeln!(
            table,
            "{:?} | {} | {} | {} | {} | {} | {}\n    {}\n    {}",
            mark,
            case.name,
            text(&incident["failure"]["class"]),
            text(&diagnosis["cause"]),
            text(&diagnosis["confidence"]),
            text(&diagnosis["attribution"]),
            text(&diagnosis["rule"]),
            text(&diagnosis["sentence"]),
            text(&diagnosis["technical"]),
        )
        .expect("written");
    }
    let took: Vec<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM diagnosed_at - confirmed_at)::float8 FROM incidents ORDER BY 1",
    )
    .fetch_all(&database.pool)
    .await
    .expect("seconds");
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let all = CASES.len();
    println!("{table}");
    println!(
        "{all} cases: {} right, {unsure} unsure, {wrong} wrong",
        all - unsure - wrong
    );
    println!(
        "from sure to verdict: p50 {:.2} s, p99 {:.2} s",
        at(50),
        at(99)
    );
    assert_eq!(wrong, 0, "{table}");
    assert!(
        unsure * 100 <= all * UNSURE_OF_HUNDRED,
        "{unsure} of {all}:\n{table}"
    );
}
