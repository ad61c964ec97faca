//! Actions on one monitor.

use axum::extract::State;
use axum::response::Response;
use domain::ids::MonitorId;
use http::StatusCode;

use super::answer;
use super::view::MonitorView;
use crate::api::auth::Writer;
use crate::api::body::NoBody;
use crate::api::etag;
use crate::api::id::Id;
use crate::api::problem::ApiResult;
use crate::api::v1::checks::CheckView;
use crate::state::AppState;
use crate::usecases::{looks, monitors};

/// Pause a monitor
///
/// Looks and alerts stop; an open incident ends. It still counts against the plan.
#[utoipa::path(post, path = "/api/v1/monitors/{monitor_id}/pause", tag = "Monitors", operation_id = "monitors.pause",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = MonitorView)))]
pub async fn pause(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    _: NoBody,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    monitors::pause(&mut tx, &state, &caller, id).await?;
    answer(&state, &writer, tx, (id, StatusCode::OK)).await
}

/// Resume a monitor
///
/// It is looked at again, at once.
#[utoipa::path(post, path = "/api/v1/monitors/{monitor_id}/resume", tag = "Monitors", operation_id = "monitors.resume",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = MonitorView)))]
pub async fn resume(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    _: NoBody,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    monitors::resume(&mut tx, &state, &caller, id).await?;
    answer(&state, &writer, tx, (id, StatusCode::OK)).await
}

/// Restore a deleted monitor
///
/// Within 7 days, with its history. Its key comes back unless another monitor has it now.
#[utoipa::path(post, path = "/api/v1/monitors/{monitor_id}/restore", tag = "Monitors", operation_id = "monitors.restore",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = MonitorView)))]
pub async fn restore(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    _: NoBody,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    monitors::restore(&mut tx, &state, &caller, id).await?;
    answer(&state, &writer, tx, (id, StatusCode::OK)).await
}

/// Check now
///
/// Looks at once and answers with what was seen, at the latest 3 seconds after the time-out. At most 6 a
/// minute for one monitor.
#[utoipa::path(post, path = "/api/v1/monitors/{monitor_id}/check", tag = "Monitors", operation_id = "monitors.check",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = CheckView)))]
pub async fn check(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    _: NoBody,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let look = monitors::check_now(&mut tx, &state, &caller, id).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return Ok(crate::api::v1::dry_run_passed());
    }
    let result = looks::wait(&state, writer.account_id(), look).await?;
    etag::tagged(StatusCode::OK, None, &CheckView::of_result(&result))
}
