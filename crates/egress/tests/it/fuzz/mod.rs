//! Texts of URLs against the guard, in the manner of a fuzzer: the cases of the address policy, bent
//! and spliced for as long as there is time. What holds for each of them is in [`Fuzz::hold`].

mod world;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use domain::target::AddressPolicy::Hosted;
use domain::target::{Host, TargetHost, TargetUrl, complete_url, server_address};
use egress::Egress;
use rand::rngs::StdRng;
use rand::{Rng, RngCore as _, SeedableRng};
use testkit::datagram::Datagrams;

use self::world::{PIECES, answer, is_inside, seeds};
use crate::{egress, within};

/// Inputs that are bent further.
const MOST_SEEDS: usize = 4_000;

struct Fuzz {
    random: StdRng,
    seeds: Vec<String>,
    originals: usize,
    egress: Egress,
    tried: u64,
    passed: u64,
    resolved: u64,
}

impl Fuzz {
    fn any<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.random.random_range(0..of.len())]
    }

    fn place(&mut self, text: &str) -> usize {
        let places: Vec<usize> = text
            .char_indices()
            .map(|(at, _)| at)
            .chain([text.len()])
            .collect();
        places[self.random.random_range(0..places.len())]
    }

    fn seed(&mut self) -> String {
        let at = self.random.random_range(0..self.seeds.len());
        self.seeds[at].clone()
    }

    /// A seed, bent up to four times.
    fn next(&mut self) -> String {
        let mut text = self.seed();
        for _ in 0..self.random.random_range(1..=4) {
            let at = self.place(&text);
            match self.random.random_range(0..9) {
                0..3 => text.insert_str(at, self.any(PIECES)),
                3 => {
                    let (from, to) = (at, self.place(&text));
                    text.replace_range(from.min(to)..from.max(to), "");
                }
                4 => {
                    let (from, to) = (at, self.place(&text));
                    let piece = self.any(PIECES);
                    text.replace_range(from.min(to)..from.max(to), piece);
                }
                5 => {
                    let other = self.seed();
                    let from = self.place(&other);
                    text.truncate(at);
                    text.push_str(&other[from..]);
                }
                6 => text.insert(at, self.random.random::<char>()),
                7 => {
                    if let Some(next) = text[at..].chars().next() {
                        let mut bytes = [0; 4];
                        let escaped: String = next
                            .encode_utf8(&mut bytes)
                            .bytes()
                            .map(|byte| format!("%{byte:02x}"))
                            .collect();
                        text.replace_range(at..at + next.len_utf8(), &escaped);
                    }
                }
                _ => {
                    let number = self.random.next_u32();
                    text.insert_str(at, &number.to_string());
                }
            }
        }
        text
    }

    /// What holds for every text: nothing panics; what passes keeps to scheme, port and address, reads
    /// the same when it is written and read again, and by the parser that puts it on the wire; and
    /// whatever its name resolves to, nothing inside can be dialed.
    async fn hold(&mut self, text: &str) {
        self.tried += 1;
        let _ = server_address(text, Hosted);
        if let Ok(host) = TargetHost::parse(text, Hosted) {
            self.host(text, host.host(), 443).await;
        }
        let completed = complete_url(text);
        let home = TargetUrl::parse("https://shop.example/a/b", Hosted).unwrap();
        let found = [
            TargetUrl::parse(text, Hosted),
            TargetUrl::parse(&completed, Hosted),
            TargetUrl::parse_websocket(text, Hosted),
            home.join(text, Hosted),
        ];
        for (n, url) in found.into_iter().enumerate() {
            let Ok(url) = url else { continue };
            self.passed += u64::from(n == 0);
            self.url(text, &url);
            if n != 3 || url.host() != home.host() {
                self.host(text, url.host(), url.port()).await;
            }
            if n == 0 && self.tried.is_multiple_of(8) {
                self.keep(text);
            }
        }
    }

    /// What passed is bent further; the cases themselves stay.
    fn keep(&mut self, text: &str) {
        if text.len() > 400 {
            return;
        }
        if self.seeds.len() < MOST_SEEDS {
            self.seeds.push(text.to_owned());
            return;
        }
        let at = self.random.random_range(self.originals..self.seeds.len());
        self.seeds[at] = text.to_owned();
    }

    fn url(&self, text: &str, url: &TargetUrl) {
        assert!(matches!(url.url().scheme(), "http" | "https"), "{text:?}");
        assert!(
            url.url().username().is_empty() && url.url().password().is_none(),
            "{text:?}"
        );
        assert!(
            ![0, 22, 25, 3306, 5432, 6379, 11211, 27017].contains(&url.port()),
            "{text:?}"
        );
        let again = TargetUrl::parse(url.as_str(), Hosted);
        let again = again.unwrap_or_else(|error| panic!("{text:?} becomes {url}, which {error}"));
        assert_eq!(
            (again.host(), again.port(), again.as_str()),
            (url.host(), url.port(), url.as_str()),
            "{text:?}"
        );
        // What the request line and the Host header are made from.
        if let Ok(uri) = url
            .as_str()
            .split('#')
            .next()
            .unwrap_or_default()
            .parse::<http::Uri>()
        {
            // The dot at the end of a name says that it is whole, as ours always are.
            let host = uri.host().unwrap_or_default();
            let host = host.strip_suffix('.').unwrap_or(host);
            assert_eq!(
                host.to_ascii_lowercase(),
                url.host().bracketed(),
                "{text:?}"
            );
            let port = uri
                .port_u16()
                .unwrap_or(if url.is_https() { 443 } else { 80 });
            assert_eq!(port, url.port(), "{text:?}");
        }
        assert!(
            !url.authority()
                .contains(['@', '/', '\\', '#', '?', ' ', '\r', '\n']),
            "{text:?}"
        );
    }

    async fn host(&mut self, text: &str, host: &Host, port: u16) {
        match host {
            Host::Ip(ip) => assert!(!is_inside(*ip), "{text:?} passes as {ip}"),
            Host::Name(name) => {
                assert!(
                    name.contains('.') && !host.is_localhost(),
                    "{text:?} passes as {name}"
                );
                assert!(name.parse::<IpAddr>().is_err(), "{text:?} passes as {name}");
            }
        }
        if let Ok(found) = self.egress.resolve(host, port, true, within(2_000)).await {
            self.resolved += 1;
            for address in found.addresses {
                assert!(
                    !is_inside(address.ip()),
                    "{text:?} would be dialed at {address}"
                );
                assert_eq!(address.port(), port, "{text:?}");
            }
        }
    }
}

