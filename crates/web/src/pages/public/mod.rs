//! Pages for everyone: the landing page, our looks, what changed.

use crate::routes::Routes;

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
