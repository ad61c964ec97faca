//! Incidents: the list, one incident, and what people do with it.

mod actions;
mod drill;
mod list;
mod next;
pub mod parts;
mod show;
pub mod told;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Tenant;
    Routes::new()
        .get("/incidents", Tenant, list::show)
        .get("/incidents/{incident_id}", Tenant, show::show)
        .post(
            "/incidents/{incident_id}/acknowledge",
            Tenant,
            actions::acknowledge,
        )
        .post(
            "/incidents/{incident_id}/diagnosis-feedback",
            Tenant,
            actions::judge,
        )
        .get("/incidents/{incident_id}/resolve", Tenant, actions::confirm)
        .post("/incidents/{incident_id}/resolve", Tenant, actions::resolve)
        .post(
            "/incidents/{incident_id}/comments",
            Tenant,
            actions::comment,
        )
        .post("/incidents/{incident_id}/check", Tenant, actions::check)
        .post("/incidents/{incident_id}/snooze", Tenant, actions::snooze)
        .get("/i/{incident_short}", Tenant, actions::short)
        .get("/g/{group_short}", Tenant, actions::group)
}
