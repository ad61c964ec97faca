//! The local outbox: what would have been sent. It exists only where nobody but the machine's own
//! user can reach it (listen address and base URL are loopback); elsewhere it is 404.

mod call;
mod list;
mod mail;

use crate::routes::{Access, Routes};

/// The routes of this area.
pub fn routes() -> Routes {
    Routes::new()
        .get("/outbox", Access::Public, list::show)
        .get("/outbox/{message}/mail", Access::Public, mail::show)
        .post("/outbox/{message}/key", Access::Public, call::press)
}
