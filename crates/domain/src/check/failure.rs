//! The names of everything that can be wrong with a target (reference, "Failure classes").
//!
//! To add a class: one line in [`FailureClass`]'s table below (variant, word, phrase), its verdict
//! in [`super::verdict`] if it is not down, and a case in the broken internet of `testkit`.

use serde::{Deserialize, Serialize};

/// The part of a look in which something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Name resolution.
    Dns,
    /// TCP connection.
    Connect,
    /// TLS handshake.
    Tls,
    /// Writing the request.
    Send,
    /// Waiting for the answer's header block.
    FirstByte,
    /// Reading the body.
    Body,
}

impl Phase {
    /// All phases in the order of a look.
    pub const ALL: [Self; 6] = [
        Self::Dns,
        Self::Connect,
        Self::Tls,
        Self::Send,
        Self::FirstByte,
        Self::Body,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::FirstByte => "first_byte",
            Self::Body => "body",
        }
    }
}

macro_rules! failure_classes {
    ($($variant:ident $word:literal $phrase:literal,)*) => {
        /// What is wrong, by name.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[expect(missing_docs, reason = "each variant's phrase in the table says what it is")]
        pub enum FailureClass {
            $(#[serde(rename = $word)] $variant,)*
        }

        impl FailureClass {
            /// Every class.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word in the API and the database.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }

            /// The phrase people read; `{…}` is filled by [`crate::words::cause`].
            pub const fn phrase(self) -> &'static str {
                match self {
                    $(Self::$variant => $phrase,)*
                }
            }

            /// The class a stored word stands for.
            pub fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)*
                    _ => None,
                }
            }
        }
    };
}

failure_classes! {
    DnsNxdomain "dns_nxdomain" "name does not exist in DNS",
    DnsServfail "dns_servfail" "DNS server fails (SERVFAIL)",
    DnsRefused "dns_refused" "DNS server refuses to answer",
    DnsServerError "dns_server_error" "DNS server reports an error",
    DnsTimeout "dns_timeout" "DNS does not answer",
    DnsNoAddress "dns_no_address" "name has no address in DNS",
    DnsMalformed "dns_malformed" "DNS answer is broken",
    DnsCnameLoop "dns_cname_loop" "DNS alias loops",
    DnsWrongAnswer "dns_wrong_answer" "DNS answer is not the expected one",
    ConnectRefused "connect_refused" "server refuses connections",
    ConnectTimeout "connect_timeout" "server does not answer",
    ConnectionReset "connection_reset" "server resets the connection",
    NetworkUnreachable "network_unreachable" "network to the server is unreachable",
    TlsExpired "tls_expired" "certificate has expired",
    TlsNotYetValid "tls_not_yet_valid" "certificate is not valid yet",
    TlsSelfSigned "tls_self_signed" "certificate is self-signed",
    TlsUntrusted "tls_untrusted" "certificate issuer is not trusted",
    TlsIncompleteChain "tls_incomplete_chain" "certificate chain is incomplete",
    TlsHostnameMismatch "tls_hostname_mismatch" "certificate is for another name",
    TlsWeakKey "tls_weak_key" "certificate key is too weak",
    TlsRevoked "tls_revoked" "certificate was revoked",
    TlsProtocolVersion "tls_protocol_version" "no TLS version in common",
    TlsClientCertRequired "tls_client_cert_required" "server wants a client certificate",
    TlsHandshakeFailed "tls_handshake_failed" "TLS handshake fails",
    TlsTimeout "tls_timeout" "TLS handshake hangs",
    TlsNotTls "tls_not_tls" "port does not speak TLS",
    HttpNoResponse "http_no_response" "server closes without an answer",
    HttpTimeout "http_timeout" "no answer within {limit}",
    HttpMalformed "http_malformed" "answer is not valid HTTP",
    HttpIncomplete "http_incomplete" "answer is cut in its headers",
    HeaderTooLarge "header_too_large" "answer headers are too large",
    Http2Error "http2_error" "HTTP/2 error",
    HttpStatus "http_status" "error {status}",
    BodyReset "body_reset" "connection reset inside the page",
    BodyTruncated "body_truncated" "page is cut short",
    BodyTimeout "body_timeout" "page does not finish within {limit}",
    BodyTooLarge "body_too_large" "page is over the size limit",
    BodyMalformed "body_malformed" "page transfer is broken",
    DecodeError "decode_error" "compressed page is broken",
    RedirectLoop "redirect_loop" "redirects go in a circle",
    RedirectTooMany "redirect_too_many" "more than {count} redirects",
    RedirectInvalid "redirect_invalid" "redirect leads nowhere",
    RedirectBlocked "redirect_blocked" "redirect to a refused address",
    KeywordMissing "keyword_missing" "text \"{text}\" is gone",
    KeywordPresent "keyword_present" "text \"{text}\" is shown",
    JsonMismatch "json_mismatch" "JSON value is not as expected",
    BlockedByWaf "blocked_by_waf" "bot protection refuses our look",
    TargetRefused "target_refused" "address is not allowed here",
    PingLost "ping_lost" "no reply to ping",
    TcpUnexpected "tcp_unexpected" "unexpected reply on port {port}",
    UdpUnexpected "udp_unexpected" "unexpected reply on UDP port {port}",
    ReplyTimeout "reply_timeout" "no answer within {limit}",
    SmtpUnexpected "smtp_unexpected" "unexpected reply from the mail server",
    StarttlsFailed "starttls_failed" "server does not begin encryption",
    WebsocketUnexpected "websocket_unexpected" "unexpected WebSocket reply",
    GrpcError "grpc_error" "gRPC error {code}",
    GrpcNotServing "grpc_not_serving" "service says it is not serving",
    HeartbeatMissed "heartbeat_missed" "no heartbeat since {time}",
    HeartbeatFailed "heartbeat_failed" "job reports failure (exit {code})",
    DomainExpired "domain_expired" "domain registration has expired",
    DomainUnsupported "domain_unsupported" "registry does not tell the end",
}

/// A failure of a look: its name, where it happened, and one technical sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What is wrong.
    pub class: FailureClass,
    /// In which part of the look.
    pub phase: Phase,
    /// One sentence for an engineer, without secrets.
    pub message: String,
    /// What fills the `{…}` of the class's phrase: a status, a limit, a text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Failure {
    /// A failure without a detail.
    pub fn new(class: FailureClass, phase: Phase, message: impl Into<String>) -> Self {
        Self {
            class,
            phase,
            message: message.into(),
            detail: None,
        }
    }

    /// The same failure with the value its phrase shows.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}
