//! One failing look as the rules see it: predicates over it, and the values their texts name.

use crate::check::attribution::{self, Reading};
use crate::check::{Failure, HttpFacts, Observation, Verdict};
use crate::monitor::{Settings, Target};

/// One look and what was judged of it.
pub(super) struct Case<'c> {
    pub seen: &'c Observation,
    pub verdict: &'c Verdict,
    pub settings: &'c Settings,
    /// What an error answer tells.
    pub reading: Option<Reading>,
    /// What else texts may name; it goes before what the look itself says.
    pub also: Vec<(&'static str, String)>,
}

/// A proxy that finds nothing behind it says so within this time, the way there not counted.
const AT_ONCE_US: u32 = 50_000;

impl<'c> Case<'c> {
    pub(super) fn new(seen: &'c Observation, verdict: &'c Verdict, settings: &'c Settings) -> Self {
        let reading = seen.http.as_ref().map(attribution::read);
        Self {
            seen,
            verdict,
            settings,
            reading,
            also: Vec::new(),
        }
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.verdict.failure.as_ref()
    }

    pub(super) fn http(&self) -> Option<&HttpFacts> {
        self.seen.http.as_ref()
    }

    /// Time the server took, microseconds: the wait for the first byte without one way there and
    /// back, which the connection took.
    fn server_time(&self) -> Option<u32> {
        let wait = self.seen.phases.first_byte?;
        Some(wait.saturating_sub(self.seen.phases.connect.unwrap_or(0)))
    }

    pub(super) fn at_once(&self) -> bool {
        self.server_time().is_some_and(|time| time < AT_ONCE_US)
    }

    /// The usual time-outs of proxies, in seconds; the longer ones less exactly, since a second try and
    /// the way are in them.
    pub(super) fn at_a_round_time(&self) -> bool {
        let about = |time: u32, seconds: &[u32], within: u32| {
            seconds
                .iter()
                .any(|seconds| time.abs_diff(seconds * 1_000_000) < within)
        };
        self.server_time().is_some_and(|time| {
            about(time, &[5, 10, 15, 20], 60_000) || about(time, &[30, 60], 700_000)
        })
    }

    /// Nothing says who wrote the answer.
    pub(super) fn speaker_is_unknown(&self) -> bool {
        self.reading.as_ref().is_none_or(|r| r.speaker.is_none())
    }

    /// This proxy or server wrote the answer.
    pub(super) fn is_said_by(&self, name: &str) -> bool {
        let speaker = self.reading.as_ref().and_then(|r| r.speaker.as_deref());
        speaker == Some(name)
    }

    /// The target is a page, and no port, name or host.
    pub(super) fn is_web(&self) -> bool {
        matches!(self.settings.target, Target::Http(_))
    }

    /// The rule that broke is a regular expression.
    pub(super) fn has_pattern(&self) -> bool {
        self.failure()
            .is_some_and(|failure| failure.message.starts_with("the regular expression"))
    }

    pub(super) fn is_redirected(&self) -> bool {
        !self.seen.redirects.is_empty()
    }

    pub(super) fn answered_nothing_yet(&self) -> bool {
        self.failure_says("; 0 bytes")
    }

    pub(super) fn speaks_tls(&self) -> bool {
        self.failure_says("is in TLS")
    }

    /// What broke is described with these words.
    pub(super) fn failure_says(&self, words: &str) -> bool {
        self.failure()
            .is_some_and(|failure| failure.message.contains(words))
    }

