//! What the operator types besides the roles.

pub mod admin;
pub mod check;
pub mod doctor;
pub mod healthcheck;
pub mod migrate;

/// Writes a command's answer: stdout carries it alone.
#[expect(
    clippy::print_stdout,
    reason = "the answer of a command belongs on stdout"
)]
pub fn answer(text: &str) {
    println!("{text}");
}
