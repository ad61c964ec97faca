//! What a delivery's `payload` column holds: facts of its event that are in no other row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::check::{Attribution, Failure, FailureClass};
use crate::incident::Diagnosis;
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
    /// The server behind it that fails while a cache serves: what is told is that, and no region.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
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

/// Beside the facts of `incident.opened`, once its message was made: what that says of the cause (key `said`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The cause as a stable word; `None` where nothing was known.
    pub cause: Option<String>,
    /// Where the fault lies.
    pub attribution: Option<Attribution>,
}

impl Said {
    /// What a message made now says.
    pub fn of(diagnosis: Option<&Diagnosis>) -> Self {
        Self {
            cause: diagnosis.map(|diagnosis| diagnosis.cause.clone()),
            attribution: diagnosis.and_then(|diagnosis| diagnosis.attribution),
        }
    }

    /// Who was told this does not know what is known now. How sure it is, in which words, and which part of the
    /// owner's own server it is, is no news.
    pub fn is_outdated(&self, diagnosis: Option<&Diagnosis>) -> bool {
        let Some(known) = diagnosis else {
            return false;
        };
        let is_own = |one| matches!(one, Attribution::Origin | Attribution::OriginProxy);
        let moved = self
            .attribution
            .zip(known.attribution)
            .is_some_and(|(said, known)| said != known && !(is_own(said) && is_own(known)));
        moved || self.cause.as_ref() != Some(&known.cause)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::incident::Confidence;

    fn diagnosis(cause: &str, attribution: Option<Attribution>) -> Diagnosis {
        Diagnosis {
            cause: cause.into(),
            confidence: Confidence::Likely,
            attribution,
            sentence: "Your server answers 502.".into(),
            technical: String::new(),
            evidence: Vec::new(),
            next_steps: Vec::new(),
            rule: "gateway_at_once".into(),
        }
    }

    #[rstest]
    #[case::the_same("upstream_dead", Some(Attribution::Origin), false)]
    #[case::another_cause("region_only", Some(Attribution::Origin), true)]
    #[case::the_fault_lies_elsewhere("upstream_dead", Some(Attribution::Edge), true)]
    #[case::another_part_of_it("upstream_dead", Some(Attribution::OriginProxy), false)]
    #[case::nobody_knows_where("upstream_dead", None, false)]
    fn only_another_cause_is_news(
        #[case] cause: &str,
        #[case] attribution: Option<Attribution>,
        #[case] is_news: bool,
    ) {
        let said = Said::of(Some(&diagnosis("upstream_dead", Some(Attribution::Origin))));
        let known = Diagnosis {
            confidence: Confidence::Certain,
            sentence: "Your server, and not its proxy, answers 502.".into(),
            rule: "another".into(),
            ..diagnosis(cause, attribution)
        };
        assert_eq!(said.is_outdated(Some(&known)), is_news);
        assert!(!said.is_outdated(None), "nothing known is no news");
        assert!(Said::of(None).is_outdated(Some(&known)));
    }
}
