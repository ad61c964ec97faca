//! Why a target is refused.

use std::net::IpAddr;

/// Why a target is refused. Each reads on after the name of its field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetRefusal {
    /// Nothing was written.
    #[error("must not be empty")]
    Empty,
    /// Longer than anyone stores.
    #[error("must be at most {0} characters long")]
    TooLong(usize),
    /// Neither http nor https.
    #[error("must begin with http:// or https://")]
    Scheme,
    /// Neither ws nor wss.
    #[error("must begin with wss:// or ws://")]
    WebsocketScheme,
    /// A blank, a control character or one that cannot be seen.
    #[error("must not contain blanks, control characters or invisible characters")]
    Characters,
    /// No parser can read it, or two parsers would read it differently.
    #[error("must be an address such as https://shop.example/health ({0})")]
    Malformed(&'static str),
    /// `%41` in a host.
    #[error("must not contain % in the host")]
    EscapedHost,
    /// `%eth0` after an address.
    #[error("must not name a network zone after the address")]
    ZoneId,
    /// `127.1`, `0x7f.1`, `2130706433`, `256.1.1.1`.
    #[error(
        "must not have a host that ends in a number, unless it is four plain numbers such as 203.0.113.7"
    )]
    NumberHost,
    /// `intranet`.
    #[error("must have a full host name such as shop.example, not a single word")]
    SingleLabel,
    /// `db.internal`, `localhost`.
    #[error("must not be a name inside a private network (.{0})")]
    PrivateName(&'static str),
    /// An address of the kind that stands in the second place.
    #[error("must not be {1} ({0})")]
    Address(IpAddr, &'static str),
    /// A port that other programs' protocols use.
    #[error("must not use port {0}")]
    Port(u16),
}

impl TargetRefusal {
    /// A stable word for the API.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "required",
            Self::TooLong(_) => "too_long",
            Self::Scheme | Self::WebsocketScheme => "invalid_scheme",
            Self::Characters | Self::Malformed(_) | Self::EscapedHost | Self::ZoneId => "invalid",
            Self::NumberHost => "ambiguous_host",
            Self::SingleLabel | Self::PrivateName(_) | Self::Address(..) | Self::Port(_) => {
                "target_refused"
            }
        }
    }

    /// The target is well written, and the policy forbids it.
    pub const fn is_policy(&self) -> bool {
        matches!(
            self,
            Self::SingleLabel | Self::PrivateName(_) | Self::Address(..) | Self::Port(_)
        )
    }
}
