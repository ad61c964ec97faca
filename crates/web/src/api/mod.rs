//! The REST API.

pub mod problem;
pub mod v1;

use crate::routes::Routes;

/// All routes of the API.
pub fn routes() -> Routes {
    v1::routes()
}
