//! The mail channel: [`render`] makes words, [`build`] a message, [`send`] hands it over, [`classify`]
//! reads what the relay says.

mod build;
mod classify;
pub(crate) mod render;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use build::{Mail, Sender};
pub(crate) use send::{Relay, send};
