//! What we saw, line by line, for people.

use super::EvidenceLine;
use super::case::{Case, plain};
use crate::check::redact::mask_url;
use crate::check::{HttpFacts, Phase};
use crate::words;

/// Headers that say who answered.
const TELLING: [&str; 12] = [
    "server",
    "cf-ray",
    "cf-mitigated",
    "via",
    "x-cache",
    "x-served-by",
    "proxy-status",
    "x-vercel-error",
    "x-powered-by",
    "retry-after",
    "location",
    "content-type",
];
/// Sending and reading a small page take no time worth a word.
const LEAST_US: u32 = 1_000;
/// Characters of a header's value that are shown.
const VALUE: usize = 60;

/// The label of the line that says what came of the look; it stands first.
pub const RESULT: &str = "Result";

/// The label of a line that says what the owner changed before it failed.
pub const CHANGED: &str = "Changed";

/// The lines in the order of a look.
pub(super) fn lines(case: &Case<'_>) -> Vec<EvidenceLine> {
    let mut lines = Vec::new();
    let mut add = |label: &str, value: String| {
        if !value.is_empty() {
            lines.push(EvidenceLine {
                label: label.to_owned(),
                value,
            });
        }
    };
    add(RESULT, what(case));
    if let Some(failure) = case.failure() {
        add("Detail", plain(&failure.message));
    }
    add("Address", addresses(case));
    if case.is_redirected() {
        let hops = case.seen.redirects.iter().take(10);
        let hops: Vec<String> = hops
            .map(|hop| format!("{} {}", hop.status, plain(&mask_url(&hop.to))))
            .collect();
        add("Redirects", hops.join(" > "));
    }
    for said in case.seen.told() {
        add(&said.label, plain(&said.text));
    }
    if let Some(http) = case.http() {
        add("Headers", headers(http));
        add("Page", excerpt(http));
    }
    if let Some(leaf) = case.seen.tls.as_ref().and_then(|tls| tls.leaf()) {
        let value = format!(
            "{} by {}, valid {} to {}",
            plain(&leaf.subject),
            plain(&leaf.issuer),
            leaf.not_before.strftime("%d %b %Y"),
            leaf.not_after.strftime("%d %b %Y")
        );
        add("Certificate", value);
    }
    lines
}

/// `HTTP 502 after 41 ms: dns 1, connect 8, TLS 21, first byte 11`.
fn what(case: &Case<'_>) -> String {
    let total = milliseconds(u32::try_from(case.seen.total_us).unwrap_or(u32::MAX));
    let outcome = match (case.http(), case.failure()) {
        (Some(http), _) => format!("HTTP {}", http.status),
        (None, Some(failure)) => {
            words::capitalised(&words::cause(failure, case.verdict.attribution))
        }
        (None, None) => "A look".to_owned(),
    };
    let parts: Vec<String> = Phase::ALL
        .into_iter()
        .filter_map(|phase| {
            let name = match phase {
                Phase::Dns => "dns",
                Phase::Connect => "connect",
                Phase::Tls => "TLS",
                Phase::Send => "send",
                Phase::FirstByte => "first byte",
                Phase::Body => "body",
            };
            let us = case.seen.phases.get(phase);
            us.filter(|us| *us >= LEAST_US || !is_brief(phase))
                .map(|us| format!("{name} {}", milliseconds(us)))
        })
        .collect();
    let parts = if parts.is_empty() {
        String::new()
    } else {
        format!(": {}", parts.join(", "))
    };
    format!("{outcome} after {total} ms{parts}")
}

const fn is_brief(phase: Phase) -> bool {
    matches!(phase, Phase::Send | Phase::Body)
}

/// Whole milliseconds from ten on, one decimal below.
fn milliseconds(us: u32) -> String {
    if us >= 9_950 {
        return ((us + 500) / 1000).to_string();
    }
    let tenths = (us + 50) / 100;
    if tenths.is_multiple_of(10) {
        (tenths / 10).to_string()
    } else {
        format!("{}.{}", tenths / 10, tenths % 10)
    }
}

fn addresses(case: &Case<'_>) -> String {
    let tried = case
        .seen
        .tried
        .iter()
        .take(10)
        .map(|tried| match &tried.error {
            Some(error) => format!("{} ({})", words::address(tried.address), plain(error)),
            None => words::address(tried.address),
        });
    tried.collect::<Vec<_>>().join(", ")
}

fn headers(http: &HttpFacts) -> String {
    let shown = TELLING.iter().filter_map(|name| {
        let value = http.header(name)?;
        let value = if *name == "location" {
            plain(&mask_url(value))
        } else {
            plain(value)
        };
        let short: String = value.chars().take(VALUE).collect();
        Some(format!("{name}: {short}"))
    });
    shown.collect::<Vec<_>>().join("   ")
}

/// The page's title, else its first words.
fn excerpt(http: &HttpFacts) -> String {
    let start = http.body.get(..16_384).unwrap_or(&http.body);
    let text = String::from_utf8_lossy(start);
    let lower = text.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|at| {
        let from = at + lower.get(at..)?.find('>')? + 1;
        let to = from + lower.get(from..)?.find("</title")?;
        text.get(from..to)
    });
    let words = match title {
        Some(title) => title.to_owned(),
        None if lower.trim_start().starts_with('<') => return String::new(),
        None => text.chars().take(120).collect(),
    };
    let words: Vec<&str> = words.split_whitespace().collect();
    let short: String = plain(&words.join(" ")).chars().take(120).collect();
    if short.is_empty() {
        short
    } else {
        format!("\"{short}\"")
    }
}
