//! The card of a fire drill: it looks like no outage, and asks for the same answer.

use domain::delivery::Event;

use super::{Card, card};
use crate::brief::{Brief, DRILL, DRILL_OVER};
use crate::email::render::Tone;
use crate::error::RenderError;

/// Any message of a fire drill.
pub(super) fn drill(brief: &Brief<'_>) -> Result<Card, RenderError> {
    let incident = &brief.facts()?.incident;
    let name = brief.bare_name();
    let open = ("Open the drill", brief.links.incident.clone());
    let (title, lead, links) = match brief.event {
        Event::IncidentResolved => (
            format!("Fire drill: {name} (over)"),
            DRILL_OVER.to_owned(),
            vec![open],
        ),
        _ => {
            let re = if brief.repeats() { "Re: " } else { "" };
            let still = brief.still(incident).map(|still| format!(" {still}"));
            (
                format!("{re}Fire drill: {name} (nothing is down)"),
                format!("{DRILL}{}", still.unwrap_or_default()),
                vec![("I have it", brief.links.acknowledge.clone()), open],
            )
        }
    };
    Ok(Card {
        link: brief.links.incident.clone(),
        lead,
        links,
        at: incident.first_failure_at,
        ..card(brief, Tone::Plain, title)
    })
}
