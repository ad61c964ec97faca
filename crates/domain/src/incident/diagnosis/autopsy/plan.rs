//! Which questions are asked, of whom, and how many.

use std::net::IpAddr;

use super::{History, Question};
use crate::check::verdict::Expectation;
use crate::check::{FailureClass, Observation};
use crate::monitor::blocks::{DnsMatch, RecordType};
use crate::monitor::spec::{Headers, IpFamily};
use crate::monitor::{DnsTarget, ExchangeTarget, HttpTarget, PingTarget, Settings, Target};

/// Requests that an incident costs the target at most, over all regions.
pub const MOST_ALL: usize = 20;
/// Of these the first region may ask so many,
pub const MOST_FIRST: usize = 12;
/// and every other.
pub const MOST_ELSEWHERE: usize = 2;
/// Addresses of a name that are asked one by one.
const MOST_ADDRESSES: usize = 4;
/// Ports that many machines have open, to see whether one is on at all.
const USUAL_PORTS: [u16; 3] = [443, 80, 22];
/// Resolvers of our own whose words are compared.
const RESOLVERS: u8 = 2;

/// What is asked after [`Question::Again`], whose answer is `seen`: the most telling first, no more
/// requests than `most`. Questions to name servers do not count: they are not the target's.
pub fn plan(
    settings: &Settings,
    class: FailureClass,
    (seen, history): (&Observation, &History),
    most: usize,
) -> Vec<Question> {
    let hops = 1 + seen.redirects.len();
    let mut left = most;
    let mut questions = Vec::new();
    for question in wanted(settings, class, seen, history) {
        let Some(target) = target(settings, &question, "") else {
            continue;
        };
        let costs = match (&question, target) {
            (question, _) if question.is_of_names() => 0,
            (Question::Ping(_), _) => 1,
            (_, Target::Http(http)) if http.follow_redirects => hops,
            _ => 1,
        };
        if costs <= left {
            left -= costs;
            questions.push(question);
        }
    }
    questions
}

fn wanted(
    settings: &Settings,
    class: FailureClass,
    seen: &Observation,
    history: &History,
) -> Vec<Question> {
    let is_web = matches!(settings.target, Target::Http(_));
    let family = Family::of(class);
    let mut all = Vec::new();
    let addresses = addresses(seen, history);
    all.extend(
        history
            .origin
            .clone()
            .filter(|_| is_web)
            .map(Question::Origin),
    );
    all.extend(names(settings, class, seen, history));
    let several = addresses.len() > 1 || seen.resolved.is_empty();
    if several {
        all.extend(addresses.iter().copied().map(Question::At));
    }
    if family == Family::Connections
        && let Some(first) = addresses.first()
    {
        all.push(Question::Ping(*first));
        let own = settings.target.port();
        let others = USUAL_PORTS.into_iter().filter(|port| Some(*port) != own);
        all.extend(others.map(|port| Question::Port(*first, port)));
    }
    if is_web && family != Family::Names {
        all.push(Question::OtherScheme);
    }
    if is_web && family == Family::Answers {
        all.push(Question::NeutralPath);
        all.push(Question::PastCaches);
        all.push(Question::OtherMethod);
    }
    all.push(Question::AgainLater);
    all
}

/// Who is asked where the name leads: where it leads nowhere, or elsewhere than at the last good look.
fn names(
    settings: &Settings,
    class: FailureClass,
    seen: &Observation,
    history: &History,
) -> Vec<Question> {
    let last = history.last_good.and_then(|last| last.address);
    let moved =
        last.is_some_and(|last| !seen.resolved.is_empty() && !seen.resolved.contains(&last));
    if Family::of(class) != Family::Names && !moved {
        return Vec::new();
    }
    let zones = zones(&settings.target.host());
    let mut all: Vec<_> = zones.into_iter().map(Question::NameServers).collect();
    // One that its owner names is the one that is meant.
    let named = matches!(&settings.target, Target::Dns(dns) if dns.server.is_some());
    if all.is_empty() || named {
        return all;
    }
    all.extend((0..RESOLVERS).map(Question::Resolver));
    if class == FailureClass::DnsServfail {
        all.push(Question::Unchecked);
    }
    all
}

/// The addresses that are worth a look of their own: what the name resolves to, and what answered
/// last.
fn addresses(seen: &Observation, history: &History) -> Vec<IpAddr> {
    let mut all: Vec<IpAddr> = seen.resolved.iter().copied().take(MOST_ADDRESSES).collect();
    let last = history.last_good.and_then(|last| last.address);
    all.extend(last.filter(|last| !seen.resolved.contains(last)));
    all
}

/// What kind of thing broke: it decides what is worth asking.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Names,
    Connections,
    Encryption,
    Answers,
}

impl Family {
    fn of(class: FailureClass) -> Self {
        use FailureClass as C;
        match class {
            C::ConnectRefused
            | C::ConnectTimeout
            | C::ConnectionReset
            | C::NetworkUnreachable
            | C::PingLost => Self::Connections,
            _ if class.as_str().starts_with("dns_") => Self::Names,
            _ if class.as_str().starts_with("tls_") => Self::Encryption,
            _ => Self::Answers,
        }
    }
}

