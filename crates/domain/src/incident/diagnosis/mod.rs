//! Why a target fails: a cause, how sure we are, the evidence, and what to do next.
//!
//! [`explain`] reads two tables: `rules` by failure class, and for error answers `answers` by what
//! [`crate::check::attribution`] read out of the page. [`point_out`] reads a third, of pages that answer well
//! and say that they do not.

mod answers;
pub mod autopsy;
mod case;
mod evidence;
mod explain;
mod guide;
mod rules;
mod soft;
#[cfg(test)]
mod tests;

pub(crate) use case::plain;
pub use evidence::{CHANGED, RESULT};
pub use explain::explain;
pub use guide::{GUIDES, guide};
pub use soft::point_out;

use serde::{Deserialize, Serialize};

use crate::check::Attribution;

/// How far the evidence carries a statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// One explanation among several.
    Possible,
    /// The usual explanation of what was seen.
    Likely,
    /// What was seen says so itself.
    Certain,
}

impl Confidence {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Certain => "certain",
        }
    }
}

/// One line of evidence: what was looked at, and what it showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Diagnosis.evidence"
)]
pub struct EvidenceLine {
    pub label: String,
    pub value: String,
}

/// One thing to do, with a command where one helps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Diagnosis.next_steps"
)]
pub struct NextStep {
    pub text: String,
    pub command: Option<String>,
}

/// Why a target fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The cause as a stable word, such as `upstream_dead`.
    pub cause: String,
    /// How sure we are.
    pub confidence: Confidence,
    /// Where the fault lies.
    pub attribution: Option<Attribution>,
    /// One or two sentences for the owner of the shop.
    pub sentence: String,
    /// One or two sentences for an engineer.
    pub technical: String,
    /// What we saw.
    pub evidence: Vec<EvidenceLine>,
    /// What to do, first things first; one to three.
    pub next_steps: Vec<NextStep>,
    /// The rule that decided, for counting which rules are right.
    pub rule: String,
}

impl Diagnosis {
    /// What its owner changed before it failed, the nearest first.
    pub fn changes(&self) -> impl Iterator<Item = &str> {
        let lines = self.evidence.iter();
        lines
            .filter(|line| line.label == CHANGED)
            .map(|line| line.value.as_str())
    }

    /// What we saw.
    pub fn seen(&self) -> impl Iterator<Item = &EvidenceLine> {
        self.evidence.iter().filter(|line| line.label != CHANGED)
    }
}
