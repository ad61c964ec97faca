//! What an owner asks of facts other than a page: records, packets, a registration.

use crate::check::failure::{Failure, FailureClass, Phase};
use crate::check::observation::Observation;

use super::Expectation;

/// The first of them that is not as it should be.
pub(super) fn broken(seen: &Observation, expected: &Expectation) -> Option<Failure> {
    records(seen, expected)
        .or_else(|| packets(seen, expected))
        .or_else(|| registration(seen))
}

fn records(seen: &Observation, expected: &Expectation) -> Option<Failure> {
    let (found, wanted) = (seen.records.as_ref()?, expected.records.as_ref()?);
    let wrong = wanted
        .record
        .mismatch(wanted.matching, wanted.values.as_ref()?, found)?;
    Some(Failure::new(
        FailureClass::DnsWrongAnswer,
        Phase::Dns,
        wrong,
    ))
}

fn packets(seen: &Observation, expected: &Expectation) -> Option<Failure> {
    let ping = seen.ping?;
    let loss = ping.loss_percent();
    (loss > expected.max_loss_percent).then(|| {
        let lost = ping.sent.saturating_sub(ping.received);
        let message = format!("{lost} of {} packets lost ({loss} %)", ping.sent);
        Failure::new(FailureClass::PingLost, Phase::FirstByte, message)
    })
}

fn registration(seen: &Observation) -> Option<Failure> {
    let facts = seen.registration.as_ref()?;
    let fail = |class, message| Some(Failure::new(class, Phase::FirstByte, message));
    match facts.expires_at {
        None => fail(
            FailureClass::DomainUnsupported,
            format!("{} tells no end of {}", facts.source, facts.name),
        ),
        Some(end) if end <= seen.at => fail(
            FailureClass::DomainExpired,
            format!(
                "{} ended on {}, says {}",
                facts.name,
                end.strftime("%d %b %Y"),
                facts.source
            ),
        ),
        Some(_) => None,
    }
}
