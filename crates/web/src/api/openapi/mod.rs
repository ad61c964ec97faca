//! The description of the API (OpenAPI 3.1), generated from the handlers. What every operation has in
//! common (problems, limits, idempotency, preconditions) is added here, once, as a component.

mod answers;
mod parameters;
pub mod shapes;

use http::Method;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::schema::Components;
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{InfoBuilder, OpenApi, PathItem, RefOr, Required, ServerBuilder};

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

const TAGS: [(&str, &str); 12] = [
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
    (
        "Policies",
        "Who is told first, and who is told when nobody takes it.",
    ),
    ("On call", "Who is on call when, and who stands in."),
    ("Events", "What was changed, so that incidents can name it."),
    ("Maintenance", "Times in which nobody is told of an outage."),
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
    let components = document.components.get_or_insert_default();
    answers::add_headers(components);
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
                complete(components, &method, operation);
            }
        }
    }
    document
}

/// What an operation does, as far as it decides what is added to it.
struct Kind {
    method: Method,
    id: String,
    has_body: bool,
    has_path: bool,
    /// It answers a page of a list.
    is_list: bool,
}

/// Adds to an operation what all of its kind have.
fn complete(components: &mut Components, method: &Method, operation: &mut Operation) {
    let kind = Kind {
        method: method.clone(),
        id: operation.operation_id.clone().unwrap_or_default(),
        has_body: operation.request_body.is_some(),
        has_path: operation.parameters.iter().flatten().any(is_in_path),
        is_list: operation
            .responses
            .responses
            .get("200")
            .is_some_and(answers::is_page),
    };
    if let Some(RefOr::T(body)) = &mut operation.request_body {
        let required = !matches!(kind.id.as_str(), "incidents.resolve");
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
    parameters::complete(components, operation, &kind);
    answers::complete(components, operation, &kind);
}

fn is_in_path(parameter: &RefOr<Parameter>) -> bool {
    matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Path)
}
