//! Mails of an incident: down, taken; up is in [`resolved`].

mod resolved;

use domain::check::FailureClass;
use domain::delivery::DeliveryState;
use domain::incident::Incident;
use domain::incident::diagnosis::{Diagnosis, EvidenceLine, RESULT};
use domain::words;
use jiff::Timestamp;

use super::{Frame, Say, Template, Tone, Words, contact_footer, mail_templates, subject_name};
use crate::brief::{Brief, cause};
use crate::error::RenderError;
pub(super) use resolved::resolved;
pub(crate) use resolved::{good, span};

mail_templates! {
    Opened: "incident.opened/subject.txt" "incident.opened/body.txt" "incident.opened/body.html"
    Acknowledged: "incident.acknowledged/subject.txt" "incident.acknowledged/body.txt" "incident.acknowledged/body.html"
}

struct Step {
    text: Say,
    command: Option<String>,
}

struct Line {
    label: Say,
    value: Say,
}

impl Line {
    fn text(&self) -> Say {
        // "We saw" stands before it.
        if self.label.to_string() == RESULT {
            return self.value.clone();
        }
        Say::new(format!("{}: {}", self.label, self.value))
    }
}

struct Opened {
    frame: Frame,
    again: bool,
    name: Say,
    cause: Say,
    stand_in: Option<Say>,
    still: Option<Say>,
    closer: Option<Say>,
    why: Say,
    confidence: Option<&'static str>,
    since: String,
    sure: Say,
    address: Say,
    waits: bool,
    acknowledge: String,
    link: String,
    steps: Vec<Step>,
    guide: String,
    changed: Option<Say>,
    saw: Vec<Line>,
    told: Option<Say>,
    behind: Option<Say>,
}

pub(super) fn opened(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let facts = brief.facts()?;
    let incident = &facts.incident;
    let name = Say::new(brief.monitor_name());
    let why = why(incident);
    let closer = brief.looked_closer();
    let still = brief.still(incident).map(Say::new);
    let (saw, steps) = match &incident.diagnosis {
        Some(diagnosis) => (
            diagnosis.seen().map(line).collect(),
            diagnosis
                .next_steps
                .iter()
                .map(|step| Step {
                    text: Say::new(&step.text),
                    command: step.command.as_deref().map(super::one_line),
                })
                .collect(),
        ),
        None => (
            vec![Line {
                label: Say::new(RESULT),
                value: Say::new(&incident.failure.message),
            }],
            Vec::new(),
        ),
    };
    Opened {
        frame: Frame {
            word: "DOWN",
            tone: Tone::Down,
            heading: Say::new(match still {
                Some(_) => format!("{name} is still DOWN"),
                None => format!("{name} is DOWN"),
            }),
            preheader: match (&still, closer) {
                (Some(still), _) => still.clone(),
                (None, Some(_)) => Say::new(format!("Looked closer. {why}")),
                (None, None) => Say::new(format!(
                    "Since {}. {}. {why}",
                    words::clock(incident.first_failure_at, &brief.zone),
                    looks(incident)
                )),
            },
            footer: contact_footer(brief),
        },
        again: brief.again,
        name: subject_name(&name.to_string()),
        cause: Say::new(words::cause(&incident.failure, incident.attribution)),
        stand_in: stand_in(brief),
        still,
        closer: closer.map(Say::new),
        why,
        confidence: incident
            .diagnosis
            .as_ref()
            .map(|diagnosis| diagnosis.confidence.as_str()),
        since: words::moment(incident.first_failure_at, &brief.zone),
        sure: Say::new(sure(brief, incident)),
        address: Say::new(brief.address()),
        waits: brief.waits(),
        acknowledge: brief.links.acknowledge.clone(),
        link: brief.links.incident.clone(),
        steps,
        guide: brief.guide(
            incident.diagnosis.as_ref().map(|one| one.cause.as_str()),
            incident.failure.class,
        ),
        changed: changed(brief, incident, facts.last_good_at),
        saw,
        behind: brief.behind().map(Say::new),
        told: told(brief),
    }
    .words()
}

/// What its owner changed, when it was good for the last time, and since when nobody knows.
fn changed(brief: &Brief<'_>, incident: &Incident, last_good: Option<Timestamp>) -> Option<Say> {
    let moment = |at| moment_beside(at, incident.first_failure_at, brief);
    let what = if brief.waits() { "heartbeat" } else { "look" };
    let blind = incident.vote.blind.map(|span| {
        format!(
            "From {} to {} we could not look, through a fault of our own: it may have broken in that time.",
            moment(span.from),
            moment(span.to)
        )
    });
    let changes = incident.diagnosis.iter().flat_map(Diagnosis::changes);
    let changes: Vec<String> = changes.map(|change| format!("{change}.")).collect();
    // Where we looked all the time and compare what we see, that nothing changed is a finding.
    let nothing = changes.is_empty() && blind.is_none() && !brief.waits();
    let good = last_good.map(|at| match nothing {
        true => format!(
            "Nothing we can see since the last good look at {}.",
            moment(at)
        ),
        false => format!("The last good {what} was at {}.", moment(at)),
    });
    let changes = changes.into_iter();
    let said: Vec<String> = changes.chain(good).chain(blind).collect();
    (!said.is_empty()).then(|| Say::new(said.join(" ")))
}

