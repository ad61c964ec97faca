//! Stories from end to end: the real program, real Postgres, real SMTP, a real browser.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test that cannot go on stops here"
)]

mod citus;
mod clock;
mod commands;
mod cut;
mod database_outage;
mod fleet;
mod heartbeat;
mod hooks;
mod kill;
mod layering;
mod maintenance;
mod matrix;
mod outage;
mod pages;
mod postfix;
mod regions;
mod servers;
mod sign_up;
mod support;
mod voice;
