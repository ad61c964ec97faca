//! From an event to one segment; the texts themselves are `domain::alert::sms`.

use domain::alert::sms;
use domain::delivery::{AccountMessage, Event};
use domain::incident::ResolvedReason;
use domain::words;

use crate::brief::{Brief, cause, vote_short};
use crate::error::RenderError;

/// The text message about an event.
pub(crate) fn event(brief: &Brief<'_>) -> Result<String, RenderError> {
    if let Some(storm) = brief
        .storm
        .as_deref()
        .filter(|storm| !storm.is_one_outage())
    {
        return Ok(super::storm::together(brief, storm));
    }
    match brief.event {
        Event::IncidentOpened | Event::IncidentEscalated | Event::IncidentReminded => opened(brief),
        Event::IncidentResolved => resolved(brief),
        Event::IncidentAcknowledged => {
            let incident = &brief.facts()?.incident;
            let by = incident
                .acknowledged_by
                .as_ref()
                .map_or("someone", |actor| actor.name.as_str());
            let at = incident.acknowledged_at.unwrap_or(brief.now);
            Ok(sms::taken(
                &brief.monitor_name(),
                by,
                at,
                &brief.zone,
                &brief.links.incident,
            ))
        }
        Event::TlsExpiring | Event::TlsRenewed | Event::TlsWorse => certificate(brief),
        Event::DomainExpiring => registration(brief),
        Event::MonitorDegraded
        | Event::MonitorPartial
        | Event::MonitorBlocked
        | Event::MonitorUnknown => status(brief),
        Event::IncidentDiagnosed => Err(RenderError::Missing(
            "a text: nobody is sent one about this",
        )),
        Event::ContactTest => Ok(sms::test(brief.account_name(), &brief.links.contacts)),
    }
}

/// The text message about the account; only codes go by text.
pub(crate) fn account(message: &AccountMessage) -> Result<String, RenderError> {
    match message {
        AccountMessage::ContactCode { code, .. } => Ok(sms::code(code)),
        _ => Err(RenderError::Missing("a text: this message is a mail")),
    }
}

fn opened(brief: &Brief<'_>) -> Result<String, RenderError> {
    let incident = &brief.facts()?.incident;
    if incident.test {
        return Ok(sms::drill(&brief.bare_name(), &brief.links.incident));
    }
    Ok(sms::down(&sms::Down {
        name: &brief.monitor_name(),
        behind: brief.count_behind(),
        since: incident.first_failure_at,
        zone: &brief.zone,
        cause: &cause(&incident.failure, incident.attribution),
        vote: &match brief.repeats() {
            true => "Nobody has it".to_owned(),
            false => vote_short(&incident.vote),
        },
        link: &brief.links.incident,
    }))
}

fn resolved(brief: &Brief<'_>) -> Result<String, RenderError> {
    let incident = &brief.facts()?.incident;
    let (name, cause) = (
        brief.monitor_name(),
        cause(&incident.failure, incident.attribution),
    );
    let text = sms::Up {
        name: &name,
        from: incident.first_failure_at,
        to: brief.end(incident),
        zone: &brief.zone,
        cause: &cause,
        link: &brief.links.incident,
        first_word: brief.first_word,
    };
    Ok(match incident.resolved_reason {
        None | Some(ResolvedReason::Recovered) => sms::up(&text),
        Some(ResolvedReason::Manual) => sms::closed(&text, "Someone closed it by hand"),
        Some(ResolvedReason::Paused) => sms::closed(&text, "The monitor was paused"),
        Some(ResolvedReason::Deleted) => sms::closed(&text, "The monitor was deleted"),
        Some(ResolvedReason::Edited) if brief.waits() => {
            sms::closed(&text, "By its new settings it is not late")
        }
        Some(ResolvedReason::Edited) => {
            sms::closed(&text, "The monitor looks at another address now")
        }
    })
}

fn certificate(brief: &Brief<'_>) -> Result<String, RenderError> {
    let news = brief.certificate()?;
    let link = &brief.links.monitor;
    Ok(match brief.event {
        Event::TlsRenewed => sms::notice(
            "CERT",
            &news.host,
            "was renewed",
            &format!("Good until {}", words::day(news.not_after, &brief.zone)),
            link,
        ),
        Event::TlsWorse => sms::notice(
            "CERT",
            &news.host,
            "has a worse certificate than before",
            &words::capitalised(news.worse()),
            link,
        ),
        _ => sms::certificate(
            &news.host,
            news.not_after,
            (news.monitors.len().max(1), brief.now),
            &brief.zone,
            link,
        ),
    })
}

fn registration(brief: &Brief<'_>) -> Result<String, RenderError> {
    let news = brief.registration()?;
    let left = words::days_left(news.expires_at.duration_since(brief.now));
    Ok(sms::notice(
        "DOMAIN",
        &news.name,
        &format!("ends {left}"),
        &format!(
            "Renew it before {}",
            words::day(news.expires_at, &brief.zone)
        ),
        &brief.links.monitor,
    ))
}

fn status(brief: &Brief<'_>) -> Result<String, RenderError> {
    let status = brief.status()?;
    let what = match brief.event {
        Event::MonitorDegraded => "is slow",
        _ if status.origin.is_some() => "is served, its origin fails",
        Event::MonitorPartial => "is down for some regions",
        Event::MonitorBlocked => "refuses our looks",
        _ if brief.waits() => "may have called unheard",
        _ => "could not be looked at",
    };
    let what = format!("{what} since {}", sms::clock(status.since, &brief.zone));
    Ok(sms::notice(
        "NOTE",
        &brief.monitor_name(),
        &what,
        "Nobody is alerted",
        &brief.links.monitor,
    ))
}
