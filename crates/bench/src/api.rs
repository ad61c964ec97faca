//! The API and the dashboard under load, beside a handler that only answers: lists of an account with many
//! monitors, monitors that are made, and the first page that a browser is shown.

use std::sync::Arc;
use std::time::Duration;

use egress::Trusted;
use egress::http::{ProviderClient, Request};
use serde::Serialize;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::looks::{self, Part};
use crate::program::{Customer, Program, quantile};
use crate::table::Table;

/// How much.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Of each account that lists.
    pub monitors: u32,
    /// Lists a second.
    pub lists: u32,
    /// Monitors made a second.
    pub makes: u32,
    /// Dashboards a second.
    pub dashboards: u32,
    /// For so long.
    pub seconds: u32,
}

/// As the aims of `docs/performance.md` say.
pub const FULL: Load = Load {
    monitors: 5_000,
    lists: 500,
    makes: 50,
    dashboards: 20,
    seconds: 20,
};
/// The same in less time.
pub const SMALL: Load = Load { seconds: 5, ..FULL };

/// Accounts that list in turn: each may ask so and so often in a minute.
const ACCOUNTS: u32 = 12;

#[derive(Debug, Serialize)]
struct Answers {
    what: &'static str,
    per_second: f64,
    p50_ms: f64,
    p99_ms: f64,
    max_ms: f64,
    refused: usize,
}

/// Somebody who asks, and what.
type Ask = Box<dyn Fn(usize) -> anyhow::Result<(String, Request)> + Send + Sync>;

/// Measures and prints a table, and a line of JSON.
pub async fn run(server_url: &str, load: Load) -> anyhow::Result<String> {
    let program = Program::start(server_url).await?;
    let mut customers = Vec::new();
    for number in 0..ACCOUNTS {
        let email = format!("lists-{number}@shop.example");
        customers.push(program.customer(&email, "enterprise").await?);
    }
    let (makers, listers) = customers.split_at(2);
    for lister in listers {
        let body = json!({ "url": "http://127.0.0.1:9/", "paused": true });
        program.post(lister, "monitors", &body).await?;
    }
    program.sql(&copies(load.monitors)).await?;
    let size = program
        .get(&listers[0], "monitors?limit=50")
        .await?
        .to_string();
    let bare = bare(size.len()).await?;
    let program = Arc::new(program);
    let mut answers = Vec::new();
    let nothing: Ask = Box::new(|_| Ok((String::new(), Request::get())));
    answers.push(
        ask(
            "bare handler",
            &bare.client,
            (load.lists, load.seconds),
            nothing,
        )
        .await?,
    );
    let client = Arc::new(program.client()?);
    let lists = signers(listers);
    let list: Ask = Box::new(move |n| {
        let path = "api/v1/monitors?limit=50".to_owned();
        Ok((path, lists[n % lists.len()](Request::get())?))
    });
    answers.push(
        ask(
            "list 50 of 5,000",
            &client,
            (load.lists, load.seconds),
            list,
        )
        .await?,
    );
    let makes = signers(makers);
    let make: Ask = Box::new(move |n| {
        let body = json!({ "url": format!("http://127.0.0.1:9/{n}"), "interval_seconds": 3_600 });
        let request = Request::post_json(body.to_string());
        Ok((
            "api/v1/monitors".to_owned(),
            makes[n % makes.len()](request)?,
        ))
    });
    answers.push(ask("make a monitor", &client, (load.makes, load.seconds), make).await?);
    let browsers = sessions(&program, listers).await?;
    let dashboard: Ask = Box::new(move |n| {
        let cookie = format!("watchbell_session={}", browsers[n % browsers.len()]);
        Ok((
            "monitors".to_owned(),
            Request::get().header("cookie", &cookie)?,
        ))
    });
    answers.push(
        ask(
            "dashboard of 5,000",
            &client,
            (load.dashboards, load.seconds),
            dashboard,
        )
        .await?,
    );
    drop(client);
    if let Some(program) = Arc::into_inner(program) {
        program.stop().await?;
    }
    Ok(text(&answers)?)
}

fn text(answers: &[Answers]) -> Result<String, serde_json::Error> {
    let titles = ["a second", "p50, ms", "p99, ms", "max, ms", "refused"];
    let mut table = Table::new("API", &titles);
    for answer in answers {
        let times = [answer.p50_ms, answer.p99_ms, answer.max_ms].map(|ms| format!("{ms:.2}"));
        let mut values = vec![format!("{:.0}", answer.per_second)];
        values.extend(times);
        values.push(answer.refused.to_string());
        table.line(answer.what, values);
    }
    Ok(format!(
        "{}{}\n",
        table.text(),
        serde_json::to_string(answers)?
    ))
}

