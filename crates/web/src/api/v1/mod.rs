//! `/api/v1`.

use crate::routes::Routes;

/// All routes of this version.
pub fn routes() -> Routes {
    Routes::new()
}
