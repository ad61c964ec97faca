//! A look as it is kept and handed on.

use std::net::SocketAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Attribution, Failure, Observation, Phases, Verdict, VerdictKind, check_id};
use crate::ids::{CheckId, MonitorId};
use crate::incident::Diagnosis;

/// One look, as lists and reports have it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Its id: derived for looks on the timetable, given for looks that were asked for.
    pub id: CheckId,
    /// When it began; of a packed look its slot.
    pub at: Timestamp,
    /// The slot of the timetable; `None` when somebody asked for it.
    pub slot: Option<Timestamp>,
    /// From where.
    pub region: String,
    /// What it means.
    pub verdict: VerdictKind,
    /// Time of each part; empty once packed.
    pub phases: Phases,
    /// From begin to verdict-ready, microseconds; whole milliseconds once packed.
    pub total_us: u64,
    /// The address that was connected to.
    pub address: Option<SocketAddr>,
    /// Status of the HTTP answer.
    pub http_status: Option<u16>,
    /// What is wrong.
    pub failure: Option<Failure>,
    /// Where the fault of an HTTP answer lies.
    pub attribution: Option<Attribution>,
}

impl Check {
    /// The record of a look on the timetable.
    pub fn on_timetable(
        monitor: MonitorId,
        region: &str,
        slot: Timestamp,
        seen: &Observation,
        verdict: &Verdict,
    ) -> Self {
        Self::of(
            check_id(monitor, region, slot),
            Some(slot),
            region,
            seen,
            verdict,
        )
    }

    /// The record of a look that somebody asked for.
    pub fn on_request(id: CheckId, region: &str, seen: &Observation, verdict: &Verdict) -> Self {
        Self::of(id, None, region, seen, verdict)
    }

    fn of(
        id: CheckId,
        slot: Option<Timestamp>,
        region: &str,
        seen: &Observation,
        verdict: &Verdict,
    ) -> Self {
        Self {
            id,
            at: seen.at,
            slot,
            region: region.to_owned(),
            verdict: verdict.kind,
            phases: seen.phases,
            total_us: seen.total_us,
            address: seen.address,
            http_status: seen.http.as_ref().map(|http| http.status),
            failure: verdict.failure.clone(),
            attribution: verdict.attribution,
        }
    }
}

/// The answer to a look request (`look_requests.result`): what a worker found, for whoever waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LookResult {
    /// The look.
    pub check: Check,
    /// Everything it saw, without body and secrets.
    pub observation: Observation,
    /// Why it failed; `None` when it did not.
    pub diagnosis: Option<Diagnosis>,
    /// The beginning of the page, as text without control characters; `None` when there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<String>,
}

/// Characters of a page in an answer to a look request.
const EXCERPT: usize = 2_000;

impl LookResult {
    /// The answer of a look whose observation is redacted already.
    pub fn new(check: Check, observation: Observation, diagnosis: Option<Diagnosis>) -> Self {
        let excerpt = observation.http.as_ref().and_then(|http| {
            // Four bytes a character are the most that UTF-8 needs.
            let most = http.body.len().min(EXCERPT * 4);
            let text = String::from_utf8_lossy(&http.body[..most]);
            let shown: String = text
                .chars()
                .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
                .take(EXCERPT)
                .collect();
            (!shown.trim().is_empty()).then_some(shown)
        });
        Self {
            check,
            observation,
            diagnosis,
            excerpt,
        }
    }
}
