//! `/docs`: what Watchbell does and how to set it up. A new guide is a template in
//! `templates/web/docs/`, a view in [`guides`] and a line in [`guides::INDEX`]. A new failure class
//! needs no page: it has one, and `failures::ADVICE` may say more. A guide about a cause is a slug in
//! `domain::incident::diagnosis::GUIDES`, a line in [`handbook`] and a template in `docs/guides/`.

pub mod failures;
pub mod guides;
pub mod handbook;
pub mod kinds;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/docs", Access::Public, guides::index)
        .get(
            "/docs/getting-started",
            Access::Public,
            guides::getting_started,
        )
        .get("/docs/monitors", Access::Public, guides::monitors)
        .get("/docs/monitors/kinds", Access::Public, kinds::show)
        .get("/docs/contacts", Access::Public, guides::contacts)
        .get("/docs/alerts", Access::Public, guides::alerts)
        .get("/docs/on-call", Access::Public, guides::on_call)
        .get("/docs/maintenance", Access::Public, guides::maintenance)
        .get("/docs/self-hosting", Access::Public, guides::self_hosting)
        .get("/docs/guides", Access::Public, handbook::index)
        .get("/docs/guides/{slug}", Access::Public, handbook::show)
        .get("/docs/failures", Access::Public, failures::index)
        .get("/docs/failures/{class}", Access::Public, failures::show)
}
