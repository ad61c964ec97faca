//! Monitors by their owner's own key.

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use super::input::MonitorInput;
use super::view::MonitorView;
use super::{answer, delete_in, take_out_read_only, view};
use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::etag;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::Params;
use crate::state::AppState;
use crate::usecases::monitors::{self, Put};

/// Get a monitor by key
#[utoipa::path(get, path = "/api/v1/monitors/by-key/{key}", tag = "Monitors", operation_id = "monitors.get_by_key",
    params(("key" = String, Path, description = "Your own key")), responses((status = 200, body = MonitorView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(key): Id<String>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let key = known(key)?;
    let mut tx = reader.begin(&state).await?;
    let account = reader.account_id();
    let id = store::monitors::find_id_by_key(&mut tx, account, &key)
        .await?
        .ok_or_else(Problem::not_found)?;
    let (monitor, view) = view::find(&mut tx, &state, (account, id), reader.masks()).await?;
    etag::fresh(&headers, Some(monitor.config_version), &view)
}

/// Create or replace a monitor by key
///
/// Makes the monitor of your key, or replaces all its settings and keeps id and history. `kind` cannot
/// change. What only we set may be sent back as it was read.
#[utoipa::path(put, path = "/api/v1/monitors/by-key/{key}", tag = "Monitors", operation_id = "monitors.put_by_key",
    params(("key" = String, Path, description = "Your own key")), request_body = MonitorInput,
    responses((status = 201, body = MonitorView, description = "It was made"), (status = 200, body = MonitorView, description = "It was replaced")))]
pub async fn put(
    State(state): State<AppState>,
    writer: Writer,
    Id(key): Id<String>,
    headers: HeaderMap,
    mut body: Body,
) -> ApiResult<Response> {
    if key.contains('\0') {
        return Err(Problem::field(
            "/key",
            "invalid_character",
            "must not contain NUL characters",
        ));
    }
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let before = monitors::find_by_key_locked(&mut tx, &state, &caller, &key).await?;
    match &before {
        Some(before) => {
            etag::check_absent(&headers)?;
            etag::check_match(&headers, &etag::Tag::of(Some(before.config_version), b""))?;
            let target = (caller.account_id, before.id);
            take_out_read_only(&mut tx, &state, target, &mut body.0).await?;
        }
        None => etag::check_match_none(&headers)?,
    }
    let new = MonitorInput::creating(&body.0)?;
    let (id, status) =
        match monitors::put_by_key(&mut tx, &state, &caller, (&key, before), new).await? {
            Put::Created(created) => (created.monitor.id, StatusCode::CREATED),
            Put::Replaced(monitor) => (monitor.id, StatusCode::OK),
        };
    answer(&state, &writer, tx, (id, status)).await
}

/// Delete a monitor by key
///
/// The key is free at once. The monitor can be restored by its id for 7 days.
#[utoipa::path(delete, path = "/api/v1/monitors/by-key/{key}", tag = "Monitors", operation_id = "monitors.delete_by_key",
    params(("key" = String, Path, description = "Your own key")), responses((status = 204)))]
pub async fn delete(
    State(state): State<AppState>,
    writer: Writer,
    Id(key): Id<String>,
    headers: HeaderMap,
) -> ApiResult<StatusCode> {
    let key = known(key)?;
    let caller = writer.caller(&state);
    let mut tx = writer.begin(&state).await?;
    let account = caller.account_id;
    match store::monitors::find_id_by_key(&mut tx, account, &key).await? {
        Some(id) => delete_in(&mut tx, &state, &caller, (id, &headers)).await?,
        None if store::monitors::was_deleted_with_key(&mut tx, account, &key).await? => {}
        None => return Err(Problem::not_found()),
    }
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A key that no monitor can have names nothing.
fn known(key: String) -> ApiResult<String> {
    if key.contains('\0') {
        Err(Problem::not_found())
    } else {
        Ok(key)
    }
}
