//! On-call schedules: listed, shown, made, changed, and who stands in.

mod actions;
mod calendar;
mod edit;
mod form;
mod list;
mod show;
mod words;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Tenant;
    Routes::new()
        .get("/schedules", Tenant, list::show)
        .post("/schedules", Tenant, edit::create)
        .get("/schedules/new", Tenant, edit::new)
        .get("/schedules/{schedule_id}", Tenant, show::show)
        .get("/schedules/{schedule_id}/edit", Tenant, edit::show)
        .post("/schedules/{schedule_id}/edit", Tenant, edit::save)
        .post(
            "/schedules/{schedule_id}/overrides",
            Tenant,
            actions::stand_in,
        )
        .post(
            "/schedules/{schedule_id}/overrides/{override_id}/delete",
            Tenant,
            actions::take_back,
        )
        .post(
            "/schedules/{schedule_id}/calendar",
            Tenant,
            actions::renew_calendar,
        )
        .get("/schedules/{schedule_id}/delete", Tenant, actions::confirm)
        .post("/schedules/{schedule_id}/delete", Tenant, actions::delete)
}
