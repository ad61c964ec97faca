//! `/schedules/{id}/overrides`.

use axum::extract::State;
use axum::response::Response;
use domain::ids::{OverrideId, ScheduleId};
use domain::oncall::{Override, Participant};
use http::{HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::gone;
use crate::api::id::{Id, Ids};
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::state::AppState;
use crate::usecases::{UseCaseError, schedules};

/// Somebody stands in for whoever would be on call.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Override)]
pub struct OverrideView {
    /// `ovr_…`
    #[schema(read_only)]
    id: String,
    /// Who stands in.
    #[schema(schema_with = shapes::participant)]
    participant: String,
    #[schema(format = DateTime)]
    starts_at: String,
    #[schema(format = DateTime)]
    ends_at: String,
    /// Of two that meet the later made counts.
    #[schema(format = DateTime, read_only)]
    created_at: String,
}

/// An override to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"participant": "con_01kaq3v6zjfvcrmb3b5w9b7t2e", "starts_at": "2026-11-28T09:00:00Z", "ends_at": "2026-11-30T09:00:00Z"}))]
pub struct OverrideInput {
    /// Who stands in: `usr_…` or `con_…`.
    #[schema(schema_with = shapes::participant)]
    participant: Participant,
    /// Now by default.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Timestamp>,
    /// At most 90 days after the begin.
    #[schema(value_type = String, format = DateTime)]
    ends_at: Timestamp,
}

/// List overrides
///
/// Those that are not over, in the order they were made.
#[utoipa::path(get, path = "/api/v1/schedules/{schedule_id}/overrides", tag = "On call",
    operation_id = "schedules.overrides.list",
    params(("schedule_id" = String, Path, description = "`sch_…`")), responses((status = 200, body = Page<OverrideView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ScheduleId>,
    mut params: Params,
) -> ApiResult<axum::Json<Page<OverrideView>>> {
    let page = params.page::<OverrideId>()?;
    params.finish()?;
    let account = reader.account_id();
    let mut tx = reader.begin(&state).await?;
    store::oncall::find(&mut tx, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let mut rows = store::oncall::list_overrides(&mut tx, account, id, state.now()).await?;
    rows.sort_by_key(|one| one.id);
    if let Some(last) = page.cursor {
        rows.retain(|one| one.id > last);
    }
    rows.truncate(usize::try_from(page.limit + 1).unwrap_or(usize::MAX));
    let next = cut(&mut rows, page.limit, |one| one.id);
    let data = rows.iter().map(OverrideView::of).collect();
    Ok(axum::Json(Page::new(data, next)))
}

/// Create an override
#[utoipa::path(post, path = "/api/v1/schedules/{schedule_id}/overrides", tag = "On call",
    operation_id = "schedules.overrides.create", request_body = OverrideInput,
    params(("schedule_id" = String, Path, description = "`sch_…`")),
    responses((status = 201, body = OverrideView, headers(("Location" = String, description = "Address of the new override")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ScheduleId>,
    body: Body,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let schedule = schedules::find_locked(&mut tx, &caller, id).await?;
    let input: OverrideInput = body.decode()?;
    let new = Override {
        id: OverrideId::generate(),
        participant: input.participant,
        starts_at: input.starts_at.unwrap_or(caller.now),
        ends_at: input.ends_at,
        created_at: caller.now,
    };
    let made = schedules::add_override(&mut tx, &caller, &schedule, new).await?;
    let view = OverrideView::of(&made);
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(StatusCode::CREATED, None, &view)?;
    let location = format!("/api/v1/schedules/{id}/overrides/{}", made.id);
    if let Ok(location) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Delete an override
#[utoipa::path(delete, path = "/api/v1/schedules/{schedule_id}/overrides/{override_id}", tag = "On call",
    operation_id = "schedules.overrides.delete",
    params(("schedule_id" = String, Path, description = "`sch_…`"), ("override_id" = String, Path, description = "`ovr_…`")),
    responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Ids(schedule, id): Ids<ScheduleId, OverrideId>,
) -> ApiResult<StatusCode> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let outcome = match schedules::delete_override(&mut tx, &caller, (schedule, id)).await {
        Ok(true) => Ok(()),
        Ok(false) => Err(UseCaseError::NotFound),
        Err(error) => Err(error),
    };
    let before = id.to_string();
    let once = ("schedule.override_deleted", before.as_str());
    gone::twice(outcome, &mut tx, caller.account_id, once).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl OverrideView {
    fn of(one: &Override) -> Self {
        Self {
            id: one.id.to_string(),
            participant: one.participant.to_string(),
            starts_at: one.starts_at.to_string(),
            ends_at: one.ends_at.to_string(),
            created_at: one.created_at.to_string(),
        }
    }
}
