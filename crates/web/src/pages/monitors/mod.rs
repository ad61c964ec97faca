//! Monitors: the dashboard, the forms, one monitor and what is done with it.

mod actions;
mod bulk;
mod dashboard;
mod dashboard_choice;
mod dashboard_view;
mod deleted;
mod drill;
mod edit;
pub(crate) mod form;
mod form_view;
pub mod headline;
mod looks;
mod new;
pub mod parts;
mod show;
pub(crate) mod show_view;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::{Tenant, Token};
    Routes::new()
        .get("/monitors", Tenant, dashboard::show)
        .post("/monitors", Tenant, new::create)
        .get("/monitors/new", Tenant, new::show)
        .post("/monitors/test", Tenant, new::test)
        .post("/monitors/practice", Tenant, new::practice)
        .post("/monitors/bulk", Tenant, bulk::run)
        .post("/monitors/steps/dismiss", Tenant, dashboard::dismiss_steps)
        .get("/monitors/deleted", Tenant, deleted::list)
        .get("/monitors/{monitor_id}", Tenant, show::show)
        .get("/monitors/{monitor_id}/edit", Tenant, edit::show)
        .post("/monitors/{monitor_id}/edit", Tenant, edit::save)
        .get("/monitors/{monitor_id}/delete", Tenant, deleted::confirm)
        .post("/monitors/{monitor_id}/delete", Tenant, deleted::delete)
        .post("/monitors/{monitor_id}/restore", Tenant, deleted::restore)
        .get("/monitors/{monitor_id}/drill", Tenant, drill::confirm)
        .post("/monitors/{monitor_id}/drill", Tenant, drill::begin)
        .post("/monitors/{monitor_id}/pause", Tenant, actions::pause)
        .post("/monitors/{monitor_id}/resume", Tenant, actions::resume)
        .post(
            "/monitors/{monitor_id}/duplicate",
            Tenant,
            actions::duplicate,
        )
        .post("/monitors/{monitor_id}/check", Tenant, actions::check)
        .post(
            "/monitors/{monitor_id}/origin",
            Tenant,
            actions::verify_origin,
        )
        .post(
            "/monitors/{monitor_id}/keyword",
            Tenant,
            actions::watch_keyword,
        )
        .post(
            "/monitors/{monitor_id}/keyword/dismiss",
            Tenant,
            actions::dismiss_keyword,
        )
        .get("/monitors/{monitor_id}/looks.csv", Tenant, looks::csv)
        .get("/m/{monitor_short}", Token, actions::short)
}
