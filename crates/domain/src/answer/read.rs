//! An answer as a look saw it.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZeroU64;

use super::{Answer, Aspect};
use crate::check::redact::{self, mask_url};
use crate::check::{HttpFacts, Observation};
use crate::incident::diagnosis::plain;
use crate::tls::CertificateFacts;
use crate::words;

/// A title stands early.
const HEAD: usize = 8 * 1024;
/// Values of one side, and characters of one value.
const VALUES: usize = 16;
const LONG: usize = 120;

/// What tells at no cost whether an answer is the one of before: it is asked of every good look.
pub fn mark(seen: &Observation) -> NonZeroU64 {
    let mut hasher = DefaultHasher::new();
    let mut resolved = seen.resolved.clone();
    resolved.sort_unstable();
    resolved.hash(&mut hasher);
    seen.records.hash(&mut hasher);
    let leaf = seen.tls.as_ref().and_then(|tls| tls.leaf());
    leaf.map(|leaf| &leaf.fingerprint).hash(&mut hasher);
    if let Some(http) = &seen.http {
        http.status.hash(&mut hasher);
        http.header("server").hash(&mut hasher);
        title(http).hash(&mut hasher);
    }
    let last = seen.redirects.last();
    last.map(|hop| without_query(&hop.to)).hash(&mut hasher);
    NonZeroU64::new(hasher.finish()).unwrap_or(NonZeroU64::MIN)
}

/// The answer, without the owner's `secrets`, which a target may echo.
pub fn read(seen: &Observation, secrets: &[String]) -> Answer {
    let mut answer = BTreeMap::new();
    let mut put = |aspect, values: Vec<String>| {
        let values = values.into_iter().map(|value| clean(&value, secrets));
        let mut values: Vec<String> = values.filter(|value| !value.is_empty()).collect();
        values.sort_unstable();
        values.dedup();
        values.truncate(VALUES);
        answer.insert(aspect, values);
    };
    if !seen.resolved.is_empty() {
        let addresses = seen.resolved.iter().map(ToString::to_string);
        put(Aspect::Addresses, addresses.collect());
    }
    if let Some(records) = &seen.records {
        put(Aspect::Records, records.clone());
    }
    if let Some(leaf) = seen.tls.as_ref().and_then(|tls| tls.leaf()) {
        put(Aspect::Certificate, vec![certificate(leaf)]);
    }
    if let Some(http) = &seen.http {
        put(Aspect::Status, vec![http.status.to_string()]);
        let server = http.header("server").map(str::to_owned);
        put(Aspect::Server, server.into_iter().collect());
        let last = seen.redirects.last();
        let leads = last.map(|hop| without_query(&mask_url(&hop.to)).to_owned());
        put(Aspect::Leads, leads.into_iter().collect());
        let title = title(http).map(|bytes| unescaped(&String::from_utf8_lossy(bytes)));
        put(Aspect::Title, title.into_iter().collect());
    }
    answer
}

fn clean(value: &str, secrets: &[String]) -> String {
    let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
    let masked = redact::text(&value, secrets);
    let plain: String = plain(&masked).chars().filter(|c| *c != '\0').collect();
    plain.chars().take(LONG).collect()
}

fn certificate(leaf: &CertificateFacts) -> String {
    let end = words::day(leaf.not_after, &jiff::tz::TimeZone::UTC);
    let begin: String = leaf.fingerprint.chars().take(8).collect();
    let issuer: String = leaf.issuer.chars().take(60).collect();
    format!("{issuer}, until {end}, {begin}")
}

fn without_query(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or(url)
}

/// What stands between `<title …>` and the next tag.
fn title(http: &HttpFacts) -> Option<&[u8]> {
    let head = http.body.get(..HEAD).unwrap_or(&http.body);
    let tag = memchr::memchr_iter(b'<', head)
        .filter_map(|at| head.get(at + 1..))
        .find(|rest| {
            let name = rest.get(..5);
            name.is_some_and(|name| name.eq_ignore_ascii_case(b"title"))
                && rest.get(5).is_some_and(|next| matches!(next, b'>' | b' '))
        })?;
    let begin = memchr::memchr(b'>', tag)? + 1;
    let text = tag.get(begin..)?;
    let end = memchr::memchr(b'<', text).unwrap_or(text.len().min(LONG));
    text.get(..end)
}

/// The five that titles are full of.
fn unescaped(text: &str) -> String {
    let named = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    named
        .into_iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}
