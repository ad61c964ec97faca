//! Pages, one folder per area. An area's `mod.rs` has `routes()`.

pub mod alerts;
pub mod auth;
pub mod contacts;
pub mod docs;
pub mod incidents;
pub mod live;
pub mod maintenance;
pub mod monitors;
pub mod outbox;
pub mod policies;
pub mod practice;
pub mod public;
pub mod reference;
pub mod schedules;
pub mod settings;
pub mod tools;

use crate::routes::Routes;

/// The routes of all areas.
pub fn routes() -> Routes {
    Routes::new()
        .merge(public::routes())
        .merge(tools::routes())
        .merge(docs::routes())
        .merge(reference::routes())
        .merge(auth::routes())
        .merge(settings::routes())
        .merge(monitors::routes())
        .merge(incidents::routes())
        .merge(contacts::routes())
        .merge(policies::routes())
        .merge(maintenance::routes())
        .merge(schedules::routes())
        .merge(alerts::routes())
        .merge(live::routes())
        .merge(outbox::routes())
        .merge(practice::routes())
}
