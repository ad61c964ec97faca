//! `/events`: what was changed, and when.

use axum::extract::State;
use axum::response::Response;
use domain::ids::{EventId, MonitorId};
use domain::maintenance::Targets;
use domain::marker::{Marker, MarkerKind};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::openapi::shapes;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::api::read_only::{self, ReadOnly};
use crate::state::AppState;
use crate::usecases::markers;

/// What was changed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = EventType, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum EventType {
    Deploy,
    Config,
    Other,
}

impl EventType {
    const fn kind(self) -> MarkerKind {
        match self {
            Self::Deploy => MarkerKind::Deploy,
            Self::Config => MarkerKind::Config,
            Self::Other => MarkerKind::Other,
        }
    }

    const fn of(kind: MarkerKind) -> Self {
        match kind {
            MarkerKind::Deploy => Self::Deploy,
            MarkerKind::Config => Self::Config,
            MarkerKind::Other => Self::Other,
        }
    }
}

/// A change at a moment, such as a deploy. Incidents name those of the hour before their first failing look.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// `evt_…`
    #[schema(read_only)]
    id: String,
    #[serde(rename = "type")]
    kind: EventType,
    name: String,
    url: Option<String>,
    /// It may have touched these monitors. Without it and without `tags`: all.
    monitor_ids: Option<Vec<String>>,
    /// It may have touched monitors with one of these tags.
    tags: Option<Vec<String>>,
    /// When it took effect.
    #[schema(format = DateTime)]
    at: String,
    #[schema(format = DateTime, read_only)]
    created_at: String,
}

/// An event to be said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "3f2c", "url": "https://ci.shop.example/runs/815", "tags": ["prod"]}))]
pub struct EventInput {
    /// `deploy` by default.
    #[serde(rename = "type")]
    kind: Option<EventType>,
    /// What you call it, such as a version: at most 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Where more is to be read.
    #[schema(max_length = 2048)]
    url: Option<String>,
    /// It may have touched these monitors. Without it and without `tags`: all.
    #[schema(schema_with = shapes::window_monitor_ids)]
    monitor_ids: Option<Vec<MonitorId>>,
    /// It may have touched monitors with one of these tags.
    #[schema(schema_with = shapes::window_tags)]
    tags: Option<Vec<String>>,
    /// When it took effect, within the last seven days; now by default.
    #[schema(value_type = Option<String>, format = DateTime)]
    at: Option<Timestamp>,
}

const READ_ONLY: ReadOnly = ReadOnly {
    fixed: &["id", "created_at"],
    moving: &[],
};

/// List events
///
/// The last sent first; they are kept for 90 days.
#[utoipa::path(get, path = "/api/v1/events", tag = "Events", operation_id = "events.list",
    responses((status = 200, body = Page<EventView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<EventView>>> {
    let page = params.page::<EventId>()?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let wanted = i64::from(page.limit) + 1;
    let mut rows = store::markers::list(&mut tx, reader.account_id(), page.cursor, wanted).await?;
    let next = cut(&mut rows, page.limit, |marker| marker.id);
    Ok(axum::Json(Page::new(
        rows.iter().map(EventView::of).collect(),
        next,
    )))
}

/// Say that something was changed
///
/// Send it from the pipeline that deploys. An incident whose first failing look comes within an hour after it
/// names it, with the time between: also one that is open already when it is sent.
#[utoipa::path(post, path = "/api/v1/events", tag = "Events", operation_id = "events.create",
    request_body = EventInput,
    responses((status = 201, body = EventView, headers(("Location" = String, description = "Address of the new event")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    if let Some(key) = READ_ONLY.find(&body.0) {
        return Err(read_only::refused(key));
    }
    let input: EventInput = body.decode()?;
    let caller = writer.caller(&state);
    let marker = Marker {
        id: EventId::generate(),
        kind: input.kind.map_or(MarkerKind::Deploy, EventType::kind),
        name: input.name,
        url: input.url,
        targets: Targets {
            monitor_ids: input.monitor_ids,
            tags: input.tags,
        },
        at: input.at.unwrap_or(caller.now),
        created_at: caller.now,
    };
    let mut tx = writer.begin(&state).await?;
    markers::create(&mut tx, &caller, &marker).await?;
    writer.finish(tx).await?;
    let view = EventView::of(&marker);
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(StatusCode::CREATED, None, &view)?;
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/events/{}", marker.id)) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// Get an event
#[utoipa::path(get, path = "/api/v1/events/{event_id}", tag = "Events", operation_id = "events.get",
    params(("event_id" = String, Path, description = "`evt_…`")), responses((status = 200, body = EventView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<EventId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let marker = store::markers::find(&mut tx, reader.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    etag::fresh(&headers, None, &EventView::of(&marker))
}

/// Delete an event
///
/// Incidents that named it keep their line.
#[utoipa::path(delete, path = "/api/v1/events/{event_id}", tag = "Events", operation_id = "events.delete",
    params(("event_id" = String, Path, description = "`evt_…`")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<EventId>,
) -> ApiResult<StatusCode> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let outcome = markers::delete(&mut tx, &caller, id).await;
    let subject = id.to_string();
    let once = ("event.deleted", subject.as_str());
    gone::twice(outcome, &mut tx, caller.account_id, once).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl EventView {
    fn of(marker: &Marker) -> Self {
        let ids = marker.targets.monitor_ids.as_ref();
        Self {
            id: marker.id.to_string(),
            kind: EventType::of(marker.kind),
            name: marker.name.clone(),
            url: marker.url.clone(),
            monitor_ids: ids.map(|ids| ids.iter().map(ToString::to_string).collect()),
            tags: marker.targets.tags.clone(),
            at: marker.at.to_string(),
            created_at: marker.created_at.to_string(),
        }
    }
}
