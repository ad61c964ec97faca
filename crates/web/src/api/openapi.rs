//! The description of the API (OpenAPI 3.1), generated from the handlers. What every operation has in
//! common (problems, limits, idempotency, preconditions) is added here and not repeated at each.

use http::Method;
use utoipa::PartialSchema;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ContentBuilder, InfoBuilder, OpenApi, PathItem, Ref, RefOr, Required, ServerBuilder,
};

use super::code::Code;
use super::problem::{FieldErrorBody, ProblemBody};
use super::v1;
use crate::config::WebConfig;

/// One method of one address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Method.
    pub method: Method,
    /// Path with `{parameters}`.
    pub path: String,
    /// Such as `monitors.list`.
    pub id: String,
    /// It takes an API key.
    pub needs_key: bool,
}

const TAGS: [(&str, &str); 8] = [
    (
        "Monitors",
        "What is looked at, how often, and with which settings.",
    ),
    ("Checks", "One look without a monitor."),
    ("Reports", "What was seen of a monitor."),
    (
        "Incidents",
        "Outages, from the first failing look to their end.",
    ),
    ("Contacts", "Addresses that alerts go to."),
    ("API keys", "What programs sign in with."),
    ("Account", "The account behind the key."),
    ("Regions", "From where we look."),
];

/// Every operation of a description.
pub fn operations(document: &OpenApi) -> Vec<Described> {
    let mut all = Vec::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in methods(item) {
            all.push(Described {
                method,
                path: path.clone(),
                id: operation.operation_id.clone().unwrap_or_default(),
                needs_key: operation.security.is_none(),
            });
        }
    }
    all
}

fn methods(item: &PathItem) -> Vec<(Method, &Operation)> {
    [
        (Method::GET, &item.get),
        (Method::POST, &item.post),
        (Method::PUT, &item.put),
        (Method::PATCH, &item.patch),
        (Method::DELETE, &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
    .collect()
}

/// The whole description.
pub fn document(config: &WebConfig) -> OpenApi {
    let (_, mut document) = v1::described().split_for_parts();
    document.info = InfoBuilder::new()
        .title("Watchbell API")
        .version("1")
        .description(Some(
            "Everything that the pages do. JSON in snake_case; times in RFC 3339, UTC; unknown fields are refused; \
             what you send is what you read, with defaults filled in.",
        ))
        .build();
    document.servers = Some(vec![ServerBuilder::new().url(config.link("")).build()]);
    document.tags = Some(
        TAGS.iter()
            .map(|(name, text)| {
                TagBuilder::new()
                    .name(*name)
                    .description(Some(*text))
                    .build()
            })
            .collect(),
    );
    document.security = Some(vec![
        SecurityRequirement::new("bearer", Vec::<String>::new()),
        SecurityRequirement::new("api_key", Vec::<String>::new()),
    ]);
    let components = document.components.get_or_insert_default();
    components
        .schemas
        .insert("Problem".to_owned(), ProblemBody::schema());
    components
        .schemas
        .insert("FieldError".to_owned(), FieldErrorBody::schema());
    components.add_security_scheme(
        "bearer",
        SecurityScheme::Http(
            HttpBuilder::new()
                .scheme(HttpAuthScheme::Bearer)
                .bearer_format("wb_…")
                .build(),
        ),
    );
    components.add_security_scheme(
        "api_key",
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("X-Api-Key"))),
    );
    for item in document.paths.paths.values_mut() {
        let slots = [
            (Method::GET, &mut item.get),
            (Method::POST, &mut item.post),
            (Method::PUT, &mut item.put),
            (Method::PATCH, &mut item.patch),
            (Method::DELETE, &mut item.delete),
        ];
        for (method, operation) in slots {
            if let Some(operation) = operation {
                complete(&method, operation);
            }
        }
    }
    document
}

/// Adds to an operation what all of its kind have.
fn complete(method: &Method, operation: &mut Operation) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let has_body = operation.request_body.is_some();
    let has_path = operation.parameters.iter().flatten().any(is_in_path);
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let required = !matches!(id.as_str(), "incidents.resolve");
        body.required = Some(if required {
            Required::True
        } else {
            Required::False
        });
        if *method == Method::PATCH
            && let Some(content) = body.content.get("application/json").cloned()
        {
            body.content
                .insert("application/merge-patch+json".to_owned(), content);
        }
    }
    add_parameters(operation, method, &id, has_path);
    for code in problems(method, &id, (has_body, has_path)) {
        add_problem(operation, code);
    }
    for (status, response) in &mut operation.responses.responses {
        if let RefOr::T(response) = response {
            if response.description.is_empty() {
                done(status).clone_into(&mut response.description);
            }
            add_headers(status, response);
        }
    }
}

