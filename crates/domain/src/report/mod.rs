//! What reports are made of: uptime from times in states, response times in steps.

pub mod allowance;
pub mod latency;
pub mod uptime;

pub use latency::{Point, step_seconds};
pub use uptime::{BlindInterval, Cell, StatusInterval, Uptime, Window};
