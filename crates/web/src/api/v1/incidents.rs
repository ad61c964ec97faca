//! `/incidents`.

mod view;

use ::incidents::Drilled;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use domain::ids::{IncidentId, MonitorId};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use store::incidents::{Cursor, Filter};
use utoipa::ToSchema;

pub use self::view::{DeliveryView, IncidentView, ListedIncidentView};
use crate::api::auth::{Reader, Writer};
use crate::api::body::{Body, MaybeBody, NoBody};
use crate::api::csv;
use crate::api::etag;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::state::AppState;
use crate::usecases::{UseCaseError, feedback, incidents};
use domain::ids::AccountId;
use domain::incident::Severity;
use domain::incident::feedback::Answerer;

/// Monitors behind an incident that are listed with it.
const MOST_SUPPRESSED: i64 = 200;

/// How an incident is ended.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResolveInput {
    /// End it although the target still fails; it then stays quiet until it was up once.
    force: Option<bool>,
}

/// For how long nobody is told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"seconds": 3600}))]
pub struct SnoozeInput {
    /// From now.
    #[schema(minimum = 60, maximum = 604800)]
    seconds: i64,
}

/// Whether the cause was right.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"right": false, "text": "The disk was full."}))]
pub struct DiagnosisFeedbackInput {
    /// It was.
    right: bool,
    /// What it was; at most 500 characters.
    #[schema(max_length = 500)]
    text: Option<String>,
}

/// A comment.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "php-fpm was out of workers, restarted."}))]
pub struct CommentInput {
    /// At most 5000 characters.
    #[schema(min_length = 1, max_length = 5000)]
    text: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceInList {
    first_failure_at: Timestamp,
    id: IncidentId,
}

/// List incidents
///
/// Newest first; those that were open at any moment between `from` and `to`. `Accept: text/csv` answers a
/// table, its next cursor in the header `Next-Cursor`.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "Incidents", operation_id = "incidents.list",
    params(
        ("status" = Option<String>, Query, description = "open or resolved"),
        ("severity" = Option<String>, Query, description = "critical or normal"),
        ("monitor_id" = Option<String>, Query, description = "Of this monitor"),
        ("tag" = Option<String>, Query, description = "Of monitors with this tag"),
        ("acknowledged" = Option<bool>, Query, description = "Somebody has it, or nobody"),
        ("test" = Option<bool>, Query, description = "Fire drills instead of incidents"),
    ),
    responses((status = 200, content((Page<ListedIncidentView> = "application/json"), (String = "text/csv")))))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let now = state.now();
    let is_open = |word: &str| match word {
        "open" => Some(true),
        "resolved" => Some(false),
        _ => None,
    };
    let (from, to) = params.range(now)?;
    let filter = Filter {
        open: params.word("status", is_open, &["open", "resolved"])?,
        severity: params.word("severity", Severity::parse, &["critical", "normal"])?,
        monitor_id: params.parse::<MonitorId>("monitor_id")?,
        tag: params.take("tag"),
        acknowledged: params.optional_flag("acknowledged")?,
        from,
        to,
        drills: Some(params.flag("test")?),
        ..Filter::default()
    };
    let page = params.page::<PlaceInList>()?;
    params.finish()?;
    let cursor = page.cursor.map(|place| Cursor {
        first_failure_at: place.first_failure_at,
        id: place.id,
    });
    let mut tx = reader.begin(&state).await?;
    let mut rows = store::incidents::list(
        &mut tx,
        reader.account_id(),
        &filter,
        cursor,
        page.limit + 1,
    )
    .await?;
    let next = cut(&mut rows, page.limit, |row| PlaceInList {
        first_failure_at: row.incident.first_failure_at,
        id: row.incident.id,
    });
    let data: Vec<ListedIncidentView> = rows
        .iter()
        .map(|row| ListedIncidentView::of(&state, &row.incident, &row.monitor_name, now))
        .collect();
    let page = Page::new(data, next);
    if csv::is_wanted(&headers) {
        let rows = page.data.iter().map(ListedIncidentView::row);
        return csv::answer(
            &ListedIncidentView::COLUMNS,
            rows,
            page.next_cursor.as_deref(),
        );
    }
    Ok(axum::Json(page).into_response())
}

