//! From the OpenAPI document to what a reader sees.

use serde_json::{Map, Value};

/// Operations of one kind.
pub(super) struct Group {
    pub name: String,
    pub about: String,
    pub anchor: String,
    pub operations: Vec<Operation>,
}

/// One operation.
pub(super) struct Operation {
    pub id: String,
    pub method: String,
    pub path: String,
    pub title: String,
    pub about: String,
    pub curl: String,
    pub parameters: Vec<Field>,
    pub body: Option<Link>,
    pub answers: Vec<Answer>,
}

/// A parameter of an operation, or a field of an object.
pub(super) struct Field {
    pub name: String,
    pub kind: String,
    pub link: Option<String>,
    pub required: bool,
    pub about: String,
}

/// The name of an object, with its place on the page.
pub(super) struct Link {
    pub name: String,
    pub anchor: String,
}

/// What an operation answers with one status.
pub(super) struct Answer {
    pub status: String,
    pub about: String,
    pub body: Option<Link>,
}

/// An object or a set of words.
pub(super) struct Object {
    pub name: String,
    pub anchor: String,
    pub about: String,
    pub words: Vec<String>,
    pub fields: Vec<Field>,
}

/// Everything that the page shows.
pub(super) fn read(document: &Value, server: &str) -> (Vec<Group>, Vec<Object>) {
    let groups = array(&document["tags"])
        .map(|tag| {
            let name = text(&tag["name"]);
            Group {
                about: text(&tag["description"]),
                anchor: format!("group-{}", name.to_lowercase().replace(' ', "-")),
                operations: operations(document, server, &name),
                name,
            }
        })
        .collect();
    let schemas = document["components"]["schemas"]
        .as_object()
        .into_iter()
        .flatten();
    let mut objects: Vec<Object> = schemas
        .filter(|(name, _)| !name.starts_with("Page_"))
        .map(|(name, schema)| object(document, name, schema))
        .collect();
    objects.sort_by(|a, b| a.name.cmp(&b.name));
    (groups, objects)
}

fn operations(document: &Value, server: &str, tag: &str) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for method in ["get", "post", "put", "patch", "delete"] {
            let operation = &item[method];
            if array(&operation["tags"]).any(|name| name == tag) {
                found.push(one(document, server, (method, path), operation));
            }
        }
    }
    found
}

fn one(
    document: &Value,
    server: &str,
    (method, path): (&str, &str),
    operation: &Value,
) -> Operation {
    let content = &operation["requestBody"]["content"]["application/json"]["schema"];
    let parameters = array(&operation["parameters"])
        .map(|parameter| resolved(document, parameter))
        .map(|parameter| Field {
            name: text(&parameter["name"]),
            kind: format!(
                "{}, {}",
                kind(&parameter["schema"]).0,
                text(&parameter["in"])
            ),
            link: None,
            required: parameter["required"] == true,
            about: text(&parameter["description"]),
        });
    let answers = operation["responses"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(status, response)| (status, resolved(document, response)))
        .map(|(status, response)| Answer {
            status: status.clone(),
            about: plain(&text(&response["description"])),
            body: response["content"]
                .as_object()
                .and_then(|all| all.values().next())
                .and_then(|one| link(&one["schema"])),
        });
    Operation {
        id: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        title: text(&operation["summary"]),
        about: plain(&text(&operation["description"])),
        curl: curl(document, server, (method, path), operation),
        parameters: parameters.collect(),
        body: link(content),
        answers: answers.collect(),
    }
}

/// A command that does it, with example values.
fn curl(document: &Value, server: &str, (method, path): (&str, &str), operation: &Value) -> String {
    let mut command = String::from("curl");
    if method != "get" {
        command.push_str(&format!(" -X {}", method.to_uppercase()));
    }
    command.push_str(&format!(" {server}{path}"));
    let open =
        array(&operation["security"]).any(|scheme| scheme.as_object().is_some_and(Map::is_empty));
    if !open {
        command.push_str(" \\\n     -H 'Authorization: Bearer wb_…'");
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let example = &resolved(document, schema)["example"];
    if !example.is_null() {
        let example = if method == "patch" && path.contains("monitor_id") {
            r#"{"interval_seconds":120}"#.to_owned()
        } else {
            example.to_string()
        };
        command.push_str(" \\\n     -H 'Content-Type: application/json' \\\n     -d '");
        command.push_str(&example.replace('\'', "'\\''"));
        command.push('\'');
    }
    command
}

fn object(document: &Value, name: &str, schema: &Value) -> Object {
    let mut fields = Vec::new();
    let parts: Vec<&Value> = if schema["allOf"].is_array() {
        array(&schema["allOf"]).collect()
    } else {
        vec![schema]
    };
    for part in parts {
        let part = resolved(document, part);
        let required: Vec<&str> = array(&part["required"]).filter_map(Value::as_str).collect();
        for (name, field) in part["properties"].as_object().into_iter().flatten() {
            let (kind, link) = kind(field);
            fields.push(Field {
                name: name.clone(),
                kind,
                link,
                required: required.contains(&name.as_str()),
                about: plain(&text(&field["description"])),
            });
        }
    }
    Object {
        name: name.to_owned(),
        anchor: anchor(name),
        about: plain(&text(&schema["description"])),
        words: array(&schema["enum"]).map(text).collect(),
        fields,
    }
}

/// A type in words, with the object that it leads to.
fn kind(schema: &Value) -> (String, Option<String>) {
    if let Some(found) = link(schema) {
        return (found.name, Some(found.anchor));
    }
    if let Some(options) = schema["oneOf"].as_array() {
        let known = options.iter().find(|option| option["type"] != "null");
        let (word, link) = known.map(kind).unwrap_or_default();
        return (format!("{word} or null"), link);
    }
    let words: Vec<String> = match &schema["type"] {
        Value::Array(kinds) => kinds.iter().map(text).collect(),
        Value::String(word) => vec![word.clone()],
        _ => vec!["any".to_owned()],
    };
    let (word, link) = match words.first().map(String::as_str) {
        Some("array") => {
            let (inner, link) = kind(&schema["items"]);
            (format!("list of {inner}"), link)
        }
        Some("string") if schema["format"] == "date-time" => ("time".to_owned(), None),
        Some("string") => ("text".to_owned(), None),
        Some(other) => (other.to_owned(), None),
        None => ("any".to_owned(), None),
    };
    if words.len() > 1 {
        (format!("{word} or null"), link)
    } else {
        (word, link)
    }
}

fn link(schema: &Value) -> Option<Link> {
    let name = schema["$ref"].as_str()?.rsplit('/').next()?.to_owned();
    match name.strip_prefix("Page_") {
        Some(inner) => Some(Link {
            anchor: anchor(inner),
            name: format!("page of {inner}"),
        }),
        None => Some(Link {
            anchor: anchor(&name),
            name,
        }),
    }
}

/// The value itself, or the component that it refers to.
fn resolved<'d>(document: &'d Value, value: &'d Value) -> &'d Value {
    value["$ref"]
        .as_str()
        .and_then(|place| document.pointer(place.trim_start_matches('#')))
        .unwrap_or(value)
}

fn anchor(name: &str) -> String {
    format!("object-{name}")
}

fn array(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Without the marks of code, which the page does not render.
fn plain(text: &str) -> String {
    text.replace('`', "").replace('\n', " ").trim().to_owned()
}
