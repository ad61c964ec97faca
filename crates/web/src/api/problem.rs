//! Errors as RFC 9457 `application/problem+json`.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;

use crate::config::WebConfig;
use crate::error::Fault;
use crate::extract::RequestId;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: &'a str,
    code: &'a str,
    request_id: &'a str,
}

/// A fault of the frame (no such address, a panic, a database that is away) as a problem.
pub fn render(fault: &Fault, id: &RequestId, config: &WebConfig) -> Response {
    let problem = Problem {
        r#type: config.link(&format!("/docs/errors/{}", fault.code)),
        title: fault.status.canonical_reason().unwrap_or("Error"),
        status: fault.status.as_u16(),
        detail: &fault.detail,
        code: fault.code,
        request_id: &id.0,
    };
    let mut response = (fault.status, axum::Json(problem)).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
