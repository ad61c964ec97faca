//! `/maintenance-windows`.

mod input;

use axum::extract::State;
use axum::response::Response;
use domain::ids::MaintenanceWindowId;
use domain::maintenance::{MaintenanceWindow, Occurrence, Schedule};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::{Body, NoBody};
use crate::api::etag;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::api::read_only::{self, ReadOnly};
use crate::state::AppState;
use crate::usecases::maintenance;

pub use input::{WindowInput, WindowPatch};

/// A maintenance window: looks go on, and nobody is told of an outage until it is over.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MaintenanceWindow)]
pub struct WindowView {
    /// `mwn_…`
    #[schema(read_only)]
    id: String,
    /// Its page.
    #[schema(read_only)]
    html_url: String,
    name: String,
    /// For these monitors. Without it and without `tags`: for all, later ones too.
    monitor_ids: Option<Vec<String>>,
    /// For monitors with one of these tags.
    tags: Option<Vec<String>>,
    /// Of a window that is once.
    #[schema(format = DateTime)]
    starts_at: Option<String>,
    /// Of a window that is once.
    #[schema(format = DateTime)]
    ends_at: Option<String>,
    /// Of a window that comes again: the value of an RRULE (RFC 5545).
    rrule: Option<String>,
    /// The local time at which the rule begins; its time of day is that of every occurrence.
    local_start: Option<String>,
    /// How long each occurrence lasts.
    duration_seconds: Option<u32>,
    /// The IANA zone of the local time.
    timezone: Option<String>,
    /// Whether it is now, is to come or is over for good.
    #[schema(value_type = WindowStatusName, read_only)]
    status: &'static str,
    /// The one that is now and those to come, at most five.
    #[schema(read_only)]
    next_occurrences: Vec<OccurrenceView>,
    #[schema(format = DateTime, read_only)]
    created_at: String,
    #[schema(format = DateTime, read_only)]
    updated_at: String,
}

/// One time of a window.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Occurrence)]
pub struct OccurrenceView {
    #[schema(format = DateTime)]
    starts_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
}

/// Where a window stands.
#[derive(Debug, ToSchema)]
#[schema(as = MaintenanceWindowStatus, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum WindowStatusName {
    Scheduled,
    Active,
    Ended,
}

const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "html_url", "created_at"],
    moving: &["status", "next_occurrences", "updated_at"],
};

