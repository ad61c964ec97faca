//! The voice channel: [`render`] makes what is said, [`send`] places the call with a Twilio-compatible
//! provider, [`classify`] reads what its list says of an earlier try.
//!
//! A call goes on after it was placed: the provider asks web what to say, and reports its end there
//! (`incidents::answer_call`, `incidents::end_call`). What is said is kept with the delivery before it
//! rings.

mod classify;
mod render;
mod send;
#[cfg(test)]
mod tests;

pub(crate) use render::{Twiml, code, event};
pub(crate) use send::{Call, Speech, send};
