//! The kill matrix: the program is killed for real at every statement of every transaction that people
//! are told by, and at every point of a conversation with a provider. Nothing is lost.
//!
//! One process is held at many points at once, each by a message of its own, and then killed: so the
//! whole matrix takes a few processes. It has no switches: what holds it is the wire to Postgres
//! ([`wire`]) and the door of each provider ([`door`]).

mod beats;
mod cast;
mod door;
mod lot;
mod oracle;
mod seen;
mod steps;
mod storm;
mod told;
mod wire;
