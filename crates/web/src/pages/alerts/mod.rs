//! Pages behind links in messages: they act for one contact and need no session. A button posts, so
//! that a mail scanner that follows links changes nothing.

mod acknowledge;
mod acknowledge_all;
mod cause;
mod not_me;
mod stop;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::Token;
    Routes::new()
        .get("/a/{token}", Token, acknowledge::show)
        .post("/a/{token}", Token, acknowledge::take)
        .post(
            "/callbacks/acknowledge/{token}",
            Token,
            acknowledge::take_now,
        )
        .get("/cause/{token}/yes", Token, cause::show_yes)
        .post("/cause/{token}/yes", Token, cause::yes)
        .get("/cause/{token}/no", Token, cause::show_no)
        .post("/cause/{token}/no", Token, cause::no)
        .get("/not-me/{token}", Token, not_me::show)
        .post("/not-me/{token}", Token, not_me::block)
        .post("/not-me/{token}/undo", Token, not_me::undo)
        .get("/stop/{token}", Token, stop::show)
        .post("/stop/{token}", Token, stop::stop)
}
