//! Everything that a look saw, in parts that people can read.

use domain::check::{LookResult, Observation, Phase};
use domain::tls::{CertificateFacts, TlsFacts};
use domain::words;
use jiff::tz::TimeZone;

/// One part: a title and its lines.
pub struct Group {
    pub title: &'static str,
    /// Label and text.
    pub lines: Vec<(String, String)>,
}

/// The parts that have something in them, in the order of the look.
pub(super) fn groups(result: &LookResult, zone: &TimeZone) -> Vec<Group> {
    let seen = &result.observation;
    let group = |title, lines| Group { title, lines };
    let mut groups = vec![
        group("What failed", failed(result)),
        group("Times", times(seen)),
        group("Connection", connection(seen)),
        group("Redirects", redirects(seen)),
        group(
            "Encryption",
            seen.tls.as_ref().map(encryption).unwrap_or_default(),
        ),
        group("Certificates", certificates(seen, zone)),
        group("DNS", records(seen)),
        group("Packets", packets(seen)),
        group("Registration", registration(seen, zone)),
        group("Said", said(seen)),
    ];
    groups.retain(|group| !group.lines.is_empty());
    groups
}

/// The status line and the headers, as they came.
pub(super) fn answer(seen: &Observation) -> Option<String> {
    let http = seen.http.as_ref()?;
    let headers = http.headers.iter();
    let lines: Vec<String> = [format!("{} {}", http.version, http.status)]
        .into_iter()
        .chain(headers.map(|(name, value)| format!("{name}: {value}")))
        .collect();
    Some(lines.join("\n"))
}

fn line(label: impl Into<String>, text: impl Into<String>) -> (String, String) {
    (label.into(), text.into())
}

fn failed(result: &LookResult) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if let Some(failure) = &result.check.failure {
        let class = failure.class.as_str();
        let phase = phase_word(failure.phase);
        lines.push(line("Class", format!("{class}, in {phase}")));
        lines.push(line("Message", failure.message.clone()));
    }
    if let Some(attribution) = result.check.attribution {
        lines.push(line("Whose", attribution.as_str()));
    }
    if let Some(diagnosis) = &result.diagnosis {
        lines.push(line("Sure", diagnosis.confidence.as_str()));
        lines.push(line("Technically", diagnosis.technical.clone()));
        let seen = diagnosis.evidence.iter();
        lines.extend(seen.map(|fact| line(fact.label.clone(), fact.value.clone())));
    }
    lines
}

const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Dns => "DNS",
        Phase::Connect => "connecting",
        Phase::Tls => "the TLS handshake",
        Phase::Send => "sending",
        Phase::FirstByte => "the first byte",
        Phase::Body => "the body",
    }
}

fn times(seen: &Observation) -> Vec<(String, String)> {
    let word = |phase| match phase {
        Phase::Tls => "TLS".to_owned(),
        Phase::Dns => "DNS".to_owned(),
        Phase::FirstByte => "First byte".to_owned(),
        other => words::capitalised(other.as_str()),
    };
    let part = |phase: &Phase| {
        let time = words::milliseconds(seen.phases.get(*phase)?.into());
        Some(line(word(*phase), time))
    };
    let mut lines: Vec<_> = Phase::ALL.iter().filter_map(part).collect();
    if !lines.is_empty() {
        lines.push(line("In all", words::milliseconds(seen.total_us)));
    }
    lines
}

fn connection(seen: &Observation) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    if !seen.resolved.is_empty() {
        let addresses: Vec<String> = seen.resolved.iter().map(ToString::to_string).collect();
        lines.push(line("Resolved", addresses.join(", ")));
    }
    lines.extend(seen.tried.iter().map(|tried| {
        let address = words::address(tried.address);
        let result = tried.error.as_deref().unwrap_or("connected");
        line("Tried", format!("{address}: {result}"))
    }));
    if let Some(http) = &seen.http {
        let (wire, whole) = (http.wire_bytes, http.body_bytes);
        let mut text = format!("{} bytes", words::thousands(whole));
        if wire != whole {
            text.push_str(&format!(", {} on the wire", words::thousands(wire)));
        }
        if !http.body_complete {
            text.push_str(", not read to its end");
        }
        lines.push(line("Body", text));
    }
    lines
}

fn redirects(seen: &Observation) -> Vec<(String, String)> {
    let hops = seen.redirects.iter();
    hops.map(|hop| {
        line(
            hop.status.to_string(),
            format!("{} to {}", hop.from, hop.to),
        )
    })
    .collect()
}

fn encryption(tls: &TlsFacts) -> Vec<(String, String)> {
    let mut lines = Vec::new();
    let facts = [
        ("Version", &tls.version),
        ("Cipher", &tls.cipher),
        ("Protocol", &tls.alpn),
    ];
    for (label, fact) in facts {
        lines.extend(fact.as_ref().map(|fact| line(label, fact.clone())));
    }
    lines.extend(tls.problem.map(|class| line("Problem", class.phrase())));
    lines
}

fn certificates(seen: &Observation, zone: &TimeZone) -> Vec<(String, String)> {
    let chain = seen.tls.iter().flat_map(|tls| tls.chain.iter()).enumerate();
    chain
        .map(|(place, part)| {
            let label = match place {
                0 => "Server".to_owned(),
                place => format!("Issuer {place}"),
            };
            line(label, certificate(part, zone))
        })
        .collect()
}

fn certificate(part: &CertificateFacts, zone: &TimeZone) -> String {
    let day = |at| words::day(at, zone);
    let mut text = format!(
        "{}, by {}. {} to {}. {}, serial {}.",
        part.subject,
        part.issuer,
        day(part.not_before),
        day(part.not_after),
        part.key,
        part.serial
    );
    if !part.names.is_empty() {
        text.push_str(&format!(" Names: {}.", part.names.join(", ")));
    }
    text
}

fn records(seen: &Observation) -> Vec<(String, String)> {
    match seen.records.as_deref() {
        None => Vec::new(),
        Some([]) => vec![line("Answer", "none")],
        Some(records) => {
            let records = records.iter();
            records
                .map(|record| line("Answer", record.clone()))
                .collect()
        }
    }
}

fn packets(seen: &Observation) -> Vec<(String, String)> {
    let Some(ping) = &seen.ping else {
        return Vec::new();
    };
    let mut lines = vec![
        line("Sent", ping.sent.to_string()),
        line("Replies", ping.received.to_string()),
        line("Lost", format!("{} %", ping.loss_percent())),
    ];
    if ping.received > 0 {
        let time = |us: u32| words::milliseconds(us.into());
        lines.push(line(
            "Round trip",
            format!("{} on average", time(ping.mean_us)),
        ));
        lines.push(line("Longest", time(ping.max_us)));
    }
    lines
}

fn registration(seen: &Observation, zone: &TimeZone) -> Vec<(String, String)> {
    let Some(found) = &seen.registration else {
        return Vec::new();
    };
    let end = found.expires_at;
    let ends = end.map_or_else(
        || "the registry does not tell".to_owned(),
        |at| words::day(at, zone),
    );
    vec![
        line("Domain", found.name.clone()),
        line("Ends", ends),
        line("Told by", found.source.clone()),
    ]
}

fn said(seen: &Observation) -> Vec<(String, String)> {
    let said = seen.said.iter();
    said.map(|said| line(said.label.clone(), said.text.clone()))
        .collect()
}
