//! Which methods and headers users may send along.

use super::AddressPolicy;

/// Bytes of all names and values together, at most.
pub const MAX_HEADER_BYTES: usize = 8 * 1024;

/// What a look may do.
pub const METHODS: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/// Why a header or a method is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeaderRefusal {
    /// Not a token of RFC 9110.
    #[error("must have names of letters, digits and hyphens")]
    Name,
    /// A control character, a line break, something outside of ASCII.
    #[error("must have values of plain visible ASCII, without line breaks")]
    Value,
    /// Too long.
    #[error("must be at most 8 KiB together")]
    TooLarge,
    /// Framing and hop-by-hop fields are ours to write.
    #[error(
        "must not set headers that Watchbell writes itself, such as Host, Connection or Content-Length"
    )]
    Reserved,
    /// Fields that open cloud metadata services, or that claim someone else's address.
    #[error("must not set headers that claim another sender or open cloud metadata services")]
    Forbidden,
    /// Not one of [`METHODS`].
    #[error("must be GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS")]
    Method,
}

const RESERVED: &[&str] = &[
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "upgrade",
    "te",
    "trailer",
    "expect",
    "http2-settings",
];

const FORBIDDEN: &[&str] = &[
    "metadata",
    "metadata-flavor",
    "x-google-metadata-request",
    "x-metadata-token",
    "x-metadata-token-ttl-seconds",
    "forwarded",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "fastly-client-ip",
];

const FORBIDDEN_PREFIXES: &[&str] = &["x-aws-ec2-metadata-", "x-forwarded-"];

/// Judges one header. Inside the owner's own network only what would break the request is refused.
pub fn check_header(name: &str, value: &str, policy: AddressPolicy) -> Result<(), HeaderRefusal> {
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(HeaderRefusal::Name);
    }
    if !value
        .bytes()
        .all(|b| (b' '..=b'~').contains(&b) || b == b'\t')
    {
        return Err(HeaderRefusal::Value);
    }
    if name.len() + value.len() > MAX_HEADER_BYTES {
        return Err(HeaderRefusal::TooLarge);
    }
    let name = name.to_ascii_lowercase();
    if RESERVED.contains(&name.as_str()) || name.starts_with("proxy-") {
        return Err(HeaderRefusal::Reserved);
    }
    let forbidden = FORBIDDEN.contains(&name.as_str())
        || FORBIDDEN_PREFIXES
            .iter()
            .any(|prefix| name.starts_with(prefix));
    if forbidden && policy == AddressPolicy::Hosted {
        return Err(HeaderRefusal::Forbidden);
    }
    Ok(())
}

/// Judges a method; they are case-sensitive.
pub fn check_method(method: &str) -> Result<(), HeaderRefusal> {
    if METHODS.contains(&method) {
        Ok(())
    } else {
        Err(HeaderRefusal::Method)
    }
}
