//! The fields that say what is looked at: those of the kind, and none of another kind.

use super::complaints::{Complaints, Text};
use crate::monitor::blocks::{ExchangeSpec, escape};
use crate::monitor::spec::{Kind, MonitorSpec};
use crate::target::{AddressPolicy, Host, TargetHost, TargetUrl, server_address};

/// Bytes that are sent, at most.
const MAX_SENT: usize = 1_024;
/// Ports on which hosted looks say nothing of the owner's: a script to a mail server is a mail.
const MAIL_PORTS: [u16; 4] = [25, 465, 587, 2525];

pub(super) fn check(spec: &MonitorSpec, policy: AddressPolicy, complaints: &mut Complaints) {
    let Some(kind) = spec.kind() else {
        let pointer = if spec.host.is_some() || spec.port.is_some() {
            "/kind"
        } else {
            "/url"
        };
        complaints.add(pointer, "required", "must be given");
        return;
    };
    foreign(spec, kind, complaints);
    if kind.has_url() {
        url(spec.url.as_deref(), kind, policy, complaints);
    }
    if kind.has_host() {
        host(spec, kind, policy, complaints);
    }
    if kind.has_port() {
        port(spec.port, kind, complaints);
    }
    match kind {
        Kind::Tcp => exchange("tcp", spec.tcp.as_ref(), spec.port, policy, complaints),
        Kind::Udp => udp(spec, policy, complaints),
        Kind::Dns => dns(spec, policy, complaints),
        Kind::Ping => ping(spec, complaints),
        Kind::Websocket => websocket(spec, complaints),
        Kind::Grpc => grpc(spec, complaints),
        Kind::Tls | Kind::Http | Kind::Smtp | Kind::Domain | Kind::Heartbeat => {}
    }
    let tls = spec.tls.as_ref();
    if kind != Kind::Tls && tls.is_some_and(|tls| tls.starttls.is_some()) {
        complaints.add(
            "/tls/starttls",
            "unexpected_field",
            "must be left out: only a tls monitor has such a field",
        );
    }
    let domain = spec.domain.as_ref();
    for (pointer, days) in [
        ("/tls/warn_days", tls.and_then(|of| of.warn_days.as_deref())),
        (
            "/domain/warn_days",
            domain.and_then(|of| of.warn_days.as_deref()),
        ),
    ] {
        warn_days(pointer, days, complaints);
    }
}

/// Fields that another kind has.
fn foreign(spec: &MonitorSpec, kind: Kind, complaints: &mut Complaints) {
    let word = kind.as_str();
    let looks = kind.looks();
    let given = [
        ("/interval_seconds", spec.interval_seconds.is_some(), looks),
        ("/timeout_ms", spec.timeout_ms.is_some(), looks),
        ("/regions", spec.regions.is_some(), looks),
        ("/confirm", spec.confirm.is_some(), looks),
        (
            "/degraded_above_ms",
            spec.degraded_above_ms.is_some(),
            looks,
        ),
        ("/dns_cache", spec.dns_cache.is_some(), kind.has_dns_cache()),
        ("/url", spec.url.is_some(), kind.has_url()),
        ("/host", spec.host.is_some(), kind.has_host()),
        ("/port", spec.port.is_some(), kind.has_port()),
        ("/record", spec.record.is_some(), kind == Kind::Dns),
        ("/expected", spec.expected.is_some(), kind == Kind::Dns),
        ("/http", spec.http.is_some(), kind == Kind::Http),
        ("/tls", spec.tls.is_some(), kind.has_certificate()),
        ("/tcp", spec.tcp.is_some(), kind == Kind::Tcp),
        ("/udp", spec.udp.is_some(), kind == Kind::Udp),
        ("/dns", spec.dns.is_some(), kind == Kind::Dns),
        ("/ping", spec.ping.is_some(), kind == Kind::Ping),
        ("/smtp", spec.smtp.is_some(), kind == Kind::Smtp),
        (
            "/websocket",
            spec.websocket.is_some(),
            kind == Kind::Websocket,
        ),
        ("/grpc", spec.grpc.is_some(), kind == Kind::Grpc),
        ("/domain", spec.domain.is_some(), kind == Kind::Domain),
    ];
    for (pointer, is_given, belongs) in given {
        if is_given && !belongs {
            let message = format!("must be left out: a {word} monitor has no such field");
            complaints.add(pointer, "unexpected_field", message);
        }
    }
}

fn url(url: Option<&str>, kind: Kind, policy: AddressPolicy, complaints: &mut Complaints) {
    let Some(url) = url else {
        complaints.add("/url", "required", "must be given");
        return;
    };
    let judged = match kind {
        Kind::Websocket => TargetUrl::parse_websocket(url, policy),
        _ => TargetUrl::parse(url, policy),
    };
    if let Err(refusal) = judged {
        complaints.add("/url", refusal.code(), refusal.to_string());
    }
}

fn host(spec: &MonitorSpec, kind: Kind, policy: AddressPolicy, complaints: &mut Complaints) {
    let Some(host) = spec.host.as_deref() else {
        complaints.add("/host", "required", "must be given");
        return;
    };
    match TargetHost::parse(host, policy).map(TargetHost::into_host) {
        Err(refusal) => complaints.add("/host", refusal.code(), refusal.to_string()),
        Ok(Host::Ip(_)) if matches!(kind, Kind::Dns | Kind::Domain) => {
            complaints.add("/host", "invalid", "must be a name, not an address");
        }
        Ok(Host::Name(name)) if kind == Kind::Domain && !name.contains('.') => {
            complaints.add("/host", "invalid", "must be a domain such as shop.example");
        }
        Ok(_) => {}
    }
}

