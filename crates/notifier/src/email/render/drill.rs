//! Mails of a fire drill: they look like no outage, and ask for the same answer.

use domain::delivery::Event;

use super::outage::told;
use super::{Frame, Say, Template, Tone, Words, contact_footer, mail_templates, subject_name};
use crate::brief::{Brief, DRILL, DRILL_OVER};
use crate::error::RenderError;

mail_templates! {
    Drill: "drill/subject.txt" "drill/body.txt" "drill/body.html"
}

struct Drill {
    frame: Frame,
    again: bool,
    name: Say,
    what: &'static str,
    lead: Say,
    still: Option<Say>,
    /// It still asks who has it.
    asks: bool,
    acknowledge: String,
    link: String,
    told: Option<Say>,
}

/// Any mail of a drill.
pub(super) fn drill(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let incident = &brief.facts()?.incident;
    let over = brief.event == Event::IncidentResolved;
    let (lead, what) = match over {
        true => (DRILL_OVER, "over"),
        false => (DRILL, "nothing is down"),
    };
    Drill {
        frame: Frame {
            word: "FIRE DRILL",
            tone: Tone::Plain,
            heading: Say::new(match over {
                true => format!("The fire drill for {} is over", brief.bare_name()),
                false => brief.monitor_name(),
            }),
            preheader: Say::new(lead),
            footer: contact_footer(brief),
        },
        again: brief.again && !over,
        name: subject_name(&brief.bare_name()),
        what,
        lead: Say::new(lead),
        still: brief.still(incident).filter(|_| !over).map(Say::new),
        asks: !over,
        acknowledge: brief.links.acknowledge.clone(),
        link: brief.links.incident.clone(),
        told: told(brief).filter(|_| !over),
    }
    .words()
}
