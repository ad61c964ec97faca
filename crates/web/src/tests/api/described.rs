//! The description is held against the running router, both ways.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};
use sqlx::PgPool;

use super::{Client, Reply, schema, team};
use crate::api::openapi;

#[test]
fn the_description_is_the_one_we_published() {
    let config = crate::config::tests::config("https://watchbell.example");
    insta::assert_json_snapshot!("openapi", openapi::document(&config));
}

/// The operations there are, in order.
const NAMES: [&str; 74] = [
    "account.check",
    "api_keys.create",
    "api_keys.delete",
    "api_keys.get",
    "api_keys.list",
    "checks.create",
    "contacts.create",
    "contacts.delete",
    "contacts.get",
    "contacts.list",
    "contacts.renew_secret",
    "contacts.resend",
    "contacts.test",
    "contacts.update",
    "contacts.verify",
    "events.create",
    "events.delete",
    "events.get",
    "events.list",
    "incidents.acknowledge",
    "incidents.briefing",
    "incidents.comment",
    "incidents.deliveries",
    "incidents.diagnosis_feedback",
    "incidents.get",
    "incidents.list",
    "incidents.resolve",
    "incidents.snooze",
    "incidents.unsnooze",
    "maintenance_windows.create",
    "maintenance_windows.delete",
    "maintenance_windows.end",
    "maintenance_windows.get",
    "maintenance_windows.list",
    "maintenance_windows.update",
    "me.get",
    "me.update",
    "monitors.bulk",
    "monitors.check",
    "monitors.checks",
    "monitors.create",
    "monitors.delete",
    "monitors.delete_by_key",
    "monitors.drill",
    "monitors.get",
    "monitors.get_by_key",
    "monitors.list",
    "monitors.pause",
    "monitors.pings",
    "monitors.put_by_key",
    "monitors.response_times",
    "monitors.restore",
    "monitors.resume",
    "monitors.update",
    "monitors.uptime",
    "monitors.verify_origin",
    "openapi.get",
    "policies.create",
    "policies.delete",
    "policies.get",
    "policies.list",
    "policies.update",
    "regions.list",
    "schedules.create",
    "schedules.delete",
    "schedules.get",
    "schedules.list",
    "schedules.on_call",
    "schedules.overrides.create",
    "schedules.overrides.delete",
    "schedules.overrides.list",
    "schedules.shifts",
    "schedules.update",
    "tags.list",
];

#[test]
fn names_are_fixed_and_routes_are_the_described_ones() {
    let config = crate::config::tests::config("https://watchbell.example");
    let described = openapi::operations(&openapi::document(&config));
    let ids: BTreeSet<&str> = described
        .iter()
        .map(|operation| operation.id.as_str())
        .collect();
    assert_eq!(
        ids.len(),
        described.len(),
        "every operation has a name of its own"
    );
    assert_eq!(ids.into_iter().collect::<Vec<_>>(), NAMES);
    let (table, _) = crate::routes().into_parts();
    let routed: BTreeSet<(String, String)> = table
        .into_iter()
        .filter(|route| route.path.starts_with("/api/"))
        .map(|route| (route.method.to_string(), route.path))
        .collect();
    let described: BTreeSet<(String, String)> = described
        .into_iter()
        .map(|operation| (operation.method.to_string(), operation.path))
        .collect();
    assert_eq!(routed, described);
}

