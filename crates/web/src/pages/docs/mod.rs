//! `/docs`: what Watchbell does and how to set it up.

use crate::routes::Routes;

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
