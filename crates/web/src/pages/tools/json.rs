//! The same for programs.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::tools::Tool;
use http::{HeaderMap, StatusCode, header};
use serde::Serialize;

use super::view::Outcome;
use crate::api::v1::checks::CheckView;

/// A program asks: it wants JSON, and no page.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    accept.contains("application/json") && !accept.contains("text/html")
}

#[derive(Serialize)]
struct RefusalView<'a> {
    error: &'a str,
}

/// Why there is no result.
pub fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(RefusalView { error: message })).into_response()
}

#[derive(Serialize)]
struct ResultView<'a> {
    id: String,
    url: String,
    tool: &'static str,
    target: &'a str,
    looked_at: String,
    expires_at: String,
    /// Every region has answered.
    complete: bool,
    finding: &'static str,
    title: &'a str,
    sentence: &'a str,
    looks: Vec<LookView<'a>>,
}

#[derive(Serialize)]
struct LookView<'a> {
    region: &'a str,
    region_name: &'a str,
    /// Of a DNS lookup.
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<&'a [String]>,
    /// Name and value, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<&'a [(String, String)]>,
    /// Null: not answered.
    check: Option<CheckView>,
}

/// A result.
pub fn result(outcome: &Outcome, url: String) -> Response {
    let run = &outcome.run;
    let looks = run.looks.iter().map(|look| {
        let seen = look.result.as_ref().map(|result| &result.observation);
        LookView {
            region: &look.region,
            region_name: &look.region_name,
            record: (run.tool == Tool::Dns).then(|| super::view::record(look.part)),
            values: seen.and_then(|seen| seen.records.as_deref()),
            headers: seen
                .and_then(|seen| seen.http.as_ref())
                .map(|http| http.headers.as_slice()),
            check: look.result.as_ref().map(CheckView::of_result),
        }
    });
    let view = ResultView {
        id: run.id.to_string(),
        url,
        tool: run.tool.as_str(),
        target: &run.target,
        looked_at: run.created_at.to_string(),
        expires_at: outcome.expires_at.to_string(),
        complete: run.is_done(),
        finding: outcome.finding.as_str(),
        title: &outcome.title,
        sentence: &outcome.sentence,
        looks: looks.collect(),
    };
    Json(view).into_response()
}
