//! What holds for every request to the API: its key, its rate, one execution per `Idempotency-Key`,
//! and the form of its errors. Handlers see none of it.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::ids::{AccountId, ApiKeyId};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use store::idempotency::{Answer, Claim, Slot};

use super::auth::{Checked, authenticate};
use super::body::whole;
use super::code::Code;
use super::problem::{ApiResult, Problem};
use super::rate::{ANONYMOUS_PER_MINUTE, Allowance, Counted};
use crate::extract::{ApiKeyAuth, ClientIp, RequestId};
use crate::state::AppState;

/// Put on an answer that holds a secret which is shown once: it is not kept for replays.
#[derive(Debug, Clone, Copy)]
pub(super) struct ShownOnce;

/// Where the answer to this request is kept.
#[derive(Debug, Clone)]
pub(super) struct OwnedSlot {
    account: AccountId,
    api_key: ApiKeyId,
    route: String,
    key: String,
}

impl OwnedSlot {
    pub(super) fn slot(&self) -> Slot<'_> {
        Slot {
            account: self.account,
            api_key: self.api_key,
            route: &self.route,
            key: &self.key,
        }
    }
}

/// The gate in front of every address under `/api/`.
pub async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if !request.uri().path().starts_with("/api/") {
        return next.run(request).await;
    }
    let id = request
        .extensions()
        .get::<RequestId>()
        .cloned()
        .unwrap_or_else(RequestId::generate);
    let (mut parts, body) = request.into_parts();
    let Ok(client) = ClientIp::from_request_parts(&mut parts, &state).await;
    let checked = authenticate(&state, &parts.headers).await;
    let (counted, per_minute) = match &checked {
        Ok(key) => (
            Counted::Account(key.account_id),
            key.plan.limits().requests_per_minute,
        ),
        Err(_) => (Counted::Network(client.network()), ANONYMOUS_PER_MINUTE),
    };
    let allowance = state.api_limits.take(counted, per_minute, state.now());
    let mut response = match allowance.retry_after {
        Some(seconds) => {
            let detail =
                format!("More than {per_minute} requests a minute. Try again in {seconds} s.");
            Problem::rate_limited(detail, seconds).into_response()
        }
        None => {
            parts.extensions.insert(Checked(checked.clone()));
            admit(&state, Request::from_parts(parts, body), checked.ok(), next).await
        }
    };
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let mut rendered = problem.render(&id, &state.config);
        rendered.headers_mut().extend(kept(response.headers()));
        response = rendered;
    }
    add_allowance(response.headers_mut(), allowance);
    response
}

/// Headers of a bare refusal that stay when it gets its body.
fn kept(headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
    let about_body = [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::RETRY_AFTER,
    ];
    let kept = headers
        .iter()
        .filter(|(name, _)| !about_body.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

fn add_allowance(headers: &mut HeaderMap, allowance: Allowance) {
    headers.insert("ratelimit-limit", HeaderValue::from(allowance.limit));
    headers.insert(
        "ratelimit-remaining",
        HeaderValue::from(allowance.remaining),
    );
    headers.insert("ratelimit-reset", HeaderValue::from(allowance.reset));
}

/// Reads the body within its limit and carries the request out, once if it says so.
async fn admit(
    state: &AppState,
    request: Request,
    key: Option<ApiKeyAuth>,
    next: Next,
) -> Response {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return next.run(request).await;
    }
    let (mut parts, body) = request.into_parts();
    let bytes = match whole(body).await {
        Ok(bytes) => bytes,
        Err(problem) => return problem.into_response(),
    };
    let slot = match (key, idempotency_key(&parts.headers)) {
        (_, Err(problem)) => return problem.into_response(),
        (Some(key), Ok(Some(text))) if parts.method == Method::POST && key.scope.can_write() => {
            let route = format!(
                "{} {}",
                parts.method,
                parts.uri.path_and_query().map_or("/", |path| path.as_str())
            );
            OwnedSlot {
                account: key.account_id,
                api_key: key.key_id,
                route,
                key: text,
            }
        }
        _ => {
            return next
                .run(Request::from_parts(parts, Body::from(bytes)))
                .await;
        }
    };
    parts.extensions.insert(slot.clone());
    once(
        state,
        &slot,
        Request::from_parts(parts, Body::from(bytes.clone())),
        &bytes,
        next,
    )
    .await
    .unwrap_or_else(IntoResponse::into_response)
}

fn idempotency_key(headers: &HeaderMap) -> ApiResult<Option<String>> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = value.to_str().map(str::trim).unwrap_or_default();
    if (1..=255).contains(&text.len()) {
        return Ok(Some(text.to_owned()));
    }
    Err(Problem::field(
        "Idempotency-Key",
        "invalid",
        "must be 1 to 255 visible ASCII characters long",
    ))
}

/// Carries a request out, unless its key says that this was done.
async fn once(
    state: &AppState,
    slot: &OwnedSlot,
    request: Request,
    body: &Bytes,
    next: Next,
) -> ApiResult {
    let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    let mut connection = state.pool.acquire().await?;
    let claim =
        store::idempotency::claim(&mut connection, slot.slot(), hash.as_ref(), state.now()).await?;
    drop(connection);
    match claim {
        Claim::Fresh => {}
        Claim::Busy => {
            return Err(Problem::new(
                Code::Conflict,
                "The first request with this Idempotency-Key is still at work.",
            ));
        }
        Claim::Mismatch => {
            return Err(Problem::new(
                Code::IdempotencyMismatch,
                "This Idempotency-Key was used with another body.",
            ));
        }
        Claim::Done(answer) => return replay(answer),
    }
    // The work goes on when the client hangs up, or its answer would be lost for the replay.
    let (state, slot) = (state.clone(), slot.clone());
    let work = tokio::spawn(async move {
        let response = next.run(request).await;
        keep(&state, &slot, response).await
    });
    work.await.map_err(|error| Problem::internal(&error))?
}

fn replay(answer: Answer) -> ApiResult {
    let Some(body) = answer.body else {
        return Err(Problem::new(
            Code::Conflict,
            "The request with this Idempotency-Key was carried out; its answer is not kept, because it holds a secret that is shown once or because it was lost.",
        ));
    };
    let mut response = (
        http::StatusCode::from_u16(answer.status).unwrap_or_default(),
        body,
    )
        .into_response();
    let headers = response.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    for (name, value) in answer.headers.as_object().into_iter().flatten() {
        let value = value
            .as_str()
            .and_then(|value| HeaderValue::from_str(value).ok());
        if let (Ok(name), Some(value)) = (HeaderName::try_from(name), value) {
            headers.insert(name, value);
        }
    }
    headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    Ok(response)
}

/// Keeps what was answered. A refusal changed nothing, so its key is free again.
async fn keep(state: &AppState, slot: &OwnedSlot, response: Response) -> ApiResult {
    let mut connection = state.pool.acquire().await?;
    if !response.status().is_success() {
        store::idempotency::release(&mut connection, slot.slot()).await?;
        return Ok(response);
    }
    let secret = response.extensions().get::<ShownOnce>().is_some();
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let headers: serde_json::Map<String, serde_json::Value> =
        [header::CONTENT_TYPE, header::LOCATION, header::ETAG]
            .into_iter()
            .filter_map(|name| {
                Some((
                    name.to_string(),
                    parts.headers.get(&name)?.to_str().ok()?.into(),
                ))
            })
            .collect();
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: headers.into(),
        body: (!secret).then(|| bytes.to_vec()),
    };
    store::idempotency::finish(&mut connection, slot.slot(), &answer).await?;
    Ok(Response::from_parts(parts, Body::from(bytes)))
}
