//! From an event to what a call says; the sentences themselves are `domain::alert::voice`.

use askama::Template;
use domain::alert::storm::Kind;
use domain::alert::voice::{self, SILENCE, Script};
use domain::delivery::{AccountMessage, Event};

use crate::brief::Brief;
use crate::error::RenderError;
use crate::storm::{Storm, open_of};

/// Verbs of the provider's language.
#[derive(Template)]
#[template(path = "call/voice.xml")]
pub(crate) struct Twiml<'t> {
    pub(crate) say: &'t [String],
    /// Where a pressed key goes; none where nothing is asked.
    pub(crate) keys: Option<&'t str>,
    silence: &'static str,
}

impl<'t> Twiml<'t> {
    pub(crate) const fn new(say: &'t [String], keys: Option<&'t str>) -> Self {
        Self {
            say,
            keys,
            silence: SILENCE,
        }
    }
}

/// What a call about an event has to say. Only an outage, its end and a test are called about.
pub(crate) fn event(brief: &Brief<'_>) -> Result<Script, RenderError> {
    if let Some(storm) = brief
        .storm
        .as_deref()
        .filter(|storm| !storm.is_one_outage())
    {
        return together(brief, storm);
    }
    Ok(match brief.event {
        Event::IncidentOpened | Event::IncidentEscalated => {
            let incident = &brief.facts()?.incident;
            if incident.test {
                return Ok(Script::drill(&brief.bare_name()));
            }
            let name = brief.monitor_name();
            Script::down((&name, brief.count_behind()), incident, &brief.zone)
        }
        Event::IncidentResolved => {
            let incident = &brief.facts()?.incident;
            Script::up(&brief.monitor_name(), brief.lasted(incident))
        }
        Event::ContactTest => Script::test(brief.account_name()),
        _ => return Err(RenderError::Missing("a call: nobody is called about this")),
    })
}

/// What a call about several outages has to say.
fn together(brief: &Brief<'_>, storm: &Storm) -> Result<Script, RenderError> {
    match storm.kind {
        Kind::Down | Kind::Again => {
            let members = storm.members.iter().chain(&storm.alone);
            let since = members.map(|member| member.since).min();
            let since = since.unwrap_or(brief.now);
            let shared = storm.shared();
            Ok(Script::storm(
                open_of(storm),
                since,
                shared.as_ref(),
                &brief.zone,
            ))
        }
        Kind::Up => {
            let open = storm.standing.map_or(0, |standing| standing.open);
            let up = storm
                .standing
                .map_or(storm.members.len(), |standing| standing.all - standing.open);
            Ok(Script::storm_over(up, open))
        }
        _ => Err(RenderError::Missing("a call: nobody is called about this")),
    }
}

/// What a call about the account says; only codes are said.
pub(crate) fn code(message: &AccountMessage) -> Result<String, RenderError> {
    match message {
        AccountMessage::ContactCode { code, .. } => Ok(voice::code(code)),
        _ => Err(RenderError::Missing("a call: this message is a mail")),
    }
}
