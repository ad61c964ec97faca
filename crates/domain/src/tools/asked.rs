//! What a visitor typed, made into looks.

use super::{TIMEOUT, Tool};
use crate::account::Plan;
use crate::monitor::blocks::RecordType;
use crate::monitor::validate::validate;
use crate::monitor::{Kind, MonitorSpec};
use crate::target::url::MAX_URL;
use crate::target::{AddressPolicy, Host, TargetHost, TargetRefusal, TargetUrl, complete_url};

/// What DNS is asked for, in the order in which it is shown.
pub const RECORDS: [RecordType; 8] = [
    RecordType::A,
    RecordType::Aaaa,
    RecordType::Cname,
    RecordType::Mx,
    RecordType::Ns,
    RecordType::Txt,
    RecordType::Soa,
    RecordType::Caa,
];

/// A target that may be looked at.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// As people read it and as it is counted: a URL, a host, or a host and a port.
    pub target: String,
    /// The host alone, for counting.
    pub host: String,
    /// The looks, one for each part of the answer.
    pub parts: Vec<MonitorSpec>,
}

/// Why a target is not looked at: one sentence for its reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal(pub String);

/// Reads what was typed for `tool`, and judges it by `policy`.
pub fn read(tool: Tool, text: &str, policy: AddressPolicy) -> Result<Asked, Refusal> {
    let text = text.trim();
    if text.is_empty() {
        let what = match tool {
            Tool::Down | Tool::Headers => {
                "an address such as shop.example or https://shop.example/page"
            }
            Tool::Ping | Tool::Dns => "a name such as shop.example",
            Tool::Certificate => "a name such as shop.example, with a port where it is not 443",
        };
        return Err(Refusal(format!("Type {what}.")));
    }
    if text.len() > MAX_URL {
        return Err(sentence(&TargetRefusal::TooLong(MAX_URL)));
    }
    let asked = match tool {
        Tool::Down | Tool::Headers => page(text, policy)?,
        Tool::Ping => host(text, policy, Kind::Ping)?,
        Tool::Dns => dns(text, policy)?,
        Tool::Certificate => certificate(text, policy)?,
    };
    for part in &asked.parts {
        if let Some(wrong) = validate(part, &Plan::Free.limits(), policy).first() {
            return Err(Refusal(format!("The address {}.", wrong.message)));
        }
    }
    Ok(asked)
}

fn sentence(refusal: &TargetRefusal) -> Refusal {
    let more = match refusal.is_policy() {
        true => " We look at what everybody can reach, from outside.",
        false => "",
    };
    Refusal(format!("The address {refusal}.{more}"))
}

fn spec(kind: Kind) -> MonitorSpec {
    MonitorSpec {
        kind: Some(kind),
        timeout_ms: u32::try_from(TIMEOUT.as_millis()).ok(),
        ..MonitorSpec::default()
    }
}

fn url(text: &str, policy: AddressPolicy) -> Result<TargetUrl, Refusal> {
    let url = TargetUrl::parse(&complete_url(text), policy).map_err(|no| sentence(&no))?;
    // The result is a page that may be handed on.
    if url.credentials().is_some() {
        let why = "The address must not have a name and password in it: the result is for everybody who has its link.";
        return Err(Refusal(why.to_owned()));
    }
    Ok(url)
}

fn page(text: &str, policy: AddressPolicy) -> Result<Asked, Refusal> {
    let url = url(text, policy)?;
    Ok(Asked {
        target: url.as_str().to_owned(),
        host: url.host().to_string(),
        parts: vec![MonitorSpec {
            url: Some(url.as_str().to_owned()),
            ..spec(Kind::Http)
        }],
    })
}

/// The host of what may be a whole URL, and the port that was written.
fn host_and_port(text: &str, policy: AddressPolicy) -> Result<(Host, Option<u16>), Refusal> {
    // A bare host is read as one: `mail.example:993` has a port that no page may have.
    if let Ok(host) = TargetHost::parse(text, policy) {
        return Ok((host.into_host(), None));
    }
    let scheme = text.contains("://");
    if let (false, Some((host, port))) = (scheme, text.rsplit_once(':'))
        && let (Ok(port), Ok(host)) = (port.parse(), TargetHost::parse(host, policy))
    {
        return Ok((host.into_host(), Some(port)));
    }
    let url = url(text, policy)?;
    let usual = matches!(url.port(), 80 | 443);
    Ok((url.host().clone(), (!usual).then_some(url.port())))
}

fn host(text: &str, policy: AddressPolicy, kind: Kind) -> Result<Asked, Refusal> {
    let (host, _) = host_and_port(text, policy)?;
    Ok(Asked {
        target: host.to_string(),
        host: host.to_string(),
        parts: vec![MonitorSpec {
            host: Some(host.to_string()),
            ..spec(kind)
        }],
    })
}

