//! The mail that an outage is over.

use domain::check::VerdictKind;
use domain::incident::{Incident, ResolvedReason};
use domain::status::RegionVote;
use domain::words;
use jiff::Timestamp;

use super::super::{
    Frame, Say, Template, Tone, Words, contact_footer, mail_templates, subject_name,
};
use super::stand_in;
use crate::brief::{Brief, cause};
use crate::error::RenderError;

mail_templates! {
    Resolved: "incident.resolved/subject.txt" "incident.resolved/body.txt" "incident.resolved/body.html"
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
    behind: Option<Say>,
    link: String,
    /// Where to say whether the cause was right, without its last word.
    judge: Option<String>,
}

pub(in super::super) fn resolved(brief: &Brief<'_>) -> Result<Words, RenderError> {
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
        behind: brief.was_behind().map(Say::new),
        link: brief.links.incident.clone(),
        judge: incident
            .diagnosis
            .is_some()
            .then(|| brief.links.cause.clone()),
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
pub(crate) fn span(brief: &Brief<'_>, incident: &Incident, end: Timestamp, lasted: &str) -> String {
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
pub(crate) fn good(brief: &Brief<'_>, incident: &Incident) -> Option<String> {
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
