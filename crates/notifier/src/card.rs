//! What a chat message says, before any service's own format: a title, a sentence, facts and links. The
//! facts are those of the mail.

mod drill;

use domain::delivery::Event;
use domain::delivery::payload::CertificateNews;
use domain::incident::{Incident, ResolvedReason};
use domain::words;
use jiff::Timestamp;

use crate::brief::{Brief, cause};
use crate::email::render::{Tone, good, one_line, span, sure, why};
use crate::error::RenderError;

/// Characters of one fact; what a target says may be longer.
const LONGEST: usize = 600;
/// Names that are spelled out.
const NAMES: usize = 12;

/// How loud a message may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Somebody must act now, whatever they are doing.
    Critical,
    /// Somebody must act now.
    Alarm,
    /// It concerns something that somebody acts on.
    News,
    /// It can wait.
    Quiet,
}

impl Urgency {
    /// That of an outage, by what its monitor is worth.
    pub(crate) fn of_outage(brief: &Brief<'_>) -> Self {
        let incident = brief.context.incident.as_ref();
        match incident.is_some_and(|facts| facts.incident.severity.is_critical()) {
            true => Self::Critical,
            false => Self::Alarm,
        }
    }
}

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Card {
    pub(crate) tone: Tone,
    pub(crate) urgency: Urgency,
    /// One line, state first.
    pub(crate) title: String,
    /// Where the title leads.
    pub(crate) link: String,
    /// A sentence or two; empty where the facts say it all.
    pub(crate) lead: String,
    /// Label and value; in this order.
    pub(crate) facts: Vec<(&'static str, String)>,
    /// Label and address.
    pub(crate) links: Vec<(&'static str, String)>,
    /// Which of them takes what is down.
    pub(crate) acknowledge: String,
    /// Whose contact it is.
    pub(crate) footer: String,
    /// When it came about.
    pub(crate) at: Timestamp,
}

impl Card {
    /// All of it on one line, for programs and for whoever stands in.
    pub(crate) fn line(&self) -> String {
        let lead = (!self.lead.is_empty()).then(|| self.lead.clone());
        let parts: Vec<String> = [Some(format!("{}.", self.title.trim_end_matches('.'))), lead]
            .into_iter()
            .flatten()
            .collect();
        parts.join(" ")
    }
}

/// The card about an event.
pub(crate) fn event(brief: &Brief<'_>) -> Result<Card, RenderError> {
    if let Some(storm) = &brief.storm {
        return Ok(trimmed(storm.card(brief)));
    }
    let card = match brief.event {
        event if brief.is_drill() && event != Event::IncidentAcknowledged => drill::drill(brief)?,
        Event::IncidentOpened
        | Event::IncidentDiagnosed
        | Event::IncidentEscalated
        | Event::IncidentReminded => opened(brief)?,
        Event::IncidentAcknowledged => acknowledged(brief)?,
        Event::IncidentResolved => resolved(brief)?,
        Event::TlsExpiring | Event::TlsRenewed | Event::TlsWorse => certificate(brief)?,
        Event::DomainExpiring => registration(brief)?,
        Event::MonitorDegraded
        | Event::MonitorPartial
        | Event::MonitorBlocked
        | Event::MonitorUnknown => status(brief)?,
        Event::ContactTest => test(brief),
    };
    Ok(trimmed(card))
}

fn trimmed(mut card: Card) -> Card {
    card.title = short(&card.title);
    card.lead = short(&card.lead);
    for (_, value) in &mut card.facts {
        *value = short(value);
    }
    card.facts.retain(|(_, value)| !value.is_empty());
    card
}

fn short(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= LONGEST {
        return line;
    }
    format!("{}…", line.chars().take(LONGEST - 1).collect::<String>())
}

fn card(brief: &Brief<'_>, tone: Tone, title: String) -> Card {
    Card {
        tone,
        urgency: match brief.event {
            Event::IncidentOpened | Event::IncidentEscalated | Event::IncidentReminded => {
                Urgency::of_outage(brief)
            }
            Event::IncidentAcknowledged | Event::IncidentResolved | Event::ContactTest => {
                Urgency::News
            }
            _ => Urgency::Quiet,
        },
        title,
        link: brief.links.monitor.clone(),
        lead: String::new(),
        facts: Vec::new(),
        links: Vec::new(),
        acknowledge: brief.links.acknowledge.clone(),
        footer: format!("{} at Watchbell", brief.account_name()),
        at: brief.now,
    }
}

fn opened(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let incident = &brief.facts()?.incident;
    let cause = words::cause(&incident.failure, incident.attribution);
    let closer = brief.looked_closer();
    let re = match brief.repeats() || closer.is_some() {
        true => "Re: ",
        false => "",
    };
    let title = format!("{re}Down: {} ({cause})", brief.monitor_name());
    let why = why(incident).to_string();
    let lead = brief
        .still(incident)
        .or_else(|| closer.map(str::to_owned))
        .map_or_else(|| why.clone(), |first| format!("{first} {why}"));
    let steps = incident.diagnosis.iter().flat_map(|one| &one.next_steps);
    let next = steps
        .map(|step| match &step.command {
            Some(command) => format!("{} {command}", step.text),
            None => step.text.clone(),
        })
        .next();
    Ok(Card {
        link: brief.links.incident.clone(),
        lead,
        facts: vec![
            (
                "Since",
                words::moment(incident.first_failure_at, &brief.zone),
            ),
            ("Sure", sure(brief, incident)),
            ("Confidence", confidence(incident)),
            (
                if brief.waits() { "Expected" } else { "Address" },
                brief.address(),
            ),
            ("Behind", brief.behind().unwrap_or_default()),
            ("Do next", next.unwrap_or_default()),
        ],
        links: vec![
            ("I have it", brief.links.acknowledge.clone()),
            ("Open the incident", brief.links.incident.clone()),
        ],
        at: incident.first_failure_at,
        ..card(brief, Tone::Down, title)
    })
}

fn confidence(incident: &Incident) -> String {
    incident
        .diagnosis
        .as_ref()
        .map(|diagnosis| diagnosis.confidence.as_str().to_owned())
        .unwrap_or_default()
}

fn acknowledged(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let incident = &brief.facts()?.incident;
    let by = incident
        .acknowledged_by
        .as_ref()
        .map_or("Someone", |actor| actor.name.as_str());
    let at = incident.acknowledged_at.unwrap_or(brief.now);
    Ok(Card {
        link: brief.links.incident.clone(),
        lead: format!(
            "Taken at {}. It is still down.",
            words::clock(at, &brief.zone)
        ),
        facts: vec![
            (
                "Since",
                words::moment(incident.first_failure_at, &brief.zone),
            ),
            ("Why", cause(&incident.failure, incident.attribution)),
        ],
        links: vec![("Open the incident", brief.links.incident.clone())],
        at,
        ..card(
            brief,
            Tone::Down,
            format!("{by} has {}", brief.monitor_name()),
        )
    })
}

fn resolved(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let incident = &brief.facts()?.incident;
    let (name, end) = (brief.monitor_name(), brief.end(incident));
    let lasted = words::duration(brief.lasted(incident));
    let recovered = matches!(
        incident.resolved_reason,
        None | Some(ResolvedReason::Recovered)
    );
    let title = match (recovered, brief.first_word) {
        (true, false) => format!("Up: {name} (was down {lasted})"),
        (true, true) => format!("Was down: {name} ({lasted}), and is up again"),
        (false, _) => format!("Closed: {name} (was down {lasted})"),
    };
    let tone = if recovered { Tone::Up } else { Tone::Plain };
    let looks = good(brief, incident).filter(|_| recovered);
    let month = brief.context.uptime.as_ref().and_then(|month| {
        let share = month.percent()?;
        Some(format!("{share} of the time observed"))
    });
    Ok(Card {
        link: brief.links.incident.clone(),
        lead: ending(brief, incident).to_owned(),
        facts: vec![
            ("Down", span(brief, incident, end, &lasted)),
            ("Why", cause(&incident.failure, incident.attribution)),
            ("Sure", looks.unwrap_or_default()),
            ("Behind", brief.was_behind().unwrap_or_default()),
            ("Month", month.unwrap_or_default()),
        ],
        links: vec![("Open the incident", brief.links.incident.clone())],
        at: end,
        ..card(brief, tone, title)
    })
}

fn ending(brief: &Brief<'_>, incident: &Incident) -> &'static str {
    match incident.resolved_reason {
        None | Some(ResolvedReason::Recovered) => "",
        Some(ResolvedReason::Manual) => {
            "Someone closed it by hand. We stay quiet about it until it was up once."
        }
        Some(ResolvedReason::Paused) => {
            "The monitor was paused, so we do not know whether it is up."
        }
        Some(ResolvedReason::Deleted) => {
            "The monitor was deleted, so we do not know whether it is up."
        }
        Some(ResolvedReason::Edited) if brief.waits() => "By its new settings it is not late.",
        Some(ResolvedReason::Edited) => "The monitor now looks at another address.",
    }
}

fn certificate(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let news = brief.certificate()?;
    let host = &news.host;
    let until = words::moment(news.not_after, &brief.zone);
    let left = words::days_left(news.not_after.duration_since(brief.now));
    let (tone, title, lead) = match brief.event {
        Event::TlsRenewed => (
            Tone::Up,
            format!("Certificate: {host} was renewed"),
            format!("It is good until {until}."),
        ),
        Event::TlsWorse => (
            Tone::Warn,
            format!("Certificate: {host} has a worse one than before"),
            format!("{}.", words::capitalised(news.worse())),
        ),
        _ => (
            Tone::Warn,
            format!("Certificate: {host} expires {left}"),
            format!("It expires on {until}. Your sites still work."),
        ),
    };
    Ok(Card {
        lead,
        facts: vec![
            ("Names", names(&news)),
            ("Issuer", news.certificate.issuer.clone()),
            ("Used by", news.monitors.join(", ")),
        ],
        links: vec![("Open the monitor", brief.links.monitor.clone())],
        ..card(brief, tone, title)
    })
}

fn names(news: &CertificateNews) -> String {
    let all = &news.certificate.names;
    let shown: Vec<&str> = all.iter().take(NAMES).map(String::as_str).collect();
    match all.len().saturating_sub(NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

fn registration(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let news = brief.registration()?;
    let left = words::days_left(news.expires_at.duration_since(brief.now));
    let when = words::moment(news.expires_at, &brief.zone);
    Ok(Card {
        lead: format!(
            "Its registration ends on {when}. Everything still works; after that its sites and mail stop, and somebody else may take the name."
        ),
        facts: vec![
            (
                "Do next",
                "Renew it at your registrar, and see that the card on file is good.".to_owned(),
            ),
            ("Monitor", brief.monitor_name()),
        ],
        links: vec![("Open the monitor", brief.links.monitor.clone())],
        ..card(
            brief,
            Tone::Warn,
            format!("Domain: {} ends {left}", news.name),
        )
    })
}

fn status(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let status = brief.status()?;
    let name = brief.monitor_name();
    let (tone, title) = match brief.event {
        Event::MonitorDegraded => (Tone::Warn, format!("Slow: {name}")),
        _ if status.origin.is_some() => {
            (Tone::Warn, format!("Served, but its origin fails: {name}"))
        }
        Event::MonitorPartial => (Tone::Warn, format!("Partly down: {name}")),
        Event::MonitorBlocked => (Tone::Plain, format!("Blocked: {name} refuses our looks")),
        _ if brief.waits() => (
            Tone::Plain,
            format!("We may have lost a heartbeat of {name}"),
        ),
        _ => (Tone::Plain, format!("We could not look at {name}")),
    };
    let saw = match (&status.failure, status.total_us) {
        (Some(failure), _) => format!("{}. {}", cause(failure, None), failure.message),
        (None, Some(total)) => format!("The last look took {}.", words::milliseconds(total)),
        (None, None) => String::new(),
    };
    Ok(Card {
        lead: "A notice, not an alarm.".to_owned(),
        facts: vec![
            ("Since", words::moment(status.since, &brief.zone)),
            ("From", status.regions.join(", ")),
            ("Origin", status.origin.unwrap_or_default()),
            ("We saw", saw),
            (
                if brief.waits() { "Expected" } else { "Address" },
                brief.address(),
            ),
            ("Do next", brief.advice().unwrap_or_default()),
        ],
        links: vec![("Open the monitor", brief.links.monitor.clone())],
        at: status.since,
        ..card(brief, tone, title)
    })
}

fn test(brief: &Brief<'_>) -> Card {
    Card {
        link: brief.links.contacts.clone(),
        lead: format!(
            "This is a test. Alerts of {} arrive here.",
            brief.account_name()
        ),
        links: vec![("Contacts", brief.links.contacts.clone())],
        ..card(brief, Tone::Plain, "Test: it works".to_owned())
    }
}
