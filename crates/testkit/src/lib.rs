//! A broken internet on loopback, for tests: servers that refuse, hang, reset, drip, cut and lie,
//! a certificate authority that issues every bad certificate, and a DNS server with every bad
//! answer.
//!
//! Everything ends when its handle is dropped. To add a failure: a [`Script`] for what a socket
//! does, a [`Flaw`] for a certificate, an [`dns::Answer`] for a name; then a line in
//! [`scenes`], and rows in `crates/probe/tests/classes` for its variants.
//!
//! Tests only: a failure to set a scene panics.
#![expect(clippy::expect_used, reason = "this crate is for tests only")]

pub mod bombs;
pub mod ca;
pub mod datagram;
pub mod dns;
pub mod flaw;
pub mod http2;
pub mod ports;
pub mod scenes;
pub mod script;
pub mod server;
pub mod site;
pub mod smtp;
pub mod telephony;
pub mod way_out;

pub use ca::{Ca, Presented};
pub use flaw::Flaw;
pub use ports::free_port;
pub use script::{Act, Script};
pub use server::{Server, blackhole, refused};
pub use site::{Behaviour, Post, SwitchableSite};
