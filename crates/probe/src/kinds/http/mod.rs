//! `http`: a request, its redirects, and the answer read to its end.
//!
//! Every hop is guarded anew: its URL by the target policy, its name by one resolution, its
//! address by the dialer.

mod body;
mod brotli;
mod cookies;
pub(super) mod exchange;
mod failure;
mod request;

pub(super) use body::ALL;

use std::collections::HashSet;

use domain::check::redact::mask_url;
use domain::check::{Failure, FailureClass, Phase, Redirect};
use domain::monitor::{HttpTarget, IpFamily};
use domain::target::{TargetRefusal, TargetUrl};

use egress::Family;

use crate::look::{Look, Step};
use crate::wire::Endpoint;
use cookies::Cookies;
use exchange::{Versions, Way};
use request::Outgoing;

/// Statuses that point elsewhere (RFC 9110, 15.4).
const REDIRECTS: [u16; 5] = [301, 302, 303, 307, 308];

/// Looks over the family of addresses that the owner chose; where both must work, over one after
/// the other.
pub(crate) async fn look(look: &mut Look<'_>, target: &HttpTarget) -> Step<()> {
    let rounds: &[Family] = match target.ip_family {
        IpFamily::Any => &[Family::Any],
        IpFamily::V4 => &[Family::V4],
        IpFamily::V6 => &[Family::V6],
        IpFamily::Both => &[Family::V4, Family::V6],
    };
    for (n, family) in rounds.iter().enumerate() {
        if n > 0 {
            look.seen.redirects.clear();
            look.begin_hop();
        }
        look.family = *family;
        round(look, target, needed(target))
            .await
            .map_err(|failure| match family {
                Family::Any => failure,
                Family::V4 => over("IPv4", failure),
                Family::V6 => over("IPv6", failure),
            })?;
    }
    Ok(())
}

fn over(family: &str, failure: Failure) -> Failure {
    Failure {
        message: format!("over {family}: {}", failure.message),
        ..failure
    }
}

/// How much of the page is kept: all of it where its owner asks something of its text.
fn needed(target: &HttpTarget) -> usize {
    let asks = target.keyword.is_some()
        || target.keyword_absent.is_some()
        || target.regex.is_some()
        || !target.json.is_empty();
    if asks { ALL } else { body::EVIDENCE }
}

/// Requests the target's URL, follows where it leads, and keeps the first `keep` bytes of the page.
pub(super) async fn round(look: &mut Look<'_>, target: &HttpTarget, keep: usize) -> Step<()> {
    let policy = look.prober.egress().policy();
    let first = TargetUrl::parse(&target.url, policy).map_err(|refusal| refused(&refusal))?;
    let mut outgoing = Outgoing::first(target, first);
    let mut cookies = Cookies::default();
    let mut visited = HashSet::new();
    loop {
        let hop = look.seen.redirects.len();
        let outcome = one(look, target, (&outgoing, &cookies), keep).await;
        let location = match outcome {
            Ok(location) => location,
            Err(failure) if hop > 0 && failure.class == FailureClass::TargetRefused => {
                return Err(Failure {
                    class: FailureClass::RedirectBlocked,
                    ..failure
                });
            }
            Err(failure) => return Err(failure),
        };
        let Some(location) = location else {
            return Ok(());
        };
        let Some(http) = &look.seen.http else {
            return Ok(());
        };
        visited.insert(outgoing.fingerprint(&cookies));
        cookies.take(&outgoing.url, http);
        let status = http.status;
        let next = follow(&outgoing.url, location.as_deref(), policy)?;
        look.seen.redirects.push(Redirect {
            from: outgoing.url.to_string(),
            status,
            to: next.to_string(),
        });
        outgoing = outgoing.redirected(status, next);
        if visited.contains(&outgoing.fingerprint(&cookies)) {
            let message = format!("{} leads back to itself", shown(&outgoing.url));
            return Err(Failure::new(
                FailureClass::RedirectLoop,
                Phase::FirstByte,
                message,
            ));
        }
        if look.seen.redirects.len() > target.max_redirects as usize {
            let count = target.max_redirects;
            let message = format!(
                "stopped after {count} redirects, at {}",
                shown(&outgoing.url)
            );
            let failure = Failure::new(FailureClass::RedirectTooMany, Phase::FirstByte, message);
            return Err(failure.with_detail(count.to_string()));
        }
        look.begin_hop();
    }
}