async fn run(seed: u64, goes_on: impl Fn(u64) -> bool) -> Fuzz {
    let names = Datagrams::start(|_, question| answer(question)).await;
    let seeds = seeds();
    let mut fuzz = Fuzz {
        random: StdRng::seed_from_u64(seed),
        originals: seeds.len(),
        seeds,
        egress: egress(Hosted, &[([127, 0, 0, 1], names.port()).into()]),
        tried: 0,
        passed: 0,
        resolved: 0,
    };
    for text in fuzz.seeds.clone() {
        fuzz.hold(&text).await;
    }
    while goes_on(fuzz.tried) {
        let text = fuzz.next();
        fuzz.hold(&text).await;
    }
    fuzz
}

#[tokio::test]
async fn no_text_gets_past_the_guard() {
    let fuzz = run(7, |tried| tried < 10_000).await;
    assert!(
        fuzz.passed > 100 && fuzz.resolved > 50,
        "{} {}",
        fuzz.passed,
        fuzz.resolved
    );
}

#[tokio::test]
#[ignore = "takes 10 minutes: make soak"]
async fn no_text_gets_past_the_guard_for_ten_minutes() {
    let seed = rand::random();
    println!("seed {seed}");
    let end = Instant::now() + Duration::from_secs(600);
    let fuzz = run(seed, |_| Instant::now() < end).await;
    println!(
        "{} texts, {} passed the guard, {} resolutions",
        fuzz.tried, fuzz.passed, fuzz.resolved
    );
}
