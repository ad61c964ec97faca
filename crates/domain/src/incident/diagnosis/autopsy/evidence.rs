//! A line for each answer, as people read it.

use super::scene::Scene;
use super::{Finding, Outcome, Question};
use crate::check::FailureClass;
use crate::check::redact::mask_url;
use crate::incident::diagnosis::case::plain;
use crate::incident::diagnosis::{CHANGED, EvidenceLine};
use crate::words;

/// Lines of one incident at most.
const MOST: usize = 24;

pub(super) fn lines(scene: &Scene<'_>) -> Vec<EvidenceLine> {
    let several = scene.battery.findings.iter();
    let several = several.clone().any(|finding| {
        scene
            .battery
            .findings
            .first()
            .is_some_and(|first| first.region != finding.region)
    });
    let answers = scene.battery.findings.iter().map(|finding| EvidenceLine {
        label: match several {
            true => format!("{} ({})", label(&finding.question), finding.region),
            false => label(&finding.question),
        },
        value: value(finding),
    });
    // Names that lead elsewhere at each question tell nothing by it.
    let left = scene.left().filter(|old| scene.addresses().good == [*old]);
    let moved = left.map(|old| EvidenceLine {
        label: CHANGED.to_owned(),
        value: format!(
            "The name led to {old} at the last good look, and leads to {} now",
            scene
                .resolved()
                .iter()
                .take(4)
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", ")
        ),
    });
    answers.take(MOST).chain(moved).collect()
}

fn label(question: &Question) -> String {
    match question {
        Question::Again => "Again".to_owned(),
        Question::AgainLater => "And again".to_owned(),
        Question::PastCaches => "Past caches".to_owned(),
        Question::OtherMethod => "Other method".to_owned(),
        Question::OtherScheme => "Other scheme".to_owned(),
        Question::NeutralPath => "/robots.txt".to_owned(),
        Question::At(ip) => format!("At {ip}"),
        Question::Origin(origin) => format!("Origin {}", plain(origin)),
        Question::Ping(ip) => format!("Ping {ip}"),
        Question::Port(_, port) => format!("Port {port}"),
        Question::NameServers(zone) => format!("Name servers of {}", plain(zone)),
        Question::NameServer(name) => format!("Asked {}", plain(name)),
        Question::Resolver(nth) => format!("Resolver {}", nth.saturating_add(1)),
        Question::Unchecked => "Without DNSSEC".to_owned(),
    }
}

fn value(finding: &Finding) -> String {
    let outcome = &finding.outcome;
    let text = match (&finding.question, outcome.verdict.is_good()) {
        (question, true) if question.is_of_names() => outcome.records.join(", "),
        (Question::NameServers(_), false)
            if outcome.class() == Some(FailureClass::DnsWrongAnswer) =>
        {
            "none of its own".to_owned()
        }
        (Question::NameServer(_), false) if outcome.address.is_none() => {
            format!("its own name is not found: {}", answer(outcome, false))
        }
        (Question::Ping(_), true) => "replies".to_owned(),
        (Question::Port(..), true) => "takes connections".to_owned(),
        (Question::Origin(_), good) => match outcome.certificate {
            Some(problem) => format!("{}; {}", answer(outcome, good), problem.phrase()),
            None => answer(outcome, good),
        },
        (_, good) => answer(outcome, good),
    };
    plain(&text)
}

/// `502 in 41 ms`, `works: 200 in 38 ms`, `server refuses connections in 2 ms`.
pub(super) fn answer(outcome: &Outcome, good: bool) -> String {
    let took = words::milliseconds(outcome.total_us);
    let what = match (outcome.status, &outcome.failure) {
        (Some(status), None) => status.to_string(),
        (Some(status), Some(failure)) if failure.detail.as_deref() == Some(&status.to_string()) => {
            status.to_string()
        }
        (Some(status), Some(failure)) => format!("{status}, {}", words::cause(failure, None)),
        (None, Some(failure)) => words::cause(failure, None),
        (None, None) => String::new(),
    };
    let what = match (&outcome.location, what.is_empty()) {
        (Some(to), _) => format!("{what} to {}", mask_url(to)),
        (None, true) => return format!("works, in {took}"),
        (None, false) => what,
    };
    match good && outcome.failure.is_none() && outcome.status.is_none_or(|status| status < 400) {
        true => format!("works: {what} in {took}"),
        false => format!("{what} in {took}"),
    }
}
