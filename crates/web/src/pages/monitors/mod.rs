//! Monitors: the dashboard, the forms, one monitor and what is done with it.

pub mod headline;
pub mod parts;

use crate::routes::Routes;

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