/// Get an incident
#[utoipa::path(get, path = "/api/v1/incidents/{incident_id}", tag = "Incidents", operation_id = "incidents.get",
    params(("incident_id" = String, Path, description = "`inc_…`")), responses((status = 200, body = IncidentView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<IncidentId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let view = find(&mut tx, &state, (reader.account_id(), id)).await?;
    etag::fresh(&headers, None, &view)
}

/// Get a briefing of an incident
///
/// Everything that helps to mend it on one page of Markdown: cause, evidence, next steps, what changed, timeline.
/// For a person or a program; what the target sent is marked as code and is data, not instructions.
#[utoipa::path(get, path = "/api/v1/incidents/{incident_id}/briefing.md", tag = "Incidents",
    operation_id = "incidents.briefing", params(("incident_id" = String, Path, description = "`inc_…`")),
    responses((status = 200, body = String, content_type = "text/markdown")))]
pub async fn briefing(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<IncidentId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let text = incidents::briefing(&mut tx, &state, (reader.account_id(), id)).await?;
    let text = text.ok_or_else(Problem::not_found)?;
    Ok(etag::fresh_text(
        &headers,
        "text/markdown; charset=utf-8",
        text,
    ))
}

/// List deliveries of an incident
///
/// Every message about it: to whom, and what became of it.
#[utoipa::path(get, path = "/api/v1/incidents/{incident_id}/deliveries", tag = "Incidents",
    operation_id = "incidents.deliveries", params(("incident_id" = String, Path, description = "`inc_…`")),
    responses((status = 200, body = Page<DeliveryView>)))]
pub async fn deliveries(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<IncidentId>,
    params: Params,
) -> ApiResult<axum::Json<Page<DeliveryView>>> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    store::incidents::find(&mut tx, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    let data = view::deliveries(&mut tx, account, id).await?;
    Ok(axum::Json(Page::new(data, None::<()>)))
}

/// Acknowledge an incident
///
/// The first one has it; the others are told, reminders stop.
#[utoipa::path(post, path = "/api/v1/incidents/{incident_id}/acknowledge", tag = "Incidents",
    operation_id = "incidents.acknowledge", params(("incident_id" = String, Path, description = "`inc_…`")),
    responses((status = 200, body = IncidentView)))]
pub async fn acknowledge(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<IncidentId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    incidents::acknowledge(&mut tx, &writer.caller(&state), id).await?;
    let view = find(&mut tx, &state, (writer.account_id(), id)).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

/// Begin a fire drill
///
/// Everyone who would hear that the monitor is down is told so, step by step, with "Fire drill" in every message.
/// Nothing is down and no uptime is lost. An acknowledgement is an answer: it is in the timeline (`answered`) and
/// stops nothing. The drill goes through the policy once and ends 15 minutes after its last message, or by
/// `/resolve`. One at a time (409), at most 5 an hour.
#[utoipa::path(post, path = "/api/v1/monitors/{monitor_id}/drill", tag = "Monitors", operation_id = "monitors.drill",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = IncidentView)))]
pub async fn drill(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    let drill = match incidents::drill(&mut tx, &state, &writer.caller(&state), id).await? {
        Drilled::Begun(drill) => drill,
        Drilled::GoesOn(drill) => {
            let detail = format!("The fire drill {drill} goes on: end it first.");
            return Err(UseCaseError::conflict(None, detail).into());
        }
        Drilled::NotFound => return Err(Problem::not_found()),
    };
    let view = find(&mut tx, &state, (writer.account_id(), drill)).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

/// Resolve an incident
///
/// While the target still fails: 409 `still_failing`, unless `force` is true.
#[utoipa::path(post, path = "/api/v1/incidents/{incident_id}/resolve", tag = "Incidents",
    operation_id = "incidents.resolve", params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = Option<ResolveInput>, responses((status = 200, body = IncidentView)))]
pub async fn resolve(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<IncidentId>,
    MaybeBody(body): MaybeBody,
) -> ApiResult<Response> {
    let input: ResolveInput = body
        .map(|body| body.decode())
        .transpose()?
        .unwrap_or_default();
    let mut tx = writer.begin(&state).await?;
    incidents::resolve(
        &mut tx,
        &writer.caller(&state),
        id,
        input.force.unwrap_or(false),
    )
    .await?;
    let view = find(&mut tx, &state, (writer.account_id(), id)).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

/// Snooze an incident
///
/// Nobody is told or reminded for so many seconds, and nobody has it; then it goes on where it was. Changes
/// nothing where somebody has the incident or it is over.
#[utoipa::path(post, path = "/api/v1/incidents/{incident_id}/snooze", tag = "Incidents",
    operation_id = "incidents.snooze", params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = SnoozeInput, responses((status = 200, body = IncidentView)))]
