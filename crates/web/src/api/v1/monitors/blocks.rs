//! The blocks of the kinds other than `http`, as clients read them with every default filled in, and
//! as the description shows them both ways.
//!
//! To add a kind: its word in [`KindName`], its block here, and a field for it in
//! [`super::input::MonitorInput`] and in [`Blocks`].

use domain::heartbeat::{HeartbeatTarget, Rhythm};
use domain::monitor::blocks::{DnsMatch, RecordType, SmtpSecurity, StartTls};
use domain::monitor::{ExchangeTarget, IpFamily, Settings, Target};
use serde::Serialize;
use utoipa::ToSchema;

use crate::usecases::monitors::MASK;

/// The words of an enumeration, for the description.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident as $shown:ident { $($(#[$word_doc:meta])* $word:ident = $text:tt,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        #[schema(as = $shown)]
        pub enum $name {
            $($(#[$word_doc])* #[serde(rename = $text)] $word,)*
        }
    };
}

names! {
    /// The kinds that this server knows.
    KindName as Kind {
        /// A web address.
        Http = "http",
        /// A TCP port.
        Tcp = "tcp",
        /// A host that answers ICMP echo.
        Ping = "ping",
        /// A name and what DNS says of it.
        Dns = "dns",
        /// A TLS port and its certificate.
        Tls = "tls",
        /// The registration of a domain.
        Domain = "domain",
        /// A mail server.
        Smtp = "smtp",
        /// A WebSocket address.
        Websocket = "websocket",
        /// A gRPC health service.
        Grpc = "grpc",
        /// A UDP port that answers.
        Udp = "udp",
        /// A job that calls us.
        Heartbeat = "heartbeat",
    }
}

names! {
    /// Families of addresses.
    IpFamilyName as IpFamily {
        /// Whichever answers first.
        Any = "any",
        /// IPv4 alone.
        V4 = "v4",
        /// IPv6 alone.
        V6 = "v6",
        /// Both must work.
        Both = "both",
    }
}

names! {
    /// Types of records.
    RecordTypeName as RecordType {
        /// IPv4 addresses.
        A = "A",
        /// IPv6 addresses.
        Aaaa = "AAAA",
        /// The name that this one stands for.
        Cname = "CNAME",
        /// Mail servers.
        Mx = "MX",
        /// Name servers.
        Ns = "NS",
        /// Texts.
        Txt = "TXT",
        /// Start of authority.
        Soa = "SOA",
        /// Who may issue certificates.
        Caa = "CAA",
        /// Servers of a service.
        Srv = "SRV",
    }
}

names! {
    /// How expected values are compared.
    DnsMatchName as DnsMatch {
        /// Each expected value is among the answers.
        Contains = "contains",
        /// The answers are exactly the expected values.
        Equals = "equals",
    }
}

names! {
    /// Protocols in which a server is asked to begin TLS.
    StartTlsName as StartTls {
        /// Mail (RFC 3207).
        Smtp = "smtp",
        /// Mailboxes.
        Imap = "imap",
        /// Mailboxes.
        Pop3 = "pop3",
        /// PostgreSQL.
        Postgres = "postgres",
    }
}

names! {
    /// How a mail server is spoken to.
    SmtpSecurityName as SmtpSecurity {
        /// In the clear.
        None = "none",
        /// Encrypted after STARTTLS, which must be offered.
        StartTls = "starttls",
        /// Encrypted from the first byte.
        Tls = "tls",
    }
}

/// What is sent, and what must come back. Escapes: `\\r \\n \\t \\0 \\\\ \\xHH`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exchange)]
pub struct ExchangeBlock {
    /// At most 1024 bytes; nothing by default. Masked as `"••••"` for read keys, which keeps the old one.
    #[schema(max_length = 4096)]
    send: Option<String>,
    /// A text that must be in the first 64 KiB of the answer; any by default.
    #[schema(max_length = 4096)]
    expect: Option<String>,
}

/// How DNS is asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dns)]
pub struct DnsBlock {
    /// `contains` by default.
    #[schema(value_type = DnsMatchName, required = false)]
    r#match: DnsMatch,
    /// The name server that is asked, as `host`, `host:port` or an address; our own resolvers by default.
    server: Option<String>,
}

/// How a host is pinged.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ping)]
pub struct PingBlock {
    /// Packets a look; 4 by default.
    #[schema(minimum = 1, maximum = 10, required = false)]
    count: u32,
    /// More than this share of them lost is down; 75 by default, so that one answer is enough.
    #[schema(minimum = 0, maximum = 99, required = false)]
    max_loss_percent: u32,
    /// `any`, `v4` or `v6`; `any` by default.
    #[schema(value_type = IpFamilyName, required = false)]
    ip_family: IpFamily,
}

/// How a mail server is spoken to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Smtp)]
pub struct SmtpBlock {
    /// By default `tls` on port 465, `starttls` on 587, else `none`.
    #[schema(value_type = SmtpSecurityName, required = false)]
    security: SmtpSecurity,
}

