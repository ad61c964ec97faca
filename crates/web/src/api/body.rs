//! Bodies of requests.

use std::error::Error;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use http::{Method, header};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;

use super::code::Code;
use super::json::Json;
use super::problem::{ApiResult, Problem};
use crate::router::API_LIMIT;
use crate::state::AppState;

/// The JSON object of a request.
#[derive(Debug, Clone)]
pub struct Body(pub Json);

/// The JSON object of a request that may have none.
#[derive(Debug, Clone)]
pub struct MaybeBody(pub Option<Body>);

/// The body of an action: none, or `{}`.
#[derive(Debug, Clone, Copy)]
pub struct NoBody;

impl Body {
    /// Reads it as a typed value.
    pub fn decode<T: DeserializeOwned>(&self) -> ApiResult<T> {
        self.0
            .decode()
            .map_err(|error| Problem::invalid(vec![error]))
    }
}

/// The body as an object; `None` when there is none.
async fn object(request: Request) -> ApiResult<Option<Json>> {
    let is_patch = request.method() == Method::PATCH;
    let kind = request
        .headers()
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.to_str().unwrap_or("?").to_owned());
    let bytes = whole(request.into_body()).await?;
    if bytes.is_empty() {
        return Ok(None);
    }
    if let Some(kind) = kind
        && !is_json(&kind, is_patch)
    {
        let wanted = if is_patch {
            "application/merge-patch+json or application/json"
        } else {
            "application/json"
        };
        return Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("Send Content-Type: {wanted}."),
        ));
    }
    let json = read(&bytes)?;
    if !matches!(json, Json::Object(_)) {
        return Err(Problem::field(
            "",
            "wrong_type",
            format!("must be an object, not {}", json.kind()),
        ));
    }
    if let Some(pointer) = json.nul() {
        return Err(Problem::field(
            &pointer,
            "invalid_character",
            "must not contain NUL characters",
        ));
    }
    Ok(Some(json))
}

/// All of a body, within the limit.
pub(super) async fn whole(body: axum::body::Body) -> ApiResult<Bytes> {
    to_bytes(body, API_LIMIT).await.map_err(|error| {
        if error
            .source()
            .is_some_and(<dyn Error>::is::<LengthLimitError>)
        {
            Problem::new(Code::PayloadTooLarge, "The body is larger than 2 MB.")
        } else {
            Problem::new(Code::MalformedJson, "The body was cut off on its way.")
        }
    })
}

fn is_json(kind: &str, is_patch: bool) -> bool {
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (is_patch && essence.eq_ignore_ascii_case("application/merge-patch+json"))
}

fn read(bytes: &[u8]) -> ApiResult<Json> {
    serde_json::from_slice(bytes).map_err(|error| {
        let text = error.to_string();
        let what = text.split(" at line ").next().unwrap_or_default();
        let place = format!("line {}, column {}", error.line(), error.column());
        Problem::new(
            Code::MalformedJson,
            format!("The body is not JSON that we can read: {what} ({place})."),
        )
    })
}

impl FromRequest<AppState> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> ApiResult<Self> {
        match object(request).await? {
            Some(json) => Ok(Self(json)),
            None => Err(Problem::new(
                Code::MalformedJson,
                "The body is empty. Send a JSON object.",
            )),
        }
    }
}

impl FromRequest<AppState> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> ApiResult<Self> {
        match object(request).await? {
            Some(Json::Object(entries)) => match entries.first() {
                None => Ok(Self),
                Some((key, _)) => {
                    let pointer = format!("/{}", key.replace('~', "~0").replace('/', "~1"));
                    Err(Problem::field(
                        &pointer,
                        "unknown_field",
                        "is not a field: this action takes no body or {}",
                    ))
                }
            },
            _ => Ok(Self),
        }
    }
}

impl FromRequest<AppState> for MaybeBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &AppState) -> ApiResult<Self> {
        Ok(Self(object(request).await?.map(Body)))
    }
}