/// Adds the parameters that follow from what an operation does.
fn add_parameters(operation: &mut Operation, method: &Method, id: &str, has_path: bool) {
    let is_list = operation
        .responses
        .responses
        .get("200")
        .is_some_and(is_page);
    let has_window = matches!(
        id,
        "monitors.checks" | "monitors.uptime" | "monitors.response_times" | "incidents.list"
    );
    let pages = is_list && !matches!(id, "tags.list" | "regions.list" | "incidents.deliveries");
    let parameters = operation.parameters.get_or_insert_default();
    if has_window {
        let text = "RFC 3339, or so long before now: -30m, -24h, -7d";
        parameters.push(query("from", text, Type::String, Some("-24h")));
        parameters.push(query("to", text, Type::String, None));
    }
    if pages {
        parameters.push(query(
            "limit",
            "Objects on a page: 50, at most 200",
            Type::Integer,
            None,
        ));
        parameters.push(query(
            "cursor",
            "The next_cursor of the page before",
            Type::String,
            None,
        ));
    }
    if !matches!(*method, Method::GET | Method::DELETE) {
        parameters.push(query(
            "dry_run",
            "Only validates: nothing is changed",
            Type::Boolean,
            None,
        ));
    }
    if *method == Method::POST {
        let text = "1 to 255 characters: for 24 hours a repeated request answers as the first did, with Idempotency-Replayed: true";
        parameters.push(header("Idempotency-Key", text));
    }
    if matches!(*method, Method::PATCH | Method::PUT)
        || (*method == Method::DELETE && id != "api_keys.delete")
    {
        parameters.push(header(
            "If-Match",
            "An ETag: changes this version only, else 412",
        ));
    }
    if *method == Method::GET && has_path && !is_list && !has_window {
        parameters.push(header(
            "If-None-Match",
            "An ETag: 304 when the object is still this version",
        ));
        let known = ResponseBuilder::new()
            .description("Still the version of If-None-Match")
            .build();
        operation
            .responses
            .responses
            .insert("304".to_owned(), RefOr::T(known));
    }
}

/// What a status means that says nothing special.
fn done(status: &str) -> &'static str {
    match status {
        "201" => "It was made",
        "204" => "It is gone, or was so before",
        _ => "As asked for",
    }
}

fn is_page(response: &RefOr<utoipa::openapi::Response>) -> bool {
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

fn is_in_path(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
}

fn problems(method: &Method, id: &str, (has_body, has_path): (bool, bool)) -> Vec<Code> {
    let mut codes = vec![
        Code::RateLimited,
        Code::Internal,
        Code::Unavailable,
        Code::ValidationFailed,
    ];
    if !matches!(id, "regions.list" | "openapi.get") {
        codes.extend([Code::Unauthorized, Code::Forbidden]);
    }
    if has_path {
        codes.push(Code::NotFound);
    }
    if has_body || *method == Method::POST {
        codes.extend([
            Code::MalformedJson,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
        ]);
    }
    if *method != Method::GET {
        codes.push(Code::Conflict);
    }
    if matches!(*method, Method::PATCH | Method::PUT | Method::DELETE) {
        codes.push(Code::PreconditionFailed);
    }
    if *method == Method::PUT || *method == Method::POST {
        codes.push(Code::PlanLimit);
    }
    codes
}

/// Codes that share a status share a response.
fn add_problem(operation: &mut Operation, code: Code) {
    let status = code.status().as_str().to_owned();
    let word = format!("`{}`", code.as_str());
    if let Some(RefOr::T(known)) = operation.responses.responses.get_mut(&status) {
        if !known.description.contains(&word) {
            known.description.push_str(&format!(", {word}"));
        }
        return;
    }
    let content = ContentBuilder::new()
        .schema(Some(Ref::from_schema_name("Problem")))
        .build();
    let response = ResponseBuilder::new()
        .description(word)
        .content("application/problem+json", content)
        .build();
    operation
        .responses
        .responses
        .insert(status, RefOr::T(response));
}

fn add_headers(status: &str, response: &mut utoipa::openapi::Response) {
    let mut add = |name: &str, text: &str, kind: Type| {
        let schema = ObjectBuilder::new()
            .schema_type(SchemaType::new(kind))
            .build();
        let header = HeaderBuilder::new()
            .description(Some(text))
            .schema(Some(schema))
            .build();
        response.headers.insert(name.to_owned(), RefOr::T(header));
    };
    add(
        "X-Request-Id",
        "Of this request, for questions to us",
        Type::String,
    );
    add("RateLimit-Limit", "Requests a minute", Type::Integer);
    add(
        "RateLimit-Remaining",
        "Requests that may come at once now",
        Type::Integer,
    );
    add(
        "RateLimit-Reset",
        "Seconds until all of them are there again",
        Type::Integer,
    );
    if matches!(status, "429" | "503") {
        add(
            "Retry-After",
            "Seconds until it is worth trying again",
            Type::Integer,
        );
    }
}

fn query(name: &str, text: &str, kind: Type, example: Option<&str>) -> RefOr<Parameter> {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::new(kind))
        .build();
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(text))
        .example(example.map(serde_json::Value::from))
        .schema(Some(schema))
        .build();
    RefOr::T(parameter)
}

fn header(name: &str, text: &str) -> RefOr<Parameter> {
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .build();
    let parameter = ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema))
        .build();
    RefOr::T(parameter)
}
