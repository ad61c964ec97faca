//! What every story needs: a database of its own, the real program, a mail server, a browser.

pub mod api;
pub mod browser;
pub mod cluster;
pub mod database;
pub mod folder;
pub mod forwarder;
pub mod mail;
pub mod network;
pub mod postfix;
pub mod program;
pub mod stage;
pub mod wait;
