//! The stream that keeps open pages fresh.

mod stream;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new().get("/events", Access::Tenant, stream::stream)
}
