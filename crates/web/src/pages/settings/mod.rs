//! `/settings`: the person, the account, its keys, plan and data.

use crate::routes::Routes;

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
}
