//! Links in messages lead somewhere: the messages are those that the notifier's tests keep.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use http::Method;

const BASE: &str = "https://watchbell.example";

/// Paths of all links to ourselves in the kept messages.
fn paths() -> BTreeSet<String> {
    let notifier = Path::new(env!("CARGO_MANIFEST_DIR")).join("../notifier/src");
    let mut paths = BTreeSet::new();
    for folder in ["email/snapshots", "sms/snapshots"] {
        for entry in fs::read_dir(notifier.join(folder)).unwrap() {
            let text = fs::read_to_string(entry.unwrap().path()).unwrap();
            for rest in text.split(BASE).skip(1) {
                let end = rest
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "/-_".contains(c)))
                    .unwrap_or(rest.len());
                paths.insert(rest[..end].to_owned());
            }
        }
    }
    paths
}

fn leads_to(path: &str, route: &str) -> bool {
    let (path, route): (Vec<_>, Vec<_>) = (path.split('/').collect(), route.split('/').collect());
    path.len() == route.len()
        && path
            .iter()
            .zip(&route)
            .all(|(part, pattern)| part == pattern || pattern.starts_with('{'))
}

#[test]
fn every_link_in_a_message_is_a_page() {
    let (table, _) = crate::routes().into_parts();
    let pages: Vec<String> = table
        .into_iter()
        .filter(|route| route.method == Method::GET)
        .map(|route| route.path)
        .collect();
    let paths = paths();
    assert!(
        paths.len() > 10 && paths.contains("/docs/guides/502"),
        "{paths:?}"
    );
    for path in paths.iter().filter(|path| !path.is_empty()) {
        assert!(
            pages.iter().any(|page| leads_to(path, page)),
            "{path} is no page"
        );
    }
}
