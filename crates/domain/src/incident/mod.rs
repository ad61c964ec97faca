//! Incidents: an outage from its first failing look to its end, and why it happened.

pub mod diagnosis;

pub use diagnosis::{Confidence, Diagnosis};
