//! `/settings/api-keys`: keys for programs. A secret is on the page that makes it and nowhere after.

use askama::Template;
use axum::extract::{Path, State};
use domain::account::api_key::{ApiKey, Scope};
use domain::ids::ApiKeyId;
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};

use crate::error::PageResult;
use crate::extract::{ClientIp, Fields, FormErrors, Tenant};
use crate::state::AppState;
use crate::usecases::api_keys::{self, NewApiKey, Owners};
use crate::view::{Moment, Shell, render_with, see_other};

#[derive(Template)]
#[template(path = "settings/api_keys.html")]
struct KeysPage<'a> {
    shell: Shell,
    tab: &'static str,
    errors: FormErrors,
    keys: Vec<KeyRow>,
    limit: u32,
    can_manage: bool,
    secret: Option<String>,
    base_url: String,
    name: &'a str,
    scope: &'a str,
    /// The id of the key that the form makes, so that sending it twice makes one.
    next_id: ApiKeyId,
}

struct KeyRow {
    id: String,
    name: String,
    prefix: String,
    scope: &'static str,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
}

#[derive(Default)]
struct Shown<'a> {
    errors: FormErrors,
    secret: Option<String>,
    name: &'a str,
    scope: &'a str,
}

async fn page(tenant: &Tenant, state: &AppState, shown: Shown<'_>) -> PageResult {
    let mut transaction = tenant.begin(state).await?;
    let keys = store::api_keys::list(&mut transaction, tenant.account_id()).await?;
    drop(transaction);
    let zone = tenant.zone();
    let row = |key: ApiKey| KeyRow {
        id: key.id.to_string(),
        name: key.name,
        prefix: key.prefix,
        scope: match key.scope {
            Scope::Read => "read",
            Scope::Write => "read and change",
            Scope::Heartbeat => "send heartbeats",
        },
        expires_at: key.expires_at.map(|at| Moment::new(at, zone.clone())),
        last_used_at: key.last_used_at.map(|at| Moment::new(at, zone.clone())),
    };
    let status = if shown.errors.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let page = KeysPage {
        shell: tenant.shell("API keys").section("settings"),
        tab: "api-keys",
        errors: shown.errors,
        keys: keys.into_iter().map(row).collect(),
        limit: tenant.plan().limits().api_keys,
        can_manage: tenant.role().can_administer(),
        secret: shown.secret,
        base_url: state.config.link(""),
        name: shown.name,
        scope: shown.scope,
        next_id: ApiKeyId::generate(),
    };
    render_with(status, &page)
}

/// The keys there are.
pub async fn show(tenant: Tenant, State(state): State<AppState>) -> PageResult {
    page(&tenant, &state, Shown::default()).await
}

/// Makes a key, shows its secret once, and tells by mail.
pub async fn create(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    tenant.require_administer()?;
    let (name, scope) = (fields.text("name"), fields.text("scope"));
    let mut errors = fields.errors();
    let now = state.now();
    let expires_at = end(fields.text("expires_in_days"), now, &mut errors);
    let parsed = Scope::parse(if scope.is_empty() { "write" } else { scope });
    if parsed.is_none() {
        errors.add("scope", "It may: write, read or heartbeat.");
    }
    let (Some(parsed), true) = (parsed, errors.is_empty()) else {
        return page(
            &tenant,
            &state,
            Shown {
                errors,
                name,
                scope,
                secret: None,
            },
        )
        .await;
    };
    let caller = tenant.caller(ip.network(), now);
    let owners = Owners::of(&state, caller.account_id).await?;
    let mut transaction = tenant.begin(&state).await?;
    let new = NewApiKey {
        name: name.to_owned(),
        scope: parsed,
        expires_at,
    };
    let id = fields.text("id").parse();
    let id = id.unwrap_or_else(|_| ApiKeyId::generate());
    match api_keys::create_as(&mut transaction, &caller, id, new).await {
        Ok((key, secret)) => {
            owners.tell(&mut transaction, &state, &caller, &key).await?;
            transaction.commit().await?;
            page(
                &tenant,
                &state,
                Shown {
                    secret: Some(secret),
                    ..Shown::default()
                },
            )
            .await
        }
        Err(error) => {
            transaction.rollback().await?;
            let Some(sentences) = error.field_sentences() else {
                return Err(error.into());
            };
            for (pointer, sentence) in sentences {
                let field = pointer.trim_start_matches('/');
                errors.add(if field.is_empty() { "name" } else { field }, sentence);
            }
            page(
                &tenant,
                &state,
                Shown {
                    errors,
                    name,
                    scope,
                    secret: None,
                },
            )
            .await
        }
    }
}

/// When a key ends that is to live for so many days; empty is for ever.
fn end(days: &str, now: Timestamp, errors: &mut FormErrors) -> Option<Timestamp> {
    match days.parse::<i64>() {
        Ok(days @ 1..=3650) => return Some(now + SignedDuration::from_hours(24 * days)),
        Err(_) if days.is_empty() => {}
        _ => errors.add(
            "expires_in_days",
            "It ends: a number of days from 1 to 3650, or never.",
        ),
    }
    None
}

/// Ends a key at once.
pub async fn revoke(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    Path(id): Path<ApiKeyId>,
) -> PageResult {
    tenant.require_administer()?;
    let mut transaction = tenant.begin(&state).await?;
    api_keys::revoke(
        &mut transaction,
        &tenant.caller(ip.network(), state.now()),
        id,
    )
    .await?;
    transaction.commit().await?;
    see_other("/settings/api-keys")
}
