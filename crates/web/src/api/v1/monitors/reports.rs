//! What was seen of a monitor: looks, uptime, response times.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::check::VerdictKind;
use domain::ids::{AccountId, MonitorId};
use domain::report::{Point, Uptime, Window, step_seconds};
use http::HeaderMap;
use serde::Serialize;
use sqlx::PgConnection;
use store::reports::{ChecksCursor, ChecksFilter};
use utoipa::ToSchema;

use crate::api::auth::Reader;
use crate::api::csv;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params};
use crate::api::v1::checks::{CheckView, PhasesView};
use crate::state::AppState;

/// Time in states over a window. Whole seconds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Uptime)]
pub struct UptimeView {
    #[schema(format = DateTime)]
    from: String,
    #[schema(format = DateTime)]
    to: String,
    /// Share of the observed time that was not down; null while nothing was observed.
    uptime: Option<f64>,
    up_seconds: u64,
    degraded_seconds: u64,
    down_seconds: u64,
    /// We could not look; excluded from `uptime`.
    unknown_seconds: u64,
    maintenance_seconds: u64,
    paused_seconds: u64,
    incidents: u32,
    longest_down_seconds: u64,
    mean_down_seconds: u64,
}

/// Response times in steps. A gap is a missing point.
#[derive(Debug, Serialize, ToSchema)]
pub struct ResponseTimes {
    step_seconds: i64,
    points: Vec<PointView>,
}

/// One step.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Point)]
pub struct PointView {
    /// Its begin.
    #[schema(format = DateTime)]
    at: String,
    /// Looks in it.
    count: u32,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
    phases_p50_ms: PhasesView,
}

/// List checks of a monitor
///
/// Newest first. `Accept: text/csv` answers a table, its next cursor in the header `Next-Cursor`.
#[utoipa::path(get, path = "/api/v1/monitors/{monitor_id}/checks", tag = "Reports", operation_id = "monitors.checks",
    params(
        ("monitor_id" = String, Path, description = "`mon_…`"),
        ("region" = Option<String>, Query, description = "From this region"),
        ("verdict" = Option<String>, Query, description = "up, degraded, down, blocked or unknown"),
    ),
    responses((status = 200, content((Page<CheckView> = "application/json"), (String = "text/csv")))))]
pub async fn checks(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<MonitorId>,
    mut params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let now = state.now();
    let window = params.window(now)?;
    let filter = ChecksFilter {
        region: params.take("region"),
        verdict: params.word(
            "verdict",
            VerdictKind::parse,
            &VerdictKind::ALL.map(VerdictKind::as_str),
        )?,
    };
    let page = params.page::<String>()?;
    params.finish()?;
    let wrong = |()| Problem::field("?cursor", "invalid", "must be a next_cursor of this list");
    let cursor: Option<ChecksCursor> = page
        .cursor
        .map(|text| text.parse().map_err(wrong))
        .transpose()?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    must_exist(&mut tx, &state, account, id).await?;
    let found = store::reports::list_checks(
        &mut tx,
        (account, id),
        window,
        &filter,
        (cursor.as_ref(), page.limit),
    )
    .await?;
    let data: Vec<CheckView> = found.checks.iter().map(CheckView::of).collect();
    let page = Page::new(data, found.next.map(|cursor| cursor.to_string()));
    if csv::is_wanted(&headers) {
        return csv::answer(
            &CheckView::COLUMNS,
            page.data.iter().map(CheckView::row),
            page.next_cursor.as_deref(),
        );
    }
    Ok(axum::Json(page).into_response())
}

/// Uptime of a monitor
///
/// Time in states, not a share of looks. Time in which we could not look is excluded and shown.
#[utoipa::path(get, path = "/api/v1/monitors/{monitor_id}/uptime", tag = "Reports", operation_id = "monitors.uptime",
    params(("monitor_id" = String, Path, description = "`mon_…`")),
    responses((status = 200, content((UptimeView = "application/json"), (String = "text/csv")))))]
