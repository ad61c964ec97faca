//! `/api-keys`.

use axum::extract::State;
use axum::response::Response;
use domain::account::api_key::{ApiKey, Scope};
use domain::ids::ApiKeyId;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::api::auth::{Reader, Writer};
use crate::api::body::Body;
use crate::api::code::Code;
use crate::api::etag;
use crate::api::gate::ShownOnce;
use crate::api::gone;
use crate::api::id::Id;
use crate::api::problem::{ApiResult, Problem};
use crate::api::query::{Page, Params, cut};
use crate::state::AppState;
use crate::usecases::api_keys::{self, NewApiKey, Owners};

/// An API key.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub struct ApiKeyView {
    id: String,
    name: String,
    /// The first characters of the secret, to tell keys apart.
    prefix: String,
    #[schema(value_type = ScopeName)]
    scope: &'static str,
    #[schema(format = DateTime)]
    created_at: String,
    /// Null for never.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// To the minute.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    /// Only in the answer that makes the key: it is shown once.
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What a key may do: `read` (secrets masked), `write`, or `heartbeat` (send heartbeats only).
#[derive(Debug, ToSchema)]
#[schema(as = Scope, rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words say what they are")]
pub enum ScopeName {
    Read,
    Write,
    Heartbeat,
}

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "CI", "scope": "write", "expires_at": null}))]
pub struct ApiKeyInput {
    /// At most 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    #[schema(value_type = ScopeName)]
    scope: Scope,
    /// RFC 3339; null for never.
    #[serde(default, deserialize_with = "moment")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let wrong = |_| D::Error::custom("must be a time such as 2027-01-31T12:00:00Z");
    text.map(|text| text.parse().map_err(wrong)).transpose()
}

/// List API keys
#[utoipa::path(get, path = "/api/v1/api-keys", tag = "API keys", operation_id = "api_keys.list",
    responses((status = 200, body = Page<ApiKeyView>)))]
pub async fn list(
    State(state): State<AppState>,
    reader: Reader,
    mut params: Params,
) -> ApiResult<axum::Json<Page<ApiKeyView>>> {
    let page = params.page::<ApiKeyId>()?;
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let mut keys =
        store::api_keys::list_page(&mut tx, reader.account_id(), page.cursor, page.limit + 1)
            .await?;
    let next = cut(&mut keys, page.limit, |key| key.id);
    Ok(axum::Json(Page::new(
        keys.into_iter()
            .map(|key| ApiKeyView::of(key, None))
            .collect(),
        next,
    )))
}

/// Get an API key
#[utoipa::path(get, path = "/api/v1/api-keys/{api_key_id}", tag = "API keys", operation_id = "api_keys.get",
    params(("api_key_id" = String, Path, description = "`key_…`")), responses((status = 200, body = ApiKeyView)))]
pub async fn get(
    State(state): State<AppState>,
    reader: Reader,
    Id(id): Id<ApiKeyId>,
    params: Params,
    headers: HeaderMap,
) -> ApiResult<Response> {
    params.finish()?;
    let mut tx = reader.begin(&state).await?;
    let key = store::api_keys::find(&mut tx, reader.account_id(), id)
        .await?
        .ok_or_else(Problem::not_found)?;
    etag::fresh(&headers, None, &ApiKeyView::of(key, None))
}

/// Create an API key
///
/// The secret is in this answer and nowhere else. A key makes no key that is wider or lives longer than
/// itself.
#[utoipa::path(post, path = "/api/v1/api-keys", tag = "API keys", operation_id = "api_keys.create",
    request_body = ApiKeyInput,
    responses((status = 201, body = ApiKeyView, headers(("Location" = String, description = "Address of the new key")))))]
pub async fn create(
    State(state): State<AppState>,
    writer: Writer,
    body: Body,
) -> ApiResult<Response> {
    let input: ApiKeyInput = body.decode()?;
    let own = writer.key();
    if !own.scope.covers(input.scope) {
        return Err(Problem::new(
            Code::Forbidden,
            "A key cannot make a key that is wider than itself.",
        ));
    }
    if let Some(end) = own.expires_at
        && input.expires_at.is_none_or(|wanted| wanted > end)
    {
        return Err(Problem::field(
            "/expires_at",
            "out_of_range",
            format!("must be at or before {end}, when this key ends"),
        ));
    }
    let new = NewApiKey {
        name: input.name,
        scope: input.scope,
        expires_at: input.expires_at,
    };
    let caller = writer.caller(&state);
    let owners = Owners::of(&state, caller.account_id).await?;
    let mut tx = writer.begin(&state).await?;
    let (key, secret) = api_keys::create(&mut tx, &caller, new).await?;
    owners.tell(&mut tx, &state, &caller, &key).await?;
    writer.finish(tx).await?;
    let id = key.id;
    if writer.is_dry_run() {
        return etag::tagged(StatusCode::OK, None, &ApiKeyView::of(key, None));
    }
    let mut response = etag::tagged(
        StatusCode::CREATED,
        None,
        &ApiKeyView::of(key, Some(secret)),
    )?;
    response.headers_mut().remove(header::ETAG);
    if let Ok(location) = HeaderValue::from_str(&format!("/api/v1/api-keys/{id}")) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

/// Revoke an API key
///
/// It ends at once, also when it is the key of this request.
#[utoipa::path(delete, path = "/api/v1/api-keys/{api_key_id}", tag = "API keys", operation_id = "api_keys.delete",
    params(("api_key_id" = String, Path, description = "`key_…`")), responses((status = 204)))]
pub async fn revoke(
    State(state): State<AppState>,
    writer: Writer,
    Id(id): Id<ApiKeyId>,
) -> ApiResult<StatusCode> {
    let mut tx = writer.begin(&state).await?;
    let caller = writer.caller(&state);
    let outcome = api_keys::revoke(&mut tx, &caller, id).await;
    let before = ("api_key.revoked", id.to_string());
    gone::twice(outcome, &mut tx, caller.account_id, (before.0, &before.1)).await?;
    writer.finish(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ApiKeyView {
    fn of(key: ApiKey, secret: Option<String>) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name,
            prefix: key.prefix,
            scope: key.scope.as_str(),
            created_at: key.created_at.to_string(),
            expires_at: key.expires_at.map(|at| at.to_string()),
            last_used_at: key.last_used_at.map(|at| at.to_string()),
            secret,
        }
    }
}
