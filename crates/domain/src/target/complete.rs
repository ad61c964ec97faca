//! What people paste into a form, made into URLs. The guard judges the result.

use std::net::{IpAddr, Ipv6Addr};

use super::address::special_kind;

/// Completes what a person typed: `shop.example` becomes `https://shop.example/`.
///
/// What stands inside a private network (`localhost:3000`, `192.168.1.4`, `nas`) and port 80
/// become `http`, since nobody has a certificate there. A scheme that was written stays.
pub fn complete_url(text: &str) -> String {
    let text = unwrap(text.trim());
    if let Some(mended) = mend_scheme(text) {
        return with_path(&mended);
    }
    if text.is_empty() || has_scheme(text) {
        return with_path(text);
    }
    let bare = text.strip_prefix("//").unwrap_or(text);
    let authority = bare.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.parse::<Ipv6Addr>().is_ok() {
        let scheme = scheme_for(authority, None);
        return with_path(&format!(
            "{scheme}://[{authority}]{}",
            &bare[authority.len()..]
        ));
    }
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (authority, None),
    };
    with_path(&format!("{}://{bare}", scheme_for(host, port)))
}

/// Completes a pasted list: one URL a line, or several with blanks, commas or semicolons between.
/// Doubles are dropped, order is kept.
pub fn complete_urls(text: &str) -> Vec<String> {
    let mut urls = Vec::new();
    for word in text.split(|c: char| c.is_whitespace() || c == '\0') {
        for part in split_word(word) {
            let url = complete_url(part);
            if !url.is_empty() && !urls.contains(&url) {
                urls.push(url);
            }
        }
    }
    urls
}

/// A comma inside a path or query belongs to it, unless a scheme follows.
fn split_word(word: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (at, _) in word.match_indices([',', ';']) {
        if at < start {
            continue;
        }
        let (before, after) = (&word[start..at], &word[at + 1..]);
        let host_part = before.split_once("://").map_or(before, |(_, rest)| rest);
        if after.is_empty() || !host_part.contains(['/', '?', '#']) || begins_http(after) {
            parts.push(before);
            start = at + 1;
        }
    }
    parts.push(&word[start..]);
    parts
}

fn begins_http(text: &str) -> bool {
    let lower = text
        .get(..8)
        .or(text.get(..7))
        .unwrap_or_default()
        .to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// `http//shop.example`, `https:/shop.example`, `http:///shop.example`: a slip in what everybody
/// means.
fn mend_scheme(text: &str) -> Option<String> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    let scheme = ["https", "http"]
        .into_iter()
        .find(|scheme| lower.starts_with(scheme))?;
    let rest = &text[scheme.len()..];
    let host = rest.trim_start_matches([':', ';', '/', '\\']);
    let marks = &rest[..rest.len() - host.len()];
    // `http/health` is a path on a host of that name.
    let slipped = !matches!(marks, "://" | "/") && marks.contains(['/', '\\']);
    (slipped && !host.is_empty()).then(|| format!("{scheme}://{host}"))
}

/// `word:` that is not `host:port`.
fn has_scheme(text: &str) -> bool {
    let Some((word, rest)) = text.split_once(':') else {
        return false;
    };
    let shaped = word.starts_with(|c: char| c.is_ascii_alphabetic())
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let is_port = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
    shaped && !is_port && text.parse::<Ipv6Addr>().is_err()
}

fn scheme_for(host: &str, port: Option<&str>) -> &'static str {
    let bare = host.trim_matches(['[', ']']);
    let private = match bare.parse::<IpAddr>() {
        Ok(ip) => special_kind(ip).is_some(),
        Err(_) => {
            !bare.contains('.')
                || [".localhost", ".local", ".lan", ".internal", ".home.arpa"]
                    .iter()
                    .any(|suffix| bare.to_ascii_lowercase().ends_with(suffix))
        }
    };
    match port {
        Some("443" | "8443") => "https",
        Some("80") => "http",
        _ if private => "http",
        _ => "https",
    }
}

/// A host alone gets the path every request has.
fn with_path(text: &str) -> String {
    match text.split_once("://") {
        Some((_, rest)) if !rest.is_empty() && !rest.contains(['/', '?', '#']) => {
            format!("{text}/")
        }
        _ => text.to_owned(),
    }
}

/// Quotes, angle brackets and the full stop of a sentence around a pasted address.
fn unwrap(text: &str) -> &str {
    let text = text.trim_matches(['"', '\'', '<', '>', '`']);
    text.trim_end_matches(['.', ',', ';'])
}
