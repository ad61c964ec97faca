//! One sentence for each failure class, and the family whose advice fits it.

use domain::check::FailureClass;
use domain::check::FailureClass as F;

/// Failures with the same usual causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Name,
    Resolver,
    Connection,
    Certificate,
    Handshake,
    Answer,
    Status,
    Body,
    Redirect,
    Content,
    Blocked,
    Refused,
    Heartbeat,
    Domain,
}

/// Family and meaning.
#[expect(clippy::too_many_lines, reason = "a table with a row for each class")]
pub(super) fn of(class: FailureClass) -> (Family, &'static str) {
    match class {
        F::DnsNxdomain => (
            Family::Name,
            "The DNS says with authority that this name does not exist.",
        ),
        F::DnsNoAddress => (
            Family::Name,
            "The name exists in DNS, but has no A or AAAA record, so nobody can connect to it.",
        ),
        F::DnsCnameLoop => (
            Family::Name,
            "The aliases of the name point at one another in a circle, or are more than 16 in a row.",
        ),
        F::DnsWrongAnswer => (
            Family::Name,
            "DNS answers, but not what was expected, or a name that was public now points at a private address.",
        ),
        F::DnsServfail => (
            Family::Resolver,
            "The name servers of the domain fail to answer; DNSSEC that does not validate looks the same.",
        ),
        F::DnsRefused => (
            Family::Resolver,
            "The name server refuses to answer for this domain.",
        ),
        F::DnsServerError => (
            Family::Resolver,
            "The name server reports an error of its own.",
        ),
        F::DnsTimeout => (
            Family::Resolver,
            "The name servers of the domain do not answer.",
        ),
        F::DnsMalformed => (
            Family::Resolver,
            "The name server answers with something that is not DNS.",
        ),
        F::ConnectRefused => (
            Family::Connection,
            "The machine answers at once that nothing listens on the port.",
        ),
        F::ConnectTimeout => (
            Family::Connection,
            "No answer came to the attempt to connect; packets are dropped on the way or the machine is off.",
        ),
        F::ConnectionReset => (
            Family::Connection,
            "The connection was cut by the other side before an answer.",
        ),
        F::NetworkUnreachable => (
            Family::Connection,
            "A router on the way says that there is no path to the machine.",
        ),
        F::PingLost => (Family::Connection, "The machine did not reply to a ping."),
        F::TcpUnexpected => (
            Family::Connection,
            "The port is open, but what came from it is not what the monitor expects.",
        ),
        F::TlsExpired => (
            Family::Certificate,
            "The certificate's last day is over. Browsers show a full-page warning.",
        ),
        F::TlsNotYetValid => (
            Family::Certificate,
            "The certificate's first day is still to come: it is too new, or a clock is wrong.",
        ),
        F::TlsSelfSigned => (
            Family::Certificate,
            "The certificate is signed by itself and by no authority that browsers know.",
        ),
        F::TlsUntrusted => (
            Family::Certificate,
            "The certificate was issued by an authority that browsers do not trust.",
        ),
        F::TlsIncompleteChain => (
            Family::Certificate,
            "The server does not send the intermediate certificate. Some browsers have it stored and work, programs and phones fail.",
        ),
        F::TlsHostnameMismatch => (
            Family::Certificate,
            "The certificate is valid, but for other names than the one looked at.",
        ),
        F::TlsWeakKey => (
            Family::Certificate,
            "The key or signature of the certificate is weaker than browsers accept.",
        ),
        F::TlsRevoked => (
            Family::Certificate,
            "The certificate's authority has withdrawn it, as the server itself says in its stapled answer.",
        ),
        F::TlsProtocolVersion => (
            Family::Handshake,
            "The server offers no TLS version that browsers still speak (1.2 or 1.3).",
        ),
        F::TlsClientCertRequired => (
            Family::Handshake,
            "The server lets in only clients with a certificate of their own.",
        ),
        F::TlsHandshakeFailed => (
            Family::Handshake,
            "Server and client find no common way to encrypt.",
        ),
        F::TlsTimeout => (
            Family::Handshake,
            "The connection is open, but the server says nothing when encryption is to begin.",
        ),
        F::TlsNotTls => (
            Family::Handshake,
            "The port answers with something that is not TLS, often plain HTTP.",
        ),
        F::HttpNoResponse => (
            Family::Answer,
            "The server takes the request and closes without a word.",
        ),
        F::HttpTimeout => (
            Family::Answer,
            "The request was sent, and no whole answer began before the time-out.",
        ),
        F::HttpMalformed => (Family::Answer, "What came back does not begin like HTTP."),
        F::HttpIncomplete => (
            Family::Answer,
            "The answer was cut before its headers were complete.",
        ),
        F::HeaderTooLarge => (
            Family::Answer,
            "The headers of the answer are larger than browsers accept.",
        ),
        F::Http2Error => (
            Family::Answer,
            "The server broke the rules of HTTP/2 or reset the stream.",
        ),
        F::HttpStatus => (
            Family::Status,
            "The answer arrived, with a status outside of what the monitor expects.",
        ),
        F::BodyReset => (
            Family::Body,
            "The page began to arrive, and the connection was cut.",
        ),
        F::BodyTruncated => (
            Family::Body,
            "The page is shorter than its headers announced.",
        ),
        F::BodyTimeout => (
            Family::Body,
            "The page began to arrive and did not finish before the time-out.",
        ),
        F::BodyTooLarge => (
            Family::Body,
            "The page is larger than we read, and a rule of the monitor is still undecided there.",
        ),
        F::BodyMalformed => (
            Family::Body,
            "The chunks in which the page arrives do not add up.",
        ),
        F::DecodeError => (
            Family::Body,
            "The page says that it is compressed, and cannot be unpacked.",
        ),
        F::RedirectLoop => (
            Family::Redirect,
            "The address leads, by redirects, back to itself.",
        ),
        F::RedirectTooMany => (Family::Redirect, "More redirects than the monitor follows."),
        F::RedirectInvalid => (
            Family::Redirect,
            "A redirect without an address, or with one that cannot be read.",
        ),
        F::RedirectBlocked => (
            Family::Redirect,
            "A redirect leads to a private or special address, where we do not go.",
        ),
        F::KeywordMissing => (
            Family::Content,
            "The page arrives, but the text that must be on it is not there.",
        ),
        F::KeywordPresent => (
            Family::Content,
            "The page arrives with a text that must not be on it.",
        ),
        F::JsonMismatch => (
            Family::Content,
            "The JSON arrives, and a value in it is not what the monitor expects.",
        ),
        F::BlockedByWaf => (
            Family::Blocked,
            "Bot protection in front of the site shows us a challenge or a refusal instead of the page.",
        ),
        F::TargetRefused => (
            Family::Refused,
            "The name points at a private or special address, where this service does not look.",
        ),
        F::UdpUnexpected => (
            Family::Connection,
            "The UDP port answers, but not with the expected text.",
        ),
        F::ReplyTimeout => (
            Family::Connection,
            "The server was reached and did not answer in the words of its protocol in time.",
        ),
        F::SmtpUnexpected => (
            Family::Answer,
            "The mail server greets or answers with something else than readiness.",
        ),
        F::StarttlsFailed => (
            Family::Handshake,
            "The server was asked to begin encryption and refuses, or does not know how.",
        ),
        F::WebsocketUnexpected => (
            Family::Answer,
            "The address takes the upgrade wrongly, closes, or does not send the expected message.",
        ),
        F::GrpcError => (
            Family::Answer,
            "The gRPC server answers the question for its health with an error code.",
        ),
        F::GrpcNotServing => (
            Family::Answer,
            "The gRPC health service says itself that the service is not serving.",
        ),
        F::HeartbeatMissed => (
            Family::Heartbeat,
            "The job did not report within its period and grace time.",
        ),
        F::HeartbeatFailed => (Family::Heartbeat, "The job reported that it failed."),
        F::DomainExpired => (
            Family::Domain,
            "The registration of the domain is over, says its registry.",
        ),
        F::DomainUnsupported => (
            Family::Domain,
            "The registry of this top-level domain does not tell when a registration ends, or does not answer.",
        ),
    }
}

/// How a look with this failure counts.
pub(super) fn counts(class: FailureClass) -> &'static str {
    match class {
        F::BlockedByWaf => {
            "As blocked, not as down: nobody is woken, and the owner is told once how to let us in."
        }
        F::DomainUnsupported => "As unknown: neither up nor down. The owner is told once.",
        F::PingLost => {
            "As down, once two more looks have failed too. As unknown where our own host has no right to send pings."
        }
        F::TargetRefused => {
            "As unknown: neither up nor down. A name that was public before counts as down."
        }
        F::NetworkUnreachable => {
            "As down when a router outside said so. As unknown when our own host has no route."
        }
        F::TlsProtocolVersion | F::TlsHandshakeFailed | F::TlsClientCertRequired => {
            "As down when the monitor was ever up, or where only TLS below 1.2 is offered; else as unknown, because we may be the ones who cannot speak it."
        }
        F::DnsServfail
        | F::DnsRefused
        | F::DnsServerError
        | F::DnsTimeout
        | F::DnsMalformed
        | F::DnsNxdomain => {
            "As down when an independent resolver says the same. When only our own resolver is at fault: as unknown."
        }
        _ => "As down, once two more looks on new connections have failed too.",
    }
}
