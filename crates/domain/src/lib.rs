//! The rules of Watchbell: values and plain functions.
//!
//! Nothing here does I/O, is `async`, or reads a clock: `now` is an argument and what is to be
//! done is returned as data. Every other crate may depend on this one; it depends on none.

pub mod account;
pub mod alert;
pub mod answer;
pub mod canary;
pub mod check;
pub mod clock;
pub mod contact;
pub mod delivery;
pub mod heartbeat;
pub mod ids;
pub mod incident;
mod local;
pub mod maintenance;
pub mod marker;
pub mod monitor;
pub mod oncall;
pub mod origin;
pub mod report;
pub mod status;
pub mod target;
pub mod telephony;
pub mod tls;
pub mod tools;
pub mod words;
