//! URLs: read once, with the scheme first, carried as typed host and port.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::host::{check_literal, is_unseen};
use super::{AddressPolicy, Host, TargetRefusal};

/// Bytes of a URL, at most.
pub const MAX_URL: usize = 2048;

/// Databases and caches: a request to one of them is an attack, not a look.
const STORE_PORTS: &[u16] = &[3306, 5432, 6379, 11211, 27017];

/// The "bad ports" of the Fetch standard.
const BAD_PORTS: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102,
    103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465,
    512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993,
    995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668,
    6669, 6679, 6697, 10080,
];

/// Name and password out of a URL.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// A name and its password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self {
            username: username.into(),
            password: password.into(),
        }
    }

    /// The value of an `Authorization` header.
    pub fn basic_authorization(&self) -> String {
        format!(
            "Basic {}",
            STANDARD.encode(format!("{}:{}", self.username, self.password))
        )
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

/// A URL that passed the guard: http or https, with a typed host and no user information left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetUrl {
    url: Url,
    host: Host,
    port: u16,
    credentials: Option<Credentials>,
}

impl TargetUrl {
    /// Reads what a user wrote and judges it by `policy`.
    pub fn parse(text: &str, policy: AddressPolicy) -> Result<Self, TargetRefusal> {
        check_text(text)?;
        let url = Url::parse(text).map_err(|error| reason(&error))?;
        Self::from_url(url, policy)
    }

    /// Reads a WebSocket address, `ws` or `wss`; its handshake is a request over http or https, and
    /// that is the URL that comes out.
    pub fn parse_websocket(text: &str, policy: AddressPolicy) -> Result<Self, TargetRefusal> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "" => Err(TargetRefusal::Empty),
            "ws" | "http" => Self::parse(&format!("http:{rest}"), policy),
            "wss" | "https" => Self::parse(&format!("https:{rest}"), policy),
            _ => Err(TargetRefusal::WebsocketScheme),
        }
    }

    /// Follows a `Location` from here: resolved against this URL, then judged like any other.
    pub fn join(&self, location: &str, policy: AddressPolicy) -> Result<Self, TargetRefusal> {
        let url = self.url.join(location).map_err(|error| reason(&error))?;
        Self::from_url(url, policy)
    }

    fn from_url(mut url: Url, policy: AddressPolicy) -> Result<Self, TargetRefusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(TargetRefusal::Scheme);
        }
        let host = url
            .host()
            .ok_or(TargetRefusal::Malformed("the host is missing"))?;
        let host = Host::from_parsed(host)?;
        host.check(policy)?;
        let port = url.port_or_known_default().unwrap_or(0);
        check_port(port, policy)?;
        let credentials = take_credentials(&mut url)?;
        Ok(Self {
            url,
            host,
            port,
            credentials,
        })
    }

    /// The host to resolve.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port, also where it is the scheme's own.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The scheme is https.
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The URL without name and password.
    pub const fn url(&self) -> &Url {
        &self.url
    }

    /// The same as text.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Path and query, as the request line carries them.
    pub fn path_and_query(&self) -> &str {
        &self.url[url::Position::BeforePath..url::Position::AfterQuery]
    }

    /// What the `Host` header carries: the port only where it is not the scheme's own.
    pub fn authority(&self) -> &str {
        &self.url[url::Position::BeforeHost..url::Position::AfterPort]
    }

    /// Name and password that stood in the URL.
    pub const fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Scheme, host and port are those of `other`: only then may secrets travel along.
    pub fn is_same_origin(&self, other: &Self) -> bool {
        self.is_https() == other.is_https() && self.host == other.host && self.port == other.port
    }
}

impl fmt::Display for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.url.as_str())
    }
}

/// `text` without name and password, for every place where people read it.
pub fn without_userinfo(text: &str) -> String {
    match Url::parse(text) {
        Ok(mut url) if !url.username().is_empty() || url.password().is_some() => {
            let stripped = url.set_username("").and_then(|()| url.set_password(None));
            if stripped.is_ok() {
                url.to_string()
            } else {
                text.to_owned()
            }
        }
        _ => text.to_owned(),
    }
}

/// Name and password in the text of a URL, and the text without them; nothing is rewritten.
pub fn split_userinfo(text: &str) -> Option<(&str, String)> {
    let (scheme, rest) = text.split_once("://")?;
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (userinfo, _) = rest.get(..end)?.rsplit_once('@')?;
    let after = rest.get(userinfo.len() + 1..)?;
    Some((userinfo, format!("{scheme}://{after}")))
}

