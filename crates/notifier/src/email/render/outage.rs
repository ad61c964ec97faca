//! Mails of an incident: down, up, taken.

use domain::check::{FailureClass, VerdictKind};
use domain::contact::Channel;
use domain::delivery::DeliveryState;
use domain::incident::diagnosis::{EvidenceLine, RESULT};
use domain::incident::{Incident, ResolvedReason};
use domain::status::RegionVote;
use domain::words;
use jiff::Timestamp;

use super::{Frame, Say, Template, Tone, Words, contact_footer, mail_templates, subject_name};
use crate::brief::{Brief, cause};
use crate::error::RenderError;

mail_templates! {
    Opened: "incident.opened/subject.txt" "incident.opened/body.txt" "incident.opened/body.html"
    Resolved: "incident.resolved/subject.txt" "incident.resolved/body.txt" "incident.resolved/body.html"
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
}

pub(super) fn opened(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let facts = brief.facts()?;
    let incident = &facts.incident;
    let name = Say::new(brief.monitor_name());
    let why = why(incident);
    let (saw, steps) = match &incident.diagnosis {
        Some(diagnosis) => (
            diagnosis.evidence.iter().map(line).collect(),
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
            heading: Say::new(format!("{name} is DOWN")),
            preheader: Say::new(format!(
                "Since {}. {}. {why}",
                words::clock(incident.first_failure_at, &brief.zone),
                looks(incident)
            )),
            footer: contact_footer(brief),
        },
        again: brief.again,
        name: subject_name(&name.to_string()),
        cause: Say::new(words::cause(&incident.failure, incident.attribution)),
        stand_in: stand_in(brief),
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
        guide: brief.guide(incident.failure.class),
        changed: changed(brief, incident, facts.last_good_at),
        saw,
        told: told(brief),
    }
    .words()
}

