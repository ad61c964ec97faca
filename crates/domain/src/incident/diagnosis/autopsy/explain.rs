//! From the answers to a diagnosis.

use std::net::IpAddr;

use super::rules::{Cause, RULES, Rule};
use super::scene::Scene;
use super::{Battery, History, evidence};
use crate::check::{Failure, Observation, Verdict, VerdictKind};
use crate::incident::diagnosis::case::Case;
use crate::incident::diagnosis::explain::{hedged, steps};
use crate::incident::diagnosis::{Confidence, Diagnosis, NextStep};
use crate::monitor::Settings;
use crate::words;

/// Steps that people are given.
const MOST_STEPS: usize = 3;
/// Where nothing is judged.
const NOTHING: Verdict = Verdict {
    kind: VerdictKind::Unknown,
    failure: None,
    attribution: None,
    reason: None,
};

/// What the closer look says: the diagnosis of the first look, put right or made surer by the first
/// rule that fits, with a line of evidence for each answer. Without answers it is the first one itself.
pub fn explain(
    first: &Diagnosis,
    failure: &Failure,
    settings: &Settings,
    (battery, history): (&Battery, &History),
) -> Diagnosis {
    let scene = Scene {
        first,
        failure,
        settings,
        battery,
        history,
    };
    if battery.findings.is_empty() {
        return first.clone();
    }
    let rule = RULES.iter().find(|rule| (rule.fits)(&scene));
    let mut diagnosis = rule.map_or_else(|| first.clone(), |rule| written(&scene, rule));
    if scene.works_again() && rule.is_none() {
        // What is over cannot be looked at closer: one look is all there is to go by.
        diagnosis.confidence = diagnosis.confidence.min(Confidence::Likely);
    }
    diagnosis.evidence.extend(evidence::lines(&scene));
    direct(&scene, &mut diagnosis);
    diagnosis
}

/// How to ask the origin, wherever it was asked and no rule says so.
fn direct(scene: &Scene<'_>, diagnosis: &mut Diagnosis) {
    let steps = &mut diagnosis.next_steps;
    let said = |step: &NextStep| step.command.as_ref().is_some_and(|c| c.contains("-ksvo"));
    if scene.origin().is_none() || steps.len() >= MOST_STEPS || steps.iter().any(said) {
        return;
    }
    let seen = Observation::begin(jiff::Timestamp::UNIX_EPOCH);
    let mut case = Case::new(&seen, &NOTHING, scene.settings);
    case.also = values(scene);
    let command = case.fill_command("curl -ksvo /dev/null --connect-to ::{connectto} {url}");
    steps.push(NextStep {
        text: "Ask the origin yourself, past what stands in front of it.".to_owned(),
        command: Some(command),
    });
}

fn written(scene: &Scene<'_>, rule: &Rule) -> Diagnosis {
    // The look itself is not at hand any more: what texts name of it comes from the failure.
    let seen = Observation::begin(jiff::Timestamp::UNIX_EPOCH);
    let verdict = Verdict {
        kind: VerdictKind::Down,
        failure: Some(scene.failure.clone()),
        attribution: scene.first.attribution,
        reason: None,
    };
    let mut case = Case::new(&seen, &verdict, scene.settings);
    case.also = values(scene);
    let confidence = match rule.cause {
        // What was thought before is confirmed, no more: it does not become less sure.
        Cause::Same => rule.confidence.max(scene.first.confidence),
        Cause::New(_) => rule.confidence,
    };
    Diagnosis {
        cause: match rule.cause {
            Cause::New(word) => word.to_owned(),
            Cause::Same => scene.first.cause.clone(),
        },
        confidence,
        attribution: rule.attribution.or(scene.first.attribution),
        sentence: hedged(&case.fill(rule.sentence), confidence),
        technical: hedged(&case.fill(rule.technical), confidence),
        evidence: scene.first.evidence.clone(),
        next_steps: steps(&case, rule.steps),
        rule: rule.id.to_owned(),
    }
}

/// What texts may name beside the values of the look.
fn values(scene: &Scene<'_>) -> Vec<(&'static str, String)> {
    let addresses = scene.addresses();
    let servers = scene.name_servers();
    let (good_regions, bad_regions) = scene.regions();
    let joined = |names: &[&str]| names.join(" and ");
    let first = |ips: &[IpAddr]| ips.first().map(IpAddr::to_string).unwrap_or_default();
    let silent: Vec<&str> = servers
        .silent
        .iter()
        .chain(&servers.fail)
        .copied()
        .collect();
    let failing: Vec<&str> = silent.iter().chain(&servers.deny).copied().collect();
    let all: Vec<&str> = servers.know.iter().chain(&failing).copied().collect();
    let mut values = vec![
        ("good", ips(&addresses.good)),
        ("bad", ips(&addresses.bad)),
        ("bad1", first(&addresses.bad)),
        (
            "of",
            (addresses.good.len() + addresses.bad.len()).to_string(),
        ),
        (
            "old",
            scene.left().map(|ip| ip.to_string()).unwrap_or_default(),
        ),
        ("new", ips(&scene.resolved())),
        (
            "zone",
            scene
                .zone()
                .or_else(|| scene.missing_domain())
                .map_or_else(|| scene.settings.target.host(), str::to_owned),
        ),
        ("servers", joined(&all)),
        (
            "server1",
            all.first().copied().unwrap_or_default().to_owned(),
        ),
        ("knowing", joined(&servers.know)),
        ("failing", joined(&failing)),
        (
            "failing1",
            failing.first().copied().unwrap_or_default().to_owned(),
        ),
        ("goodregions", joined(&good_regions)),
        ("badregions", joined(&bad_regions)),
        (
            "open",
            scene
                .open_port()
                .map(|port| port.to_string())
                .unwrap_or_default(),
        ),
        ("patience", scene.patience().map(took).unwrap_or_default()),
        ("same", scene.first.sentence.clone()),
        ("before", scene.first.technical.clone()),
    ];
    values.extend(values_of_origin(scene));
    if let Some(status) = scene.failure.detail.clone() {
        values.push(("status", status));
    }
    if let Some(at) = scene.resolved().first() {
        values.push(("address", at.to_string()));
    }
    values
}

/// `2 s`, `2.5 s`.
fn took(us: u64) -> String {
    let tenths = (us + 50_000) / 100_000;
    match tenths % 10 {
        0 => format!("{} s", tenths / 10),
        rest => format!("{}.{rest} s", tenths / 10),
    }
}

/// The same of the origin, where it was asked.
fn values_of_origin(scene: &Scene<'_>) -> Vec<(&'static str, String)> {
    let Some((origin, outcome)) = scene.origin() else {
        return Vec::new();
    };
    let port = origin.port().or_else(|| scene.settings.target.port());
    let host = origin.host().bracketed();
    let why = outcome.failure.as_ref();
    let problem = outcome.certificate;
    let says = evidence::answer(outcome, outcome.verdict.is_good());
    vec![
        ("origin", origin.to_string()),
        ("connectto", origin.connect_to()),
        ("originport", format!("{host}:{}", port.unwrap_or(443))),
        ("originhost", host),
        ("originsays", says),
        (
            "originwhy",
            why.map(|failure| words::cause(failure, None))
                .unwrap_or_default(),
        ),
        (
            "certificate",
            problem
                .map(|class| format!("the {}", class.phrase()))
                .unwrap_or_default(),
        ),
    ]
}

fn ips(list: &[IpAddr]) -> String {
    let words: Vec<String> = list.iter().take(4).map(IpAddr::to_string).collect();
    words.join(" and ")
}