/// The opposite of [`split_userinfo`].
pub fn join_userinfo(userinfo: &str, text: &str) -> String {
    text.replacen("://", &format!("://{userinfo}@"), 1)
}

/// Everything that must be seen in the text itself, because parsing would repair it.
fn check_text(text: &str) -> Result<(), TargetRefusal> {
    if text.is_empty() {
        return Err(TargetRefusal::Empty);
    }
    if text.len() > MAX_URL {
        return Err(TargetRefusal::TooLong(MAX_URL));
    }
    let (scheme, rest) = text.split_once(':').ok_or(TargetRefusal::Scheme)?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return Err(TargetRefusal::Scheme);
    }
    if text
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || is_direction(c))
    {
        return Err(TargetRefusal::Characters);
    }
    let after = rest
        .strip_prefix("//")
        .ok_or(TargetRefusal::Malformed("two slashes follow the colon"))?;
    let authority = after.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(TargetRefusal::Malformed("the host is missing"));
    }
    check_authority(authority)
}

fn check_authority(authority: &str) -> Result<(), TargetRefusal> {
    if authority.contains('\\') {
        return Err(TargetRefusal::Malformed("the host contains a backslash"));
    }
    if authority.chars().any(is_unseen) {
        return Err(TargetRefusal::Characters);
    }
    let host_and_port = match authority.split_once('@') {
        Some((_, rest)) if rest.contains('@') => {
            return Err(TargetRefusal::Malformed("the host contains an @"));
        }
        Some((_, rest)) => rest,
        None => authority,
    };
    let host = match host_and_port.find(']') {
        Some(end) => &host_and_port[..=end],
        None => host_and_port.split(':').next().unwrap_or_default(),
    };
    if host.contains('%') {
        let zone = host.starts_with('[');
        return Err(if zone {
            TargetRefusal::ZoneId
        } else {
            TargetRefusal::EscapedHost
        });
    }
    check_literal(host)
}

/// Marks that make a text read in another order than it is written.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether users may have this port connected to.
pub(super) fn check_port(port: u16, policy: AddressPolicy) -> Result<(), TargetRefusal> {
    let bad = match policy {
        AddressPolicy::Hosted => {
            port == 0 || BAD_PORTS.contains(&port) || STORE_PORTS.contains(&port)
        }
        AddressPolicy::SelfHosted => port == 0,
    };
    if bad {
        Err(TargetRefusal::Port(port))
    } else {
        Ok(())
    }
}

fn take_credentials(url: &mut Url) -> Result<Option<Credentials>, TargetRefusal> {
    if url.username().is_empty() && url.password().is_none() {
        return Ok(None);
    }
    let credentials = Credentials {
        username: decode_userinfo(url.username())?,
        password: decode_userinfo(url.password().unwrap_or_default())?,
    };
    let unreadable = TargetRefusal::Malformed("name and password cannot be read");
    url.set_username("")
        .and_then(|()| url.set_password(None))
        .map_err(|()| unreadable)?;
    Ok(Some(credentials))
}

/// Undoes the % escapes of a user name or password in a URL.
pub fn decode_userinfo(text: &str) -> Result<String, TargetRefusal> {
    let unreadable = || TargetRefusal::Malformed("name and password cannot be read");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let pair = [
            rest.next().ok_or_else(unreadable)?,
            rest.next().ok_or_else(unreadable)?,
        ];
        let mut decoded = [0_u8];
        hex::decode_to_slice(pair, &mut decoded).map_err(|_| unreadable())?;
        bytes.extend(decoded);
    }
    let decoded = String::from_utf8(bytes).map_err(|_| unreadable())?;
    if decoded.chars().any(char::is_control) {
        Err(unreadable())
    } else {
        Ok(decoded)
    }
}

fn reason(error: &url::ParseError) -> TargetRefusal {
    use url::ParseError as E;
    match error {
        E::InvalidIpv4Address => TargetRefusal::NumberHost,
        E::InvalidPort => TargetRefusal::Malformed("the port is not a number up to 65535"),
        E::InvalidIpv6Address => TargetRefusal::Malformed("the IPv6 address cannot be read"),
        E::EmptyHost => TargetRefusal::Malformed("the host is missing"),
        _ => TargetRefusal::Malformed("the host cannot be read"),
    }
}
