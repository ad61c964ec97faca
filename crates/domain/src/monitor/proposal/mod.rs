//! A text that a monitor might ask for: on its page, and not on that of an address that does not exist.
//!
//! A good first look offers texts ([`offers`]); one request for an address that cannot exist ([`missing`])
//! says which of them only the good page has ([`propose`]). Pages are hostile: no more of them is read than
//! the limits here say, in time that grows with that alone.

mod fit;
mod texts;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use url::Url;

use super::{HttpTarget, Settings, Target};
use crate::check::verdict::holds_text;
use crate::check::{HttpFacts, Observation, VerdictKind};
use texts::Reading;

/// Bytes of a good page that are read.
const READ: usize = 256 * 1024;
/// Bytes of the other page, at most: what is larger is no page that says "not found".
const READ_MISSING: usize = 1024 * 1024;
/// Texts that are offered.
const MOST: usize = 24;
/// What an address that cannot exist ends with, for whoever reads the log of the server.
const SUFFIX: &str = "watchbell-check-of-a-page-that-does-not-exist";

/// How the site answers for an address that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Missing {
    /// As if it did.
    Answers,
    /// By leading to another page.
    Leads,
    /// That there is nothing, as it should.
    Refuses,
}

impl Missing {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Leads => "leads",
            Self::Refuses => "refuses",
        }
    }

    /// What a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Answers, Self::Leads, Self::Refuses]
            .into_iter()
            .find(|missing| missing.as_str() == word)
    }
}

/// A text that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposal {
    /// It stands in the page literally.
    pub text: String,
    /// How the site answers for an address that does not exist.
    pub missing: Missing,
    /// With this status in the end.
    pub status: u16,
}

/// Whether these settings leave room for one: a page that is asked for with GET, and no rule about it.
pub fn has_room(settings: &Settings) -> bool {
    page_of(settings).is_some()
}

fn page_of(settings: &Settings) -> Option<&HttpTarget> {
    let Target::Http(target) = &settings.target else {
        return None;
    };
    let asks =
        target.keyword.is_some() || target.keyword_absent.is_some() || target.regex.is_some();
    let is_plain = target.method == "GET" && target.body.is_none();
    (is_plain && !asks && target.json.is_empty()).then_some(target)
}

/// The texts that a good first look offers, best first.
pub fn offers(seen: &Observation, verdict: VerdictKind, settings: &Settings) -> Vec<String> {
    let Some((target, http)) = page_of(settings).zip(seen.http.as_ref()) else {
        return Vec::new();
    };
    let is_good = verdict.is_good() && (200..300).contains(&http.status);
    let Some(kind) = Kind::of(http).filter(|_| is_good && is_at_home(seen, target)) else {
        return Vec::new();
    };
    let page = texts::decoded(http, READ);
    let reading = match kind {
        Kind::Html => Reading::html(&page),
        Kind::Text => Reading::lines(&page),
    };
    let mut found = fit::best(&reading);
    found.retain(|text| holds_text(http, text));
    found.truncate(MOST);
    found
}

/// What kind of page can be read.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Html,
    Text,
}

impl Kind {
    fn of(http: &HttpFacts) -> Option<Self> {
        let named = http.header("content-type").unwrap_or_default();
        let named = named.split(';').next().unwrap_or_default().trim();
        match named.to_ascii_lowercase().as_str() {
            "text/html" | "application/xhtml+xml" => Some(Self::Html),
            "text/plain" => Some(Self::Text),
            _ => None,
        }
    }
}

/// The page is the site's own: no redirect led to another host. With `www.` or without it is the same.
fn is_at_home(seen: &Observation, target: &HttpTarget) -> bool {
    let host = |text: &str| {
        let url = Url::parse(text).ok()?;
        let host = url.host_str()?;
        Some(host.strip_prefix("www.").unwrap_or(host).to_owned())
    };
    let Some(last) = seen.redirects.last() else {
        return true;
    };
    host(&last.to).is_some_and(|to| host(&target.url) == Some(to))
}

/// An address that cannot exist, beside the page: the same application answers for it, and a login that is
/// good for the page goes no further up than the page (RFC 7617, 2.2). No query.
pub fn missing(settings: &Settings, nonce: &str) -> Option<Target> {
    let target = page_of(settings)?;
    let mut url = Url::parse(&target.url).ok()?;
    let folder = url.path().rsplit_once('/').map_or("", |(front, _)| front);
    let path = format!("{folder}/{nonce}-{SUFFIX}");
    url.set_path(&path);
    url.set_query(None);
    url.set_fragment(None);
    Some(Target::Http(HttpTarget {
        url: url.into(),
        ..target.clone()
    }))
}

/// The best of the `offers` that the answer for an address that cannot exist does not have. `None` where all
/// of them are there too, and where the answer does not say how the site is.
pub fn propose(offers: &[String], seen: &Observation, verdict: VerdictKind) -> Option<Proposal> {
    let http = seen.http.as_ref().filter(|http| http.body_complete)?;
    let is_read = seen.failure.is_none() && verdict != VerdictKind::Blocked;
    if !is_read || http.body.len() > READ_MISSING {
        return None;
    }
    let missing = match http.status {
        200..300 if is_led(seen) => Missing::Leads,
        200..300 => Missing::Answers,
        404 | 410 => Missing::Refuses,
        _ => return None,
    };
    let page = texts::decoded(http, READ_MISSING);
    let (whole, visible) = (
        page.to_lowercase(),
        Reading::html(&page).visible().to_lowercase(),
    );
    let known: HashSet<&str> = fit::words(&visible).collect();
    let is_new = |text: &&String| {
        let text = text.to_lowercase();
        // A text made of nothing but words that are there says little.
        let mut long = fit::words(&text).filter(|word| word.chars().count() > 2);
        !whole.contains(&text) && !visible.contains(&text) && long.any(|word| !known.contains(word))
    };
    let text = offers
        .iter()
        .filter(is_new)
        .find(|text| !holds_text(http, text))?;
    Some(Proposal {
        text: text.clone(),
        missing,
        status: http.status,
    })
}

/// It ended somewhere else than it was asked; the same address over https or with `www.` is no other.
fn is_led(seen: &Observation) -> bool {
    let last = seen.redirects.last();
    last.is_some_and(|hop| !hop.to.contains(SUFFIX))
}

#[cfg(test)]
mod tests;
