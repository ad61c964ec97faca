//! Pages, one folder per area. An area's `mod.rs` has `routes()`.

pub mod live;
pub mod monitors;
pub mod outbox;
pub mod practice;

use crate::routes::Routes;

/// The routes of all areas.
pub fn routes() -> Routes {
    Routes::new()
        .merge(monitors::routes())
        .merge(live::routes())
        .merge(outbox::routes())
        .merge(practice::routes())
}
