//! The mail of a domain whose registration ends.

use domain::words;

use super::{Frame, Say, Template, Tone, Words, contact_footer, mail_templates};
use crate::brief::Brief;
use crate::error::RenderError;

mail_templates! {
    Expiring: "domain.expiring/subject.txt" "domain.expiring/body.txt" "domain.expiring/body.html"
}

struct Expiring {
    frame: Frame,
    name: Say,
    left: String,
    lead: Say,
    source: Say,
    watched_by: Say,
    next: Say,
    link: String,
}

pub(super) fn expiring(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let news = brief.registration()?;
    let left = words::days_left(news.expires_at.duration_since(brief.now));
    let when = words::moment(news.expires_at, &brief.zone);
    let heading = format!("The registration of {} ends {left}", news.name);
    let view = Expiring {
        frame: Frame {
            word: "DOMAIN",
            tone: Tone::Warn,
            preheader: Say::new(format!("On {when}. Everything still works.")),
            heading: Say::new(heading),
            footer: contact_footer(brief),
        },
        name: Say::new(&news.name),
        lead: Say::new(format!(
            "The registration of {} ends on {when} ({left}). Everything still works; after that its sites and mail stop, and somebody else may take the name.",
            news.name
        )),
        left,
        source: Say::new(&news.source),
        watched_by: Say::new(brief.monitor_name()),
        next: Say::new(next(&news.next_days)),
        link: brief.links.monitor.clone(),
    };
    view.words()
}

fn next(days: &[u32]) -> String {
    let after = "After that we report the domain down.";
    let days: Vec<String> = days
        .iter()
        .map(|days| match days {
            1 => "1 day".to_owned(),
            days => format!("{days} days"),
        })
        .collect();
    match days.split_last() {
        None => format!("This is the last warning. {after}"),
        Some((only, [])) => format!("Next warning at {only}. {after}"),
        Some((last, rest)) => format!("Next warnings at {} and {last}. {after}", rest.join(", ")),
    }
}
