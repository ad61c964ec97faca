//! Changes in words.

use jiff::Timestamp;

use super::{Aspect, Change};
use crate::words;

/// Values that are named one by one.
const SHOWN: usize = 3;

/// `The server called itself nginx/1.26, before nginx/1.24; first seen 2 min 10 s before the first failing look`.
pub fn before(change: &Change, first_failure_at: Timestamp) -> String {
    let ago = first_failure_at.duration_since(change.at);
    let when = words::duration(ago);
    format!(
        "{}; first seen {when} before the first failing look",
        sentence(change, "before")
    )
}

/// `The server calls itself Varnish, in the last good answer Apache`.
pub fn now(change: &Change) -> String {
    sentence(change, "in the last good answer")
}

fn sentence(change: &Change, then: &str) -> String {
    let (what, without) = match change.aspect {
        Aspect::Addresses => ("The name leads to", "nowhere"),
        Aspect::Records => ("The records are", "none"),
        Aspect::Certificate => ("The certificate is of", "nobody"),
        Aspect::Status => ("The status is", "none"),
        Aspect::Server => ("The server calls itself", "nothing"),
        Aspect::Leads => ("Redirects lead to", "nowhere"),
        Aspect::Title => ("The page's title is", "empty"),
    };
    let said = |all: &[String]| match (change.aspect, all) {
        (_, []) => without.to_owned(),
        (Aspect::Title, [title, ..]) => format!("“{title}”"),
        (_, all) => listed(all),
    };
    let (new, old) = (said(&change.after), said(&change.before));
    format!("{what} {new}, {then} {old}")
}

fn listed(all: &[String]) -> String {
    let shown = all.iter().take(SHOWN).map(String::as_str);
    let shown = shown.collect::<Vec<_>>().join(", ");
    match all.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
