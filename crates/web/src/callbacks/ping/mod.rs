//! What jobs call: `/ping/{uuid}`, with `/start`, `/fail`, `/log` or an exit status behind it, or
//! `/ping/{ping_key}/{slug}` in its place (the grammar of Healthchecks.io).
//!
//! No session, no form: whoever holds the address is the job. The answer is short plain text, since it
//! lands in cron mails. The call counts even when its body is too long, comes too slowly or is cut.

mod answer;
mod body;
mod by_name;

use axum::extract::{Path, Query, Request, State};
use domain::heartbeat::Action;
use domain::ids::{AccountId, MonitorId};
use http::header;
use incidents::{PingOutcome, Pinged};
use serde::Deserialize;
use store::token_lookups::{self, Kind};
use uuid::Uuid;

use self::answer::{Answer, Refusal};
pub use self::body::unpacked;
use crate::api::rate::{ANONYMOUS_PER_MINUTE, Counted};
use crate::extract::ClientIp;
use crate::routes::{Access, Routes};
use crate::state::AppState;

/// Calls of one token in a minute that are looked at at all.
const MOST_PER_MINUTE: u32 = 600;
/// What is kept of the name of the program that calls.
const LONGEST_AGENT: usize = 200;

/// The routes.
pub fn routes() -> Routes {
    let mut routes = Routes::new().get("/ping/self", Access::Public, ourselves);
    for path in [
        "/ping/{token}",
        "/ping/{token}/{slug}",
        "/ping/{token}/{slug}/{tail}",
    ] {
        routes = routes
            .get(path, Access::Token, call)
            .post(path, Access::Token, call);
    }
    routes
}

#[derive(Debug, Deserialize)]
struct Asked {
    rid: Option<String>,
    create: Option<String>,
}

/// Whom a call is for.
#[derive(Debug, Clone, Copy)]
struct Called {
    account: AccountId,
    monitor: MonitorId,
    is_new: bool,
}

/// Our own call, which proves that calls arrive and are stored: as far as the database and back.
async fn ourselves(State(state): State<AppState>) -> Result<Answer, Refusal> {
    let mut connection = state.pool.acquire().await?;
    sqlx::Connection::ping(&mut *connection).await?;
    Ok(Answer::Ok)
}

/// A job's call.
async fn call(
    State(state): State<AppState>,
    Path(path): Path<Vec<(String, String)>>,
    Query(asked): Query<Asked>,
    ip: ClientIp,
    request: Request,
) -> Result<Answer, Refusal> {
    let parts: Vec<&str> = path.iter().map(|(_, part)| part.as_str()).collect();
    let rid = match asked.rid.as_deref() {
        None => None,
        Some(text) => Some(Uuid::parse_str(text).map_err(|_| Refusal::Rid)?),
    };
    let create = asked.create.as_deref() == Some("1");
    let (called, action) = find(&state, &parts, create, ip).await?;
    let (parts, body) = request.into_parts();
    let sent = body::read(body).await;
    let agent = parts.headers.get(header::USER_AGENT);
    let agent = agent.map(|agent| String::from_utf8_lossy(agent.as_bytes()));
    let pinged = Pinged {
        action,
        rid,
        method: parts.method.to_string(),
        address: Some(ip.0),
        user_agent: agent
            .unwrap_or_default()
            .chars()
            .filter(|c| !c.is_control())
            .take(LONGEST_AGENT)
            .collect(),
        body_bytes: sent.bytes,
        body: sent.kept,
    };
    // It counts even when the job hangs up now.
    let work = tokio::spawn(async move { record(&state, called, &pinged).await });
    match work.await.map_err(|_| Refusal::Ours)?? {
        PingOutcome::Gone => Err(Refusal::NotFound),
        PingOutcome::Limited(seconds) => Err(Refusal::TooMany(seconds)),
        PingOutcome::Taken { .. } if called.is_new => Ok(Answer::Created),
        PingOutcome::Taken { .. } => Ok(Answer::Ok),
    }
}

async fn record(state: &AppState, called: Called, pinged: &Pinged) -> Result<PingOutcome, Refusal> {
    let mut transaction = store::tenant::begin(&state.pool, called.account).await?;
    let subject = (called.account, called.monitor);
    let outcome = incidents::record_ping(
        &mut transaction,
        &state.secrets,
        subject,
        pinged,
        state.now(),
    )
    .await?;
    transaction.commit().await?;
    Ok(outcome)
}

/// The monitor and what is said of it.
async fn find(
    state: &AppState,
    parts: &[&str],
    create: bool,
    ip: ClientIp,
) -> Result<(Called, Action), Refusal> {
    let of = |tail: Option<&&str>| tail.map_or(Ok(Action::SUCCESS), |tail| Action::parse(tail));
    let (first, rest) = parts.split_first().ok_or(Refusal::NotFound)?;
    if let Ok(token) = Uuid::parse_str(first) {
        if rest.len() > 1 {
            return Err(Refusal::NotFound);
        }
        let action = of(rest.first())?;
        let mut connection = state.pool.acquire().await?;
        let token = token.to_string();
        let found = token_lookups::find(&mut connection, Kind::Heartbeat, &token).await?;
        let Some(found) = found else {
            return Err(unknown(state, ip));
        };
        admit(state, token)?;
        let called = Called {
            account: found.account_id,
            monitor: MonitorId::from_uuid(found.row_id),
            is_new: false,
        };
        return Ok((called, action));
    }
    let (slug, tail) = rest.split_first().ok_or_else(|| unknown(state, ip))?;
    let action = of(tail.first())?;
    let called = by_name::find(state, (first, slug), create, ip).await?;
    Ok((called, action))
}

/// A token or key that nobody has: guessing is slowed down.
fn unknown(state: &AppState, ip: ClientIp) -> Refusal {
    let counted = Counted::Network(ip.network());
    let allowance = state
        .api_limits
        .take(counted, ANONYMOUS_PER_MINUTE, state.now());
    allowance
        .retry_after
        .map_or(Refusal::NotFound, Refusal::TooMany)
}

/// A token that calls without end is turned away before it costs anything.
fn admit(state: &AppState, token: String) -> Result<(), Refusal> {
    let allowance = state
        .api_limits
        .take(Counted::Pings(token), MOST_PER_MINUTE, state.now());
    allowance
        .retry_after
        .map_or(Ok(()), |seconds| Err(Refusal::TooMany(seconds)))
}
