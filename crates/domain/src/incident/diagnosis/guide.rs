//! Which guide of `/docs/guides` tells more about a cause: the cause first, else its failure class.

use crate::check::FailureClass;
use crate::check::FailureClass as F;

/// Every guide, by the last part of its address: families of causes, then servers and platforms.
pub const GUIDES: [&str; 17] = [
    "502",
    "503",
    "504",
    "cloudflare",
    "connection-refused",
    "timeouts",
    "dns",
    "certificates",
    "redirects",
    "blocked",
    "nginx",
    "apache",
    "wordpress",
    "node",
    "php-fpm",
    "docker",
    "load-balancers",
];

/// The guide for a cause of the diagnosis, or where the cause has none of its own, for the class of the
/// failure. `None`: what is broken is the page itself, and its own words are the guide.
pub fn guide(cause: Option<&str>, class: FailureClass) -> Option<&'static str> {
    cause.and_then(by_cause).or_else(|| by_class(class))
}

/// What an error answer means; causes of other failures are told by their class.
fn by_cause(cause: &str) -> Option<&'static str> {
    Some(match cause {
        "upstream_dead" | "upstream_fails" | "upstream_crashes" | "proxy_fails" => "502",
        "overloaded" | "maintenance" => "503",
        "upstream_slow" | "no_answer" | "answer_stalls" | "page_slow" | "server_stuck" => "504",
        "no_healthy_backend" | "one_backend_fails" | "one_address_fails" => "load-balancers",
        "one_server_bad_certificate" => "certificates",
        "dns_points_elsewhere" | "dns_answer_stale" => "dns",
        "https_not_served" | "http_not_served" => "connection-refused",
        "port_filtered" | "region_only" | "ipv6_fails" | "ipv4_fails" => "timeouts",
        "edge_fails" | "origin_unreachable" | "origin_name_gone" | "origin_certificate"
        | "origin_answer_odd" => "cloudflare",
        "edge_shut_out" => "cloudflare",
        "origin_fails" => "502",
        "refused" | "rate_limited" | "bot_protection" => "blocked",
        "proxy_config" | "tls_on_plain_port" => "nginx",
        _ => return None,
    })
}

const fn by_class(class: FailureClass) -> Option<&'static str> {
    Some(match class {
        F::DnsNxdomain
        | F::DnsServfail
        | F::DnsRefused
        | F::DnsServerError
        | F::DnsTimeout
        | F::DnsNoAddress
        | F::DnsMalformed
        | F::DnsCnameLoop
        | F::DnsWrongAnswer
        | F::DomainExpired => "dns",
        F::ConnectRefused => "connection-refused",
        F::ConnectTimeout
        | F::NetworkUnreachable
        | F::TlsTimeout
        | F::ReplyTimeout
        | F::PingLost
        | F::BodyTimeout => "timeouts",
        F::HttpTimeout => "504",
        F::ConnectionReset | F::HttpNoResponse | F::HttpIncomplete | F::BodyReset => "502",
        F::TlsExpired
        | F::TlsNotYetValid
        | F::TlsSelfSigned
        | F::TlsUntrusted
        | F::TlsIncompleteChain
        | F::TlsHostnameMismatch
        | F::TlsWeakKey
        | F::TlsRevoked
        | F::TlsProtocolVersion
        | F::TlsHandshakeFailed => "certificates",
        F::RedirectLoop | F::RedirectTooMany | F::RedirectInvalid | F::RedirectBlocked => {
            "redirects"
        }
        F::BlockedByWaf => "blocked",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::answers::ANSWERS;
    use super::super::rules::RULES;
    use super::*;

    /// Causes for which the page's own words, or the setting of the monitor, are all there is to say.
    const WITHOUT: [&str; 7] = [
        "error_status",
        "page_gone",
        "login_needed",
        "not_deployed",
        "app_failed_on_platform",
        "application_error",
        "database_down",
    ];

    #[test]
    fn every_error_answer_has_a_guide_or_needs_none() {
        for answer in ANSWERS {
            let found = guide(Some(answer.cause), FailureClass::HttpStatus);
            let needs_none = WITHOUT.contains(&answer.cause);
            assert_eq!(found.is_none(), needs_none, "{}", answer.id);
        }
    }

    #[test]
    fn names_connections_and_certificates_have_their_guides() {
        for rule in RULES {
            let word = rule.class.as_str();
            let family = [
                "dns_",
                "connect",
                "tls_",
                "redirect_",
                "blocked_",
                "network_",
            ]
            .iter()
            .any(|begin| word.starts_with(begin));
            let private = ["tls_client_cert_required", "tls_not_tls"].contains(&word);
            if family && !private {
                assert!(guide(Some(rule.cause), rule.class).is_some(), "{}", rule.id);
            }
        }
    }

    #[test]
    fn no_guide_is_named_twice_and_no_other_is_named() {
        let known: BTreeSet<_> = GUIDES.iter().collect();
        assert_eq!(known.len(), GUIDES.len());
        for class in FailureClass::ALL {
            assert!(by_class(*class).is_none_or(|slug| known.contains(&slug)));
        }
        for cause in ANSWERS.iter().map(|answer| answer.cause) {
            assert!(
                by_cause(cause).is_none_or(|slug| known.contains(&slug)),
                "{cause}"
            );
        }
    }
}
