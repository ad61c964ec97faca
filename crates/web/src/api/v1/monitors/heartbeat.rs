//! What is known of a heartbeat monitor's calls.

use axum::extract::State;
use domain::heartbeat::{Beat, Signal};
use domain::ids::MonitorId;
use serde::Serialize;
use store::heartbeats::pings::Ping;
use utoipa::ToSchema;

use crate::api::auth::Reader;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::state::AppState;

/// What was heard of a job, and what is waited for.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Heartbeat)]
pub struct HeartbeatView {
    /// The last heartbeat; null before the first.
    #[schema(format = DateTime)]
    last_at: Option<String>,
    /// What it said.
    #[schema(value_type = Option<SignalName>)]
    last_signal: Option<&'static str>,
    /// The exit status it said, where it said one.
    last_exit_status: Option<u8>,
    /// How long the last finished run took; null where its start was not said.
    last_duration_ms: Option<i64>,
    /// A run began then and has not ended.
    #[schema(format = DateTime)]
    running_since: Option<String>,
    /// When the next heartbeat is expected; null while none is waited for.
    #[schema(format = DateTime)]
    expected_at: Option<String>,
    /// When it is missed; null while none is waited for.
    #[schema(format = DateTime)]
    due_at: Option<String>,
    /// Heartbeats so far.
    count: i64,
}

/// What a job says.
#[derive(Debug, ToSchema)]
#[schema(as = Signal, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum SignalName {
    Success,
    Start,
    Fail,
    Log,
}

impl HeartbeatView {
    /// Of what is stored.
    pub fn of(beat: &Beat, count: i64) -> Self {
        let last = beat.last;
        Self {
            last_at: beat.last_at.map(|at| at.to_string()),
            last_signal: last.map(|last| Signal::as_str(last.signal)),
            last_exit_status: last.and_then(|last| last.exit_status),
            last_duration_ms: beat
                .last_duration
                .map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            running_since: beat.run.map(|run| run.started_at.to_string()),
            expected_at: beat.expected_at.map(|at| at.to_string()),
            due_at: beat.due_at.map(|at| at.to_string()),
            count,
        }
    }
}

/// A call of a job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ping)]
pub struct PingView {
    /// Counts the monitor's heartbeats from 1.
    number: i64,
    #[schema(format = DateTime)]
    at: String,
    #[schema(value_type = SignalName)]
    signal: &'static str,
    exit_status: Option<u8>,
    /// The run it named.
    rid: Option<String>,
    /// How long the run took that it ended.
    duration_ms: Option<i64>,
    method: String,
    address: Option<String>,
    user_agent: String,
    /// How long the body was that was sent; the page of the monitor shows it.
    body_bytes: u32,
}

impl PingView {
    fn of(ping: &Ping) -> Self {
        Self {
            number: ping.number,
            at: ping.at.to_string(),
            signal: ping.action.signal.as_str(),
            exit_status: ping.action.exit_status,
            rid: ping.rid.map(|rid| rid.to_string()),
            duration_ms: ping
                .duration
                .map(|took| i64::try_from(took.as_millis()).unwrap_or(i64::MAX)),
            method: ping.method.clone(),
            address: ping.address.map(|address| address.to_string()),
            user_agent: ping.user_agent.clone(),
            body_bytes: ping.body_bytes,
        }
    }
}

/// List heartbeats of a monitor
///
/// The last hundred, newest first; none of a monitor that is looked at.
#[utoipa::path(get, path = "/api/v1/monitors/{monitor_id}/pings", tag = "Reports", operation_id = "monitors.pings",
    params(("monitor_id" = String, Path, description = "`mon_…`")),
    responses((status = 200, body = Page<PingView>)))]
pub async fn pings(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<MonitorId>,
    mut params: Params,
) -> ApiResult<axum::Json<Page<PingView>>> {
    let page = params.page::<i64>()?;
    params.finish()?;
    let account = reader.account_id();
    let mut tx = reader.begin(&state).await?;
    store::monitors::find(&mut tx, &state.secrets, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let asked = (page.cursor, page.limit + 1);
    let mut rows = store::heartbeats::pings::list(&mut tx, account, id, asked).await?;
    let next = cut(&mut rows, page.limit, |ping| ping.number);
    let data = rows.iter().map(PingView::of).collect();
    Ok(axum::Json(Page::new(data, next)))
}
