//! `/settings/profile`: what the person and the account are called, the time zone, colours, keys.

use askama::Template;
use axum::extract::{Query, State};
use http::StatusCode;
use serde::Deserialize;

use crate::auth::{cookie, session};
use crate::error::PageResult;
use crate::extract::{ClientIp, CurrentUser, Fields, FormErrors, Tenant};
use crate::state::AppState;
use crate::usecases::{account, person};
use crate::view::{Shell, Theme, render, render_with, see_other};

#[derive(Template)]
#[template(path = "settings/profile.html")]
struct ProfilePage<'a> {
    shell: Shell,
    tab: &'static str,
    errors: FormErrors,
    name: &'a str,
    account_name: &'a str,
    timezone: &'a str,
    zones: Vec<String>,
    local_time: String,
    keyboard_shortcuts: bool,
    themes: [Theme; 3],
}

/// What a form has just done, after the redirect.
#[derive(Debug, Default, Deserialize)]
pub struct Done {
    /// A word of ours.
    #[serde(default)]
    pub done: String,
}

/// `/settings` is its first tab.
pub async fn index(_: CurrentUser) -> PageResult {
    see_other("/settings/profile")
}

fn page<'a>(
    tenant: &Tenant,
    state: &AppState,
    errors: FormErrors,
    fields: [&'a str; 3],
    keys: bool,
) -> ProfilePage<'a> {
    let [name, account_name, timezone] = fields;
    ProfilePage {
        shell: tenant.shell("Profile").section("settings"),
        tab: "profile",
        errors,
        name,
        account_name,
        timezone,
        zones: jiff::tz::db()
            .available()
            .map(|zone| zone.to_string())
            .collect(),
        local_time: domain::words::moment(state.now(), &tenant.zone()),
        keyboard_shortcuts: keys,
        themes: Theme::ALL,
    }
}

/// The form.
pub async fn show(
    tenant: Tenant,
    State(state): State<AppState>,
    Query(query): Query<Done>,
) -> PageResult {
    let user = tenant.user();
    let fields = [user.name.as_str(), tenant.account_name(), tenant.timezone()];
    let mut page = page(
        &tenant,
        &state,
        FormErrors::new(),
        fields,
        user.keyboard_shortcuts,
    );
    page.shell = page
        .shell
        .notice((query.done == "saved").then(|| "Saved.".to_owned()));
    render(&page)
}

/// Saves the person's part, and the account's part for those who may.
pub async fn submit(
    tenant: Tenant,
    State(state): State<AppState>,
    ip: ClientIp,
    fields: Fields,
) -> PageResult {
    let mut errors = fields.errors();
    let [name, account_name, timezone] =
        ["name", "account_name", "timezone"].map(|field| fields.text(field));
    if name.chars().count() > 100 {
        errors.add("name", "Your name: at most 100 characters.");
    }
    if account_name.is_empty() || account_name.chars().count() > 100 {
        errors.add("account_name", "Name of the account: 1 to 100 characters.");
    }
    if jiff::tz::TimeZone::get(timezone).is_err() {
        errors.add(
            "timezone",
            "Time zone: there is none of this name. It looks like Europe/Berlin.",
        );
    }
    let account_changes = account_name != tenant.account_name() || timezone != tenant.timezone();
    if account_changes && tenant.require_administer().is_err() {
        errors.add(
            "account_name",
            "Name and time zone of the account: only an admin or the owner can change them.",
        );
    }
    let keys = fields.flag("keyboard_shortcuts");
    if !errors.is_empty() {
        let page = page(
            &tenant,
            &state,
            errors,
            [name, account_name, timezone],
            keys,
        );
        return render_with(StatusCode::UNPROCESSABLE_ENTITY, &page);
    }
    let mut transaction = store::begin(&state.pool).await?;
    let (user, caller) = (tenant.user(), tenant.caller(ip.network(), state.now()));
    if (user.name.as_str(), user.keyboard_shortcuts) != (name, keys) {
        store::users::set_profile(&mut transaction, user.id, name, keys).await?;
        person::note(&mut transaction, user.id, "user.updated", caller.now).await?;
    }
    if account_changes {
        store::tenant::fence(&mut transaction, tenant.account_id()).await?;
        account::set_profile(&mut transaction, &caller, account_name, timezone).await?;
    }
    transaction.commit().await?;
    see_other("/settings/profile?done=saved")
}

/// Sets the colours: in a cookie for this browser, and with the person for the next one.
pub async fn theme(user: CurrentUser, State(state): State<AppState>, fields: Fields) -> PageResult {
    let theme = Theme::parse(fields.text("theme")).unwrap_or_default();
    let mut connection = state.pool.acquire().await?;
    store::users::set_theme(&mut connection, user.signed_in.user.id, theme.as_str()).await?;
    let next = see_other("/settings/profile?done=saved")?;
    Ok(session::with_cookie(
        next,
        cookie::theme(theme.as_str(), &state.config),
    ))
}
