//! Every route as owner, teammate, stranger and nobody. The table is the router's own, so a route that
//! this file cannot judge fails here: a path parameter is filled by its name (`{monitor_id}`) or, under
//! the API, by the collection before it.

use axum::body::Body;
use domain::account::Role;
use domain::ids::{AccountId, GroupId, IncidentId, MonitorId, UserId};
use futures::StreamExt;
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use sqlx::PgPool;
use store::exports::{self, Part};
use store::token_lookups::{self, Found, Kind};
use tower::ServiceExt;

use super::{App, Browser, PASSWORD};
use crate::routes::{Access, Route};

const OWNER: &str = "owner@secret-shop.example";
const TEAMMATE: &str = "teammate@shop.example";
const STRANGER: &str = "stranger@shop.example";
/// In every object of the owner's account; a stranger must never read it.
const MARK: &str = "secret-shop";

/// Routes whose object is made by asking for it, so that a stranger makes their own.
const CREATES: [(Method, &str); 1] = [(Method::PUT, "/api/v1/monitors/by-key/{key}")];
/// Bodies that an operation needs before it looks for its object.
const BODIES: [(&str, &str); 4] = [
    (
        "/api/v1/incidents/{id}/diagnosis-feedback",
        r#"{"right":true}"#,
    ),
    ("/api/v1/incidents/{id}/comments", r#"{"text":"hello"}"#),
    ("/api/v1/incidents/{id}/snooze", r#"{"seconds":3600}"#),
    ("/api/v1/contacts/{id}/verify", r#"{"code":"123456"}"#),
];
/// What every member may do, whatever their role: it only tidies the dashboard, or is their own name
/// (the account's part of that form is judged field by field).
const ANY_ROLE: [&str; 2] = ["/monitors/steps/dismiss", "/settings/profile"];

struct Owned {
    account: AccountId,
    monitor: String,
    incident: String,
    storm: GroupId,
    contact: String,
    policy: String,
    window: String,
    schedule: String,
    stand_in: String,
    event: String,
    key: String,
    session: String,
    practice: String,
    secret: String,
}

#[derive(Debug)]
struct Seen {
    status: StatusCode,
    location: String,
    body: String,
}

async fn secret_of(browser: &mut Browser, name: &str, scope: &str) -> String {
    let page = browser
        .post("/settings/api-keys", &[("name", name), ("scope", scope)])
        .await
        .body;
    format!(
        "wb_{}",
        page.split("value=\"wb_")
            .nth(1)
            .expect("a secret")
            .split('"')
            .next()
            .unwrap()
    )
}

async fn scalar(pool: &PgPool, sql: &'static str) -> uuid::Uuid {
    sqlx::query_scalar(sql)
        .bind(OWNER)
        .fetch_one(pool)
        .await
        .unwrap()
}

/// A policy of the account.
async fn policy_of(pool: &PgPool, account: uuid::Uuid) -> String {
    let policy = domain::ids::PolicyId::generate();
    sqlx::query(
        "INSERT INTO policies (account_id, id, name, steps, created_at, updated_at)
         VALUES ($1, $2, 'secret-shop night', '[]', now(), now())",
    )
    .bind(account)
    .bind(policy.uuid())
    .execute(pool)
    .await
    .unwrap();
    policy.to_string()
}

/// An incident of the account, which is one of a storm.
async fn incident_of(app: &App, account: uuid::Uuid, monitor: MonitorId) -> (IncidentId, GroupId) {
    let pool = &app.state.pool;
    let failure = domain::check::Failure::new(
        domain::check::FailureClass::HttpStatus,
        domain::check::Phase::FirstByte,
        "secret-shop answered 502",
    );
    let incident = app.down(monitor, failure.with_detail("502")).await;
    let found = Found {
        account_id: AccountId::from_uuid(account),
        row_id: incident.uuid(),
        other_id: None,
    };
    let short = domain::ids::short_code(incident.uuid());
    let mut connection = pool.acquire().await.unwrap();
    let storm = GroupId::generate();
    let in_storm = domain::ids::short_code(storm.uuid());
    sqlx::query("INSERT INTO incident_groups (account_id, id, short, created_at) VALUES ($1, $2, $3, now())")
        .bind(account)
        .bind(storm.uuid())
        .bind(&in_storm)
        .execute(pool)
        .await
        .unwrap();
    sqlx::query("UPDATE incidents SET group_id = $1")
        .bind(storm.uuid())
        .execute(pool)
        .await
        .unwrap();
    let of_storm = Found {
        row_id: storm.uuid(),
        ..found
    };
    let now = app.state.now();
    token_lookups::insert(&mut connection, Kind::Group, &in_storm, of_storm, now)
        .await
        .unwrap();
    token_lookups::insert(
        &mut connection,
        Kind::Incident,
        &short,
        found,
        app.state.now(),
    )
    .await
    .unwrap();
    (incident, storm)
}

/// A maintenance window of the account, which is over: it would change what else is shown.
async fn window_of(pool: &PgPool, account: uuid::Uuid) -> String {
    let window = domain::ids::MaintenanceWindowId::generate();
    sqlx::query(
        "INSERT INTO maintenance_windows (account_id, id, name, tags, starts_at, ends_at, planned_through,
             created_at, updated_at)
         VALUES ($1, $2, 'secret-shop deploy', '{secret-shop}', '2026-11-01', '2026-11-02', '2026-11-30', now(), now())",
    )
    .bind(account)
    .bind(window.uuid())
    .execute(pool)
    .await
    .unwrap();
    window.to_string()
}

/// A deploy marker of the account.
async fn event_of(pool: &PgPool, account: uuid::Uuid) -> String {
    let event = domain::ids::EventId::generate();
    sqlx::query(
        "INSERT INTO deploy_markers (account_id, id, kind, name, at, created_at)
         VALUES ($1, $2, 'deploy', 'secret-shop 3f2c', '2026-11-01', '2026-11-01')",
    )
    .bind(account)
    .bind(event.uuid())
    .execute(pool)
    .await
    .unwrap();
    event.to_string()
}

/// An on-call schedule of the account, in which nobody is, and an override that was.
async fn schedule_of(pool: &PgPool, account: uuid::Uuid, contact: uuid::Uuid) -> (String, String) {
    let schedule = domain::ids::ScheduleId::generate();
    let stand_in = domain::ids::OverrideId::generate();
    sqlx::query(
        "INSERT INTO schedules (account_id, id, name, timezone, layers, created_at, updated_at)
         VALUES ($1, $2, 'secret-shop night', 'UTC', '[]', now(), now())",
    )
    .bind(account)
    .bind(schedule.uuid())
    .execute(pool)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO schedule_overrides (account_id, id, schedule_id, contact_id, starts_at, ends_at, created_at)
         VALUES ($1, $2, $3, $4, '2026-11-01', '2026-11-02', now())",
    )
    .bind(account)
    .bind(stand_in.uuid())
    .bind(schedule.uuid())
    .bind(contact)
    .execute(pool)
    .await
    .unwrap();
    (schedule.to_string(), stand_in.to_string())
}

/// An account with one of everything.
async fn owned(app: &App) -> (Owned, Browser) {
    let mut browser = app.verified(OWNER).await;
    let pool = &app.state.pool;
    sqlx::query("UPDATE subscriptions SET plan = 'team'")
        .execute(pool)
        .await
        .unwrap();
    let secret = secret_of(&mut browser, "secret-shop deploy", "write").await;
    let account = scalar(pool, "SELECT m.account_id FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.email = $1").await;
    let body = r#"{"url":"https://secret-shop.example/","name":"secret-shop","key":"secret-shop-key","tags":["secret-shop"]}"#;
    let made = call(app, Some(&secret), &Method::POST, "/api/v1/monitors", body).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.body);
    let monitor: MonitorId = serde_json::from_str::<serde_json::Value>(&made.body).unwrap()["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    let (incident, storm) = incident_of(app, account, monitor).await;
    let contact = scalar(pool, "SELECT id FROM contacts WHERE address = $1").await;
    let key = scalar(pool, "SELECT k.id FROM api_keys k JOIN memberships m USING (account_id) JOIN users u ON u.id = m.user_id WHERE u.email = $1").await;
    let session = scalar(
        pool,
        "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = $1",
    )
    .await;
    let practice: String = sqlx::query_scalar("SELECT practice_token FROM accounts WHERE id = $1")
        .bind(account)
        .fetch_one(pool)
        .await
        .unwrap();
    let (schedule, stand_in) = schedule_of(pool, account, contact).await;
    let owned = Owned {
        schedule,
        stand_in,
        account: AccountId::from_uuid(account),
        monitor: monitor.to_string(),
        incident: incident.to_string(),
        storm,
        policy: policy_of(pool, account).await,
        event: event_of(pool, account).await,
        window: window_of(pool, account).await,
        contact: domain::ids::ContactId::from_uuid(contact).to_string(),
        key: domain::ids::ApiKeyId::from_uuid(key).to_string(),
        session: domain::ids::SessionId::from_uuid(session).to_string(),
        practice,
        secret,
    };
    (owned, browser)
}

/// A member of the owner's account who may only read.
async fn teammate(app: &App, owned: &Owned) -> Browser {
    let browser = app.verified(TEAMMATE).await;
    let pool = &app.state.pool;
    let user: uuid::Uuid = sqlx::query_scalar("SELECT id FROM users WHERE email = $1")
        .bind(TEAMMATE)
        .fetch_one(pool)
        .await
        .unwrap();
    sqlx::query("DELETE FROM memberships WHERE user_id = $1")
        .bind(user)
        .execute(pool)
        .await
        .unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let user = UserId::from_uuid(user);
    store::memberships::insert(
        &mut connection,
        owned.account,
        user,
        Role::Viewer,
        app.state.now(),
    )
    .await
    .unwrap();
    browser
}

/// The path with the owner's objects in it, and whether there is one.
fn fill(route: &Route, owned: &Owned) -> Result<(String, bool), String> {
    let mut names_object = false;
    let mut before = "";
    let mut parts = Vec::new();
    for part in route.path.split('/') {
        let Some(name) = part
            .strip_prefix('{')
            .and_then(|part| part.strip_suffix('}'))
        else {
            parts.push(part.to_owned());
            before = part;
            continue;
        };
        let short = |id: uuid::Uuid| domain::ids::short_code(id);
        let (monitor_short, incident_short) = (
            short(owned.monitor.parse::<MonitorId>().unwrap().uuid()),
            short(owned.incident.parse::<IncidentId>().unwrap().uuid()),
        );
        let group_short = short(owned.storm.uuid());
        let value = match (name, before) {
            ("group_short", _) => &group_short,
            ("monitor_short", _) => &monitor_short,
            ("incident_short", _) => &incident_short,
            ("monitor_id", _) | ("id", "monitors") => &owned.monitor,
            ("incident_id", _) | ("id", "incidents") => &owned.incident,
            ("contact_id", _) | ("id", "contacts") => &owned.contact,
            ("policy_id", _) => &owned.policy,
            ("maintenance_window_id", _) => &owned.window,
            ("event_id", _) => &owned.event,
            ("schedule_id", _) => &owned.schedule,
            ("override_id", _) => &owned.stand_in,
            ("key_id" | "api_key_id", _) | ("id", "api-keys") => &owned.key,
            ("session_id", _) => &owned.session,
            ("key", "by-key") => "secret-shop-key",
            ("practice_token", _) => &owned.practice,
            ("token" | "message" | "short" | "slug" | "tail" | "uuid" | "file", _) => {
                "0123456789abcdef"
            }
            ("class", _) => "http_status",
            ("code", _) => "not_found",
            _ => {
                return Err(format!(
                    "{} {}: the matrix cannot fill {{{name}}}",
                    route.method, route.path
                ));
            }
        };
        names_object |= !matches!(
            name,
            "token"
                | "message"
                | "short"
                | "slug"
                | "tail"
                | "uuid"
                | "file"
                | "class"
                | "code"
                | "practice_token"
        );
        parts.push(value.to_string());
    }
    Ok((parts.join("/"), names_object))
}

async fn read(response: axum::response::Response) -> Seen {
    let (parts, body) = response.into_parts();
    let text = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value: &http::HeaderValue| value.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    let endless = text(header::CONTENT_TYPE).starts_with("text/event-stream");
    let body = if endless {
        String::new()
    } else {
        String::from_utf8_lossy(&body.collect().await.unwrap().to_bytes()).into_owned()
    };
    Seen {
        status: parts.status,
        location: text(header::LOCATION),
        body,
    }
}

/// A program's request.
async fn call(
    app: &App,
    secret: Option<&str>,
    method: &Method,
    path: &str,
    body: &'static str,
) -> Seen {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost:8080");
    if let Some(secret) = secret {
        request = request.header(header::AUTHORIZATION, format!("Bearer {secret}"));
    }
    if method != Method::GET && method != Method::DELETE {
        request = request.header(header::CONTENT_TYPE, "application/json");
    }
    let body = if method == Method::GET || method == Method::DELETE {
        Body::empty()
    } else {
        Body::from(body)
    };
    read(
        app.router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap(),
    )
    .await
}

/// A browser's request, by route.
async fn visit(browser: &mut Browser, method: &Method, path: &str) -> Seen {
    read(browser.raw(method.clone(), path).await).await
}

/// Everything that is stored of an account.
async fn stored(app: &App, account: AccountId) -> Vec<String> {
    let mut connection = app.state.pool.acquire().await.unwrap();
    let mut rows = Vec::new();
    for part in Part::ALL {
        let mut of_part: Vec<String> = exports::rows(&mut connection, account, part)
            .map(|row| {
                let mut row = row.unwrap();
                if part == Part::ApiKeys {
                    row["last_used_at"].take();
                }
                format!("{}: {row}", part.key())
            })
            .collect()
            .await;
        of_part.sort();
        rows.append(&mut of_part);
    }
    rows
}

/// A body that passes for a path whose parameters may have any name.
fn body_of(route: &Route) -> &'static str {
    let plain = |path: &str| -> String {
        path.split('/')
            .map(|part| if part.starts_with('{') { "{id}" } else { part })
            .collect::<Vec<_>>()
            .join("/")
    };
    BODIES
        .iter()
        .find(|(path, _)| *path == plain(&route.path))
        .map_or("{}", |(_, body)| body)
}

