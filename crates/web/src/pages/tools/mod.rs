//! Tools for everybody, without an account: "Is it down, or is it me?", ping, DNS, certificate, headers.
//! `ask` has the forms and takes what is typed, `result` shows what came of it, `view` and `words` put it
//! into words, `json` says the same for programs.

mod ask;
mod json;
mod result;
mod view;
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
}

/// The address of a tool's form.
fn path(tool: Tool) -> String {
    format!("/tools/{}", tool.as_str())
}