/// List maintenance windows
///
/// The newest first; those that are over are listed for 90 days.
#[utoipa::path(get, path = "/api/v1/maintenance-windows", tag = "Maintenance", operation_id = "maintenance_windows.list",
    responses((status = 200, body = Page<WindowView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<WindowView>>> {
    let page = params.page::<MaintenanceWindowId>()?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let mut rows = store::maintenance::list(&mut tx, reader.account_id()).await?;
    if let Some(last) = page.cursor {
        rows.retain(|window| window.id < last);
    }
    rows.truncate(usize::try_from(page.limit + 1).unwrap_or(usize::MAX));
    let next = cut(&mut rows, page.limit, |window| window.id);
    let data = rows
        .iter()
        .map(|window| WindowView::of(&state, window))
        .collect();
    Ok(axum::Json(Page::new(data, next)))
}

/// Create a maintenance window
///
/// Once, from `starts_at` (default: now) to `ends_at`; or by rule, with `rrule`, `local_start`,
/// `duration_seconds` and `timezone` (default: the account's). Where clocks change, a local time that is
/// missing is the first instant after the gap, and of one that comes twice the first counts.
#[utoipa::path(post, path = "/api/v1/maintenance-windows", tag = "Maintenance", operation_id = "maintenance_windows.create",
    request_body = WindowInput,
    responses((status = 201, body = WindowView, headers(("Location" = String, description = "Address of the new window")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    if let Some(key) = READ_ONLY.find(&body.0) {
        return Err(read_only::refused(key));
    }
    let input: WindowInput = body.decode()?;
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let defaults = input::Defaults::read(&mut tx, &caller).await?;
    let parts = input.parts(&defaults)?;
    let window = MaintenanceWindow {
        id: MaintenanceWindowId::generate(),
        name: parts.name,
        targets: parts.targets,
        schedule: parts.schedule,
        ended_at: None,
        created_at: caller.now,
        updated_at: caller.now,
        version: 1,
    };
    let window = maintenance::create(&mut tx, &caller, window).await?;
    let view = WindowView::of(&state, &window);
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(StatusCode::CREATED, Some(window.version), &view)?;
    let location = format!("/api/v1/maintenance-windows/{}", window.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Get a maintenance window
#[utoipa::path(get, path = "/api/v1/maintenance-windows/{maintenance_window_id}", tag = "Maintenance",
    operation_id = "maintenance_windows.get",
    params(("maintenance_window_id" = String, Path, description = "`mwn_…`")), responses((status = 200, body = WindowView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<MaintenanceWindowId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let window = store::maintenance::find(&mut tx, reader.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let view = WindowView::of(&state, &window);
    etag::fresh(&headers, Some(window.version), &view)
}

/// Change a maintenance window
///
/// A merge patch that holds at once, also while it runs: what was stays, what comes is new. From once to a
/// rule or back: null the fields of the one and send those of the other.
#[utoipa::path(patch, path = "/api/v1/maintenance-windows/{maintenance_window_id}", tag = "Maintenance",
    operation_id = "maintenance_windows.update",
    params(("maintenance_window_id" = String, Path, description = "`mwn_…`")), request_body = WindowPatch,
    responses((status = 200, body = WindowView)))]
pub async fn update(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MaintenanceWindowId>,
    headers: HeaderMap,
    mut body: Body,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let before = maintenance::find_locked(&mut tx, &caller, id).await?;
    etag::check_match(&headers, &etag::Tag::of(Some(before.version), b""))?;
    READ_ONLY.take_out(&mut body.0, &WindowView::of(&state, &before))?;
    let defaults = input::Defaults::read(&mut tx, &caller).await?;
    let parts = input::patched(&before, body.0, &defaults)?;
    let after = MaintenanceWindow {
        name: parts.name,
        targets: parts.targets,
        schedule: parts.schedule,
        ..before.clone()
    };
    let window = maintenance::update(&mut tx, &caller, (&before, after)).await?;
    let view = WindowView::of(&state, &window);
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, Some(window.version), &view)
}

/// End what runs now
///
/// The time that runs ends now, and what is still down is told. Later times of a rule come all the same.
/// When none runs, nothing changes.
#[utoipa::path(post, path = "/api/v1/maintenance-windows/{maintenance_window_id}/end", tag = "Maintenance",
    operation_id = "maintenance_windows.end",
    params(("maintenance_window_id" = String, Path, description = "`mwn_…`")), responses((status = 200, body = WindowView)))]
pub async fn end(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MaintenanceWindowId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    let window = maintenance::end(&mut tx, &writer.caller(&state), id).await?;
    let view = WindowView::of(&state, &window);
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, Some(window.version), &view)
}

/// Delete a maintenance window
///
/// A time that runs ends now. Times that were stay out of uptime.
#[utoipa::path(delete, path = "/api/v1/maintenance-windows/{maintenance_window_id}", tag = "Maintenance",
    operation_id = "maintenance_windows.delete",
    params(("maintenance_window_id" = String, Path, description = "`mwn_…`")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MaintenanceWindowId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let outcome = match maintenance::find_locked(&mut tx, &caller, id).await {
        Ok(window) => {
            etag::check_match(&headers, &etag::Tag::of(Some(window.version), b""))?;
            maintenance::delete(&mut tx, &caller, &window).await
        }
        Err(error) => Err(error),
    };
    let before = id.to_string();
    let once = ("maintenance.deleted", before.as_str());
    gone::twice(outcome, &mut tx, caller.account_id, once).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl WindowView {
    fn of(state: &AppState, window: &MaintenanceWindow) -> Self {
        let now = state.now();
        let (once, rule) = match &window.schedule {
            Schedule::Once(once) => (Some(once), None),
            Schedule::Rule(rule) => (None, Some(rule)),
        };
        let ids = window.targets.monitor_ids.as_ref();
        Self {
            id: window.id.to_string(),
            html_url: state.config.link(&format!("/maintenance/{}", window.id)),
            name: window.name.clone(),
            monitor_ids: ids.map(|ids| ids.iter().map(ToString::to_string).collect()),
            tags: window.targets.tags.clone(),
            starts_at: once.map(|once| once.starts_at.to_string()),
            ends_at: once.map(|once| once.ends_at.to_string()),
            rrule: rule.map(|rule| rule.rrule.clone()),
            local_start: rule.map(|rule| rule.local_start.to_string()),
            duration_seconds: rule.map(|rule| rule.duration_seconds),
            timezone: rule.map(|rule| rule.timezone.clone()),
            status: status(window, now),
            next_occurrences: window
                .next(now)
                .into_iter()
                .map(OccurrenceView::of)
                .collect(),
            created_at: window.created_at.to_string(),
            updated_at: window.updated_at.to_string(),
        }
    }
}

impl OccurrenceView {
    fn of(one: Occurrence) -> Self {
        Self {
            starts_at: one.starts_at.to_string(),
            ends_at: one.ends_at.to_string(),
        }
    }
}

fn status(window: &MaintenanceWindow, now: Timestamp) -> &'static str {
    window.status(now).as_str()
}
