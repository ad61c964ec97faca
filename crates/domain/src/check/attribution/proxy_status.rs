//! `Proxy-Status` (RFC 9209): what a proxy itself says about an answer.

use super::{Attribution, Meaning, Page, Reading};
use crate::incident::diagnosis::Confidence;

/// Names under which networks that serve many owners sign; any other proxy is the owner's.
const EDGES: [&str; 8] = [
    "cloudflare",
    "fastly",
    "akamai",
    "cloudfront",
    "cdn",
    "bunny",
    "imperva",
    "vercel",
];

/// One member of the list: the proxy's name and its parameters.
struct Member {
    name: String,
    parameters: Vec<(String, String)>,
}

impl Member {
    fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What `Proxy-Status` tells about an error answer. Members are ordered from the origin to us, so
/// the first that speaks of an error or of a received status is the nearest to the fault.
pub(super) fn read(page: &Page<'_>) -> Option<Reading> {
    let joined = page.headers("proxy-status").collect::<Vec<_>>().join(", ");
    let members = parse(&joined);
    let telling = members
        .iter()
        .find(|member| member.get("error").is_some())
        .or_else(|| {
            members
                .iter()
                .find(|member| member.get("received-status").is_some())
        })?;
    let edge = EDGES
        .iter()
        .any(|name| telling.name.to_lowercase().contains(name));
    let (attribution, meaning) = match telling.get("error") {
        Some(error) => by_error(error, edge),
        None => (Attribution::Origin, Meaning::Passed),
    };
    Some(Reading {
        attribution,
        confidence: Confidence::Certain,
        speaker: Some(telling.name.clone()),
        meaning,
        tell: "proxy_status",
    })
}

/// RFC 9209, section 2.3: what failed, seen from the proxy.
fn by_error(error: &str, edge: bool) -> (Attribution, Meaning) {
    let behind = if edge {
        Attribution::Origin
    } else {
        Attribution::OriginProxy
    };
    let own = if edge {
        Attribution::Edge
    } else {
        Attribution::OriginProxy
    };
    match error {
        "dns_timeout" | "dns_error" | "destination_not_found" => (behind, Meaning::OriginDns),
        "destination_unavailable" => (behind, Meaning::NoBackend),
        "connection_refused" => (behind, Meaning::UpstreamRefused),
        "connection_timeout" | "destination_ip_unroutable" => {
            (behind, Meaning::UpstreamUnreachable)
        }
        "connection_read_timeout" | "connection_write_timeout" | "http_response_timeout" => {
            (behind, Meaning::UpstreamSlow)
        }
        "connection_terminated" | "http_response_incomplete" => (behind, Meaning::UpstreamCrashed),
        "connection_limit_reached" => (behind, Meaning::Overloaded),
        "tls_protocol_error" | "tls_certificate_error" | "tls_alert_received" => {
            (behind, Meaning::OriginTls)
        }
        "destination_ip_prohibited" | "proxy_configuration_error" | "proxy_loop_detected" => {
            (own, Meaning::ProxyConfig)
        }
        "http_request_denied" => (own, Meaning::Refused),
        error if error.starts_with("proxy_") => (own, Meaning::ProxyFault),
        error if error.starts_with("http_response_") => (behind, Meaning::GatewayFailed),
        _ => (behind, Meaning::GatewayFailed),
    }
}

/// As much of RFC 8941 as lists with parameters need. Commas and semicolons inside quotes count as
/// text; what cannot be read is left out.
fn parse(text: &str) -> Vec<Member> {
    split(text, ',')
        .into_iter()
        .filter_map(|member| {
            let mut parts = split(&member, ';').into_iter();
            let name = unquote(parts.next()?.trim());
            let parameters = parts
                .filter_map(|part| {
                    let (key, value) = part.split_once('=')?;
                    Some((key.trim().to_lowercase(), unquote(value.trim())))
                })
                .collect();
            (!name.is_empty()).then_some(Member { name, parameters })
        })
        .collect()
}

fn split(text: &str, at: char) -> Vec<String> {
    let (mut parts, mut part, mut quoted, mut escaped) = (Vec::new(), String::new(), false, false);
    for character in text.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            c if c == at && !quoted => {
                parts.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(character);
    }
    parts.push(part);
    parts
}

fn unquote(text: &str) -> String {
    text.strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .map_or_else(
            || text.to_owned(),
            |inner| inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        )
        .chars()
        .filter(|character| !character.is_control())
        .take(80)
        .collect()
}