/// Carries a request out and holds its answer against the description.
async fn held(
    client: &Client,
    document: &Value,
    (method, template, path): (Method, &str, &str),
    body: Option<Value>,
) -> Reply {
    let headers: &[(&str, &str)] = if body.is_some() {
        &[("content-type", "application/json")]
    } else {
        &[]
    };
    let bytes = body
        .map(|body| body.to_string().into_bytes())
        .unwrap_or_default();
    let reply = client
        .raw(method.clone(), &format!("/api/v1{path}"), headers, bytes)
        .await;
    let operation =
        &document["paths"][format!("/api/v1{template}")][method.as_str().to_lowercase()];
    assert!(
        operation.is_object(),
        "{method} {template} is not described"
    );
    let response = schema::resolve(document, &operation["responses"][reply.status.as_str()]);
    assert!(
        response.is_object(),
        "{method} {path}: {} is not described: {}",
        reply.status,
        reply.text
    );
    for header in response["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name)
    {
        assert!(
            reply.headers.contains_key(header),
            "{method} {path} {}: {header} is missing",
            reply.status
        );
    }
    let kind = reply
        .header("content-type")
        .split(';')
        .next()
        .unwrap_or_default()
        .to_owned();
    match response["content"].get(&kind) {
        Some(content) if content.get("schema").is_some() && kind.ends_with("json") => {
            let wrong = schema::complaints(document, &content["schema"], &reply.json());
            assert!(
                wrong.is_empty(),
                "{method} {path} {}: {wrong:#?} in {}",
                reply.status,
                reply.text
            );
        }
        Some(_) => {}
        None => assert!(
            reply.text.is_empty(),
            "{method} {path}: {kind} is not described for {}",
            reply.status
        ),
    }
    reply
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn real_answers_fit_their_schemas(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let document: Value = app.nobody().get("/openapi.json").await.json();
    assert_eq!(document["openapi"], "3.1.0");
    let ask = async |method: Method, template: &str, path: &str, body: Option<Value>| {
        held(&client, &document, (method, template, path), body).await
    };
    let id = |reply: &Reply| reply.json()["id"].as_str().unwrap().to_owned();
    let full = json!({"url": "https://shop.example", "name": "A", "tags": ["x"], "key": "k",
        "http": {"headers": {"A": "b"}, "body": "x", "method": "POST", "json": [{"path": "$.a", "op": "exists"}]}});
    let monitor = id(&ask(Method::POST, "/monitors", "/monitors", Some(full)).await);
    ask(
        Method::POST,
        "/monitors",
        "/monitors",
        Some(json!({"kind": "tcp", "host": "a.example", "port": 1, "paused": true})),
    )
    .await;
    ask(
        Method::POST,
        "/monitors",
        "/monitors",
        Some(json!({"kind": "tls", "host": "a.example"})),
    )
    .await;
    ask(Method::POST, "/monitors", "/monitors", Some(json!({}))).await;
    ask(Method::GET, "/monitors", "/monitors?limit=1", None).await;
    ask(Method::GET, "/monitors", "/monitors?limit=x", None).await;
    let one = format!("/monitors/{monitor}");
    ask(Method::GET, "/monitors/{monitor_id}", &one, None).await;
    ask(
        Method::PATCH,
        "/monitors/{monitor_id}",
        &one,
        Some(json!({"name": "B"})),
    )
    .await;
    ask(
        Method::PATCH,
        "/monitors/{monitor_id}",
        &one,
        Some(json!({"kind": "tcp"})),
    )
    .await;
    ask(
        Method::POST,
        "/monitors/{monitor_id}/origin/verify",
        &format!("{one}/origin/verify"),
        None,
    )
    .await;
    let origin = json!({"http": {"origin": "origin.shop.example:8443"}});
    ask(Method::PATCH, "/monitors/{monitor_id}", &one, Some(origin)).await;
    ask(Method::GET, "/monitors/{monitor_id}", &one, None).await;
    for action in ["pause", "resume"] {
        ask(
            Method::POST,
            &format!("/monitors/{{monitor_id}}/{action}"),
            &format!("{one}/{action}"),
            None,
        )
        .await;
    }
    for report in ["checks", "uptime", "response-times"] {
        ask(
            Method::GET,
            &format!("/monitors/{{monitor_id}}/{report}"),
            &format!("{one}/{report}?from=-2h"),
            None,
        )
        .await;
    }
    ask(
        Method::GET,
        "/monitors/by-key/{key}",
        "/monitors/by-key/k",
        None,
    )
    .await;
    ask(
        Method::PUT,
        "/monitors/by-key/{key}",
        "/monitors/by-key/k",
        Some(json!({"url": "https://c.example"})),
    )
    .await;
    ask(
        Method::PUT,
        "/monitors/by-key/{key}",
        "/monitors/by-key/l",
        Some(json!({"url": "https://c.example"})),
    )
    .await;
    ask(
        Method::DELETE,
        "/monitors/by-key/{key}",
        "/monitors/by-key/l",
        None,
    )
    .await;
    ask(
        Method::POST,
        "/monitors/bulk",
        "/monitors/bulk",
        Some(json!({"ids": [monitor, domain::ids::MonitorId::generate()], "action": "pause"})),
    )
    .await;
    ask(Method::DELETE, "/monitors/{monitor_id}", &one, None).await;
    ask(
        Method::POST,
        "/monitors/{monitor_id}/restore",
        &format!("{one}/restore"),
        None,
    )
    .await;
    ask(
        Method::POST,
        "/monitors/{monitor_id}/check",
        &format!("{one}/check"),
        None,
    )
    .await;
    ask(
        Method::POST,
        "/checks",
        "/checks",
        Some(json!({"url": "x"})),
    )
    .await;
    let contact = id(&ask(
        Method::POST,
        "/contacts",
        "/contacts",
        Some(json!({"kind": "email", "address": "a@shop.example"})),
    )
    .await);
    ask(Method::GET, "/contacts", "/contacts", None).await;
    let one = format!("/contacts/{contact}");
    ask(Method::GET, "/contacts/{contact_id}", &one, None).await;
    ask(
        Method::PATCH,
        "/contacts/{contact_id}",
        &one,
        Some(json!({"name": "Kim"})),
    )
    .await;
    ask(
        Method::POST,
        "/contacts/{contact_id}/verify",
        &format!("{one}/verify"),
        Some(json!({"code": "x"})),
    )
    .await;
    ask(
        Method::POST,
        "/contacts/{contact_id}/resend",
        &format!("{one}/resend"),
        None,
    )
    .await;
    ask(
        Method::POST,
        "/contacts/{contact_id}/renew-secret",
        &format!("{one}/renew-secret"),
        None,
    )
    .await;
    ask(
        Method::POST,
        "/contacts/{contact_id}/test",
        &format!("{one}/test"),
        None,
    )
    .await;
    let policy = json!({"name": "Night", "steps": [{"contact_ids": [contact]}]});
    let policy = id(&ask(Method::POST, "/policies", "/policies", Some(policy)).await);
    ask(Method::GET, "/policies", "/policies", None).await;
    let (template, path) = ("/policies/{policy_id}", format!("/policies/{policy}"));
    ask(Method::GET, template, &path, None).await;
    ask(Method::PATCH, template, &path, Some(json!({"name": "Day"}))).await;
    ask(Method::DELETE, template, &path, None).await;
    let (template, path) = ("/maintenance-windows", "/maintenance-windows");
    let window = json!({"tags": ["prod"], "rrule": "FREQ=DAILY", "local_start": "2026-11-24T02:00:00", "duration_seconds": 60});
    let window = id(&ask(Method::POST, template, path, Some(window)).await);
    ask(Method::GET, template, path, None).await;
    let template = "/maintenance-windows/{maintenance_window_id}";
    let path = format!("/maintenance-windows/{window}");
    ask(Method::GET, template, &path, None).await;
    ask(
        Method::PATCH,
        template,
        &path,
        Some(json!({"name": "Deploy"})),
    )
    .await;
    let (end, ended) = (format!("{template}/end"), format!("{path}/end"));
    ask(Method::POST, &end, &ended, None).await;
    ask(Method::DELETE, template, &path, None).await;
    let (template, path) = ("/events", "/events");
    let event = id(&ask(Method::POST, template, path, Some(json!({"name": "3f2c"}))).await);
    ask(Method::GET, template, path, None).await;
    let (template, path) = ("/events/{event_id}", format!("/events/{event}"));
    ask(Method::GET, template, &path, None).await;
    ask(Method::DELETE, template, &path, None).await;
    let schedule = json!({"name": "Night", "layers": [{"participants": [contact], "shift_unit": "day",
        "local_start": "2026-11-01T00:00:00", "times": [{"days": ["MO"], "from": "09:00", "to": "17:00"}]}]});
    let schedule = id(&ask(Method::POST, "/schedules", "/schedules", Some(schedule)).await);
    ask(Method::GET, "/schedules", "/schedules", None).await;
    let (template, path) = ("/schedules/{schedule_id}", format!("/schedules/{schedule}"));
    ask(Method::GET, template, &path, None).await;
    ask(Method::PATCH, template, &path, Some(json!({"name": "Day"}))).await;
    for part in ["on-call", "shifts", "overrides"] {
        let (template, path) = (format!("{template}/{part}"), format!("{path}/{part}"));
        ask(Method::GET, &template, &path, None).await;
    }
    let (of, at) = (format!("{template}/overrides"), format!("{path}/overrides"));
    let stand_in = json!({"participant": contact, "ends_at": "2026-12-01T00:00:00Z"});
    let stand_in = id(&ask(Method::POST, &of, &at, Some(stand_in)).await);
    let (of, at) = (format!("{of}/{{override_id}}"), format!("{at}/{stand_in}"));
    ask(Method::DELETE, &of, &at, None).await;
    ask(Method::DELETE, template, &path, None).await;
    ask(Method::DELETE, "/contacts/{contact_id}", &one, None).await;
    let key = id(&ask(
        Method::POST,
        "/api-keys",
        "/api-keys",
        Some(json!({"name": "x", "scope": "read"})),
    )
    .await);
    ask(Method::GET, "/api-keys", "/api-keys", None).await;
    ask(
        Method::GET,
        "/api-keys/{api_key_id}",
        &format!("/api-keys/{key}"),
        None,
    )
    .await;
    ask(
        Method::DELETE,
        "/api-keys/{api_key_id}",
        &format!("/api-keys/{key}"),
        None,
    )
    .await;
    ask(Method::GET, "/incidents", "/incidents", None).await;
    let nothing = format!("/incidents/{}", domain::ids::IncidentId::generate());
    ask(Method::GET, "/incidents/{incident_id}", &nothing, None).await;
    ask(
        Method::POST,
        "/incidents/{incident_id}/resolve",
        &format!("{nothing}/resolve"),
        Some(json!({"force": true})),
    )
    .await;
    ask(Method::GET, "/me", "/me", None).await;
    ask(
        Method::PATCH,
        "/me",
        "/me",
        Some(json!({"timezone": "Europe/Berlin"})),
    )
    .await;
    ask(Method::GET, "/account-check", "/account-check", None).await;
    ask(Method::GET, "/tags", "/tags", None).await;
    ask(Method::GET, "/regions", "/regions", None).await;
    held(
        &app.nobody(),
        &document,
        (Method::GET, "/monitors", "/monitors"),
        None,
    )
    .await;
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn described_parameters_are_the_ones_that_are_taken(pool: PgPool) {
    let (app, _, client) = team(pool).await;
    let document: Value = client.get("/openapi.json").await.json();
    let monitor = client
        .post("/monitors", json!({"url": "https://shop.example"}))
        .await
        .json();
    for operation in openapi::operations(&openapi::document(&app.state.config)) {
        let path = operation
            .path
            .replace("{monitor_id}", monitor["id"].as_str().unwrap());
        if operation.method != Method::GET || path.contains('{') {
            continue;
        }
        let parameters = document["paths"][&operation.path]["get"]["parameters"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        for parameter in parameters
            .iter()
            .map(|parameter| schema::resolve(&document, parameter))
            .filter(|parameter| parameter["in"] == "query")
        {
            let name = parameter["name"].as_str().unwrap();
            let reply = client
                .raw(Method::GET, &format!("{path}?{name}=zz"), &[], Vec::new())
                .await;
            assert!(
                !reply.text.contains("unknown_parameter"),
                "{path} does not take {name}"
            );
        }
        let reply = client
            .raw(Method::GET, &format!("{path}?zz=1"), &[], Vec::new())
            .await;
        assert!(
            reply.text.contains("unknown_parameter"),
            "{path} takes anything"
        );
    }
}
