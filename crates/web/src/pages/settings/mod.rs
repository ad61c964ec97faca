//! `/settings`: the person, the account, its keys, plan, money and data.

pub mod api_keys;
pub mod data;
pub mod email;
pub mod plan;
pub mod plans;
pub mod profile;
pub mod security;
pub mod sessions;
pub mod wallet;

use crate::routes::{Access, Routes};

const TABS: [(&str, &str); 6] = [
    ("profile", "Profile"),
    ("security", "Security"),
    ("api-keys", "API keys"),
    ("plan", "Plan"),
    ("wallet", "Wallet"),
    ("data", "Data"),
];

/// The tabs, in order: path, word, and whether it is the one shown.
pub(crate) fn tabs(shown: &str) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
    TABS.into_iter()
        .map(move |(path, label)| (path, label, path == shown))
}

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/settings", Access::User, profile::index)
        .get("/settings/profile", Access::Tenant, profile::show)
        .post("/settings/profile", Access::Tenant, profile::submit)
        .post("/settings/theme", Access::User, profile::theme)
        .get("/settings/security", Access::User, security::show)
        .post(
            "/settings/security/password",
            Access::User,
            security::password,
        )
        .post("/settings/security/email", Access::User, email::begin)
        .post(
            "/settings/security/email/confirm",
            Access::User,
            email::confirm,
        )
        .post(
            "/settings/security/email/cancel",
            Access::User,
            email::cancel,
        )
        .post(
            "/settings/security/sessions/revoke-others",
            Access::User,
            sessions::revoke_others,
        )
        .post(
            "/settings/security/sessions/{session_id}/revoke",
            Access::User,
            sessions::revoke,
        )
        .get("/settings/api-keys", Access::Tenant, api_keys::show)
        .post("/settings/api-keys", Access::Tenant, api_keys::create)
        .post(
            "/settings/api-keys/{key_id}/revoke",
            Access::Tenant,
            api_keys::revoke,
        )
        .get("/settings/plan", Access::Tenant, plan::show)
        .get("/settings/wallet", Access::Tenant, wallet::show)
        .get("/settings/data", Access::Tenant, data::show)
        .get("/settings/data/export", Access::Tenant, data::export)
        .get("/settings/data/delete", Access::Tenant, data::confirm)
        .post("/settings/data/delete", Access::Tenant, data::delete)
}