/// One hop. `Some` when it is to be followed: the `Location`, if there was one.
async fn one(
    look: &mut Look<'_>,
    target: &HttpTarget,
    (outgoing, cookies): (&Outgoing<'_>, &Cookies),
    keep: usize,
) -> Step<Option<Option<String>>> {
    let to = Endpoint {
        host: outgoing.url.host().clone(),
        port: outgoing.url.port(),
    };
    let addresses = crate::wire::resolve(look, &to).await?;
    let mut way = Way {
        versions: Versions::Best,
        verify: target.verify_tls,
    };
    let (mut connection, answer) = loop {
        let stream = crate::wire::connect(look, &addresses).await?;
        let mut connection = exchange::open(look, stream, &outgoing.url, way).await?;
        match exchange::send(look, &mut connection, outgoing, cookies).await {
            Ok(answer) => break (connection, answer),
            // Browsers do this once, too: a second refusal is final.
            Err(_) if connection.wants_http1 && way.versions == Versions::Best => {
                way.versions = Versions::One;
            }
            Err(failure) => return Err(failure),
        }
    };
    let follows = target.follow_redirects && REDIRECTS.contains(&answer.status().as_u16());
    let location = answer
        .headers()
        .get(http::header::LOCATION)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    exchange::note(look, &answer);
    if follows {
        // The body of a redirect is for people; nobody reads it.
        return Ok(Some(location));
    }
    body::read(look, &mut connection, answer, keep).await?;
    Ok(None)
}

fn refused(refusal: &TargetRefusal) -> Failure {
    Failure::new(
        FailureClass::TargetRefused,
        Phase::Dns,
        format!("the URL {refusal}"),
    )
}

fn follow(
    from: &TargetUrl,
    location: Option<&str>,
    policy: domain::target::AddressPolicy,
) -> Step<TargetUrl> {
    let fail = |class, message: String| Err(Failure::new(class, Phase::FirstByte, message));
    let Some(location) = location.filter(|location| !location.is_empty()) else {
        return fail(
            FailureClass::RedirectInvalid,
            format!("{} redirects without a Location", shown(from)),
        );
    };
    from.join(location, policy).or_else(|refusal| {
        let to: String = mask_url(location)
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect();
        let class = if refusal.is_policy() {
            FailureClass::RedirectBlocked
        } else {
            FailureClass::RedirectInvalid
        };
        fail(
            class,
            format!("{} redirects to {to:?}, which {refusal}", shown(from)),
        )
    })
}

/// A hop as a message names it: without what single sign-on hands over in URLs.
fn shown(url: &TargetUrl) -> String {
    mask_url(url.as_str())
}

#[cfg(test)]
mod tests {
    use domain::target::AddressPolicy;
    use rstest::rstest;

    use super::*;

    /// Hosted looks never reach loopback, so that hops into the inside are tried here.
    #[rstest]
    #[case("http://10.0.0.1/", FailureClass::RedirectBlocked)]
    #[case(
        "http://169.254.169.254/latest/meta-data/",
        FailureClass::RedirectBlocked
    )]
    #[case("//localhost/", FailureClass::RedirectBlocked)]
    #[case("http://shop.example:6379/", FailureClass::RedirectBlocked)]
    #[case("http://db.internal/", FailureClass::RedirectBlocked)]
    #[case("ftp://shop.example/", FailureClass::RedirectInvalid)]
    #[case("http://2130706433.1/", FailureClass::RedirectInvalid)]
    #[case("", FailureClass::RedirectInvalid)]
    fn hops_are_guarded(#[case] location: &str, #[case] class: FailureClass) {
        let from = TargetUrl::parse("https://shop.example/", AddressPolicy::Hosted).unwrap();
        assert_eq!(
            follow(&from, Some(location), AddressPolicy::Hosted)
                .unwrap_err()
                .class,
            class
        );
    }

    #[test]
    fn a_good_hop_is_resolved_against_the_last() {
        let from = TargetUrl::parse("https://shop.example/a/b", AddressPolicy::Hosted).unwrap();
        let to = follow(&from, Some("../c?d"), AddressPolicy::Hosted).unwrap();
        assert_eq!(to.as_str(), "https://shop.example/c?d");
    }
}
