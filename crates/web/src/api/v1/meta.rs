//! Tags, regions, and the description itself.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::auth::Reader;
use crate::api::openapi;
use crate::api::problem::ApiResult;
use crate::api::query::{Page, Params};
use crate::state::AppState;

/// A tag in use.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tag {
    name: String,
    /// Monitors that carry it.
    monitors: u32,
}

/// A place that we look from.
#[derive(Debug, Serialize, ToSchema)]
pub struct Region {
    id: String,
    name: String,
    /// Addresses that our looks come from, to let them in.
    addresses: Vec<String>,
}

/// List tags
#[utoipa::path(get, path = "/api/v1/tags", tag = "Monitors", operation_id = "tags.list", responses((status = 200, body = Page<Tag>)))]
pub async fn tags(
    State(state): State<AppState>,
    reader: Reader,
    params: Params,
) -> ApiResult<Json<Page<Tag>>> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let tags = store::monitors::list_tags(&mut tx, reader.account_id()).await?;
    let data = tags
        .into_iter()
        .map(|(name, monitors)| Tag { name, monitors })
        .collect();
    Ok(Json(Page::new(data, None::<()>)))
}

/// List regions
///
/// Needs no key.
#[utoipa::path(get, path = "/api/v1/regions", tag = "Regions", operation_id = "regions.list", security(()),
    responses((status = 200, body = Page<Region>)))]
pub async fn regions(
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<Page<Region>>> {
    params.finish()?;
    let mut connection = state.pool.acquire().await?;
    let regions = store::regions::list(&mut connection).await?;
    let data = regions
        .into_iter()
        .map(|region| Region {
            id: region.id,
            name: region.name,
            addresses: region.addresses,
        })
        .collect();
    Ok(Json(Page::new(data, None::<()>)))
}

/// Get this description
///
/// OpenAPI 3.1. Needs no key.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "Account", operation_id = "openapi.get", security(()),
    responses((status = 200, body = Object, description = "This document")))]
pub async fn openapi(
    State(state): State<AppState>,
    params: Params,
) -> ApiResult<Json<utoipa::openapi::OpenApi>> {
    params.finish()?;
    Ok(Json(openapi::document(&state.config)))
}
