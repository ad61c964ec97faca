//! Work that must survive a crash and be repeated: the only crate that names apalis.
//!
//! A job carries ids, never facts: the truth is a row of `store`, and a handler claims that row before
//! it acts, so that a job run twice does its work once. A job is enqueued in the transaction that
//! writes its row, and a sweeper pushes a job again for every row that was left behind. Handlers
//! never fail: what went wrong is recorded in the row, with a later job for the next attempt.
//!
//! To add a job: a struct with [`Job`] in [`kinds`] and its queue's name in [`queues`] (names are for
//! ever: rows of older versions wait under them), then [`Runner::register`] where it is handled.

mod enqueue;
mod error;
pub mod kinds;
mod migrate;
mod prune;
pub mod queues;
mod runner;

pub use enqueue::{Job, enqueue};
pub use error::{Error, Result};
pub use kinds::{
    AccountMessage, DeliverEmail, DeliverHook, DeliverSms, DeliverVoice, Erase, Escalate, Sweep,
    enqueue_delivery,
};
pub use migrate::migrate;
pub use prune::prune;
pub use runner::{Health, Runner};