/// A name and the domains above it that may have name servers, the nearest first; no top-level domain.
pub fn zones(host: &str) -> Vec<String> {
    let host = host.trim_end_matches('.');
    if host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
        return Vec::new();
    }
    let mut zones = vec![host.to_owned()];
    let mut rest = host;
    while let Some((_, above)) = rest
        .split_once('.')
        .filter(|(_, above)| above.contains('.'))
    {
        zones.push(above.to_owned());
        rest = above;
    }
    zones.truncate(4);
    zones
}

/// What is looked at for a question; `None` where it makes no sense. `nonce` makes a query unique.
pub fn target(settings: &Settings, question: &Question, nonce: &str) -> Option<Target> {
    let own = &settings.target;
    match (question, own) {
        (Question::Again | Question::AgainLater | Question::At(_), _) => Some(own.clone()),
        (Question::Origin(_), Target::Http(http)) => Some(Target::Http(unjudged(http))),
        (Question::PastCaches, Target::Http(http)) => past_caches(http, nonce),
        (Question::OtherMethod, Target::Http(http)) => other_method(http),
        (Question::OtherScheme, Target::Http(http)) => other_scheme(http),
        (Question::NeutralPath, Target::Http(http)) => neutral(http),
        (
            Question::Origin(_)
            | Question::PastCaches
            | Question::OtherMethod
            | Question::OtherScheme
            | Question::NeutralPath,
            _,
        ) => None,
        (Question::Ping(ip), _) => Some(Target::Ping(PingTarget {
            host: ip.to_string(),
            count: 2,
            max_loss_percent: 99,
            ip_family: IpFamily::default(),
        })),
        (Question::Port(ip, port), _) => Some(Target::Tcp(ExchangeTarget {
            host: ip.to_string(),
            port: *port,
            send: None,
            expect: None,
        })),
        (Question::NameServers(zone), _) => Some(records(zone, RecordType::Ns, None)),
        (Question::NameServer(server), _) => Some(sought(own, Some(server.clone()))),
        (Question::Resolver(_) | Question::Unchecked, _) => Some(sought(own, None)),
    }
}

/// The records that lead to the target.
fn sought(own: &Target, server: Option<String>) -> Target {
    let v6 = matches!(own, Target::Http(http) if http.ip_family == IpFamily::V6);
    let record = match own {
        Target::Dns(dns) => dns.record,
        _ if v6 => RecordType::Aaaa,
        _ => RecordType::A,
    };
    records(&own.host(), record, server)
}

fn records(host: &str, record: RecordType, server: Option<String>) -> Target {
    Target::Dns(DnsTarget {
        host: host.to_owned(),
        record,
        expected: None,
        matching: DnsMatch::Contains,
        server,
    })
}

/// The look as it is made at an origin: a CDN accepts certificates there that no visitor would.
pub fn unjudged(http: &HttpTarget) -> HttpTarget {
    HttpTarget {
        verify_tls: false,
        ..http.clone()
    }
}

/// Whether a question may be asked beside the monitor's own request: it must change nothing.
fn is_safe(http: &HttpTarget) -> bool {
    matches!(http.method.as_str(), "GET" | "HEAD")
}

fn past_caches(http: &HttpTarget, nonce: &str) -> Option<Target> {
    let mut url = url::Url::parse(&http.url).ok().filter(|_| is_safe(http))?;
    url.query_pairs_mut().append_pair("watchbell", nonce);
    Some(Target::Http(HttpTarget {
        url: url.into(),
        ..http.clone()
    }))
}

fn other_method(http: &HttpTarget) -> Option<Target> {
    let method = match http.method.as_str() {
        "GET" => "HEAD",
        "HEAD" => "GET",
        _ => return None,
    };
    Some(Target::Http(HttpTarget {
        method: method.to_owned(),
        body: None,
        ..without_rules(http)
    }))
}

fn other_scheme(http: &HttpTarget) -> Option<Target> {
    let mut url = url::Url::parse(&http.url).ok()?;
    // A port that is named belongs to its scheme.
    if url.port().is_some() {
        return None;
    }
    let other = if url.scheme() == "https" {
        "http"
    } else {
        "https"
    };
    url.set_scheme(other).ok()?;
    stranger(http, url)
}

fn neutral(http: &HttpTarget) -> Option<Target> {
    let mut url = url::Url::parse(&http.url).ok()?;
    url.set_path("/robots.txt");
    url.set_query(None);
    (url.as_str() != http.url).then_some(())?;
    stranger(http, url)
}

/// A request of its own that tells nothing of the owner's: no login, no headers, no cookies.
fn stranger(http: &HttpTarget, mut url: url::Url) -> Option<Target> {
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    Some(Target::Http(HttpTarget {
        url: url.into(),
        method: "GET".to_owned(),
        headers: Headers::default(),
        body: None,
        auth: None,
        follow_redirects: false,
        ..without_rules(http)
    }))
}

fn without_rules(http: &HttpTarget) -> HttpTarget {
    HttpTarget {
        expected_status: vec!["100-599".to_owned()],
        keyword: None,
        keyword_absent: None,
        regex: None,
        json: Vec::new(),
        ..http.clone()
    }
}

/// What is expected of the answer: what the owner expects of the look, else any answer.
pub fn expectation(settings: &Settings, target: Target) -> Expectation {
    let asked = Settings {
        target,
        degraded_above_ms: None,
        ..settings.clone()
    };
    Expectation::of(&asked, true, false)
}
