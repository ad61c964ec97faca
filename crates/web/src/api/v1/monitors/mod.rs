//! `/monitors`.

pub mod actions;
pub mod blocks;
pub mod bulk;
pub mod heartbeat;
pub mod input;
pub mod keyed;
pub mod origin;
pub mod reports;
pub mod view;

use axum::extract::State;
use axum::response::Response;
use domain::ids::{AccountId, MonitorId};
use domain::incident::Severity;
use domain::monitor::Kind;
use domain::status::Shown;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sqlx::{PgConnection, Postgres, Transaction};
use store::monitors::{Cursor, Filter, Sort};

use self::input::MonitorInput;
use self::view::{Known, MonitorView};
use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::id::Id;
use crate::api::json::Json;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::state::AppState;
use crate::usecases::monitors;

/// List monitors
#[utoipa::path(get, path = "/api/v1/monitors", tag = "Monitors", operation_id = "monitors.list",
    params(
        ("status" = Option<String>, Query, description = "Any of these statuses, commas between", example = "down,partial"),
        ("tag" = Option<String>, Query, description = "Carries this tag"),
        ("kind" = Option<String>, Query, description = "Is of this kind"),
        ("severity" = Option<String>, Query, description = "critical or normal"),
        ("q" = Option<String>, Query, description = "Name, host, address or tag contains this text"),
        ("key" = Option<String>, Query, description = "Carries this key"),
        ("sort" = Option<String>, Query, description = "name (the default), status (problems first) or -created_at (newest first)"),
    ),
    responses((status = 200, body = Page<MonitorView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<MonitorView>>> {
    let filter = filter(&mut params)?;
    let sorts = SORTS.map(word);
    let parse = |text: &str| SORTS.into_iter().find(|sort| word(*sort) == text);
    let sort = params.word("sort", parse, &sorts)?.unwrap_or_default();
    let page = params.page::<PlaceInList>()?;
    params.finish()?;
    let cursor = match page.cursor {
        // The place is by the key of its own sort and means nothing in another.
        Some(place) if place.sort != word(sort) => {
            let message = format!(
                "must be a next_cursor of this list in the order {}",
                word(sort)
            );
            return Err(Problem::field("?cursor", "invalid", message));
        }
        Some(place) => Some(Cursor {
            key: place.key,
            id: place.id,
        }),
        None => None,
    };
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    let mut rows = store::monitors::list(
        &mut tx,
        &state.secrets,
        account,
        &filter,
        (sort, cursor.as_ref(), page.limit + 1),
        state.now(),
    )
    .await?;
    let next = cut(&mut rows, page.limit, |row| PlaceInList {
        sort: word(sort).to_owned(),
        key: row.cursor.key.clone(),
        id: row.cursor.id,
    });
    let known = Known::read(&mut tx, &state, account, &rows).await?;
    let data = rows
        .iter()
        .map(|row| MonitorView::of(&state, row, &known, reader.masks()))
        .collect();
    Ok(axum::Json(Page::new(data, next)))
}

#[derive(Debug, Serialize, Deserialize)]
struct PlaceInList {
    sort: String,
    key: String,
    id: MonitorId,
}

const SORTS: [Sort; 3] = [Sort::Name, Sort::Status, Sort::Newest];

const fn word(sort: Sort) -> &'static str {
    match sort {
        Sort::Name => "name",
        Sort::Status => "status",
        Sort::Newest => "-created_at",
    }
}

fn filter(params: &mut Params) -> ApiResult<Filter> {
    let statuses = Shown::ALL.map(Shown::as_str);
    let parse_all = |text: &str| {
        text.split(',')
            .map(|word| Shown::parse(word.trim()))
            .collect::<Option<Vec<_>>>()
    };
    Ok(Filter {
        ids: None,
        statuses: params.word("status", parse_all, &statuses)?,
        tag: params.take("tag"),
        kind: params.word("kind", Kind::parse, Kind::WORDS)?,
        severity: params.word("severity", Severity::parse, &["critical", "normal"])?,
        text: params.take("q").filter(|text| !text.is_empty()),
        key: params.take("key"),
    })
}

/// Create a monitor
///
/// `{"url":"https://…"}` is a whole monitor. The first look happens at once.
#[utoipa::path(post, path = "/api/v1/monitors", tag = "Monitors", operation_id = "monitors.create",
    request_body = MonitorInput,
    responses((status = 201, body = MonitorView, headers(("Location" = String, description = "Address of the new monitor")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    let new = MonitorInput::creating(&body.0)?;
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let created = monitors::create(&mut tx, &state, &caller, new).await?;
    answer(
        &state,
        &writer,
        tx,
        (created.monitor.id, StatusCode::CREATED),
    )
    .await
}

/// Get a monitor
#[utoipa::path(get, path = "/api/v1/monitors/{monitor_id}", tag = "Monitors", operation_id = "monitors.get",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 200, body = MonitorView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<MonitorId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let (monitor, view) =
        view::find(&mut tx, &state, (reader.account_id(), id), reader.masks()).await?;
    etag::fresh(&headers, Some(monitor.config_version), &view)
}

/// Change a monitor
///
/// A JSON Merge Patch (RFC 7396): null restores a default, arrays are replaced, `kind` cannot change.
/// What only we set may be sent back as it was read.
#[utoipa::path(patch, path = "/api/v1/monitors/{monitor_id}", tag = "Monitors", operation_id = "monitors.update",
    params(("monitor_id" = String, Path, description = "`mon_…`")), request_body = MonitorInput,
    responses((status = 200, body = MonitorView)))]
