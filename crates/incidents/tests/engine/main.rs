//! The transactions of this crate against a real Postgres.
#![expect(clippy::unwrap_used, reason = "tests")]

mod answers;
mod autopsies;
mod certificates;
mod commands;
mod dependencies;
mod drill;
mod escalation;
mod heartbeats;
mod inbound;
mod maintenance;
mod markers;
mod monitors;
mod oncall;
mod origins;
mod plan;
mod policies;
mod racing;
mod reads;
mod record;
mod registrations;
mod sweeps;
mod watches;
mod world;