fn dns(text: &str, policy: AddressPolicy) -> Result<Asked, Refusal> {
    let mut asked = host(text, policy, Kind::Dns)?;
    if asked.host.parse::<std::net::IpAddr>().is_ok() {
        let why = "DNS is asked for names. This is an address, and has no records of its own.";
        return Err(Refusal(why.to_owned()));
    }
    let one = asked.parts.remove(0);
    let with = |record| MonitorSpec {
        record: Some(record),
        ..one.clone()
    };
    asked.parts = RECORDS.map(with).to_vec();
    Ok(asked)
}

fn certificate(text: &str, policy: AddressPolicy) -> Result<Asked, Refusal> {
    let (host, port) = host_and_port(text, policy)?;
    let port = port.unwrap_or(443);
    let target = match port {
        443 => host.to_string(),
        port => format!("{}:{port}", host.bracketed()),
    };
    Ok(Asked {
        target,
        host: host.to_string(),
        parts: vec![MonitorSpec {
            host: Some(host.to_string()),
            port: Some(port),
            ..spec(Kind::Tls)
        }],
    })
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(Tool::Down, "shop.example", "https://shop.example/", "shop.example")]
    #[case(
        Tool::Down,
        " http://Shop.example:8080/a?b#c ",
        "http://shop.example:8080/a?b#c",
        "shop.example"
    )]
    #[case(
        Tool::Headers,
        "203.0.113.7x.example/p",
        "https://203.0.113.7x.example/p",
        "203.0.113.7x.example"
    )]
    #[case(
        Tool::Ping,
        "https://shop.example/page",
        "shop.example",
        "shop.example"
    )]
    #[case(Tool::Ping, "8.8.8.8", "8.8.8.8", "8.8.8.8")]
    #[case(
        Tool::Ping,
        "2606:4700:4700::1111",
        "2606:4700:4700::1111",
        "2606:4700:4700::1111"
    )]
    #[case(
        Tool::Dns,
        "_dmarc.shop.example",
        "_dmarc.shop.example",
        "_dmarc.shop.example"
    )]
    #[case(
        Tool::Dns,
        "bücher.example",
        "xn--bcher-kva.example",
        "xn--bcher-kva.example"
    )]
    #[case(Tool::Certificate, "shop.example", "shop.example", "shop.example")]
    #[case(
        Tool::Certificate,
        "mail.shop.example:993",
        "mail.shop.example:993",
        "mail.shop.example"
    )]
    #[case(
        Tool::Certificate,
        "https://shop.example:8443/x",
        "shop.example:8443",
        "shop.example"
    )]
    #[case(
        Tool::Certificate,
        "https://shop.example/x",
        "shop.example",
        "shop.example"
    )]
    fn what_people_paste_is_understood(
        #[case] tool: Tool,
        #[case] text: &str,
        #[case] target: &str,
        #[case] host: &str,
    ) {
        let asked = read(tool, text, AddressPolicy::Hosted).unwrap();
        assert_eq!((asked.target.as_str(), asked.host.as_str()), (target, host));
        assert_eq!(asked.parts.len(), if tool == Tool::Dns { 8 } else { 1 });
    }

    #[rstest]
    fn what_is_inside_or_odd_is_refused_in_every_form(
        #[values(
            "127.0.0.1",
            "http://127.0.0.1/",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "017700000001",
            "0",
            "::1",
            "[::1]",
            "http://[::1]:8080/",
            "::ffff:127.0.0.1",
            "[::ffff:7f00:1]",
            "169.254.169.254",
            "http://169.254.169.254/latest/meta-data/",
            "10.0.0.1",
            "192.168.1.1",
            "172.16.0.1",
            "100.64.0.1",
            "fe80::1%eth0",
            "fd00::1",
            "64:ff9b::7f00:1",
            "localhost",
            "localhost:8080",
            "a.localhost",
            "db.internal",
            "printer.local",
            "nas",
            "metadata.google.internal",
            "ftp://shop.example",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "gopher://shop.example",
            "data:text/html,x",
            "http://",
            "https:///",
            "shop..example",
            "shop example",
            "sh\u{202e}op.example",
            "shop.example\u{0}",
            "http://a@b@shop.example/",
            "http://user:secret@shop.example/",
            "http://%31%32%37.0.0.1/",
            "1.2.3.4.5",
            "shop.example:99999",
            "[",
            "%",
            "1.1.1.1.in-addr.arpa"
        )]
        text: &str,
    ) {
        for &tool in Tool::ALL {
            let answer = read(tool, text, AddressPolicy::Hosted);
            let Err(Refusal(why)) = answer else {
                panic!("{} takes {text}", tool.as_str())
            };
            assert!(why.ends_with('.') && why.len() < 300, "{why}");
        }
    }

    #[test]
    fn huge_input_is_refused() {
        let text = format!("shop.example/{}", "a".repeat(100_000));
        for &tool in Tool::ALL {
            assert!(read(tool, &text, AddressPolicy::Hosted).is_err());
            assert!(read(tool, &"1.".repeat(1_000), AddressPolicy::Hosted).is_err());
        }
    }

    #[test]
    fn inside_is_allowed_where_the_operator_allows_it() {
        assert!(
            read(
                Tool::Down,
                "http://127.0.0.1:8080/",
                AddressPolicy::SelfHosted
            )
            .is_ok()
        );
    }
}
