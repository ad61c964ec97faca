//! What a probe saw. Facts only; [`super::verdict`] judges them.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::failure::{Failure, Phase};
use crate::tls::TlsFacts;

/// How long each part of a look took, in microseconds; `None` for a part that was not reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are the variants of Phase")]
pub struct Phases {
    pub dns: Option<u32>,
    pub connect: Option<u32>,
    pub tls: Option<u32>,
    pub send: Option<u32>,
    pub first_byte: Option<u32>,
    pub body: Option<u32>,
}

impl Phases {
    /// The time of one part, microseconds.
    pub const fn get(&self, phase: Phase) -> Option<u32> {
        match phase {
            Phase::Dns => self.dns,
            Phase::Connect => self.connect,
            Phase::Tls => self.tls,
            Phase::Send => self.send,
            Phase::FirstByte => self.first_byte,
            Phase::Body => self.body,
        }
    }

    /// Adds time to one part (a redirect adds its hop's times to the first's), microseconds.
    pub fn add(&mut self, phase: Phase, microseconds: u32) {
        let part = match phase {
            Phase::Dns => &mut self.dns,
            Phase::Connect => &mut self.connect,
            Phase::Tls => &mut self.tls,
            Phase::Send => &mut self.send,
            Phase::FirstByte => &mut self.first_byte,
            Phase::Body => &mut self.body,
        };
        *part = Some(part.unwrap_or(0).saturating_add(microseconds));
    }
}

/// One address that a look tried to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressTried {
    /// The address.
    pub address: SocketAddr,
    /// Why it did not work; `None` for the one that did.
    pub error: Option<String>,
}

/// One hop of a redirect chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The address that answered with a redirect.
    pub from: String,
    /// Its status.
    pub status: u16,
    /// Where it pointed, resolved against `from`.
    pub to: String,
}

/// What an HTTP answer was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpFacts {
    /// Status of the final answer.
    pub status: u16,
    /// `HTTP/1.1` or `HTTP/2`.
    pub version: String,
    /// Headers of the final answer, names in lower case, in order.
    pub headers: Vec<(String, String)>,
    /// The inflated body as far as it was read: up to 4 MiB while judging, cut to 64 KiB after.
    #[serde(skip)]
    pub body: Vec<u8>,
    /// Bytes of body on the wire.
    pub wire_bytes: u64,
    /// Bytes of body after inflating.
    pub body_bytes: u64,
    /// The body was read to its end.
    pub body_complete: bool,
}

impl HttpFacts {
    /// The first header of that (lower case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// What came of echo requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingFacts {
    /// Packets sent.
    pub sent: u32,
    /// Answers that came.
    pub received: u32,
    /// Mean round trip of those, microseconds.
    pub mean_us: u32,
    /// The longest, microseconds.
    pub max_us: u32,
}

impl PingFacts {
    /// Share of packets lost, percent, rounded up.
    pub const fn loss_percent(&self) -> u32 {
        let lost = self.sent.saturating_sub(self.received);
        match self.sent {
            0 => 0,
            sent => (lost * 100).div_ceil(sent),
        }
    }
}

/// What a registry says of a domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegistrationFacts {
    /// The registered domain.
    pub name: String,
    /// When the registration ends; `None` where the registry does not tell.
    pub expires_at: Option<Timestamp>,
    /// Who says so: the address of the RDAP or WHOIS server.
    pub source: String,
}

/// One thing that a server said, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What it is, such as `Greeting`.
    pub label: String,
    /// The text, shortened, without control characters.
    pub text: String,
}

/// Everything one look saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When the look began.
    pub at: Timestamp,
    /// Time of each part.
    pub phases: Phases,
    /// From begin to verdict-ready, microseconds.
    pub total_us: u64,
    /// The address that was connected to.
    pub address: Option<SocketAddr>,
    /// What the name resolved to.
    pub resolved: Vec<IpAddr>,
    /// Connection attempts in order.
    pub tried: Vec<AddressTried>,
    /// The HTTP answer, if one came.
    pub http: Option<HttpFacts>,
    /// The certificate and its handshake, also when verification failed.
    pub tls: Option<TlsFacts>,
    /// Redirects followed.
    pub redirects: Vec<Redirect>,
    /// What the server said, for kinds without pages.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub said: Vec<Said>,
    /// Values of the records that DNS answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub records: Option<Vec<String>>,
    /// What came of echo requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping: Option<PingFacts>,
    /// What the registry says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<RegistrationFacts>,
    /// What broke while looking. Rules about content are judged later.
    pub failure: Option<Failure>,
    /// The look did not take place, because its address was looked at too often in this second:
    /// look again after this time, count it, and judge nothing.
    #[serde(skip)]
    pub put_off: Option<Duration>,
    /// The failure is ours: no route here, our resolver dead, look cancelled.
    pub our_fault: bool,
}

impl Observation {
    /// Writes down something that the server said, at most 200 characters of it.
    pub fn note(&mut self, label: &str, text: &str) {
        let text = text.chars().map(|c| if c.is_control() { ' ' } else { c });
        let text: String = text.take(200).collect();
        self.said.push(Said {
            label: label.to_owned(),
            text: text.trim().to_owned(),
        });
    }

    /// What the look was told, line by line, for kinds without pages.
    pub fn told(&self) -> Vec<Said> {
        let said = |label: &str, text: String| Said {
            label: label.to_owned(),
            text,
        };
        let mut lines = Vec::new();
        if let Some(records) = self.records.as_ref().filter(|records| !records.is_empty()) {
            let shown: Vec<&str> = records.iter().take(10).map(String::as_str).collect();
            lines.push(said("Records", shown.join(", ")));
        }
        if let Some(ping) = &self.ping {
            let (sent, received) = (ping.sent, ping.received);
            let mut text = format!("{received} of {sent} replies");
            if received > 0 {
                let mean = crate::words::milliseconds(ping.mean_us.into());
                text.push_str(&format!(", {mean} on average"));
            }
            lines.push(said("Ping", text));
        }
        if let Some(end) = self
            .registration
            .as_ref()
            .and_then(|facts| facts.expires_at)
        {
            let day = crate::words::day(end, &jiff::tz::TimeZone::UTC);
            lines.push(said("Registered until", day));
        }
        lines.extend(self.said.iter().take(10).cloned());
        lines
    }

    /// A look that began at `at` and has seen nothing yet.
    pub fn begin(at: Timestamp) -> Self {
        Self {
            at,
            phases: Phases::default(),
            total_us: 0,
            address: None,
            resolved: Vec::new(),
            tried: Vec::new(),
            http: None,
            tls: None,
            redirects: Vec::new(),
            said: Vec::new(),
            records: None,
            ping: None,
            registration: None,
            failure: None,
            put_off: None,
            our_fault: false,
        }
    }
}
