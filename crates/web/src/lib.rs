//! The web role: pages, the REST API, status streams and callbacks. It neither probes nor sends.
//!
//! # The house
//! | where | what |
//! |---|---|
//! | `pages/<area>/<page>.rs` | one page: handler, view struct, tests. `pages/<area>/mod.rs` has `routes()` |
//! | `api/v1/<resource>/` | the same use cases behind JSON |
//! | `usecases/` | what a person or a program may do, once, in one transaction each |
//! | `extract/` | who asks, for which account, from where, with which fields |
//! | `error/` | what a handler may fail with, and how that looks |
//! | `middleware/` | what holds for every request: ids, CSRF, headers, limits, log |
//! | `auth/` | passwords, cookies, sessions, codes |
//! | `view/` | what every template is given: [`view::Shell`], [`view::render`], [`view::Moment`] |
//! | `../../templates/web/` | askama templates; `layout.html` has the blocks |
//! | `../../static/` | css, js, icons, embedded under hashed names: [`assets`] |
//!
//! # A handler
//! ```ignore
//! pub async fn show(tenant: Tenant, State(state): State<AppState>, Path(id): Path<MonitorId>) -> PageResult {
//!     let mut tx = tenant.begin(&state).await?;               // fenced to the account by the database
//!     let monitor = store::monitors::find(&mut tx, tenant.account_id(), id).await?.ok_or(PageError::NotFound)?;
//!     render(&MonitorPage { shell: tenant.shell("Shop"), monitor })
//! }
//! ```
//! - [`extract::Tenant`] proves a session and a membership; a handler without it (or
//!   [`extract::ApiKeyAuth`]) has no `AccountId` and so cannot reach a tenant's rows. Anonymous
//!   requests go to `/login?next=…`. `tenant.require_edit()?` and its siblings judge the role.
//! - [`extract::CurrentUser`] is a person without an account in view; [`extract::Visitor`] anyone.
//! - [`extract::Fields`] is a posted form: `fields.text("name")`, `fields.all("tag")`, and
//!   [`extract::FormErrors`] collects what is wrong, by field.
//! - A path parameter is named after what it identifies (`{monitor_id}`), because the stranger matrix
//!   fills it with another account's id of that kind.
//! - Answer with [`view::render`], [`view::see_other`] after a post, or a [`error::PageError`].
//!
//! # To add a page
//! A file in `pages/<area>/`, a template, and a line in that area's `routes()`: [`routes::Routes`] takes
//! method, path and [`routes::Access`] together, so a route without an access rule cannot be built, and
//! the matrix in `tests/matrix.rs` tries it as owner, stranger and nobody.
//!
//! # Live
//! [`events::Hub`] is the one Postgres listener of the process: subscribe for changes of an account,
//! for the answer to a look request, for the end of a session.

pub mod accounts;
pub mod api;
pub mod assets;
pub mod auth;
pub mod callbacks;
pub mod charts;
pub mod config;
pub mod error;
pub mod events;
pub mod extract;
pub mod middleware;
pub mod pages;
pub mod people;
pub mod router;
pub mod routes;
pub mod state;
pub mod throttle;
pub mod usecases;
pub mod view;

#[cfg(test)]
mod tests;

pub use config::{SignupMode, ToolsMode, WebConfig};
pub use error::{PageError, PageResult};
pub use router::{router, routes};
pub use state::AppState;