/// When it was good for the last time, and since when nobody knows.
fn changed(brief: &Brief<'_>, incident: &Incident, last_good: Option<Timestamp>) -> Option<Say> {
    let moment = |at| moment_beside(at, incident.first_failure_at, brief);
    let what = if brief.waits() { "heartbeat" } else { "look" };
    let good = last_good.map(|at| format!("The last good {what} was at {}.", moment(at)));
    let blind = incident.vote.blind.map(|span| {
        format!(
            "From {} to {} we could not look, through a fault of our own: it may have broken in that time.",
            moment(span.from),
            moment(span.to)
        )
    });
    let said: Vec<String> = good.into_iter().chain(blind).collect();
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

fn why(incident: &Incident) -> Say {
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

fn sure(brief: &Brief<'_>, incident: &Incident) -> String {
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

/// `Ana (this mail), Ana's phone (SMS).`
fn told(brief: &Brief<'_>) -> Option<Say> {
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
                (_, Channel::Email, _) => "mail",
                (_, Channel::Sms, _) => "SMS",
            };
            format!("{} ({how})", told.name)
        })
        .collect();
    (!names.is_empty()).then(|| Say::new(format!("{}.", names.join(", "))))
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

struct Resolved {
    frame: Frame,
    subject_word: &'static str,
    name: Say,
    /// In the subject: `was down 6 min 12 s`, or from when to when.
    span: String,
    stand_in: Option<Say>,
    note: Option<Say>,
    down: Say,
    sure: Option<Say>,
    why: Say,
    month: Option<Say>,
    timing: Option<Say>,
    link: String,
}

pub(super) fn resolved(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let facts = brief.facts()?;
    let incident = &facts.incident;
    let name = Say::new(brief.monitor_name());
    let reason = incident
        .resolved_reason
        .unwrap_or(ResolvedReason::Recovered);
    let lasted = words::duration(brief.lasted(incident));
    let end = brief.end(incident);
    let recovered = reason == ResolvedReason::Recovered;
    let heading = match (recovered, brief.first_word) {
        (true, false) => format!("{name} is UP again"),
        (true, true) => format!("{name} was down, and is UP again"),
        (false, false) => format!("The incident of {name} is closed"),
        (false, true) => format!("{name} was down, and the incident is closed"),
    };
    let (subject_word, subject_span) = match (recovered, brief.first_word) {
        (_, true) => (
            "Was down",
            format!(
                "{} to {}",
                words::clock_bare(incident.first_failure_at, &brief.zone),
                words::clock(end, &brief.zone)
            ),
        ),
        (true, false) => ("Up", format!("was down {lasted}")),
        (false, false) => ("Closed", format!("was down {lasted}")),
    };
    Resolved {
        frame: Frame {
            word: if recovered { "UP" } else { "CLOSED" },
            tone: if recovered { Tone::Up } else { Tone::Plain },
            heading: Say::new(heading),
            preheader: Say::new(format!(
                "Down {} to {} ({lasted}). {}.",
                words::clock_bare(incident.first_failure_at, &brief.zone),
                words::clock(end, &brief.zone),
                cause(&incident.failure, incident.attribution)
            )),
            footer: contact_footer(brief),
        },
        subject_word,
        name: subject_name(&name.to_string()),
        stand_in: stand_in(brief),
        note: ending(reason, brief),
        down: Say::new(span(brief, incident, end, &lasted)),
        sure: good(brief, incident).filter(|_| recovered).map(Say::new),
        span: subject_span,
        why: Say::new(cause(&incident.failure, incident.attribution)),
        month: month(brief).map(Say::new),
        timing: timing(brief, incident),
        link: brief.links.incident.clone(),
    }
    .words()
}

fn ending(reason: ResolvedReason, brief: &Brief<'_>) -> Option<Say> {
    let late = brief.first_word.then_some(
        "It was over before we could tell you that it began, so this one mail says both.",
    );
    let why = match reason {
        ResolvedReason::Recovered => None,
        ResolvedReason::Manual => {
            Some("Someone closed it by hand. We stay quiet about it until it was up once.")
        }
        ResolvedReason::Paused => {
            Some("The monitor was paused, so we do not know whether it is up.")
        }
        ResolvedReason::Deleted => {
            Some("The monitor was deleted, so we do not know whether it is up.")
        }
        ResolvedReason::Edited if brief.waits() => Some("By its new settings it is not late."),
        ResolvedReason::Edited => Some("The monitor now looks at another address."),
    };
    let said: Vec<&str> = [late, why].into_iter().flatten().collect();
    (!said.is_empty()).then(|| Say::new(said.join(" ")))
}

/// `14:02:11 to 14:08:23 UTC+1 on Sun 22 Nov 2026 (6 min 12 s)`, or both moments where a day lies between.
fn span(brief: &Brief<'_>, incident: &Incident, end: Timestamp, lasted: &str) -> String {
    let begin = incident.first_failure_at;
    let zone = &brief.zone;
    if words::day(begin, zone) == words::day(end, zone) {
        format!(
            "{} to {} on {} ({lasted})",
            words::clock_bare(begin, zone),
            words::clock(end, zone),
            words::day(begin, zone)
        )
    } else {
        format!(
            "{} to {} ({lasted})",
            words::moment(begin, zone),
            words::moment(end, zone)
        )
    }
}

/// `3 of 3 looks are good`, or `2 of 3 regions say up`. Nothing where the votes are of another turn
/// already: it may be down again.
fn good(brief: &Brief<'_>, incident: &Incident) -> Option<String> {
    let votes = &brief.context.votes;
    // A row keeps microseconds, a vote nanoseconds.
    let stored = |at: Timestamp| at.as_microsecond();
    let ended = |vote: &&RegionVote| {
        vote.verdict.is_some_and(VerdictKind::is_good)
            && vote
                .recovered_at
                .is_some_and(|at| Some(stored(at)) <= incident.resolved_at.map(stored))
    };
    let good = votes.iter().filter(ended).count();
    match (votes.as_slice(), good) {
        (_, 0) => None,
        ([only], _) if only.confirmed_by == 1 => Some("1 of 1 look is good".to_owned()),
        ([only], _) => Some(format!("{0} of {0} looks are good", only.confirmed_by)),
        (all, good) => Some(format!("{good} of {} regions say up", all.len())),
    }
}

/// `99.98 % of the time observed`, of the last 30 days.
fn month(brief: &Brief<'_>) -> Option<String> {
    Some(format!(
        "{} of the time observed",
        brief.context.uptime.as_ref()?.percent()?
    ))
}

/// `seen 14:02:11, sure 14:02:17, mail accepted 14:02:18, taken by Ana 14:03:40`.
fn timing(brief: &Brief<'_>, incident: &Incident) -> Option<Say> {
    if brief.first_word {
        return None;
    }
    let clock = |at| words::clock_bare(at, &brief.zone);
    let mut parts = vec![
        format!("seen {}", clock(incident.first_failure_at)),
        format!("sure {}", clock(incident.confirmed_at)),
    ];
    let mine = brief
        .context
        .told
        .iter()
        .find(|told| told.contact_id == brief.contact.id);
    if let Some(at) = mine.and_then(|told| told.accepted_at) {
        parts.push(format!("mail accepted {}", clock(at)));
    }
    if let (Some(at), Some(by)) = (incident.acknowledged_at, &incident.acknowledged_by) {
        parts.push(format!("taken by {} {}", by.name, clock(at)));
    }
    Some(Say::new(parts.join(", ")))
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
