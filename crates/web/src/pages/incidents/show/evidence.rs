//! What was seen of an outage, look by look.

use std::io::Read as _;

use domain::check::{FailureClass, Observation};
use domain::words;
use jiff::tz::TimeZone;
use store::evidence::Evidence;

use crate::charts::{PhaseBar, phase_bar, phase_legend};
use crate::view::Moment;

/// Characters of a body on the page.
const MOST_BODY: usize = 2_000;

/// One look that failed, as the page shows it.
pub(super) struct EvidenceView {
    pub(super) title: String,
    pub(super) region: String,
    pub(super) at: Moment,
    pub(super) bar: String,
    pub(super) legend: String,
    pub(super) lines: Vec<String>,
    pub(super) body: Option<String>,
}

/// What is kept of it, made readable.
pub(super) fn evidence_view(evidence: &Evidence, zone: &TimeZone) -> EvidenceView {
    let seen = &evidence.observation;
    let bar = PhaseBar::of(
        &seen.phases,
        seen.failure.as_ref().map(|failure| failure.phase),
    );
    EvidenceView {
        title: title(evidence.class, seen),
        region: evidence.region.clone(),
        at: Moment::new(seen.at, zone.clone()),
        bar: if bar.parts().is_empty() {
            String::new()
        } else {
            phase_bar(&bar)
        },
        legend: phase_legend(&bar),
        lines: lines(seen),
        body: evidence.body.as_deref().and_then(body),
    }
}

fn title(class: Option<FailureClass>, seen: &Observation) -> String {
    let took = words::milliseconds(seen.total_us);
    match (&seen.http, &seen.failure, class) {
        (Some(http), ..) => format!("HTTP {} after {took}", http.status),
        (None, Some(failure), _) => {
            let cause = words::cause_sentence_case(failure, None);
            format!("{cause} after {took}")
        }
        (None, None, Some(class)) => format!("{} after {took}", class.as_str()),
        (None, None, None) => format!("After {took}"),
    }
}

/// What was seen, as an engineer would note it.
fn lines(seen: &Observation) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(failure) = &seen.failure {
        lines.push(failure.message.clone());
    }
    if !seen.resolved.is_empty() {
        let addresses: Vec<String> = seen.resolved.iter().map(ToString::to_string).collect();
        lines.push(format!("resolved   {}", addresses.join(", ")));
    }
    lines.extend(seen.tried.iter().map(|tried| {
        format!(
            "tried      {}{}",
            tried.address,
            tried
                .error
                .as_ref()
                .map(|error| format!(": {error}"))
                .unwrap_or_default()
        )
    }));
    lines.extend(
        seen.redirects
            .iter()
            .map(|hop| format!("redirect   {} {} -> {}", hop.status, hop.from, hop.to)),
    );
    if let Some(tls) = &seen.tls {
        let parts = [
            tls.version.as_deref(),
            tls.cipher.as_deref(),
            tls.alpn.as_deref(),
        ];
        let leaf = tls
            .leaf()
            .map(|leaf| format!("{}, until {}", leaf.subject, leaf.not_after))
            .unwrap_or_default();
        lines.push(format!(
            "tls        {} {leaf}",
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
        ));
    }
    let told = seen.told().into_iter();
    lines.extend(told.map(|said| format!("{:<10} {}", said.label.to_lowercase(), said.text)));
    if let Some(http) = &seen.http {
        lines.push(format!("{} {}", http.version, http.status));
        lines.extend(
            http.headers
                .iter()
                .map(|(name, value)| format!("{name}: {value}")),
        );
    }
    lines
}

fn body(packed: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    // More than is shown is not even inflated.
    let limit = u64::try_from(MOST_BODY * 4).unwrap_or(u64::MAX);
    flate2::read::GzDecoder::new(packed)
        .take(limit)
        .read_to_end(&mut text)
        .ok()?;
    let text = String::from_utf8_lossy(&text);
    let shown: String = text
        .chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .take(MOST_BODY)
        .collect();
    (!shown.trim().is_empty()).then_some(shown)
}
