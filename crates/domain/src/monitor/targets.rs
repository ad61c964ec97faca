//! What is looked at, kind by kind, with every default filled in.

use std::time::Duration;

use crate::heartbeat::{DEFAULT_GRACE_SECONDS, DEFAULT_PERIOD_SECONDS, HeartbeatTarget, Rhythm};

use super::blocks::{DnsMatch, ExchangeSpec, RecordType, SmtpSecurity, StartTls};
use super::spec::{Headers, HttpAuth, IpFamily, JsonRule, Kind, MonitorSpec};

/// What an `http` look sends and expects.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    missing_docs,
    reason = "the fields are those of the reference's Monitor.http"
)]
pub struct HttpTarget {
    pub url: String,
    pub method: String,
    pub headers: Headers,
    pub body: Option<String>,
    pub follow_redirects: bool,
    pub max_redirects: u32,
    pub expected_status: Vec<String>,
    pub keyword: Option<String>,
    pub keyword_absent: Option<String>,
    pub regex: Option<String>,
    pub json: Vec<JsonRule>,
    pub verify_tls: bool,
    pub auth: Option<HttpAuth>,
    pub ip_family: IpFamily,
}

/// A port, what is sent to it, and what must come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExchangeTarget {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// Text with escapes that is sent.
    pub send: Option<String>,
    /// Text with escapes that must be in the answer.
    pub expect: Option<String>,
}

/// A TLS port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsTarget {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The protocol in which TLS is asked for first.
    pub starttls: Option<StartTls>,
}

/// A host that answers ICMP echo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PingTarget {
    /// Name or address.
    pub host: String,
    /// Packets a look.
    pub count: u32,
    /// More than this share of them lost is down.
    pub max_loss_percent: u32,
    /// Over which family of addresses.
    pub ip_family: IpFamily,
}

/// A name and what DNS says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsTarget {
    /// The name.
    pub host: String,
    /// The type of record.
    pub record: RecordType,
    /// What must be answered; any answer when absent.
    pub expected: Option<Vec<String>>,
    /// How it is compared.
    pub matching: DnsMatch,
    /// The server that is asked; our own resolvers when absent.
    pub server: Option<String>,
}

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SmtpTarget {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// How it is spoken to.
    pub security: SmtpSecurity,
}

/// A WebSocket address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebsocketTarget {
    /// `ws` or `wss`, as the owner wrote it.
    pub url: String,
    /// A text message that is sent.
    pub send: Option<String>,
    /// Text that a message must have.
    pub expect: Option<String>,
    /// Whether certificates are judged.
    pub verify_tls: bool,
}

/// A gRPC health service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrpcTarget {
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
    /// The service whose health is asked for; empty for the whole server.
    pub service: String,
    /// Whether the port speaks TLS.
    pub tls: bool,
    /// Whether certificates are judged.
    pub verify_tls: bool,
}

/// What is looked at.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "most targets are web addresses, and each is kept once and shared"
)]
pub enum Target {
    /// A web address.
    Http(HttpTarget),
    /// A TCP port.
    Tcp(ExchangeTarget),
    /// A host that answers ICMP echo.
    Ping(PingTarget),
    /// A name and what DNS says of it.
    Dns(DnsTarget),
    /// A TLS port and its certificate.
    Tls(TlsTarget),
    /// The registration of this domain.
    Domain(String),
    /// A mail server.
    Smtp(SmtpTarget),
    /// A WebSocket address.
    Websocket(WebsocketTarget),
    /// A gRPC health service.
    Grpc(GrpcTarget),
    /// A UDP port that answers.
    Udp(ExchangeTarget),
    /// Nothing: a job calls us.
    Heartbeat(HeartbeatTarget),
}

impl Target {
    /// The target of a monitor's settings.
    pub fn of(spec: &MonitorSpec) -> Self {
        let host = spec.host.clone().unwrap_or_default();
        let port = |usual: u16| spec.port.unwrap_or(usual);
        match spec.kind().unwrap_or(Kind::Http) {
            Kind::Http => Self::Http(http(spec)),
            Kind::Heartbeat => Self::Heartbeat(heartbeat(spec)),
            Kind::Tcp => Self::Tcp(exchange(spec, spec.tcp.as_ref())),
            Kind::Udp => Self::Udp(exchange(spec, spec.udp.as_ref())),
            Kind::Ping => {
                let block = spec.ping.clone().unwrap_or_default();
                Self::Ping(PingTarget {
                    host,
                    count: block.count.unwrap_or(4),
                    max_loss_percent: block.max_loss_percent.unwrap_or(75),
                    ip_family: block.ip_family.unwrap_or_default(),
                })
            }
            Kind::Dns => {
                let block = spec.dns.clone().unwrap_or_default();
                Self::Dns(DnsTarget {
                    host,
                    record: spec.record.unwrap_or(RecordType::A),
                    expected: spec.expected.clone(),
                    matching: block.matching.unwrap_or(DnsMatch::Contains),
                    server: block.server,
                })
            }
            Kind::Tls => {
                let starttls = spec.tls.as_ref().and_then(|tls| tls.starttls);
                Self::Tls(TlsTarget {
                    host,
                    port: port(starttls.map_or(443, StartTls::default_port)),
                    starttls,
                })
            }
            Kind::Domain => Self::Domain(host),
            Kind::Smtp => {
                let port = port(25);
                let security = spec.smtp.as_ref().and_then(|smtp| smtp.security);
                Self::Smtp(SmtpTarget {
                    host,
                    port,
                    security: security.unwrap_or(SmtpSecurity::usual(port)),
                })
            }
            Kind::Websocket => {
                let block = spec.websocket.clone().unwrap_or_default();
                Self::Websocket(WebsocketTarget {
                    url: spec.url.clone().unwrap_or_default(),
                    send: block.send,
                    expect: block.expect,
                    verify_tls: block.verify_tls.unwrap_or(true),
                })
            }
            Kind::Grpc => {
                let block = spec.grpc.clone().unwrap_or_default();
                Self::Grpc(GrpcTarget {
                    host,
                    port: port(443),
                    service: block.service.unwrap_or_default(),
                    tls: block.tls.unwrap_or(true),
                    verify_tls: block.verify_tls.unwrap_or(true),
                })
            }
        }
    }