pub async fn update(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    headers: HeaderMap,
    mut body: Body,
) -> ApiResult<Response> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let resumes = body.0.clone().remove("paused") == Some(Json::Bool(false));
    if resumes {
        // Resuming counts against the plan: the account is locked before any of its monitors.
        monitors::lock_account(&mut tx, &caller).await?;
    }
    let before = monitors::find_locked(&mut tx, &state, &caller, id).await?;
    etag::check_match(&headers, &etag::Tag::of(Some(before.config_version), b""))?;
    take_out_read_only(&mut tx, &state, (caller.account_id, id), &mut body.0).await?;
    let (spec, paused) = input::patched(&before.spec, body.0)?;
    let saved = monitors::save(&mut tx, &state, &caller, &before, spec).await?;
    match (paused, saved.paused_at.is_some()) {
        (Some(true), false) => drop(monitors::pause(&mut tx, &state, &caller, id).await?),
        (Some(false), true) => drop(monitors::resume(&mut tx, &state, &caller, id).await?),
        _ => {}
    }
    answer(&state, &writer, tx, (id, StatusCode::OK)).await
}

/// Delete a monitor
///
/// It can be restored for 7 days. An open incident ends.
#[utoipa::path(delete, path = "/api/v1/monitors/{monitor_id}", tag = "Monitors", operation_id = "monitors.delete",
    params(("monitor_id" = String, Path, description = "`mon_…`")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<MonitorId>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    delete_in(&mut tx, &state, &caller, (id, &headers)).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_in(
    connection: &mut PgConnection,
    state: &AppState,
    caller: &crate::usecases::Caller,
    (id, headers): (MonitorId, &HeaderMap),
) -> ApiResult<()> {
    store::monitors::lock(connection, caller.account_id, id).await?;
    let before =
        store::monitors::find_with_deleted(connection, &state.secrets, caller.account_id, id)
            .await?
            .ok_or_else(Problem::not_found)?;
    if before.deleted_at.is_some() {
        // Deleting twice deletes once.
        return Ok(());
    }
    etag::check_match(headers, &etag::Tag::of(Some(before.config_version), b""))?;
    Ok(monitors::delete(connection, state, caller, id).await?)
}

/// Takes out of a body what only we set; what would change it is refused.
async fn take_out_read_only(
    connection: &mut PgConnection,
    state: &AppState,
    (account, id): (AccountId, MonitorId),
    body: &mut Json,
) -> ApiResult<()> {
    if input::READ_ONLY.find(body).is_none() {
        return Ok(());
    }
    let (_, view) = view::find(connection, state, (account, id), false).await?;
    input::READ_ONLY.take_out(body, &view)
}

/// The monitor as it is at the end of the transaction, which is then committed.
async fn answer(
    state: &AppState,
    writer: &Writer,
    mut tx: Transaction<'static, Postgres>,
    (id, status): (MonitorId, StatusCode),
) -> ApiResult<Response> {
    let (monitor, view) = view::find(&mut tx, state, (writer.account_id(), id), false).await?;
    writer.finish(tx).await?;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &view);
    }
    let mut response = etag::tagged(status, Some(monitor.config_version), &view)?;
    if status == StatusCode::CREATED
        && let Ok(location) = HeaderValue::from_str(&format!("/api/v1/monitors/{id}"))
    {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}
