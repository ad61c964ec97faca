//! Who is told of an event, and when.

pub mod plan;
pub mod prices;
pub mod sms;

pub use plan::{PlannedDelivery, Recipients, deliveries};
