//! The text message channel: [`render`] makes one segment, [`send`] hands it to a Twilio-compatible
//! provider, [`classify`] reads the answer.

mod classify;
mod render;
mod send;
mod storm;
#[cfg(test)]
mod tests;

pub(crate) use render::{account, event};
pub(crate) use send::{Gateway, Sms, send};
