//! What a delivery's `payload` column holds: facts of its event that are in no other row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{Failure, FailureClass};
use crate::tls::CertificateFacts;

/// For `tls.expiring`, `tls.renewed` and `tls.worse`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateNews {
    /// The name that was asked for.
    pub host: String,
    /// Its port.
    #[serde(default = "https")]
    pub port: u16,
    /// The server's own certificate, as it is now.
    pub certificate: CertificateFacts,
    /// The end of validity that counts: the earliest of the chain.
    pub not_after: Timestamp,
    /// Names of all monitors that use it.
    #[serde(default)]
    pub monitors: Vec<String>,
    /// Thresholds that are still to come, days before the end.
    #[serde(default)]
    pub next_days: Vec<u32>,
    /// What is wrong with a worse one; `None` when it is good but ends earlier than the one before.
    #[serde(default)]
    pub problem: Option<FailureClass>,
}

impl CertificateNews {
    /// What is worse about a worse one, at most 40 GSM characters.
    pub fn worse(&self) -> &'static str {
        self.problem
            .map_or("it ends earlier than the one before", FailureClass::phrase)
    }
}

/// For `domain.expiring`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationNews {
    /// The registered domain.
    pub name: String,
    /// When its registration ends.
    pub expires_at: Timestamp,
    /// Who says so.
    pub source: String,
    /// Thresholds that are still to come, days before the end.
    #[serde(default)]
    pub next_days: Vec<u32>,
}

const fn https() -> u16 {
    443
}

/// For `incident.escalated`: nobody has it, and a further step of the policy is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Escalated {
    /// Which step, counted from 1.
    pub step: u32,
    /// How many the policy has.
    pub steps: u32,
    /// Which round, counted from 1.
    pub round: u32,
    /// How many there are.
    pub rounds: u32,
    /// Names of those who are told with it.
    pub told: Vec<String>,
    /// Why, as a sentence.
    pub why: String,
}

/// For `incident.reminded`: nobody has it still.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reminded {
    /// Which reminder, counted from 1.
    pub number: u32,
}

/// For `monitor.degraded`, `monitor.partial`, `monitor.blocked` and `monitor.unknown`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusNotice {
    /// Since when it is so.
    pub since: Timestamp,
    /// The names of the regions that it is down for; none unless it is partly down.
    #[serde(default)]
    pub regions: Vec<String>,
    /// What the last look met.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// Total time of the last look, microseconds.
    #[serde(default)]
    pub total_us: Option<u64>,
}

/// Beside the facts of the event, for a message that stands in for another (key `fallback`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StandIn {
    /// Whom the other message was for.
    #[serde(rename = "for")]
    pub contact: Option<String>,
    /// Why it did not arrive, as part of a sentence.
    pub reason: String,
    /// The unsent text.
    #[serde(default)]
    pub text: Option<String>,
    /// What the other message was about.
    pub event: String,
}
