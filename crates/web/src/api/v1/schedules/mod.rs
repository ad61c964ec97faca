//! `/schedules`.

mod input;
pub mod overrides;
pub mod shifts;

use axum::extract::State;
use axum::response::Response;
use domain::ids::ScheduleId;
use domain::oncall::{Override, Schedule};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use sqlx::PgConnection;
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::api::read_only::{self, ReadOnly};
use crate::people::People;
use crate::state::AppState;
use crate::usecases::schedules;

pub use self::input::{LayerBody, ScheduleInput, SchedulePatch, ShiftUnitName, TimesOfWeek};
use self::shifts::{Names, OnCallView};

/// An on-call schedule: people who take turns, and who stands in.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Schedule)]
pub struct ScheduleView {
    /// `sch_…`
    #[schema(read_only)]
    id: String,
    /// Its page.
    #[schema(read_only)]
    html_url: String,
    name: String,
    /// The IANA zone of its local times.
    timezone: String,
    /// Where a later layer has somebody it covers the earlier ones. Empty only when everybody who was in
    /// it is gone.
    layers: Vec<LayerBody>,
    #[schema(read_only)]
    on_call: OnCallView,
    #[schema(format = DateTime, read_only)]
    created_at: String,
    #[schema(format = DateTime, read_only)]
    updated_at: String,
}

const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "html_url", "created_at"],
    moving: &["on_call", "updated_at"],
};

/// List schedules
#[utoipa::path(get, path = "/api/v1/schedules", tag = "On call", operation_id = "schedules.list",
    responses((status = 200, body = Page<ScheduleView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<ScheduleView>>> {
    let page = params.page::<ScheduleId>()?;
    params.finish()?;
    let account = reader.account_id();
    let people = People::read(&state, account).await?;
    let mut tx = reader.begin(&state).await?;
    let mut rows = store::oncall::list(&mut tx, account).await?;
    let overrides = store::oncall::list_overrides_of_all(&mut tx, account, state.now()).await?;
    if let Some(last) = page.cursor {
        rows.retain(|schedule| schedule.id > last);
    }
    rows.truncate(usize::try_from(page.limit + 1).unwrap_or(usize::MAX));
    let next = cut(&mut rows, page.limit, |schedule| schedule.id);
    let names = Names::new(&people, reader.masks());
    let view = |schedule: &Schedule| {
        let own = overrides.iter().filter(|(id, _)| *id == schedule.id);
        let own: Vec<Override> = own.map(|(_, one)| one.clone()).collect();
        ScheduleView::of(&state, schedule, &own, names)
    };
    Ok(axum::Json(Page::new(rows.iter().map(view).collect(), next)))
}

/// Create a schedule
///
/// The participants of a layer take turns of `shift_count` hours, days or weeks, the first from `local_start`
/// on. Handovers are local times: a day's turn has 23 or 25 hours where clocks change. A local time that is
/// missing is the first instant after the gap, and of one that comes twice the first counts.
#[utoipa::path(post, path = "/api/v1/schedules", tag = "On call", operation_id = "schedules.create",
    request_body = ScheduleInput,
    responses((status = 201, body = ScheduleView, headers(("Location" = String, description = "Address of the new schedule")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    if let Some(key) = READ_ONLY.find(&body.0) {
        return Err(read_only::refused(key));
    }
    let input: ScheduleInput = body.decode()?;
    let caller = writer.caller(&state);
    let people = People::read(&state, caller.account_id).await?;
    let mut tx = writer.begin(&state).await?;
    let schedule = input.schedule(&mut tx, &caller).await?;
    let schedule = schedules::create(&mut tx, &caller, schedule).await?;
    let view = ScheduleView::of(&state, &schedule, &[], Names::new(&people, false));
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(StatusCode::CREATED, Some(schedule.version), &view)?;
    let location = format!("/api/v1/schedules/{}", schedule.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Get a schedule
#[utoipa::path(get, path = "/api/v1/schedules/{schedule_id}", tag = "On call", operation_id = "schedules.get",
    params(("schedule_id" = String, Path, description = "`sch_…`")), responses((status = 200, body = ScheduleView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ScheduleId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let people = People::read(&state, reader.account_id()).await?;
    let mut tx = reader.begin(&state).await?;
    let schedule = store::oncall::find(&mut tx, reader.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let names = Names::new(&people, reader.masks());
    let view = ScheduleView::read(&mut tx, &state, (reader.account_id(), &schedule), names).await?;
    etag::fresh(&headers, Some(schedule.version), &view)
}

/// Change a schedule
///
/// A merge patch; `layers` are replaced as a whole. It holds at once, for turns that were as well: who is on
/// call follows from the layers alone.
#[utoipa::path(patch, path = "/api/v1/schedules/{schedule_id}", tag = "On call", operation_id = "schedules.update",
    params(("schedule_id" = String, Path, description = "`sch_…`")), request_body = SchedulePatch,
    responses((status = 200, body = ScheduleView)))]
pub async fn update(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ScheduleId>,
    headers: HeaderMap,
    mut body: Body,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let account = caller.account_id;
    let people = People::read(&state, account).await?;
    let names = Names::new(&people, false);
    let mut tx = writer.begin(&state).await?;
    let before = schedules::find_locked(&mut tx, &caller, id).await?;
    etag::check_match(&headers, &etag::Tag::of(Some(before.version), b""))?;
    let shown = ScheduleView::read(&mut tx, &state, (account, &before), names).await?;
    READ_ONLY.take_out(&mut body.0, &shown)?;
    let after = input::patched(&mut tx, &caller, &before, body.0).await?;
    let schedule = schedules::update(&mut tx, &caller, (&before, after)).await?;
    let view = ScheduleView::read(&mut tx, &state, (account, &schedule), names).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, Some(schedule.version), &view)
}

/// Delete a schedule
///
/// With its overrides and calendar addresses.
#[utoipa::path(delete, path = "/api/v1/schedules/{schedule_id}", tag = "On call", operation_id = "schedules.delete",
    params(("schedule_id" = String, Path, description = "`sch_…`")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ScheduleId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let outcome = match schedules::find_locked(&mut tx, &caller, id).await {
        Ok(schedule) => {
            etag::check_match(&headers, &etag::Tag::of(Some(schedule.version), b""))?;
            schedules::delete(&mut tx, &caller, &schedule).await
        }
        Err(error) => Err(error),
    };
    let before = id.to_string();
    let once = ("schedule.deleted", before.as_str());
    gone::twice(outcome, &mut tx, caller.account_id, once).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ScheduleView {
    async fn read(
        connection: &mut PgConnection,
        state: &AppState,
        (account, schedule): (domain::ids::AccountId, &Schedule),
        names: Names<'_>,
    ) -> ApiResult<Self> {
        let now = state.now();
        let overrides =
            store::oncall::list_overrides(connection, account, schedule.id, now).await?;
        Ok(Self::of(state, schedule, &overrides, names))
    }

    fn of(state: &AppState, schedule: &Schedule, overrides: &[Override], names: Names<'_>) -> Self {
        Self {
            id: schedule.id.to_string(),
            html_url: state.config.link(&format!("/schedules/{}", schedule.id)),
            name: schedule.name.clone(),
            timezone: schedule.timezone.clone(),
            layers: schedule.layers.iter().map(LayerBody::of).collect(),
            on_call: OnCallView::of(schedule, overrides, names, state.now()),
            created_at: schedule.created_at.to_string(),
            updated_at: schedule.updated_at.to_string(),
        }
    }
}
