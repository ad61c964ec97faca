//! The practice site: a page with buttons, and the site that they break.
//!
//! The token is the right to press: it is as long as a session's and known to the account's members.

mod control;
mod site;

pub(super) use control::set_practice_mode;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/practice/{practice_token}", Access::Token, control::show)
        .post("/practice/{practice_token}", Access::Token, control::press)
        .get(
            "/practice/{practice_token}/site",
            Access::Token,
            site::answer,
        )
}
