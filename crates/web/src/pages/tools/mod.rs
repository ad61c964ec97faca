//! Tools for everybody, without an account: "Is it down, or is it me?", ping, DNS, certificate, headers.
//! `ask` has the forms and takes what is typed, `result` shows what came of it, `view` and `words` put it
//! into words, `json` says the same for programs. `watch` is for whoever wants a mail when it is back.

mod ask;
mod json;
mod result;
mod view;
mod watch;
mod words;

use domain::tools::Tool;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    use Access::{Public, Token};
    Routes::new()
        .get("/tools", Public, ask::index)
        .get("/tools/{slug}", Public, ask::show)
        .post("/tools/{slug}", Public, ask::run)
        .get("/tools/r/{token}", Token, result::show)
        .get("/tools/r/{token}/monitor", Token, result::monitor_this)
        .post("/tools/r/{token}/watch", Token, watch::ask)
        .get("/tools/watch/{token}", Token, watch::show)
        .post("/tools/watch/{token}", Token, watch::confirm)
        .get("/tools/watch/{token}/end", Token, watch::show_end)
        .post("/tools/watch/{token}/end", Token, watch::end)
        .get("/tools/again/{token}", Token, watch::show_again)
        .post("/tools/again/{token}", Token, watch::again)
}

/// The address of a tool's form.
fn path(tool: Tool) -> String {
    format!("/tools/{}", tool.as_str())
}
