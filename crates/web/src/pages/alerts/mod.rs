//! Pages behind links in messages: they act for one contact and need no session. A button posts, so
//! that a mail scanner that follows links changes nothing.

mod acknowledge;
mod acknowledge_all;
mod stop;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Token;
    Routes::new()
        .get("/a/{token}", Token, acknowledge::show)
        .post("/a/{token}", Token, acknowledge::take)
        .get("/stop/{token}", Token, stop::show)
        .post("/stop/{token}", Token, stop::stop)
}
