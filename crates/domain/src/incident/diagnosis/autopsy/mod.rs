//! A closer look at a confirmed failure: which questions are put to the target and its surroundings,
//! what their answers tell that one look cannot, and the diagnosis that follows.
//!
//! [`plan`] chooses the questions, somebody asks them, and [`explain`] reads the answers by the table
//! in `rules`. Where no rule fits, the diagnosis of the first look stays, with more evidence.

mod battery;
mod evidence;
mod explain;
mod fits;
mod names;
mod plan;
mod rules;
mod scene;
#[cfg(test)]
mod tests;

pub use battery::{Battery, Finding, Outcome, Question};
pub use explain::explain;
pub use plan::{MOST_ALL, MOST_ELSEWHERE, MOST_FIRST, expectation, plan, target, unjudged, zones};

use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::VerdictKind;

/// What is known of the target from before it failed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// The last good look before the failure.
    pub last_good: Option<LastGood>,
    /// The looks of the last hour, oldest first.
    pub looks: Vec<Past>,
    /// The server behind the target, shown to be its owner's.
    #[serde(default)]
    pub origin: Option<String>,
}

/// The last good look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastGood {
    /// When.
    pub at: Timestamp,
    /// The address that answered.
    pub address: Option<IpAddr>,
}

/// One look of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Past {
    /// What it came to.
    pub kind: VerdictKind,
    /// How long it took, microseconds.
    pub total_us: u64,
}
