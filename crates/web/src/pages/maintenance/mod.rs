//! Maintenance windows: listed, made, changed, ended.

mod actions;
mod edit;
mod form;
mod list;
pub(super) mod words;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Tenant;
    Routes::new()
        .get("/maintenance", Tenant, list::show)
        .post("/maintenance", Tenant, edit::create)
        .post("/maintenance/now", Tenant, actions::now)
        .get("/maintenance/new", Tenant, edit::new)
        .get("/maintenance/{maintenance_window_id}", Tenant, edit::show)
        .post("/maintenance/{maintenance_window_id}", Tenant, edit::save)
        .post(
            "/maintenance/{maintenance_window_id}/end",
            Tenant,
            actions::end,
        )
        .get(
            "/maintenance/{maintenance_window_id}/delete",
            Tenant,
            actions::confirm,
        )
        .post(
            "/maintenance/{maintenance_window_id}/delete",
            Tenant,
            actions::delete,
        )
}
