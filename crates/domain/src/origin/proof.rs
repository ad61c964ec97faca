//! How an origin says that an account may have it asked: a record in its zone, or a file on it.

use std::time::Duration;

use super::How;
use crate::check::{FailureClass as C, Observation};
use crate::monitor::blocks::{DnsMatch, RecordType};
use crate::monitor::{DnsTarget, HttpSpec, MonitorSpec, Target};
use crate::target::Origin;

/// Before the origin's name, where its record of proof stands.
pub const RECORD: &str = "_watchbell-origin";
/// Where its file of proof stands.
pub const FILE: &str = "/.well-known/watchbell-origin.txt";
/// Bytes of a file that are read: the token and blanks around it.
const MOST: usize = 512;

/// One thing to ask for a proof.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What it proves if it is there.
    pub how: How,
    /// What is looked at.
    pub target: Target,
}

impl Asked {
    /// How long it may take.
    pub const TIMEOUT: Duration = Duration::from_secs(4);
}

/// What came of asking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The token is there.
    Found(How),
    /// Who was asked answers, and it is not there; why, as a sentence.
    Missing(String),
    /// Nobody answered, so that nothing is known; why, as a sentence.
    Silent(String),
}

/// The name whose TXT record proves it; an address has none.
pub fn record_name(origin: &Origin) -> Option<String> {
    origin.host().name().map(|name| format!("{RECORD}.{name}"))
}

/// The address of the file that proves it.
pub fn file_url(origin: &Origin) -> String {
    file_at("http", origin)
}

fn file_at(scheme: &str, origin: &Origin) -> String {
    let host = origin.host().bracketed();
    let port = origin.port().map(|port| format!(":{port}"));
    format!("{scheme}://{host}{}{FILE}", port.unwrap_or_default())
}

/// What is asked, in this order, until the token is found. Over https too where visitors come that way:
/// an origin may listen there alone, and its certificate is not what is asked for.
pub fn questions(origin: &Origin, https: bool) -> Vec<Asked> {
    let record = record_name(origin).map(|host| Asked {
        how: How::Dns,
        target: Target::Dns(DnsTarget {
            host,
            record: RecordType::Txt,
            expected: None,
            matching: DnsMatch::Contains,
            server: None,
        }),
    });
    let schemes: &[&str] = if https { &["http", "https"] } else { &["http"] };
    let files = schemes.iter().map(|scheme| Asked {
        how: How::File,
        target: Target::of(&MonitorSpec {
            url: Some(file_at(scheme, origin)),
            http: Some(HttpSpec {
                // Where it leads elsewhere, it is elsewhere that would prove itself.
                follow_redirects: Some(false),
                expected_status: Some(vec!["100-599".to_owned()]),
                verify_tls: Some(false),
                ..HttpSpec::default()
            }),
            ..MonitorSpec::default()
        }),
    });
    record.into_iter().chain(files).collect()
}

impl Asked {
    /// Reads what a look at it saw.
    pub fn read(&self, seen: &Observation, token: &str) -> Answer {
        let what = self.target.display();
        if seen.our_fault || seen.put_off.is_some() {
            return Answer::Silent("We could not ask just now.".to_owned());
        }
        match self.how {
            How::Dns => read_record(&what, seen, token),
            How::File => read_file(&what, seen, token),
        }
    }
}

fn read_record(what: &str, seen: &Observation, token: &str) -> Answer {
    let name = what.strip_suffix(" TXT").unwrap_or(what);
    let records = seen.records.as_deref().unwrap_or_default();
    let is_it = |text: &String| text.trim().trim_matches('"').trim() == token;
    if records.iter().any(is_it) {
        return Answer::Found(How::Dns);
    }
    let class = seen.failure.as_ref().map(|failure| failure.class);
    match class {
        None if records.is_empty() => Answer::Missing(format!("{name} has no TXT record.")),
        None => Answer::Missing(format!("The TXT record of {name} is another text.")),
        Some(C::DnsNxdomain | C::DnsNoAddress) => {
            Answer::Missing(format!("{name} has no TXT record."))
        }
        Some(class) => Answer::Silent(format!("{name}: {}.", class.phrase())),
    }
}

fn read_file(what: &str, seen: &Observation, token: &str) -> Answer {
    let Some(http) = &seen.http else {
        let class = seen.failure.as_ref().map(|failure| failure.class);
        return Answer::Silent(match class {
            Some(class) => format!("{what}: {}.", class.phrase()),
            None => format!("{what} does not answer."),
        });
    };
    let body = http.body.get(..MOST).unwrap_or(&http.body);
    let is_it = std::str::from_utf8(body).is_ok_and(|text| text.trim() == token);
    match http.status {
        200 if is_it => Answer::Found(How::File),
        200 => Answer::Missing(format!("{what} answers with another text.")),
        // A server that fails says nothing of its files.
        status if status >= 500 => Answer::Silent(format!("{what} answers {status}.")),
        status => Answer::Missing(format!("{what} answers {status}.")),
    }
}

