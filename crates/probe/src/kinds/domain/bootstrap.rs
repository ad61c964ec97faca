//! Which RDAP server knows a top-level domain: IANA's list (RFC 9224), fetched once a week, with a
//! copy inside the program for when it cannot be had.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Where IANA publishes the list.
pub(super) const SOURCE: &str = "https://data.iana.org/rdap/dns.json";
/// The copy that the program carries.
const BUNDLED: &str = include_str!("../../../data/rdap-dns.json");
/// A list is good for this long.
const FRESH: Duration = Duration::from_secs(7 * 86_400);
/// After a failed fetch the next one waits.
const PAUSE: Duration = Duration::from_secs(86_400);

/// Top-level domains and the URLs of their servers.
type Servers = HashMap<String, String>;

/// The list in use. It is a cache: a restart begins with the copy.
#[derive(Debug)]
pub(crate) struct Bootstrap {
    now: Mutex<(Arc<Servers>, Option<Instant>)>,
}

impl Default for Bootstrap {
    fn default() -> Self {
        let servers = read(BUNDLED.as_bytes()).unwrap_or_default();
        Self {
            now: Mutex::new((Arc::new(servers), None)),
        }
    }
}

impl Bootstrap {
    /// The URL of the server that knows `tld`.
    pub(super) fn server(&self, tld: &str) -> Option<String> {
        let now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        now.0.get(tld).cloned()
    }

    /// Whether the list is to be fetched; who is told so is the one who fetches.
    pub(super) fn is_due(&self) -> bool {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = now.1.is_none_or(|until| Instant::now() >= until);
        if is_due {
            now.1 = Some(Instant::now() + PAUSE);
        }
        is_due
    }

    /// A list that was fetched; one that cannot be read changes nothing.
    pub(crate) fn replace(&self, text: &[u8]) {
        if let Some(servers) = read(text).filter(|servers| !servers.is_empty()) {
            let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
            *now = (Arc::new(servers), Some(Instant::now() + FRESH));
        }
    }
}

/// Only https is taken: what a registry says decides whether people are woken.
fn read(text: &[u8]) -> Option<Servers> {
    let list: serde_json::Value = serde_json::from_slice(text).ok()?;
    let mut servers = Servers::new();
    for service in list.get("services")?.as_array()? {
        let strings = |n: usize| {
            let list = service.get(n).and_then(serde_json::Value::as_array);
            list.into_iter()
                .flatten()
                .filter_map(|value| value.as_str())
        };
        let Some(url) = strings(1).find(|url| url.starts_with("https://")) else {
            continue;
        };
        for tld in strings(0) {
            servers.insert(tld.to_ascii_lowercase(), url.to_owned());
        }
    }
    Some(servers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_knows_the_great_registries() {
        let bootstrap = Bootstrap::default();
        for tld in ["com", "net", "org", "app", "uk", "fr"] {
            let server = bootstrap.server(tld);
            assert!(
                server.is_some_and(|url| url.starts_with("https://")),
                "{tld}"
            );
        }
        assert_eq!(bootstrap.server("example"), None);
    }

    #[test]
    fn only_a_list_replaces_a_list() {
        let bootstrap = Bootstrap::default();
        assert!(bootstrap.is_due() && !bootstrap.is_due());
        for text in [
            "",
            "{}",
            r#"{"services": []}"#,
            r#"{"services": [[["x"], ["http://x.example/"]]]}"#,
        ] {
            bootstrap.replace(text.as_bytes());
            assert!(bootstrap.server("com").is_some(), "{text}");
        }
        bootstrap
            .replace(br#"{"services": [[["Test"], ["http://x.example/", "https://y.example/"]]]}"#);
        assert_eq!(
            bootstrap.server("test").as_deref(),
            Some("https://y.example/")
        );
        assert_eq!(bootstrap.server("com"), None);
    }
}
