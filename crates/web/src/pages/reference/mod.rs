//! The reference of the API: `/docs/api`, generated from its description, and a page for each problem
//! code.

mod api;
mod errors;
mod reading;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/docs/api", Access::Public, api::show)
        .get("/docs/errors", Access::Public, errors::list)
        .get("/docs/errors/{code}", Access::Public, errors::show)
}