/// What all answers together say: one proof is enough, and where somebody was silent it may be there.
pub fn all(answers: Vec<Answer>) -> Answer {
    let found = answers
        .iter()
        .find(|answer| matches!(answer, Answer::Found(_)));
    if let Some(found) = found {
        return found.clone();
    }
    let is_silent = answers
        .iter()
        .any(|answer| matches!(answer, Answer::Silent(_)));
    let sentences: Vec<String> = answers
        .into_iter()
        .filter_map(|answer| match answer {
            Answer::Missing(why) | Answer::Silent(why) => Some(why),
            Answer::Found(_) => None,
        })
        .collect();
    let why = sentences.join(" ");
    match is_silent || why.is_empty() {
        true => Answer::Silent(why),
        false => Answer::Missing(why),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use rstest::rstest;

    use super::*;
    use crate::check::{Failure, HttpFacts, Phase};
    use crate::target::AddressPolicy;

    const TOKEN: &str = "watchbell-origin-0123456789abcdef";

    fn origin(text: &str) -> Origin {
        Origin::parse(text, AddressPolicy::SelfHosted).unwrap()
    }

    fn seen() -> Observation {
        Observation::begin(Timestamp::UNIX_EPOCH)
    }

    fn word(answer: &Answer) -> &'static str {
        match answer {
            Answer::Found(_) => "found",
            Answer::Missing(_) => "missing",
            Answer::Silent(_) => "silent",
        }
    }

    #[rstest]
    #[case("origin.shop.example", false, &["_watchbell-origin.origin.shop.example TXT", "http://origin.shop.example/.well-known/watchbell-origin.txt"])]
    #[case("203.0.113.7:8080", true, &["http://203.0.113.7:8080/.well-known/watchbell-origin.txt", "https://203.0.113.7:8080/.well-known/watchbell-origin.txt"])]
    #[case("[2001:db8::1]:81", false, &["http://[2001:db8::1]:81/.well-known/watchbell-origin.txt"])]
    fn a_name_may_prove_itself_in_dns(
        #[case] text: &str,
        #[case] https: bool,
        #[case] wanted: &[&str],
    ) {
        let asked = questions(&origin(text), https);
        let shown: Vec<String> = asked.iter().map(|one| one.target.display()).collect();
        assert_eq!(shown, wanted);
        for one in asked {
            if let Target::Http(http) = one.target {
                assert!(!http.follow_redirects && !http.verify_tls && http.auth.is_none());
            }
        }
    }

    #[rstest]
    #[case(200, TOKEN, "found")]
    #[case(200, "\n  watchbell-origin-0123456789abcdef \r\n", "found")]
    #[case(200, "watchbell-origin-0123456789abcdefa", "missing")]
    #[case(200, "<p>watchbell-origin-0123456789abcdef</p>", "missing")]
    #[case(200, "", "missing")]
    // What other pages say of the same text is no proof.
    #[case(404, TOKEN, "missing")]
    #[case(301, TOKEN, "missing")]
    #[case(503, TOKEN, "silent")]
    fn a_file_is_the_token_and_nothing_else(
        #[case] status: u16,
        #[case] body: &str,
        #[case] wanted: &str,
    ) {
        let asked = questions(&origin("203.0.113.7"), false).remove(0);
        let mut seen = seen();
        seen.http = Some(HttpFacts {
            status,
            body: body.as_bytes().to_vec(),
            ..HttpFacts::default()
        });
        assert_eq!(word(&asked.read(&seen, TOKEN)), wanted);
        seen.our_fault = true;
        assert_eq!(word(&asked.read(&seen, TOKEN)), "silent");
    }

    #[rstest]
    #[case(&[TOKEN], None, "found")]
    #[case(&["v=spf1 -all", "\"watchbell-origin-0123456789abcdef\""], None, "found")]
    #[case(&["watchbell-origin-0123456789abcde"], None, "missing")]
    #[case(&[], None, "missing")]
    #[case(&[], Some(C::DnsNxdomain), "missing")]
    #[case(&[], Some(C::DnsNoAddress), "missing")]
    #[case(&[], Some(C::DnsServfail), "silent")]
    #[case(&[], Some(C::DnsTimeout), "silent")]
    fn a_record_is_the_token(
        #[case] records: &[&str],
        #[case] class: Option<C>,
        #[case] wanted: &str,
    ) {
        let asked = questions(&origin("origin.shop.example"), false).remove(0);
        let mut seen = seen();
        seen.records = Some(records.iter().map(|&text| text.to_owned()).collect());
        seen.failure = class.map(|class| Failure::new(class, Phase::Dns, "it failed"));
        assert_eq!(word(&asked.read(&seen, TOKEN)), wanted);
    }

    #[test]
    fn one_proof_is_enough_and_silence_is_no_answer() {
        let missing = || Answer::Missing("No.".to_owned());
        let silent = || Answer::Silent("Hm.".to_owned());
        let found = Answer::Found(How::File);
        assert_eq!(all(vec![missing(), silent(), found.clone()]), found);
        assert_eq!(
            all(vec![missing(), silent()]),
            Answer::Silent("No. Hm.".to_owned())
        );
        assert_eq!(
            all(vec![missing(), missing()]),
            Answer::Missing("No. No.".to_owned())
        );
        assert_eq!(word(&all(Vec::new())), "silent");
    }
}
