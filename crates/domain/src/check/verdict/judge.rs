//! From what was seen to what it means (reference, "Failure classes and their verdict").

use crate::check::failure::{Failure, FailureClass, Phase};
use crate::check::observation::{HttpFacts, Observation};
use crate::check::{attribution, waf};

use super::{Expectation, Verdict, VerdictKind, content, facts};

/// Judges one look.
pub fn judge(seen: &Observation, expected: &Expectation) -> Verdict {
    if let Some(http) = &seen.http
        && let Some(verdict) = judge_answer(seen, http, expected)
    {
        return verdict;
    }
    let broken = facts::broken(seen, expected);
    match seen.failure.as_ref().or(broken.as_ref()) {
        Some(failure) => judge_failure(seen, failure, expected),
        None => certificate(seen, expected).unwrap_or_else(|| good(seen, expected)),
    }
}

/// The class without the answer's content: what broke on the way.
fn judge_failure(seen: &Observation, failure: &Failure, expected: &Expectation) -> Verdict {
    let unknown = |failure: Failure| verdict(VerdictKind::Unknown, failure);
    match failure.class {
        _ if seen.our_fault => unknown(failure.clone()),
        FailureClass::TargetRefused if expected.was_public => {
            // The refused address stays unnamed: it would tell strangers about inner networks.
            let message = "the name now leads to an address that is not public";
            down(Failure::new(
                FailureClass::DnsWrongAnswer,
                Phase::Dns,
                message,
            ))
        }
        FailureClass::TargetRefused | FailureClass::DomainUnsupported => unknown(failure.clone()),
        FailureClass::BlockedByWaf => verdict(VerdictKind::Blocked, failure.clone()),
        FailureClass::TlsProtocolVersion
        | FailureClass::TlsHandshakeFailed
        | FailureClass::TlsClientCertRequired
            if !expected.ever_up && !offers_only_old_tls(seen) =>
        {
            unknown(failure.clone())
        }
        _ => down(failure.clone()),
    }
}

/// The second hello was answered with a version below 1.2: no browser speaks that any more.
fn offers_only_old_tls(seen: &Observation) -> bool {
    seen.tls
        .as_ref()
        .and_then(|tls| tls.version.as_deref())
        .is_some_and(|version| matches!(version, "SSL 3.0" | "TLS 1.0" | "TLS 1.1"))
}

/// An answer whose status, protection or content decides. A status that is not accepted says more
/// than a body that broke off after it.
fn judge_answer(seen: &Observation, http: &HttpFacts, expected: &Expectation) -> Option<Verdict> {
    let accepted = expected.accepts(http.status);
    let on_redirect = seen.failure.as_ref().is_some_and(|f| is_redirect(f.class));
    if on_redirect {
        return None;
    }
    if !accepted {
        return Some(waf_verdict(http).unwrap_or_else(|| status_verdict(http)));
    }
    if seen.failure.is_some() {
        return None;
    }
    let broken = content::broken(http, expected);
    // A challenge in a good status means that the page itself was not seen. One in an error status
    // that the owner accepts is what the owner asked for, unless a rule about content fails.
    if (broken.is_some() || http.status < 400)
        && let Some(blocked) = waf_verdict(http)
    {
        return Some(blocked);
    }
    broken.map(down)
}

const fn is_redirect(class: FailureClass) -> bool {
    matches!(
        class,
        FailureClass::RedirectLoop
            | FailureClass::RedirectTooMany
            | FailureClass::RedirectInvalid
            | FailureClass::RedirectBlocked
    )
}

fn waf_verdict(http: &HttpFacts) -> Option<Verdict> {
    let vendor = waf::refusal(http)?;
    let message = format!(
        "{vendor} answers our look with status {} and a challenge or a refusal",
        http.status
    );
    let failure =
        Failure::new(FailureClass::BlockedByWaf, Phase::FirstByte, message).with_detail(vendor);
    Some(Verdict {
        attribution: Some(attribution::Attribution::Edge),
        ..verdict(VerdictKind::Blocked, failure)
    })
}

fn status_verdict(http: &HttpFacts) -> Verdict {
    let message = format!("answered {} over {}", http.status, http.version);
    let failure = Failure::new(FailureClass::HttpStatus, Phase::FirstByte, message)
        .with_detail(http.status.to_string());
    // Below 400 nothing is at fault but the expectation; the page came from the owner's server.
    let blame = attribution::of(http)
        .0
        .unwrap_or(attribution::Attribution::Origin);
    Verdict {
        attribution: Some(blame),
        ..down(failure)
    }
}

/// A certificate problem on a look that went on regardless.
fn certificate(seen: &Observation, expected: &Expectation) -> Option<Verdict> {
    let problem = seen.tls.as_ref()?.problem.filter(|_| expected.verify_tls)?;
    Some(down(Failure::new(problem, Phase::Tls, problem.phrase())))
}

fn good(seen: &Observation, expected: &Expectation) -> Verdict {
    let limit = expected.degraded_above_ms.map(u64::from);
    match limit.filter(|limit| seen.total_us > limit.saturating_mul(1000)) {
        Some(limit) => Verdict {
            kind: VerdictKind::Degraded,
            reason: Some(format!(
                "took {} ms, the limit is {limit} ms",
                seen.total_us / 1000
            )),
            ..Verdict::up()
        },
        None => Verdict::up(),
    }
}

fn down(failure: Failure) -> Verdict {
    verdict(VerdictKind::Down, failure)
}

fn verdict(kind: VerdictKind, failure: Failure) -> Verdict {
    Verdict {
        kind,
        failure: Some(failure),
        ..Verdict::up()
    }
}
