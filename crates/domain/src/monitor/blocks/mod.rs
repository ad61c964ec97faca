//! The blocks of the kinds other than `http`, as their owners write them. What was left out is `None`.

pub mod dns;
pub mod escape;

pub use dns::{DnsMatch, RecordType};

use serde::{Deserialize, Serialize};

use super::spec::IpFamily;

/// A set of words, each with its stored form.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The words of all of them.
            pub const WORDS: &'static [&'static str] = &[$($word,)*];

            /// The stored word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// What a stored word stands for.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}
pub(crate) use words;

words! {
    /// The protocol in which a server is asked to begin TLS.
    StartTls {
        /// RFC 3207.
        Smtp "smtp",
        /// RFC 9051, 6.2.1.
        Imap "imap",
        /// RFC 2595.
        Pop3 "pop3",
        /// The SSLRequest of PostgreSQL's protocol.
        Postgres "postgres",
    }
}

impl StartTls {
    /// Where servers of this protocol listen.
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Smtp => 25,
            Self::Imap => 143,
            Self::Pop3 => 110,
            Self::Postgres => 5432,
        }
    }
}

words! {
    /// How a mail server is spoken to.
    SmtpSecurity {
        /// In the clear.
        None "none",
        /// Encrypted after STARTTLS, which must be offered.
        StartTls "starttls",
        /// Encrypted from the first byte.
        Tls "tls",
    }
}

impl SmtpSecurity {
    /// What is usual on a port: 465 is encrypted (RFC 8314), 587 after STARTTLS, and on 25 many
    /// servers have a certificate for nobody.
    pub const fn usual(port: u16) -> Self {
        match port {
            465 => Self::Tls,
            587 => Self::StartTls,
            _ => Self::None,
        }
    }
}

/// The `tcp` and `udp` blocks: what is said, and what must come back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExchangeSpec {
    /// Text with escapes ([`escape`]) that is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// Text with escapes that must be in the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
}

/// The `dns` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DnsSpec {
    /// How `expected` is compared.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub matching: Option<DnsMatch>,
    /// The server that is asked, `host`, `host:port` or an address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

/// The `ping` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PingSpec {
    /// Packets a look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
    /// More than this share of them lost is down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_loss_percent: Option<u32>,
    /// Over which family of addresses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_family: Option<IpFamily>,
}

/// The `smtp` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SmtpSpec {
    /// How the server is spoken to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security: Option<SmtpSecurity>,
}

/// The `websocket` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebsocketSpec {
    /// A text message that is sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// Text that a message from the server must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// Whether certificates are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
}

/// The `grpc` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrpcSpec {
    /// The service whose health is asked for; the whole server when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whether the port speaks TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<bool>,
    /// Whether certificates are judged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_tls: Option<bool>,
}

/// The `domain` block.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DomainSpec {
    /// Days before expiry at which to warn.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_days: Option<Vec<u32>>,
}
