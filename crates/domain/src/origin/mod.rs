//! The server behind what visitors reach: shown to be its owner's before anything is asked of it, then
//! looked at past what stands in front.
//!
//! A request with somebody's `Host` goes to an address that a user names only where the address has said
//! that it wants this: [`proof`] says what is asked and reads the answers. [`standing`] is what follows
//! from proofs and looks, and when the next are due.

mod proof;
mod standing;

pub use proof::{Answer, Asked, FILE, RECORD, all, file_url, questions, record_name};
pub use standing::{How, Looked, Standing, State, every, looked, proven};
