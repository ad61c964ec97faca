//! Who is told of an event, and when.

pub mod budget;
pub mod dependency;
pub mod escalation;
pub mod inbound;
pub mod morning;
pub mod plan;
pub mod policy;
pub mod prices;
pub mod sms;
pub mod standing;
pub mod storm;
pub mod voice;

pub use plan::{PlannedDelivery, Reach, Recipients, deliveries};
pub use policy::{Policy, Step};