/// A session of each customer, by what its cookie says.
async fn sessions(program: &Program, customers: &[Customer]) -> anyhow::Result<Vec<String>> {
    let mut tokens = Vec::new();
    for customer in customers {
        let token = store::secrets::random_token();
        let hash = store::secrets::token_hash(&token);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        let email = &customer.email;
        program
            .sql(&format!(
                "INSERT INTO sessions (id, user_id, token_hash, user_agent, created_at, last_seen_at, expires_at)
                 SELECT gen_random_uuid(), id, '\\x{hash}', 'bench', now(), now(), now() + interval '1 day'
                 FROM users WHERE email = '{email}'"
            ))
            .await?;
        tokens.push(token);
    }
    Ok(tokens)
}

type Signer = Box<dyn Fn(Request) -> anyhow::Result<Request> + Send + Sync>;

fn signers(customers: &[Customer]) -> Vec<Signer> {
    let signer = |customer: &Customer| -> Signer {
        let customer = customer.clone();
        Box::new(move |request| customer.sign(request))
    };
    customers.iter().map(signer).collect()
}

/// Every account's one monitor, `monitors` times.
fn copies(monitors: u32) -> String {
    let copies = monitors - 1;
    let columns = "account_id, id, kind, name, host, spec, secrets, interval_seconds, regions, tags, key, config_version, \
                   paused_at, created_at, updated_at, depends_on, severity";
    let new = columns.replace(", ", ", new.");
    format!(
        "CREATE TABLE copies AS SELECT m.account_id, m.id AS source, n, gen_random_uuid() AS id FROM monitors m, generate_series(1, {copies}) n;
         INSERT INTO monitors ({columns}) SELECT new.{new} FROM monitors old JOIN copies copy ON copy.source = old.id,
           LATERAL jsonb_populate_record(old, jsonb_build_object('id', copy.id, 'name', 'Shop ' || copy.n)) new;
         INSERT INTO monitor_states (account_id, monitor_id, observed, since) SELECT account_id, id, 'up', now() FROM copies;
         DROP TABLE copies;
         ANALYZE"
    )
}

/// A server that only answers.
struct Bare {
    client: Arc<ProviderClient>,
    _child: tokio::process::Child,
}

async fn bare(size: usize) -> anyhow::Result<Bare> {
    let port = testkit::free_port();
    let child = looks::spawn(&Part::Bare { port, size }, "0,1")?;
    while !looks::target::is_up(port).await {
        tokio::time::sleep(crate::cpu::A_WHILE).await;
    }
    let base = format!("http://127.0.0.1:{port}/").parse()?;
    let way_out = testkit::way_out::way_out(None, None);
    let client = ProviderClient::new(&way_out, &Trusted::from_operator_configuration(base))?;
    Ok(Bare {
        client: Arc::new(client),
        _child: child,
    })
}

/// Serves `size` bytes of JSON at `/`.
pub async fn serve_bare(port: u16, size: usize) -> anyhow::Result<()> {
    let body: Arc<str> = format!("\"{}\"", "x".repeat(size.saturating_sub(2))).into();
    let handler = move || {
        let body = body.to_string();
        async move { ([("content-type", "application/json")], body) }
    };
    let app = axum::Router::new().route("/", axum::routing::get(handler));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    Ok(axum::serve(listener, app).await?)
}

/// Asks evenly, whether the answers come or not, and measures from when each was to be asked.
async fn ask(
    what: &'static str,
    client: &Arc<ProviderClient>,
    (per_second, seconds): (u32, u32),
    of: Ask,
) -> anyhow::Result<Answers> {
    let mut asked = JoinSet::new();
    let began = Instant::now();
    for n in 0..(per_second * seconds) {
        let at = began + Duration::from_secs(1) * n / per_second;
        tokio::time::sleep_until(at).await;
        let (path, request) = of(usize::try_from(n)?)?;
        let client = client.clone();
        asked.spawn(async move {
            let answer = client
                .send(&path, request, at + Duration::from_secs(10))
                .await;
            (at.elapsed(), answer.is_ok_and(|answer| answer.is_success()))
        });
    }
    let (mut times, mut refused) = (Vec::new(), 0);
    while let Some(answer) = asked.join_next().await {
        let (took, is_good) = answer?;
        times.push(took.as_secs_f64() * 1_000.0);
        refused += usize::from(!is_good);
    }
    times.sort_by(f64::total_cmp);
    Ok(Answers {
        what,
        per_second: times.len() as f64 / began.elapsed().as_secs_f64(),
        p50_ms: quantile(&times, 0.5),
        p99_ms: quantile(&times, 0.99),
        max_ms: quantile(&times, 1.0),
        refused,
    })
}