/// What is said over a WebSocket.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Websocket)]
pub struct WebsocketBlock {
    /// A text message; nothing by default. Masked as `"••••"` for read keys, which keeps the old one.
    #[schema(max_length = 1024)]
    send: Option<String>,
    /// A text that one of the server's messages must have; none is awaited by default.
    #[schema(max_length = 1024)]
    expect: Option<String>,
    /// Whether certificates are judged; true by default.
    #[schema(required = false)]
    verify_tls: bool,
}

/// How a gRPC server is asked for its health.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Grpc)]
pub struct GrpcBlock {
    /// The service, such as `shop.v1.Cart`; the whole server by default.
    #[schema(max_length = 200)]
    service: Option<String>,
    /// Whether the port speaks TLS; true by default.
    #[schema(required = false)]
    tls: bool,
    /// Whether certificates are judged; true by default, and absent without TLS.
    #[serde(skip_serializing_if = "Option::is_none")]
    verify_tls: Option<bool>,
}

/// When the end of a registration is spoken of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Domain)]
pub struct DomainBlock {
    /// Days before the end, `[30,14,7,3,1]` by default.
    #[schema(max_items = 10, required = false)]
    warn_days: Vec<u32>,
}

/// When certificates are spoken of, and how TLS begins.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TlsSettings)]
pub struct TlsBlock {
    /// Days before expiry.
    warn_days: Vec<u32>,
    /// Of a `tls` monitor: the protocol in which the server is asked to begin TLS.
    #[schema(value_type = Option<StartTlsName>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    starttls: Option<StartTls>,
}

/// The fields of a monitor's own kind.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub host: Option<String>,
    pub port: Option<u16>,
    pub record: Option<RecordType>,
    pub expected: Option<Vec<String>>,
    pub tls: Option<TlsBlock>,
    pub tcp: Option<ExchangeBlock>,
    pub udp: Option<ExchangeBlock>,
    pub dns: Option<DnsBlock>,
    pub ping: Option<PingBlock>,
    pub smtp: Option<SmtpBlock>,
    pub websocket: Option<WebsocketBlock>,
    pub grpc: Option<GrpcBlock>,
    pub domain: Option<DomainBlock>,
    pub period_seconds: Option<u64>,
    pub cron: Option<String>,
    pub timezone: Option<String>,
    pub grace_seconds: Option<u64>,
}

impl Blocks {
    /// When a heartbeat is expected.
    fn expect(&mut self, target: &HeartbeatTarget) {
        self.grace_seconds = Some(target.grace.as_secs());
        match &target.rhythm {
            Rhythm::Period(period) => self.period_seconds = Some(period.as_secs()),
            Rhythm::Cron { cron, timezone } => {
                self.cron = Some(cron.clone());
                self.timezone = Some(timezone.clone());
            }
        }
    }

    /// Those of `settings`, what is sent masked if need be.
    pub(super) fn of(settings: &Settings, masked: bool) -> Self {
        let target = &settings.target;
        let kind = target.kind();
        let hide = |text: &Option<String>| {
            let shown = |text: &String| {
                if masked {
                    MASK.to_owned()
                } else {
                    text.clone()
                }
            };
            text.as_ref().map(shown)
        };
        let exchange = |target: &ExchangeTarget| ExchangeBlock {
            send: hide(&target.send),
            expect: target.expect.clone(),
        };
        let mut blocks = Self {
            host: kind.has_host().then(|| target.host()),
            port: kind.has_port().then(|| target.port()).flatten(),
            tls: kind.has_certificate().then(|| TlsBlock {
                warn_days: settings.warn_days.clone(),
                starttls: None,
            }),
            ..Self::default()
        };
        match target {
            Target::Http(_) => {}
            Target::Heartbeat(target) => blocks.expect(target),
            Target::Tcp(target) => blocks.tcp = Some(exchange(target)),
            Target::Udp(target) => blocks.udp = Some(exchange(target)),
            Target::Ping(target) => {
                blocks.ping = Some(PingBlock {
                    count: target.count,
                    max_loss_percent: target.max_loss_percent,
                    ip_family: target.ip_family,
                });
            }
            Target::Dns(target) => {
                blocks.record = Some(target.record);
                blocks.expected = target.expected.clone();
                blocks.dns = Some(DnsBlock {
                    r#match: target.matching,
                    server: target.server.clone(),
                });
            }
            Target::Tls(target) => {
                if let Some(tls) = &mut blocks.tls {
                    tls.starttls = target.starttls;
                }
            }
            Target::Domain(_) => {
                blocks.domain = Some(DomainBlock {
                    warn_days: settings.warn_days.clone(),
                });
            }
            Target::Smtp(target) => {
                blocks.smtp = Some(SmtpBlock {
                    security: target.security,
                });
            }
            Target::Websocket(target) => {
                blocks.websocket = Some(WebsocketBlock {
                    send: hide(&target.send),
                    expect: target.expect.clone(),
                    verify_tls: target.verify_tls,
                });
            }
            Target::Grpc(target) => {
                blocks.grpc = Some(GrpcBlock {
                    service: Some(target.service.clone()).filter(|name| !name.is_empty()),
                    tls: target.tls,
                    verify_tls: target.tls.then_some(target.verify_tls),
                });
            }
        }
        blocks
    }
}