pub async fn uptime(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<MonitorId>,
    mut params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let window = params.window(state.now())?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    must_exist(&mut tx, &state, account, id).await?;
    let view = UptimeView::of(&store::reports::uptime(&mut tx, account, id, window).await?);
    if csv::is_wanted(&headers) {
        return csv::answer(&UptimeView::COLUMNS, [view.row()], None);
    }
    Ok(axum::Json(view).into_response())
}

/// Response times of a monitor
///
/// Five-minute steps for a day, hours for a week, four hours for a month, else days.
#[utoipa::path(get, path = "/api/v1/monitors/{monitor_id}/response-times", tag = "Reports",
    operation_id = "monitors.response_times",
    params(("monitor_id" = String, Path, description = "`mon_…`")),
    responses((status = 200, content((ResponseTimes = "application/json"), (String = "text/csv")))))]
pub async fn response_times(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<MonitorId>,
    mut params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let window: Window = params.window(state.now())?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    must_exist(&mut tx, &state, account, id).await?;
    let step = step_seconds(window);
    let points = store::reports::response_times(&mut tx, account, id, window, step).await?;
    let points: Vec<PointView> = points.into_iter().map(PointView::of).collect();
    if csv::is_wanted(&headers) {
        return csv::answer(&PointView::COLUMNS, points.iter().map(PointView::row), None);
    }
    Ok(axum::Json(ResponseTimes {
        step_seconds: step,
        points,
    })
    .into_response())
}

async fn must_exist(
    connection: &mut PgConnection,
    state: &AppState,
    account: AccountId,
    id: MonitorId,
) -> ApiResult<()> {
    let found = store::monitors::find(connection, &state.secrets, account, id).await?;
    found.map(drop).ok_or_else(Problem::not_found)
}

impl UptimeView {
    const COLUMNS: [&'static str; 12] = [
        "from",
        "to",
        "uptime",
        "up_seconds",
        "degraded_seconds",
        "down_seconds",
        "unknown_seconds",
        "maintenance_seconds",
        "paused_seconds",
        "incidents",
        "longest_down_seconds",
        "mean_down_seconds",
    ];

    fn of(uptime: &Uptime) -> Self {
        Self {
            from: uptime.from.to_string(),
            to: uptime.to.to_string(),
            uptime: uptime.uptime,
            up_seconds: uptime.up_seconds,
            degraded_seconds: uptime.degraded_seconds,
            down_seconds: uptime.down_seconds,
            unknown_seconds: uptime.unobserved_seconds(),
            maintenance_seconds: uptime.maintenance_seconds,
            paused_seconds: uptime.paused_seconds,
            incidents: uptime.incidents,
            longest_down_seconds: uptime.longest_down_seconds,
            mean_down_seconds: uptime.mean_down_seconds,
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.from.clone(),
            self.to.clone(),
            self.uptime
                .map(|share| share.to_string())
                .unwrap_or_default(),
            self.up_seconds.to_string(),
            self.degraded_seconds.to_string(),
            self.down_seconds.to_string(),
            self.unknown_seconds.to_string(),
            self.maintenance_seconds.to_string(),
            self.paused_seconds.to_string(),
            self.incidents.to_string(),
            self.longest_down_seconds.to_string(),
            self.mean_down_seconds.to_string(),
        ]
    }
}

impl PointView {
    const COLUMNS: [&'static str; 5] = ["at", "count", "p50_ms", "p95_ms", "max_ms"];

    fn of(point: Point) -> Self {
        Self {
            at: point.at.to_string(),
            count: point.count,
            p50_ms: point.p50_ms,
            p95_ms: point.p95_ms,
            max_ms: point.max_ms,
            phases_p50_ms: PhasesView::of_ms(point.phases_p50_ms),
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.at.clone(),
            self.count.to_string(),
            self.p50_ms.to_string(),
            self.p95_ms.to_string(),
            self.max_ms.to_string(),
        ]
    }
}
