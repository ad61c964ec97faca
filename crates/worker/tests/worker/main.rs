//! A worker against a real database and real sites on loopback.
#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod autopsy;
mod between;
mod blind;
mod certificates;
mod database;
mod hanging;
mod heartbeats;
mod origins;
mod outage;
mod proposals;
mod recorder;
mod requests;
mod sweeps;
mod takeover;
mod visitors;
mod watches;
mod world;
