//! Connections: names to addresses, addresses to streams, and what passes over them.

mod dial;
mod order;
mod tap;

pub(crate) use dial::{Endpoint, connect, pin, pin_behind, resolve, spend, time_left, until};
pub(crate) use tap::{Log, Passed, Stopped, Tap};