fn port(port: Option<u16>, kind: Kind, complaints: &mut Complaints) {
    match port {
        Some(0) => complaints.add("/port", "out_of_range", "must be between 1 and 65535"),
        None if matches!(kind, Kind::Tcp | Kind::Udp) => {
            complaints.add("/port", "required", "must be given");
        }
        _ => {}
    }
}

fn escaped(pointer: &str, text: Option<&str>, complaints: &mut Complaints) {
    let Some(text) = text else { return };
    complaints.text(pointer, text, 4 * MAX_SENT, Text::Free);
    match escape::bytes(text) {
        Err(error) => complaints.add(pointer, "invalid", format!("{error}")),
        Ok(bytes) if bytes.len() > MAX_SENT && complaints.is_clean(pointer) => {
            complaints.add(pointer, "too_long", "must be at most 1024 bytes long");
        }
        Ok(_) => {}
    }
}

fn exchange(
    block: &str,
    spec: Option<&ExchangeSpec>,
    port: Option<u16>,
    policy: AddressPolicy,
    complaints: &mut Complaints,
) {
    let Some(spec) = spec else { return };
    let pointer = format!("/{block}/send");
    escaped(&pointer, spec.send.as_deref(), complaints);
    escaped(
        &format!("/{block}/expect"),
        spec.expect.as_deref(),
        complaints,
    );
    let is_mail = port.is_some_and(|port| MAIL_PORTS.contains(&port));
    if is_mail && policy == AddressPolicy::Hosted && spec.send.is_some() {
        let message = "must be left out on a mail port; an smtp monitor speaks to mail servers";
        complaints.add(&pointer, "target_refused", message);
    }
}

/// Nobody knows whether a UDP port is open unless it answers.
fn udp(spec: &MonitorSpec, policy: AddressPolicy, complaints: &mut Complaints) {
    exchange("udp", spec.udp.as_ref(), spec.port, policy, complaints);
    let sends = spec.udp.as_ref().is_some_and(|udp| udp.send.is_some());
    if !sends {
        let message = "must be given: a UDP port shows that it lives only by an answer";
        complaints.add("/udp/send", "required", message);
    }
}

fn dns(spec: &MonitorSpec, policy: AddressPolicy, complaints: &mut Complaints) {
    let record = spec.record.unwrap_or(crate::monitor::blocks::RecordType::A);
    if let Some(expected) = &spec.expected {
        complaints.count("/expected", expected.len(), 1, 20);
        complaints.distinct("/expected", expected);
        for (i, value) in expected.iter().enumerate().take(20) {
            let pointer = format!("/expected/{i}");
            complaints.text(&pointer, value, 500, Text::Line);
            if complaints.is_clean(&pointer)
                && let Some(complaint) = record.complaint(value)
            {
                complaints.add(&pointer, "invalid", complaint);
            }
        }
    }
    let dns = spec.dns.as_ref();
    if dns.is_some_and(|dns| dns.matching.is_some()) && spec.expected.is_none() {
        let message = "must be left out when expected is";
        complaints.add("/dns/match", "conflict", message);
    }
    if let Some(server) = dns.and_then(|dns| dns.server.as_deref())
        && let Err(refusal) = server_address(server, policy)
    {
        complaints.add("/dns/server", refusal.code(), refusal.to_string());
    }
}

fn ping(spec: &MonitorSpec, complaints: &mut Complaints) {
    if let Some(ping) = &spec.ping {
        complaints.range("/ping/count", ping.count, 1, 10);
        complaints.range("/ping/max_loss_percent", ping.max_loss_percent, 0, 99);
        if ping.ip_family == Some(crate::monitor::IpFamily::Both) {
            complaints.add("/ping/ip_family", "invalid", "must be any, v4 or v6");
        }
    }
}

fn websocket(spec: &MonitorSpec, complaints: &mut Complaints) {
    if let Some(websocket) = &spec.websocket {
        for (pointer, text) in [
            ("/websocket/send", &websocket.send),
            ("/websocket/expect", &websocket.expect),
        ] {
            if let Some(text) = text {
                complaints.text(pointer, text, MAX_SENT, Text::Free);
            }
        }
    }
}

fn grpc(spec: &MonitorSpec, complaints: &mut Complaints) {
    if let Some(grpc) = &spec.grpc {
        if let Some(service) = &grpc.service {
            complaints.text("/grpc/service", service, 200, Text::Line);
        }
        if grpc.tls == Some(false) && grpc.verify_tls.is_some() {
            let message = "must be left out when tls is false";
            complaints.add("/grpc/verify_tls", "conflict", message);
        }
    }
}

fn warn_days(pointer: &str, days: Option<&[u32]>, complaints: &mut Complaints) {
    let Some(days) = days else { return };
    complaints.count(pointer, days.len(), 0, 10);
    complaints.distinct(pointer, days);
    for (i, day) in days.iter().enumerate() {
        complaints.range(&format!("{pointer}/{i}"), Some(*day), 1, 365);
    }
}
