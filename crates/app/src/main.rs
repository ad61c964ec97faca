//! The `watchbell` binary: one program, its roles and commands.

mod cli;
mod commands;
mod config;
mod database;
mod embedded;
mod lifecycle;
mod ops;
mod telemetry;

fn main() {}
