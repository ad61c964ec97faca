//! What a look means for its monitor.

mod content;
mod facts;
mod judge;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::failure::{Failure, FailureClass};
use crate::monitor::blocks::{DnsMatch, RecordType};
use crate::monitor::validate::parse_status_range;
use crate::monitor::{Settings, Target};
pub(crate) use content::holds_text;
pub use judge::judge;

/// The word for a look in the API and the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictKind {
    /// As expected.
    Up,
    /// Works, but slowly.
    Degraded,
    /// Broken.
    Down,
    /// The target's bot protection refuses us.
    Blocked,
    /// We could not look, through our own fault.
    Unknown,
}

impl VerdictKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Up,
        Self::Degraded,
        Self::Down,
        Self::Blocked,
        Self::Unknown,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Blocked => "blocked",
            Self::Unknown => "unknown",
        }
    }

    /// The stored number (`checks.verdict`).
    pub const fn code(self) -> i16 {
        match self {
            Self::Up => 0,
            Self::Degraded => 1,
            Self::Down => 2,
            Self::Blocked => 3,
            Self::Unknown => 4,
        }
    }

    /// The kind a stored number stands for.
    pub fn from_code(code: i16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The kind a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Up or degraded: the target works.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Up | Self::Degraded)
    }
}

/// The judgement of one look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The word.
    pub kind: VerdictKind,
    /// What is wrong; `None` for up. For degraded it is `None` too, `reason` says why.
    pub failure: Option<Failure>,
    /// Where the fault of an HTTP answer lies.
    pub attribution: Option<super::Attribution>,
    /// Why a look is degraded.
    pub reason: Option<String>,
}

impl Verdict {
    /// Nothing is wrong.
    pub const fn up() -> Self {
        Self {
            kind: VerdictKind::Up,
            failure: None,
            attribution: None,
            reason: None,
        }
    }

    /// The class of the failure.
    pub fn class(&self) -> Option<FailureClass> {
        self.failure.as_ref().map(|failure| failure.class)
    }
}

/// What an owner expects of DNS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedRecords {
    /// The type of record.
    pub record: RecordType,
    /// How it is compared.
    pub matching: DnsMatch,
    /// The values; any answer will do when absent.
    pub values: Option<Vec<String>>,
}

/// What a monitor's owner expects of a look, and what is known of its past.
#[derive(Debug, Clone, PartialEq)]
pub struct Expectation {
    /// Accepted statuses, inclusive ranges.
    pub status: Vec<(u16, u16)>,
    /// A text that must be in the body.
    pub keyword: Option<String>,
    /// A text that must not be in the body.
    pub keyword_absent: Option<String>,
    /// A regular expression that must match the body.
    pub regex: Option<String>,
    /// JSON rules over the body.
    pub json: Vec<crate::monitor::JsonRule>,
    /// What DNS must answer.
    pub records: Option<ExpectedRecords>,
    /// More than this share of packets lost is down.
    pub max_loss_percent: u32,
    /// Slower than this is degraded, milliseconds.
    pub degraded_above_ms: Option<u32>,
    /// Certificates are judged.
    pub verify_tls: bool,
    /// The monitor was up at some time (see the reference on TLS failures that may be ours).
    pub ever_up: bool,
    /// The name had a public address before (`target_refused` is then a wrong DNS answer).
    pub was_public: bool,
}

impl Expectation {
    /// What the owner's settings ask of a look. A look without a monitor passes `ever_up`, since
    /// then there is no doubt to give.
    pub fn of(settings: &Settings, ever_up: bool, was_public: bool) -> Self {
        let degraded_above_ms = settings.degraded_above_ms;
        let plain = Self {
            status: Vec::new(),
            keyword: None,
            keyword_absent: None,
            regex: None,
            json: Vec::new(),
            records: None,
            max_loss_percent: 99,
            degraded_above_ms,
            verify_tls: true,
            ever_up,
            was_public,
        };
        match &settings.target {
            Target::Http(http) => Self {
                status: http
                    .expected_status
                    .iter()
                    .filter_map(|text| parse_status_range(text).ok())
                    .collect(),
                keyword: http.keyword.clone(),
                keyword_absent: http.keyword_absent.clone(),
                regex: http.regex.clone(),
                json: http.json.clone(),
                verify_tls: http.verify_tls,
                ..plain
            },
            Target::Dns(dns) => Self {
                records: Some(ExpectedRecords {
                    record: dns.record,
                    matching: dns.matching,
                    values: dns.expected.clone(),
                }),
                ..plain
            },
            Target::Ping(ping) => Self {
                max_loss_percent: ping.max_loss_percent,
                ..plain
            },
            Target::Websocket(websocket) => Self {
                status: vec![(101, 101)],
                verify_tls: websocket.verify_tls,
                ..plain
            },
            Target::Grpc(grpc) => Self {
                status: vec![(200, 200)],
                verify_tls: grpc.verify_tls,
                ..plain
            },
            Target::Tcp(_)
            | Target::Udp(_)
            | Target::Tls(_)
            | Target::Smtp(_)
            | Target::Domain(_)
            | Target::Heartbeat(_) => plain,
        }
    }

    /// Whether `status` is one the owner accepts.
    pub fn accepts(&self, status: u16) -> bool {
        self.status
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&status))
    }
}
