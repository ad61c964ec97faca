//! Who is told of an event, and when.

pub mod plan;

pub use plan::{PlannedDelivery, Recipients, deliveries};