    /// Its kind.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Http(_) => Kind::Http,
            Self::Tcp(_) => Kind::Tcp,
            Self::Ping(_) => Kind::Ping,
            Self::Dns(_) => Kind::Dns,
            Self::Tls(_) => Kind::Tls,
            Self::Domain(_) => Kind::Domain,
            Self::Smtp(_) => Kind::Smtp,
            Self::Websocket(_) => Kind::Websocket,
            Self::Grpc(_) => Kind::Grpc,
            Self::Udp(_) => Kind::Udp,
            Self::Heartbeat(_) => Kind::Heartbeat,
        }
    }

    /// What a heartbeat waits for; `None` for what is looked at.
    pub const fn heartbeat(&self) -> Option<&HeartbeatTarget> {
        match self {
            Self::Heartbeat(heartbeat) => Some(heartbeat),
            _ => None,
        }
    }

    /// Its URL, if it is one.
    pub fn url(&self) -> Option<&str> {
        match self {
            Self::Http(target) => Some(&target.url),
            Self::Websocket(target) => Some(&target.url),
            _ => None,
        }
    }

    /// The port that is connected to, if the kind knows ports.
    pub fn port(&self) -> Option<u16> {
        match self {
            Self::Http(_) | Self::Websocket(_) => {
                let url = url::Url::parse(self.url()?).ok()?;
                url.port_or_known_default()
            }
            Self::Tcp(target) | Self::Udp(target) => Some(target.port),
            Self::Tls(target) => Some(target.port),
            Self::Smtp(target) => Some(target.port),
            Self::Grpc(target) => Some(target.port),
            Self::Ping(_) | Self::Dns(_) | Self::Domain(_) | Self::Heartbeat(_) => None,
        }
    }

    /// What people see as the address: the URL without name and password, `host:port`, the name, or
    /// when a heartbeat is expected.
    pub fn display(&self) -> String {
        if let Some(url) = self.url() {
            return crate::target::without_userinfo(url);
        }
        let host = self.host();
        match (self, self.port()) {
            (Self::Dns(target), _) => format!("{host} {}", target.record.as_str()),
            (_, Some(port)) if host.contains(':') => format!("[{host}]:{port}"),
            (_, Some(port)) => format!("{host}:{port}"),
            (_, None) => host,
        }
    }

    /// The host, without port, scheme and path; of a heartbeat when it is expected.
    pub fn host(&self) -> String {
        match self {
            Self::Http(_) | Self::Websocket(_) => {
                let url = self.url().unwrap_or_default();
                url::Url::parse(url)
                    .ok()
                    .and_then(|url| url.host_str().map(str::to_owned))
                    .unwrap_or_else(|| url.to_owned())
            }
            Self::Tcp(target) | Self::Udp(target) => target.host.clone(),
            Self::Ping(target) => target.host.clone(),
            Self::Dns(target) => target.host.clone(),
            Self::Tls(target) => target.host.clone(),
            Self::Smtp(target) => target.host.clone(),
            Self::Grpc(target) => target.host.clone(),
            Self::Domain(name) => name.clone(),
            Self::Heartbeat(heartbeat) => heartbeat.display(),
        }
    }
}

fn exchange(spec: &MonitorSpec, block: Option<&ExchangeSpec>) -> ExchangeTarget {
    let block = block.cloned().unwrap_or_default();
    ExchangeTarget {
        host: spec.host.clone().unwrap_or_default(),
        port: spec.port.unwrap_or(0),
        send: block.send,
        expect: block.expect,
    }
}

fn heartbeat(spec: &MonitorSpec) -> HeartbeatTarget {
    let seconds = |given: Option<u32>, usual| Duration::from_secs(given.unwrap_or(usual).into());
    let rhythm = match &spec.cron {
        Some(cron) => Rhythm::Cron {
            cron: cron.clone(),
            timezone: spec.timezone.clone().unwrap_or_else(|| "UTC".to_owned()),
        },
        None => Rhythm::Period(seconds(spec.period_seconds, DEFAULT_PERIOD_SECONDS)),
    };
    HeartbeatTarget {
        rhythm,
        grace: seconds(spec.grace_seconds, DEFAULT_GRACE_SECONDS),
    }
}

fn http(spec: &MonitorSpec) -> HttpTarget {
    let http = spec.http.clone().unwrap_or_default();
    HttpTarget {
        url: spec.url.clone().unwrap_or_default(),
        method: http.method.unwrap_or_else(|| "GET".to_owned()),
        headers: http.headers.unwrap_or_default(),
        body: http.body,
        follow_redirects: http.follow_redirects.unwrap_or(true),
        max_redirects: http.max_redirects.unwrap_or(10),
        expected_status: http
            .expected_status
            .unwrap_or_else(|| vec!["200-399".to_owned()]),
        keyword: http.keyword,
        keyword_absent: http.keyword_absent,
        regex: http.regex,
        json: http.json.unwrap_or_default(),
        verify_tls: http.verify_tls.unwrap_or(true),
        auth: http.auth,
        ip_family: http.ip_family.unwrap_or_default(),
    }
}
