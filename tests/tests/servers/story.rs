//! Everything breaks, and each incident says why.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::cases::{CASES, Case};
use super::house::House;
use crate::support::api::{self, Api};
use crate::support::database::StoryDatabase;
use crate::support::program::Settings;

/// Of a hundred verdicts at most so many may be unsure.
const UNSURE_OF_HUNDRED: usize = 10;

async fn count(database: &StoryDatabase, sql: &'static str) -> i64 {
    sqlx::query_scalar(sql)
        .fetch_one(&database.pool)
        .await
        .expect("a count")
}

/// Whether there were as many as there are cases within `limit`.
async fn wait_for(database: &StoryDatabase, sql: &'static str, limit: Duration) -> bool {
    let wanted = i64::try_from(CASES.len()).expect("a few");
    let deadline = Instant::now() + limit;
    while count(database, sql).await < wanted {
        if Instant::now() > deadline {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    true
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

/// All cases, watched and well.
async fn watch(house: &House, database: &StoryDatabase, api: &Api) -> Vec<String> {
    let mut monitors = Vec::new();
    for (number, case) in CASES.iter().enumerate() {
        let about = json!({ "name": case.name, "interval_seconds": 3_600, "timeout_ms": 5_000 });
        monitors.push(api.watch(&house.url(number), about).await);
    }
    let well = "SELECT count(*) FROM monitor_states WHERE observed = 'up' AND NOT confirming";
    if !wait_for(database, well, Duration::from_secs(30)).await {
        let list = api.get("/monitors?limit=200").await;
        let monitors = list["data"].as_array().expect("a list").iter();
        let others = monitors.filter(|monitor| monitor["status"] != "up");
        let others: Vec<String> = others
            .map(|one| format!("{}: {}", one["name"], one["last_check"]))
            .collect();
        panic!("not up: {}", others.join("\n"));
    }
    monitors
}

/// What became of a case: its mark, and its lines of the table.
async fn judge(api: &Api, case: &Case, monitor: &str) -> (Mark, String) {
    let list = api.get(&format!("/incidents?monitor_id={monitor}")).await;
    let incident = &list["data"][0];
    if incident.is_null() {
        let monitor = api.get(&format!("/monitors/{monitor}")).await;
        let text = format!("No incident | {} | {}", case.name, monitor["last_check"]);
        return (Mark::Wrong, text);
    }
    let mark = mark(case, incident);
    let diagnosis = &incident["diagnosis"];
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    let class = text(&incident["failure"]["class"]);
    let fields = ["cause", "confidence", "attribution", "rule"];
    let fields = fields.map(|field| text(&diagnosis[field])).join(" | ");
    let (plain, technical) = (text(&diagnosis["sentence"]), text(&diagnosis["technical"]));
    let line = format!(
        "{mark:?} | {} | {class} | {fields}\n    {plain}\n    {technical}",
        case.name
    );
    (mark, line)
}

#[tokio::test]
#[ignore = "needs Debian's nginx, Apache, HAProxy, Varnish, lighttpd, Caddy, PHP-FPM and Node: make soak"]
async fn an_incident_says_truly_why_a_server_of_the_world_is_down() {
    let house = House::start().await;
    let database = StoryDatabase::fresh().await;
    let roots = house.roots();
    let settings = Settings::local(&database.url).with("TLS_ROOTS", roots.to_str().expect("UTF-8"));
    let _server = settings.serve().await;
    let api = api::account(&settings, "owner@shop.example", "team").await;
    let monitors = watch(&house, &database, &api).await;

    house.break_everything().await;
    look_now(&api, &monitors).await;
    // Who has none when the time is over is told of in the table.
    let opened = "SELECT count(*) FROM incidents WHERE resolved_at IS NULL";
    wait_for(&database, opened, Duration::from_secs(60)).await;
    let read = "SELECT count(*) FROM incidents WHERE diagnosed_at IS NOT NULL";
    wait_for(&database, read, Duration::from_secs(10)).await;

    let (mut table, mut wrong, mut unsure) = (Vec::new(), 0, 0);
    for (case, monitor) in CASES.iter().zip(&monitors) {
        let (mark, line) = judge(&api, case, monitor).await;
        wrong += usize::from(mark == Mark::Wrong);
        unsure += usize::from(mark == Mark::Unsure);
        table.push(line);
    }
    let took: Vec<f64> = sqlx::query_scalar(
        "SELECT extract(epoch FROM diagnosed_at - confirmed_at)::float8 FROM incidents ORDER BY 1",
    )
    .fetch_all(&database.pool)
    .await
    .expect("seconds");
    let at = |share: usize| took[(took.len() - 1) * share / 100];
    let (all, table) = (CASES.len(), table.join("\n"));
    let right = all - unsure - wrong;
    println!("{table}\n{all} cases: {right} right, {unsure} unsure, {wrong} wrong");
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
