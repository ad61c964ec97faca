//! Parameters that follow from what an operation does.

use http::Method;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, ParameterStyle};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{Components, Object, ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr, Required};

use super::{Kind, shapes};
use crate::api::query::{DEFAULT_LIMIT, MAX_LIMIT};

/// Adds them, and says more of those that the handler has.
pub(super) fn complete(components: &mut Components, operation: &mut Operation, kind: &Kind) {
    let own = operation.parameters.get_or_insert_default();
    for parameter in own.iter_mut() {
        let RefOr::T(known) = parameter else { continue };
        if known.parameter_in == ParameterIn::Path {
            tighten_path(known);
            let shared = share(components, known.clone());
            *parameter = RefOr::Ref(shared);
        } else if let Some(schema) = shapes::query(&kind.id, &known.name) {
            if matches!(
                (kind.id.as_str(), known.name.as_str()),
                ("monitors.list", "status")
            ) {
                (known.style, known.explode) = (Some(ParameterStyle::Form), Some(false));
            }
            known.schema = Some(schema);
        }
    }
    let common = common(kind)
        .into_iter()
        .map(|one| RefOr::Ref(share(components, one)));
    own.extend(common);
    if has_versions(kind) && kind.method == Method::GET {
        let known = ResponseBuilder::new()
            .description("Still the version of If-None-Match")
            .build();
        components
            .responses
            .insert("not_modified".to_owned(), RefOr::T(known));
        operation.responses.responses.insert(
            "304".to_owned(),
            RefOr::Ref(Ref::from_response_name("not_modified")),
        );
    }
}

fn tighten_path(parameter: &mut Parameter) {
    let schema = match parameter.name.as_str() {
        "key" => Some(shapes::pattern(shapes::KEY)),
        name => shapes::id_of(name),
    };
    if let Some(schema) = schema {
        parameter.schema = Some(RefOr::T(schema.into()));
    }
}

/// Makes it a component and refers to it.
fn share(components: &mut Components, parameter: Parameter) -> Ref {
    let name = parameter.name.clone();
    let place = Ref::new(format!("#/components/parameters/{name}"));
    components.parameters.insert(name, RefOr::T(parameter));
    place
}

/// The object of the operation has an `ETag`.
fn has_versions(kind: &Kind) -> bool {
    let reads = kind.method == Method::GET && kind.has_path && !kind.is_list && !has_window(kind);
    reads || kind.id == "me.get"
}

fn has_window(kind: &Kind) -> bool {
    matches!(
        kind.id.as_str(),
        "monitors.checks" | "monitors.uptime" | "monitors.response_times" | "incidents.list"
    )
}

fn common(kind: &Kind) -> Vec<Parameter> {
    let mut found = Vec::new();
    let id = kind.id.as_str();
    if has_window(kind) {
        found.extend([
            moment("from", "24 hours before `to` by default"),
            moment("to", "Now by default"),
        ]);
    }
    if kind.is_list
        && !matches!(
            id,
            "tags.list" | "regions.list" | "incidents.deliveries" | "account.check"
        )
    {
        found.extend([limit(), cursor()]);
    }
    if !matches!(kind.method, Method::GET | Method::DELETE) {
        let text = "Only validates: nothing is changed";
        let schema = typed(Type::Boolean).default(Some(false.into())).build();
        found.push(query("dry_run", text, schema));
    }
    if kind.method == Method::POST {
        let text = "For 24 hours a repeated request answers as the first did, with Idempotency-Replayed: true";
        let schema = typed(Type::String)
            .min_length(Some(1))
            .max_length(Some(255))
            .build();
        found.push(header("Idempotency-Key", text, schema));
    }
    if matches!(kind.method, Method::PATCH | Method::PUT)
        || (kind.method == Method::DELETE && id != "api_keys.delete")
    {
        let text = "An ETag: changes this version only, else 412";
        found.push(header("If-Match", text, typed(Type::String).build()));
    }
    if has_versions(kind) {
        let text = "An ETag: 304 when the object is still this version";
        found.push(header("If-None-Match", text, typed(Type::String).build()));
    }
    found
}

fn moment(name: &str, default: &str) -> Parameter {
    let text = format!("RFC 3339, or so long before now: -90s, -30m, -24h, -7d, -2w. {default}");
    let schema = ObjectBuilder::new()
        .schema_type(SchemaType::new(Type::String))
        .pattern(Some(
            r"^(-[0-9]+[smhdw]|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2}))$",
        ))
        .examples(["-24h"])
        .build();
    query(name, &text, schema)
}

fn limit() -> Parameter {
    let schema = typed(Type::Integer)
        .minimum(Some(1))
        .maximum(Some(MAX_LIMIT))
        .default(Some(DEFAULT_LIMIT.into()))
        .build();
    query("limit", "Objects on a page", schema)
}

fn cursor() -> Parameter {
    let text = "The next_cursor of the page before, of the same list in the same order";
    query(
        "cursor",
        text,
        typed(Type::String).min_length(Some(1)).build(),
    )
}

fn typed(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::new(kind))
}

fn query(name: &str, text: &str, schema: Object) -> Parameter {
    built(ParameterIn::Query, (name, text), schema)
}

fn header(name: &str, text: &str, schema: Object) -> Parameter {
    built(ParameterIn::Header, (name, text), schema)
}

fn built(place: ParameterIn, (name, text): (&str, &str), schema: Object) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(place)
        .required(Required::False)
        .description(Some(text))
        .schema(Some(schema))
        .build()
}
