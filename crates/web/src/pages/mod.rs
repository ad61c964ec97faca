//! Pages, one folder per area. An area's `mod.rs` has `routes()`.

use crate::routes::Routes;

/// The routes of all areas.
pub fn routes() -> Routes {
    Routes::new()
}
