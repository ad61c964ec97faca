//! Errors of the API as RFC 9457 problem details.

use axum::Json;
use axum::response::{IntoResponse, Response};
use domain::monitor::validate::FieldError;
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;

use super::code::Code;
use crate::config::WebConfig;
use crate::error::Fault;
use crate::extract::RequestId;
use crate::usecases::{PlanLimit, UseCaseError};

/// What a handler of the API may fail with; the gate gives it its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What went wrong.
    pub code: Code,
    /// One sentence on this case.
    pub detail: String,
    /// The fields that are wrong.
    pub errors: Vec<FieldError>,
    /// The figures of a full plan.
    pub plan_limit: Option<PlanLimit>,
    /// Seconds until it is worth trying again.
    pub retry_after: Option<u64>,
}

/// The result of a handler of the API.
pub type ApiResult<T = Response> = Result<T, Problem>;

impl Problem {
    /// A problem with one sentence.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            plan_limit: None,
            retry_after: None,
        }
    }

    /// Nothing here, or not yours.
    pub fn not_found() -> Self {
        Self::new(Code::NotFound, "There is nothing here, or it is not yours.")
    }

    /// Fields are wrong.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] if one.pointer.is_empty() => format!("The body {}.", one.message),
            [one] => format!("{} {}.", one.pointer, one.message),
            more => format!("{} fields are wrong.", more.len()),
        };
        Self {
            errors,
            ..Self::new(Code::ValidationFailed, detail)
        }
    }

    /// One field is wrong.
    pub fn field(pointer: &str, code: &'static str, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, code, message)])
    }

    /// Too many requests.
    pub fn rate_limited(detail: impl Into<String>, retry_after: u64) -> Self {
        Self {
            retry_after: Some(retry_after.max(1)),
            ..Self::new(Code::RateLimited, detail)
        }
    }

    /// Not now.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self {
            retry_after: Some(5),
            ..Self::new(Code::Unavailable, detail)
        }
    }

    /// Our fault; the cause goes to the log and to nobody else.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %crate::error::chain(cause), "a request to the API failed");
        Self::new(Code::Internal, crate::error::OUR_FAULT)
    }

    /// As it is written.
    pub(crate) fn body<'p>(&'p self, id: &'p RequestId, config: &WebConfig) -> ProblemBody<'p> {
        let limit = self.plan_limit.as_ref();
        ProblemBody {
            kind: config.link(&format!("/docs/errors/{}", self.code.as_str())),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            request_id: &id.0,
            errors: self.errors.iter().map(FieldErrorBody::of).collect(),
            limit: limit.map(|limit| limit.limit),
            used: limit.map(|limit| limit.used),
            plan: limit.map(|limit| limit.plan.as_str()),
            lifted_by: limit.map(|limit| limit.lifted_by.map(domain::account::Plan::as_str)),
        }
    }

    /// The answer, complete.
    pub fn render(&self, id: &RequestId, config: &WebConfig) -> Response {
        let body = self.body(id, config);
        let mut response = (self.code.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Gives a fault of the outer layers (no such page, a panic, the deadline) the API's form.
pub fn render(fault: &Fault, id: &RequestId, config: &WebConfig) -> Response {
    let code = Code::parse(fault.code).unwrap_or(match fault.status.as_u16() {
        400 => Code::MalformedJson,
        status if status < 500 => Code::NotFound,
        _ => Code::Internal,
    });
    Problem {
        retry_after: fault.retry_after,
        ..Problem::new(code, fault.detail.clone())
    }
    .render(id, config)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<UseCaseError> for Problem {
    fn from(error: UseCaseError) -> Self {
        match error {
            UseCaseError::NotFound => Self::not_found(),
            UseCaseError::Invalid(errors) => Self::invalid(errors),
            UseCaseError::PlanLimit(limit) => Self {
                plan_limit: Some(limit),
                ..Self::new(Code::PlanLimit, limit.to_string())
            },
            UseCaseError::Conflict { detail, .. } => Self::new(Code::Conflict, detail),
            UseCaseError::StillFailing => Self::new(Code::StillFailing, error.to_string()),
            UseCaseError::Forbidden(detail) => Self::new(Code::Forbidden, detail),
            UseCaseError::TooSoon {
                retry_after,
                detail,
            } => Self::rate_limited(detail, retry_after),
            UseCaseError::Unavailable(detail) => Self::unavailable(detail),
            UseCaseError::Internal(cause) => Self::internal(&*cause),
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        UseCaseError::from(error).into()
    }
}

impl From<sqlx::Error> for Problem {
    fn from(error: sqlx::Error) -> Self {
        store::Error::from(error).into()
    }
}

/// A problem as RFC 9457 writes it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "https://watchbell.example/docs/errors/validation_failed",
    "title": "A field is wrong", "status": 422, "detail": "/url must be given.", "code": "validation_failed",
    "request_id": "req_0192f0c1e5b77c5f8c3a5d1e2f3a4b5c",
    "errors": [{"pointer": "/url", "code": "required", "message": "must be given"}]
}))]
pub(crate) struct ProblemBody<'a> {
    /// The page that explains the code.
    #[serde(rename = "type")]
    kind: String,
    /// The code in a few words.
    title: &'static str,
    /// The HTTP status again.
    status: u16,
    /// One sentence on this case.
    detail: &'a str,
    /// A stable word.
    code: &'static str,
    /// Of this request, for questions to us.
    request_id: &'a str,
    /// With `validation_failed`: the fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldErrorBody<'a>>,
    /// With `plan_limit`: how many the plan allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<u32>,
    /// With `plan_limit`: how many there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<u32>,
    /// With `plan_limit`: the account's plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'static str>,
    /// With `plan_limit`: the smallest plan that allows more; null when none does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    lifted_by: Option<Option<&'static str>>,
}

/// One field that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FieldError)]
pub(crate) struct FieldErrorBody<'a> {
    /// JSON pointer of the field; a query parameter is `?name`, the whole body is empty.
    pointer: &'a str,
    /// A stable word.
    code: &'static str,
    /// What it must be.
    message: &'a str,
}

impl<'a> FieldErrorBody<'a> {
    fn of(error: &'a FieldError) -> Self {
        Self {
            pointer: &error.pointer,
            code: error.code,
            message: &error.message,
        }
    }
}
