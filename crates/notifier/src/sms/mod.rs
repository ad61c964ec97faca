//! The text message channel: [`render`] makes one segment, [`send`] hands it to a Twilio-compatible
//! provider, whose answers [`crate::telephony`] reads.

mod render;
mod send;
mod storm;
#[cfg(test)]
mod tests;

pub(crate) use render::{account, event};
pub(crate) use send::{Sms, rfc2822, send};