/// `14:01:11`, with its day where that is another one.
fn moment_beside(at: Timestamp, beside: Timestamp, brief: &Brief<'_>) -> String {
    if words::day(at, &brief.zone) == words::day(beside, &brief.zone) {
        words::clock(at, &brief.zone)
    } else {
        words::moment(at, &brief.zone)
    }
}

pub(crate) fn why(incident: &Incident) -> Say {
    match &incident.diagnosis {
        Some(diagnosis) => Say::new(&diagnosis.sentence),
        None => Say::new(format!(
            "{}.",
            cause(&incident.failure, incident.attribution)
        )),
    }
}

fn line(evidence: &EvidenceLine) -> Line {
    Line {
        label: Say::new(&evidence.label),
        value: Say::new(&evidence.value),
    }
}

/// `3 of 3 looks failed`, or `2 of 3 regions say down`.
fn looks(incident: &Incident) -> String {
    match incident.failure.class {
        FailureClass::HeartbeatMissed => return "The grace is over".to_owned(),
        FailureClass::HeartbeatFailed => return "The job itself said so".to_owned(),
        _ => {}
    }
    let vote = &incident.vote;
    if vote.of > 1 {
        return format!("{} of {} regions say down", vote.down, vote.of);
    }
    match vote.looks {
        0 => "Confirmed".to_owned(),
        1 => "1 of 1 look failed".to_owned(),
        looks => format!("{looks} of {looks} looks failed"),
    }
}

pub(crate) fn sure(brief: &Brief<'_>, incident: &Incident) -> String {
    match incident.failure.class {
        FailureClass::HeartbeatMissed => {
            return format!(
                "Due at {}, not there when the grace was over at {}",
                moment_beside(incident.first_failure_at, incident.confirmed_at, brief),
                words::clock(incident.confirmed_at, &brief.zone)
            );
        }
        FailureClass::HeartbeatFailed => return looks(incident),
        _ => {}
    }
    let within = incident
        .confirmed_at
        .duration_since(incident.first_failure_at);
    let names: Vec<&str> = incident
        .vote
        .regions
        .iter()
        .map(|vote| {
            brief
                .context
                .regions
                .get(&vote.region)
                .map_or(vote.region.as_str(), String::as_str)
        })
        .collect();
    let from = if names.is_empty() {
        String::new()
    } else {
        format!(", from {}", names.join(", "))
    };
    let within = if within.as_secs() > 0 {
        format!(" within {}", words::duration(within))
    } else {
        String::new()
    };
    format!("{}{within}{from}", looks(incident))
}

/// `Ana (this mail), Ana's phone (SMS). Next: call to Kim at 14:05 UTC+1 unless someone has it.`
pub(super) fn told(brief: &Brief<'_>) -> Option<Say> {
    let names: Vec<String> = brief
        .context
        .told
        .iter()
        .map(|told| {
            let how = match (
                told.contact_id == brief.contact.id,
                told.channel,
                told.state,
            ) {
                (true, _, _) => "this mail",
                (_, _, DeliveryState::Failed | DeliveryState::GivenUp) => "could not be told",
                (_, other, _) => other.name(),
            };
            format!("{} ({how})", told.name)
        })
        .collect();
    let told = (!names.is_empty()).then(|| format!("{}.", names.join(", ")));
    let said: Vec<String> = told.into_iter().chain(brief.next_words()).collect();
    (!said.is_empty()).then(|| Say::new(said.join(" ")))
}

/// `This stands in for a text message to Ana's phone: the number does not exist.`
fn stand_in(brief: &Brief<'_>) -> Option<Say> {
    let stand_in = brief.stand_in()?;
    let whom = stand_in.contact.as_deref().unwrap_or("another contact");
    Some(Say::new(format!(
        "This stands in for a message to {whom} that did not arrive: {}.",
        stand_in.reason.trim_end_matches('.')
    )))
}

struct Acknowledged {
    frame: Frame,
    name: Say,
    cause: Say,
    taken: Say,
    why: Say,
    since: String,
    link: String,
}

pub(super) fn acknowledged(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let incident = &brief.facts()?.incident;
    let name = Say::new(brief.monitor_name());
    let by = incident
        .acknowledged_by
        .as_ref()
        .map_or("Someone", |actor| actor.name.as_str());
    let at = incident.acknowledged_at.unwrap_or(brief.now);
    Acknowledged {
        frame: Frame {
            word: "DOWN",
            tone: Tone::Down,
            heading: Say::new(format!("{by} has {name}")),
            preheader: Say::new(format!(
                "Taken at {}. It is still down.",
                words::clock(at, &brief.zone)
            )),
            footer: contact_footer(brief),
        },
        name: subject_name(&name.to_string()),
        cause: Say::new(words::cause(&incident.failure, incident.attribution)),
        taken: Say::new(format!("by {by} at {}", words::clock(at, &brief.zone))),
        why: why(incident),
        since: words::moment(incident.first_failure_at, &brief.zone),
        link: brief.links.incident.clone(),
    }
    .words()
}
