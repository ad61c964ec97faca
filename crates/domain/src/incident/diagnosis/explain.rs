//! From one look to a diagnosis.

use super::answers::{ANSWERS, Answer};
use super::case::{Case, plain};
use super::evidence;
use super::rules::{RULES, Rule};
use super::{Confidence, Diagnosis, NextStep};
use crate::check::{Attribution, FailureClass, Observation, Phase, Verdict, VerdictKind};
use crate::monitor::Settings;

/// Why the look has this verdict, as far as one look can tell. `None` when nothing is wrong.
pub fn explain(seen: &Observation, verdict: &Verdict, settings: &Settings) -> Option<Diagnosis> {
    let case = Case::new(seen, verdict, settings);
    match (verdict.kind, case.failure()) {
        (VerdictKind::Up, _) => None,
        (VerdictKind::Degraded, _) => Some(slow(&case)),
        (_, None) => None,
        (_, Some(failure)) if seen.our_fault => Some(ours(&case, failure.class)),
        (_, Some(failure)) if failure.class == FailureClass::HttpStatus => by_answer(&case),
        (_, Some(failure)) => RULES
            .iter()
            .find(|rule| rule.class == failure.class && (rule.fits)(&case))
            .map(|rule| by_rule(&case, rule)),
    }
}

fn by_rule(case: &Case<'_>, rule: &Rule) -> Diagnosis {
    Diagnosis {
        cause: rule.cause.to_owned(),
        confidence: rule.confidence,
        attribution: Some(rule.attribution),
        sentence: hedged(&case.fill(rule.sentence), rule.confidence),
        technical: hedged(&case.fill(rule.technical), rule.confidence),
        evidence: evidence::lines(case),
        next_steps: steps(case, rule.steps),
        rule: rule.id.to_owned(),
    }
}

fn by_answer(case: &Case<'_>) -> Option<Diagnosis> {
    let reading = case.reading.as_ref()?;
    let answer: &Answer = ANSWERS
        .iter()
        .find(|answer| answer.meaning == reading.meaning && (answer.fits)(case))?;
    // What the page says of itself carries no further than the reading of the page.
    let confidence = match (answer.confidence, reading.confidence) {
        (Confidence::Possible, _) | (_, Confidence::Possible) => Confidence::Possible,
        _ => Confidence::Likely,
    };
    Some(Diagnosis {
        cause: answer.cause.to_owned(),
        confidence,
        attribution: case.verdict.attribution.or(Some(reading.attribution)),
        sentence: hedged(&case.fill(answer.sentence), confidence),
        technical: hedged(&case.fill(answer.technical), confidence),
        evidence: evidence::lines(case),
        next_steps: steps(case, answer.steps),
        rule: format!("{}.{}", answer.id, reading.tell),
    })
}

/// Our own fault: nothing is said about the target.
fn ours(case: &Case<'_>, class: FailureClass) -> Diagnosis {
    let (cause, sentence) = if case.seen.put_off.is_some() {
        (
            "put_off",
            "We put this look off: so many monitors look at this server that one more would be a burden. This says nothing about {host}.",
        )
    } else if class == FailureClass::PingLost {
        (
            "no_right_to_ping",
            "We could not look: this Watchbell has no right to send pings. This says nothing about {host}.",
        )
    } else if class.as_str().starts_with("dns_") {
        (
            "our_resolver",
            "We could not look: our own name server does not answer. This says nothing about {host}.",
        )
    } else {
        (
            "our_network",
            "We could not look: our own network has no way out. This says nothing about {host}.",
        )
    };
    Diagnosis {
        cause: cause.to_owned(),
        confidence: Confidence::Certain,
        attribution: Some(Attribution::Ours),
        sentence: case.fill(sentence),
        technical: case.fill("{message}."),
        evidence: evidence::lines(case),
        next_steps: vec![match cause {
            "no_right_to_ping" => NextStep {
                text: "Its operator grants the right: watchbell doctor says how.".to_owned(),
                command: Some("watchbell doctor".to_owned()),
            },
            _ => NextStep {
                text: "Nothing to do: we look again.".to_owned(),
                command: None,
            },
        }],
        rule: cause.to_owned(),
    }
}

/// Up, and slower than its owner wants: the slowest part says where to look.
fn slow(case: &Case<'_>) -> Diagnosis {
    let slowest = Phase::ALL
        .into_iter()
        .max_by_key(|phase| case.seen.phases.get(*phase));
    let (cause, attribution, sentence, step) = match slowest {
        Some(Phase::Dns) => (
            "slow_dns",
            Attribution::Dns,
            "{subject} works, but finding {host} in DNS takes most of the time.",
            ("How long does DNS take?", "dig {host}"),
        ),
        Some(Phase::Connect) => (
            "slow_network",
            Attribution::Network,
            "{subject} works, but the way to the server takes most of the time.",
            ("How long is the way?", "mtr -rwc 10 {host}"),
        ),
        Some(Phase::Tls) => (
            "slow_tls",
            Attribution::Tls,
            "{subject} works, but setting up encryption takes most of the time.",
            ("Is the server busy?", "uptime"),
        ),
        Some(Phase::Body) => (
            "slow_page",
            Attribution::Origin,
            "{subject} works, but sending it takes most of the time.",
            (
                "How large is it?",
                "curl -so /dev/null -w '%{size_download}' {url}",
            ),
        ),
        _ => (
            "slow_answer",
            Attribution::Origin,
            "{subject} works, but the server takes most of the time to answer.",
            (
                "What is the server busy with?",
                "uptime; ps aux --sort=-%cpu | head",
            ),
        ),
    };
    Diagnosis {
        cause: cause.to_owned(),
        confidence: Confidence::Likely,
        attribution: Some(attribution),
        sentence: case.fill(sentence),
        technical: case.fill("The look {reason}."),
        evidence: evidence::lines(case),
        next_steps: steps(case, &[step]),
        rule: cause.to_owned(),
    }
}

pub(super) fn steps(case: &Case<'_>, steps: &[(&str, &str)]) -> Vec<NextStep> {
    steps
        .iter()
        .take(3)
        .map(|(text, command)| NextStep {
            text: case.fill(text),
            command: (!command.is_empty()).then(|| case.fill_command(command)),
        })
        .collect()
}

/// The text with a capital, and no surer than it may be.
pub(super) fn hedged(text: &str, confidence: Confidence) -> String {
    let text = plain(&crate::words::capitalised(text));
    match confidence {
        Confidence::Possible => text
            .replace("Likely", "Possibly")
            .replace("likely", "possibly"),
        _ => text,
    }
}