    /// The edge in front, if the answer shows one.
    pub(super) fn edge(&self) -> Option<&'static str> {
        let http = self.http()?;
        let has = |name: &str| http.header(name).is_some();
        let server = http.header("server").unwrap_or_default().to_lowercase();
        match () {
            () if has("cf-ray") => Some("Cloudflare"),
            () if has("x-amz-cf-id") => Some("CloudFront"),
            () if http
                .header("x-served-by")
                .is_some_and(|v| v.starts_with("cache-")) =>
            {
                Some("Fastly")
            }
            () if has("x-vercel-id") => Some("Vercel"),
            () if server.contains("akamaighost") => Some("Akamai"),
            () if server.contains("netlify") => Some("Netlify"),
            () => None,
        }
    }

    /// The owner's URL. Commands begin there: a hop's URL may carry what is meant for one visitor.
    fn own_url(&self) -> Option<url::Url> {
        self.settings.target.url().and_then(without_login)
    }

    /// The URL of the last request: its host and port are those that failed.
    fn last_url(&self) -> Option<url::Url> {
        match self.seen.redirects.last() {
            Some(hop) => without_login(&hop.to),
            None => self.own_url(),
        }
    }

    /// Fills the `{…}` of a text that people read.
    pub(super) fn fill(&self, text: &str) -> String {
        self.replace(text, plain)
    }

    /// Fills the `{…}` of a command: every value is quoted for a shell.
    pub(super) fn fill_command(&self, text: &str) -> String {
        self.replace(text, |value| quote(&plain(value)))
    }

    fn replace(&self, text: &str, dress: impl Fn(&str) -> String) -> String {
        let mut out = String::with_capacity(text.len() + 40);
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            match after.split_once('}') {
                Some((name, tail)) => {
                    out.push_str(
                        &self
                            .value(name)
                            .map_or_else(String::new, |value| dress(&value)),
                    );
                    rest = tail;
                }
                None => {
                    out.push('{');
                    rest = after;
                }
            }
        }
        out.push_str(rest);
        out
    }

    fn value(&self, name: &str) -> Option<String> {
        if let Some((_, value)) = self.also.iter().find(|(known, _)| *known == name) {
            return Some(value.clone());
        }
        let url = self.last_url();
        let detail = || self.failure()?.detail.clone();
        let leaf = || self.seen.tls.as_ref()?.leaf();
        match name {
            "url" => Some(
                self.own_url()
                    .map_or_else(|| self.settings.target.display(), String::from),
            ),
            "host" => Some(
                url.and_then(|u| u.host_str().map(str::to_owned))
                    .unwrap_or_else(|| self.settings.target.host()),
            ),
            "port" => Some(self.port(url.as_ref()).to_string()),
            "hostheader" => Some(match url.as_ref().and_then(url::Url::port) {
                Some(port) => format!("Host: {}:{port}", self.value("host")?),
                None => format!("Host: {}", self.value("host")?),
            }),
            "hostport" => Some(format!("{}:{}", self.value("host")?, self.value("port")?)),
            "local" => Some(local(url.as_ref())),
            "address" => Some(
                self.seen
                    .tried
                    .last()
                    .map_or_else(|| "the server".to_owned(), |t| t.address.to_string()),
            ),
            "nameserver" => self
                .seen
                .address
                .map(|asked| format!("@{} -p {}", asked.ip(), asked.port())),
            "status" => self.http().map(|http| http.status.to_string()),
            "limit" | "text" | "count" => detail(),
            "subject" => Some(match self.is_web() {
                true => "The page".to_owned(),
                false => self.settings.target.host(),
            }),
            "record" => match &self.settings.target {
                Target::Dns(target) => Some(target.record.as_str().to_owned()),
                _ => Some("A".to_owned()),
            },
            "vendor" => detail().or_else(|| Some("The site".to_owned())),
            "message" => self.failure().map(|failure| failure.message.clone()),
            "seconds" => self
                .seen
                .phases
                .first_byte
                .map(|us| format!("{} s", (us + 500_000) / 1_000_000)),
            "speaker" => Some(
                self.reading
                    .as_ref()
                    .and_then(|reading| reading.speaker.clone())
                    .unwrap_or_else(|| "the web server".to_owned()),
            ),
            "edge" => self.edge().map(str::to_owned),
            "passing" => self
                .edge()
                .map(|edge| format!("; {edge} only passes it on")),
            "issuer" => leaf().map(|leaf| leaf.issuer.clone()),
            "names" => leaf().map(|leaf| {
                leaf.names
                    .iter()
                    .take(5)
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", ")
            }),
            "not_after" => leaf().map(|leaf| day(leaf.not_after)),
            "not_before" => leaf().map(|leaf| day(leaf.not_before)),
            "version" => self.seen.tls.as_ref().and_then(|tls| tls.version.clone()),
            "hops" => Some(self.seen.redirects.len().to_string()),
            "total" => Some(format!("{} ms", self.seen.total_us / 1000)),
            "reason" => self.verdict.reason.clone(),
            _ => None,
        }
    }

    fn port(&self, url: Option<&url::Url>) -> u16 {
        url.and_then(url::Url::port_or_known_default)
            .or_else(|| self.settings.target.port())
            .unwrap_or(443)
    }
}

/// The page asked for on the server itself, past what stands in front. Encryption often ends in
/// front of it, so that only the port of a plain address is kept.
fn local(url: Option<&url::Url>) -> String {
    let port = url
        .filter(|url| url.scheme() == "http")
        .and_then(url::Url::port);
    let port = port.map_or_else(String::new, |port| format!(":{port}"));
    format!("http://127.0.0.1{port}{}", url.map_or("/", url::Url::path))
}

/// A URL without login and fragment.
fn without_login(text: &str) -> Option<url::Url> {
    let mut url = url::Url::parse(text).ok()?;
    url.set_fragment(None);
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(url)
}

fn day(at: jiff::Timestamp) -> String {
    at.strftime("%a %d %b %Y").to_string()
}

/// A value out of a hostile answer as a line of text: nothing that moves a cursor or hides.
pub(crate) fn plain(value: &str) -> String {
    let mut out: String = value
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .take(300)
        .collect();
    out.truncate(out.trim_end().len());
    out
}

/// Direction marks, zero-width characters and tags.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0xAD | 0x61C | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE_0000..=0xE_0FFF)
}

/// A value as one word of a shell.
fn quote(value: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._~/:@%+,=".contains(c);
    if !value.is_empty() && !value.starts_with('-') && value.chars().all(safe) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rstest::rstest;

    #[rstest]
    #[case("shop.example", "shop.example")]
    #[case("https://shop.example/a?b=1&c=2", "'https://shop.example/a?b=1&c=2'")]
    #[case("a'b", r"'a'\''b'")]
    #[case("$(reboot)", "'$(reboot)'")]
    #[case("-rf", "'-rf'")]
    #[case("", "''")]
    fn quotes(#[case] value: &str, #[case] word: &str) {
        assert_eq!(quote(value), word);
    }

    #[rstest]
    #[case("http://shop.example:8080/a?b", "http://127.0.0.1:8080/a")]
    #[case("http://shop.example/", "http://127.0.0.1/")]
    #[case("https://shop.example:8443/a", "http://127.0.0.1/a")]
    fn the_server_itself_is_asked_at_its_own_port(#[case] url: &str, #[case] asked: &str) {
        assert_eq!(local(Some(&url::Url::parse(url).unwrap())), asked);
    }

    proptest! {
        /// What a shell would read back is the value itself.
        #[test]
        fn a_quoted_value_is_one_word(value in "\\PC{0,40}") {
            let word = quote(&value);
            let read: String = match word.strip_prefix('\'') {
                Some(inner) => inner.strip_suffix('\'').unwrap_or(inner).replace(r"'\''", "'"),
                None => word.clone(),
            };
            prop_assert_eq!(read, value);
        }
    }
}
