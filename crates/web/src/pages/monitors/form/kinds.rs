//! The fields of the kinds other than `http`. Each is text until here; a field that the chosen kind
//! does not have is not read.
//!
//! To add a kind: its fields in [`KindFields`], both ways, and a group in the form's template with
//! `data-kinds`.

use domain::monitor::blocks::{
    DnsMatch, DnsSpec, DomainSpec, ExchangeSpec, GrpcSpec, PingSpec, RecordType, SmtpSecurity,
    SmtpSpec, StartTls, WebsocketSpec,
};
use domain::monitor::{IpFamily, Kind, MonitorSpec, TlsSpec};

use super::text::number;
use crate::extract::{Fields, FormErrors};
use crate::usecases::monitors::MASK;

/// What stands in the fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KindFields {
    pub record: String,
    pub expected: String,
    pub matching: String,
    pub server: String,
    pub send: String,
    pub expect: String,
    pub count: String,
    pub max_loss_percent: String,
    pub starttls: String,
    pub security: String,
    pub service: String,
    pub plaintext: bool,
}

/// What the fields share with those of `http`.
#[derive(Debug, Clone)]
pub(super) struct Shared<'f> {
    pub verify_tls: bool,
    pub ip_family: &'f str,
    pub warn_days: Option<Vec<u32>>,
}

fn optional(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

/// `None` where all of it is left out.
fn filled<T: Default + PartialEq>(block: T) -> Option<T> {
    (block != T::default()).then_some(block)
}

impl KindFields {
    pub(super) fn of(fields: &Fields) -> Self {
        let text = |name: &str| fields.text(name).to_owned();
        Self {
            record: text("record"),
            expected: text("expected"),
            matching: text("match"),
            server: text("server"),
            send: fields.raw("send").to_owned(),
            expect: fields.raw("expect").to_owned(),
            count: text("count"),
            max_loss_percent: text("max_loss_percent"),
            starttls: text("starttls"),
            security: text("security"),
            service: text("service"),
            plaintext: fields.flag("plaintext"),
        }
    }

    pub(super) fn of_spec(spec: &MonitorSpec) -> Self {
        let number = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
        let dns = spec.dns.clone().unwrap_or_default();
        let ping = spec.ping.clone().unwrap_or_default();
        let grpc = spec.grpc.clone().unwrap_or_default();
        let exchange = spec.tcp.clone().or_else(|| spec.udp.clone());
        let (send, expect) = match (exchange, &spec.websocket) {
            (Some(block), _) => (block.send, block.expect),
            (None, Some(block)) => (block.send.clone(), block.expect.clone()),
            (None, None) => (None, None),
        };
        let starttls = spec.tls.as_ref().and_then(|tls| tls.starttls);
        let security = spec.smtp.as_ref().and_then(|smtp| smtp.security);
        Self {
            record: spec
                .record
                .map(|record| record.as_str().to_owned())
                .unwrap_or_default(),
            expected: spec.expected.clone().unwrap_or_default().join("\n"),
            matching: dns
                .matching
                .map(|matching| matching.as_str().to_owned())
                .unwrap_or_default(),
            server: dns.server.unwrap_or_default(),
            send: send.map(|_| MASK.to_owned()).unwrap_or_default(),
            expect: expect.unwrap_or_default(),
            count: number(ping.count),
            max_loss_percent: number(ping.max_loss_percent),
            starttls: starttls
                .map(|protocol| protocol.as_str().to_owned())
                .unwrap_or_default(),
            security: security
                .map(|security| security.as_str().to_owned())
                .unwrap_or_default(),
            service: grpc.service.unwrap_or_default(),
            plaintext: grpc.tls == Some(false),
        }
    }

    /// Writes the blocks of `kind`, and no other.
    pub(super) fn write(
        &self,
        spec: &mut MonitorSpec,
        kind: Kind,
        shared: Shared<'_>,
        errors: &mut FormErrors,
    ) {
        let lenient = (!shared.verify_tls).then_some(false);
        let family = IpFamily::parse(shared.ip_family);
        let exchange = || {
            filled(ExchangeSpec {
                send: optional(&self.send),
                expect: optional(&self.expect),
            })
        };
        clear(spec);
        if kind.has_certificate() {
            spec.tls = filled(TlsSpec {
                warn_days: shared.warn_days.clone(),
                starttls: StartTls::parse(&self.starttls).filter(|_| kind == Kind::Tls),
            });
        }
        match kind {
            Kind::Http | Kind::Tls | Kind::Heartbeat => {}
            Kind::Tcp => spec.tcp = exchange(),
            Kind::Udp => spec.udp = exchange(),
            Kind::Ping => {
                spec.ping = filled(PingSpec {
                    count: number("count", &self.count, errors),
                    max_loss_percent: number("max_loss_percent", &self.max_loss_percent, errors),
                    ip_family: family,
                });
            }
            Kind::Dns => {
                spec.record = RecordType::parse(&self.record);
                spec.expected = self.lines();
                spec.dns = filled(DnsSpec {
                    matching: DnsMatch::parse(&self.matching).filter(|_| spec.expected.is_some()),
                    server: optional(&self.server),
                });
            }
            Kind::Domain => {
                spec.domain = filled(DomainSpec {
                    warn_days: shared.warn_days,
                });
            }
            Kind::Smtp => {
                spec.smtp = filled(SmtpSpec {
                    security: SmtpSecurity::parse(&self.security),
                });
            }
            Kind::Websocket => {
                spec.websocket = filled(WebsocketSpec {
                    send: optional(&self.send),
                    expect: optional(&self.expect),
                    verify_tls: lenient,
                });
            }
            Kind::Grpc => {
                spec.grpc = filled(GrpcSpec {
                    service: optional(&self.service),
                    tls: self.plaintext.then_some(false),
                    verify_tls: lenient.filter(|_| !self.plaintext),
                });
            }
        }
    }

    /// The expected values, one a line.
    fn lines(&self) -> Option<Vec<String>> {
        let lines = self.expected.lines().map(str::trim);
        let lines: Vec<String> = lines
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect();
        (!lines.is_empty()).then_some(lines)
    }
}

/// Takes out what belongs to a kind.
fn clear(spec: &mut MonitorSpec) {
    *spec = MonitorSpec {
        record: None,
        expected: None,
        tls: None,
        tcp: None,
        udp: None,
        dns: None,
        ping: None,
        smtp: None,
        websocket: None,
        grpc: None,
        domain: None,
        ..std::mem::take(spec)
    };
}