fn assert_unchanged(before: &[String], after: &[String]) {
    let changed: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
    let gone: Vec<&String> = before.iter().filter(|row| !after.contains(row)).collect();
    assert!(
        changed.is_empty() && gone.is_empty(),
        "was: {gone:#?}\nis: {changed:#?}"
    );
}

fn table() -> Vec<Route> {
    crate::routes().into_parts().0
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn a_stranger_gets_404_for_everything_of_another_account(pool: PgPool) {
    let app = App::new(pool).await;
    let (owned, _) = owned(&app).await;
    let mut stranger = app.verified(STRANGER).await;
    let secret = secret_of(&mut stranger, "mine", "write").await;
    let before = stored(&app, owned.account).await;
    let mut wrong = Vec::new();
    for route in table() {
        let (path, names_object) = match fill(&route, &owned) {
            Ok(filled) => filled,
            Err(why) => {
                wrong.push(why);
                continue;
            }
        };
        let seen = match route.access {
            Access::ApiKey => {
                call(&app, Some(&secret), &route.method, &path, body_of(&route)).await
            }
            // These would end the stranger's own session or account.
            _ if ["/logout", "/settings/data/delete"].contains(&route.path.as_str())
                && route.method == Method::POST =>
            {
                continue;
            }
            _ => visit(&mut stranger, &route.method, &path).await,
        };
        let creates = CREATES.contains(&(route.method.clone(), route.path.as_str()));
        let owned_object = names_object
            && !creates
            && matches!(route.access, Access::ApiKey | Access::Tenant | Access::User);
        if owned_object && seen.status != StatusCode::NOT_FOUND {
            wrong.push(format!(
                "{} {path}: {} and not 404",
                route.method, seen.status
            ));
        }
        if seen.status.is_server_error() {
            wrong.push(format!("{} {path}: {}", route.method, seen.status));
        }
        if route.access != Access::Token && seen.body.replace(&path, "").contains(MARK) {
            wrong.push(format!(
                "{} {path} shows what is not the stranger's: {}",
                route.method, seen.body
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_unchanged(&before, &stored(&app, owned.account).await);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn nobody_is_asked_to_sign_in_or_for_a_key(pool: PgPool) {
    let app = App::new(pool).await;
    let (owned, _) = owned(&app).await;
    let before = stored(&app, owned.account).await;
    let mut wrong = Vec::new();
    for route in table() {
        let Ok((path, _)) = fill(&route, &owned) else {
            continue;
        };
        let seen = match route.access {
            Access::ApiKey => call(&app, None, &route.method, &path, "{}").await,
            _ => visit(&mut app.browser(), &route.method, &path).await,
        };
        let right = match route.access {
            Access::ApiKey => seen.status == StatusCode::UNAUTHORIZED,
            Access::User | Access::Tenant => {
                seen.status == StatusCode::SEE_OTHER && seen.location.starts_with("/login")
                    || seen.status == StatusCode::UNAUTHORIZED
            }
            Access::Provider => seen.status.is_client_error(),
            Access::Public | Access::Token => !seen.status.is_server_error(),
        };
        if !right {
            wrong.push(format!(
                "{} {path} ({:?}): {} {}",
                route.method, route.access, seen.status, seen.location
            ));
        }
        if route.access != Access::Token && seen.body.replace(&path, "").contains(MARK) {
            wrong.push(format!(
                "{} {path} shows it to nobody in particular",
                route.method
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_unchanged(&before, &stored(&app, owned.account).await);
}

#[sqlx::test(migrator = "store::MIGRATOR")]
async fn an_owner_opens_every_page_and_a_viewer_changes_nothing(pool: PgPool) {
    let app = App::new(pool).await;
    let (owned, mut owner) = owned(&app).await;
    let mut viewer = teammate(&app, &owned).await;
    let readers = secret_of(&mut owner, "reader", "read").await;
    let beats = secret_of(&mut owner, "beats", "heartbeat").await;
    let before = stored(&app, owned.account).await;
    let mut wrong = Vec::new();
    for route in table() {
        let Ok((path, _)) = fill(&route, &owned) else {
            continue;
        };
        match (&route.access, route.method == Method::GET) {
            (Access::Tenant, true) => {
                let owner_only = ["/settings/data/export", "/settings/data/delete"]
                    .contains(&route.path.as_str());
                let seen = [
                    visit(&mut owner, &route.method, &path).await.status,
                    visit(&mut viewer, &route.method, &path).await.status,
                ];
                if seen[0].is_client_error() || seen[0].is_server_error() {
                    wrong.push(format!("{path}: the owner gets {}", seen[0]));
                }
                if !owner_only && seen[1].is_server_error() || seen[1] == StatusCode::NOT_FOUND {
                    wrong.push(format!("{path}: a viewer gets {}", seen[1]));
                }
            }
            (Access::ApiKey, true) => {
                let seen = call(&app, Some(&owned.secret), &route.method, &path, "").await;
                if !seen.status.is_success() {
                    wrong.push(format!(
                        "{path}: the owner's key gets {} {}",
                        seen.status, seen.body
                    ));
                }
            }
            (Access::Tenant, false) if !ANY_ROLE.contains(&route.path.as_str()) => {
                let seen = visit(&mut viewer, &route.method, &path).await;
                if seen.status != StatusCode::FORBIDDEN {
                    wrong.push(format!(
                        "{} {path}: a viewer gets {} and not 403",
                        route.method, seen.status
                    ));
                }
            }
            (Access::ApiKey, false) => {
                let secrets = [("read", &readers), ("heartbeat", &beats)];
                for (scope, secret) in secrets {
                    let body = body_of(&route);
                    let seen = call(&app, Some(secret), &route.method, &path, body).await;
                    if seen.status != StatusCode::FORBIDDEN {
                        wrong.push(format!(
                            "{} {path}: a {scope} key gets {} and not 403",
                            route.method, seen.status
                        ));
                    }
                }
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_unchanged(&before, &stored(&app, owned.account).await);
    let again = owner
        .post("/login", &[("email", OWNER), ("password", PASSWORD)])
        .await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
}
