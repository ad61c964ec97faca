//! What every operation may answer: its headers, and the problems.

use std::collections::BTreeMap;

use http::Method;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{Components, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr};

use super::Kind;
use crate::api::code::Code;

/// Headers of every answer.
const EVERYWHERE: [(&str, &str, Type); 4] = [
    (
        "X-Request-Id",
        "Of this request, for questions to us",
        Type::String,
    ),
    ("RateLimit-Limit", "Requests a minute", Type::Integer),
    (
        "RateLimit-Remaining",
        "Requests that may come at once now",
        Type::Integer,
    ),
    (
        "RateLimit-Reset",
        "Seconds until all of them are there again",
        Type::Integer,
    ),
];
const RETRY_AFTER: (&str, &str, Type) = (
    "Retry-After",
    "Seconds until it is worth trying again",
    Type::Integer,
);
const ETAG: (&str, &str, Type) = (
    "ETag",
    "The version of the object, for If-Match and If-None-Match",
    Type::String,
);

/// Puts the headers among the components.
pub(super) fn add_headers(components: &mut Components) {
    for (name, text, kind) in EVERYWHERE.into_iter().chain([RETRY_AFTER, ETAG]) {
        components
            .headers
            .insert(name.to_owned(), RefOr::T(header(text, kind)));
    }
}

fn header(text: &str, kind: Type) -> Header {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::new(kind))
        .build();
    HeaderBuilder::new()
        .description(Some(text))
        .schema(Some(schema))
        .build()
}

/// Adds headers and problems to an operation.
pub(super) fn complete(components: &mut Components, operation: &mut Operation, kind: &Kind) {
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else {
            continue;
        };
        if response.description.is_empty() {
            done(status).clone_into(&mut response.description);
        }
        refer(response, status);
        if status.starts_with("20") && is_versioned(kind) {
            refer_to(response, ETAG.0);
        }
    }
    let mut by_status: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for code in problems(kind) {
        let status = code.status().as_str().to_owned();
        by_status.entry(status).or_default().push(code.as_str());
    }
    for (status, codes) in by_status {
        // Codes that share a status share a response.
        let name = codes.join("_or_");
        let known = &mut components.responses;
        known
            .entry(name.clone())
            .or_insert_with(|| RefOr::T(problem(&status, &codes)));
        let place = Ref::from_response_name(name);
        operation
            .responses
            .responses
            .insert(status, RefOr::Ref(place));
    }
}

/// Its 200 or 201 is an object with an `ETag`.
fn is_versioned(kind: &Kind) -> bool {
    let id = kind.id.as_str();
    let is_object = [".get", ".create", ".update", "_by_key"]
        .iter()
        .any(|end| id.ends_with(end));
    let exceptions = [
        "api_keys.create",
        "checks.create",
        "openapi.get",
        "monitors.delete_by_key",
    ];
    is_object && !exceptions.contains(&id)
}

/// The answer is a page of a list.
pub(super) fn is_page(response: &RefOr<Response>) -> bool {
    let RefOr::T(response) = response else {
        return false;
    };
    response.content.values().any(|content| match content {
        RefOr::T(content) => match &content.schema {
            Some(RefOr::Ref(reference)) => reference.ref_location.contains("Page_"),
            _ => false,
        },
        RefOr::Ref(_) => false,
    })
}

/// What a status means that says nothing special.
fn done(status: &str) -> &'static str {
    match status {
        "201" => "It was made",
        "204" => "It is gone, or was so before",
        _ => "As asked for",
    }
}

fn problems(kind: &Kind) -> Vec<Code> {
    let method = &kind.method;
    let mut codes = vec![
        Code::RateLimited,
        Code::Internal,
        Code::Unavailable,
        Code::ValidationFailed,
    ];
    if *method == Method::POST {
        codes.push(Code::IdempotencyMismatch);
    }
    if !matches!(kind.id.as_str(), "regions.list" | "openapi.get") {
        codes.extend([Code::Unauthorized, Code::Forbidden]);
    }
    if *method == Method::PUT || *method == Method::POST {
        codes.push(Code::PlanLimit);
    }
    if kind.has_path {
        codes.push(Code::NotFound);
    }
    if kind.has_body || *method == Method::POST {
        codes.extend([
            Code::MalformedJson,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
        ]);
    }
    if *method != Method::GET {
        codes.push(Code::Conflict);
    }
    if kind.id == "incidents.resolve" {
        codes.push(Code::StillFailing);
    }
    if matches!(*method, Method::PATCH | Method::PUT | Method::DELETE) {
        codes.push(Code::PreconditionFailed);
    }
    codes
}

fn problem(status: &str, codes: &[&str]) -> Response {
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let words: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let mut response = ResponseBuilder::new()
        .description(words.join(", "))
        .content("application/problem+json", content)
        .build();
    refer(&mut response, status);
    response
}

fn refer(response: &mut Response, status: &str) {
    for (name, _, _) in EVERYWHERE {
        refer_to(response, name);
    }
    if matches!(status, "429" | "503") {
        refer_to(response, RETRY_AFTER.0);
    }
}

fn refer_to(response: &mut Response, name: &str) {
    let place = Ref::new(format!("#/components/headers/{name}"));
    response.headers.insert(name.to_owned(), RefOr::Ref(place));
}
