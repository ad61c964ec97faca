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
            failure: None,
            put_off: None,
            our_fault: false,
        }
    }
}