pub async fn snooze(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<IncidentId>,
    body: Body,
) -> ApiResult<Response> {
    let input: SnoozeInput = body.decode()?;
    let mut tx = writer.begin(&state).await?;
    incidents::snooze(&mut tx, &writer.caller(&state), id, input.seconds).await?;
    let view = find(&mut tx, &state, (writer.account_id(), id)).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

/// End the snooze of an incident
///
/// What was due meanwhile is told at once.
#[utoipa::path(post, path = "/api/v1/incidents/{incident_id}/unsnooze", tag = "Incidents",
    operation_id = "incidents.unsnooze", params(("incident_id" = String, Path, description = "`inc_…`")),
    responses((status = 200, body = IncidentView)))]
pub async fn unsnooze(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<IncidentId>,
    _: NoBody,
) -> ApiResult<Response> {
    let mut tx = writer.begin(&state).await?;
    incidents::unsnooze(&mut tx, &writer.caller(&state), id).await?;
    let view = find(&mut tx, &state, (writer.account_id(), id)).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

/// Comment on an incident
#[utoipa::path(post, path = "/api/v1/incidents/{incident_id}/comments", tag = "Incidents",
    operation_id = "incidents.comment", params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = CommentInput, responses((status = 200, body = IncidentView)))]
pub async fn comment(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<IncidentId>,
    body: Body,
) -> ApiResult<Response> {
    let input: CommentInput = body.decode()?;
    let mut tx = writer.begin(&state).await?;
    incidents::comment(&mut tx, &writer.caller(&state), id, &input.text).await?;
    let view = find(&mut tx, &state, (writer.account_id(), id)).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

/// Say whether the cause was right
///
/// One answer a key and incident; a later one takes its place. It is counted for each rule of the diagnosis and
/// changes nothing of the incident. 409 where no cause was named, and for a fire drill.
#[utoipa::path(post, path = "/api/v1/incidents/{incident_id}/diagnosis-feedback", tag = "Incidents",
    operation_id = "incidents.diagnosis_feedback", params(("incident_id" = String, Path, description = "`inc_…`")),
    request_body = DiagnosisFeedbackInput, responses((status = 200, body = IncidentView)))]
pub async fn diagnosis_feedback(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<IncidentId>,
    body: Body,
) -> ApiResult<Response> {
    let input: DiagnosisFeedbackInput = body.decode()?;
    let mut tx = writer.begin(&state).await?;
    let of = (writer.account_id(), id);
    let by = Answerer::ApiKey(writer.key().key_id);
    let answer = (input.right, input.text.as_deref().unwrap_or_default());
    feedback::judge(&mut tx, of, by, answer, state.now()).await?;
    let view = find(&mut tx, &state, of).await?;
    writer.finish(tx).await?;
    etag::tagged(StatusCode::OK, None, &view)
}

async fn find(
    connection: &mut PgConnection,
    state: &AppState,
    (account, id): (AccountId, IncidentId),
) -> ApiResult<IncidentView> {
    let incident = store::incidents::find(connection, account, id)
        .await?
        .ok_or_else(Problem::not_found)?;
    // A deleted monitor keeps its incidents.
    let monitor = store::monitors::find_with_deleted(
        connection,
        &state.secrets,
        account,
        incident.monitor_id,
    )
    .await?;
    let name = monitor
        .map(|monitor| monitor.settings().name)
        .unwrap_or_default();
    let timeline = store::incidents::events::list(connection, account, id).await?;
    let deliveries = view::deliveries(connection, account, id).await?;
    let listed = ListedIncidentView::of(state, &incident, &name, state.now());
    let (suppressed, _) =
        store::dependencies::list_suppressed(connection, account, id, MOST_SUPPRESSED).await?;
    let outlook = incidents::outlook(connection, &incident, state.now()).await?;
    Ok(IncidentView::of(
        listed,
        &incident,
        (suppressed, outlook),
        (timeline, deliveries),
    ))
}
