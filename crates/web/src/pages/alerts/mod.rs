//! Pages behind links in messages: they act for one contact and need no session. A button posts, so
//! that a mail scanner that follows links changes nothing.

mod acknowledge;
mod stop;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Token;
    Routes::new()
        .get("/a/{acknowledge_token}", Token, acknowledge::show)
        .post("/a/{acknowledge_token}", Token, acknowledge::take)
        .get("/stop/{stop_token}", Token, stop::show)
        .post("/stop/{stop_token}", Token, stop::stop)
}
