//! Quiet notices, tests, and texts that could not be sent.

use domain::delivery::Event;
use domain::words;

use super::{Frame, Say, Template, Tone, Words, contact_footer, mail_templates, subject_name};
use crate::brief::{Brief, cause};
use crate::error::RenderError;

mail_templates! {
    Degraded: "monitor.degraded/subject.txt" "monitor.degraded/body.txt" "monitor.degraded/body.html"
    Partial: "monitor.partial/subject.txt" "monitor.partial/body.txt" "monitor.partial/body.html"
    Origin: "monitor.origin/subject.txt" "monitor.origin/body.txt" "monitor.origin/body.html"
    Blocked: "monitor.blocked/subject.txt" "monitor.blocked/body.txt" "monitor.blocked/body.html"
    Unknown: "monitor.unknown/subject.txt" "monitor.unknown/body.txt" "monitor.unknown/body.html"
    Test: "contact.test/subject.txt" "contact.test/body.txt" "contact.test/body.html"
}

struct Notice {
    frame: Frame,
    name: Say,
    since: String,
    saw: Option<Say>,
    address: Say,
    /// It is a heartbeat: nobody looks at it.
    waits: bool,
    advice: Option<Say>,
    link: String,
}

macro_rules! views_of_a_notice {
    ($($view:ident)*) => {$(
        struct $view(Notice);

        impl std::ops::Deref for $view {
            type Target = Notice;

            fn deref(&self) -> &Notice {
                &self.0
            }
        }
    )*};
}
views_of_a_notice! { Degraded Partial Origin Blocked Unknown }

pub(super) fn status(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let status = brief.status()?;
    let name = brief.monitor_name();
    let (word, heading) = match brief.event {
        Event::MonitorDegraded => ("SLOW", format!("{name} is slow")),
        _ if status.origin.is_some() => (
            "ORIGIN FAILS",
            format!("{name} is served, but its origin fails"),
        ),
        Event::MonitorPartial => ("PARTLY DOWN", format!("{name} is down for some regions")),
        Event::MonitorBlocked => ("BLOCKED", format!("{name} refuses our looks")),
        _ if brief.waits() => (
            "A HEARTBEAT MAY BE LOST",
            format!("We may have lost a heartbeat of {name}"),
        ),
        _ => ("WE COULD NOT LOOK", format!("We could not look at {name}")),
    };
    let saw = match (&status.failure, status.total_us) {
        (Some(failure), _) if status.origin.is_some() => Some(format!(
            "Asked directly, {}: {}. {}",
            status.origin.as_deref().unwrap_or_default(),
            words::cause(failure, None),
            failure.message
        )),
        (Some(failure), _) if status.regions.is_empty() => {
            Some(format!("{}. {}", cause(failure, None), failure.message))
        }
        (Some(failure), _) => Some(format!(
            "From {}: {}. {}",
            status.regions.join(", "),
            words::cause(failure, None),
            failure.message
        )),
        (None, Some(total)) => Some(format!(
            "The last look took {}.",
            words::milliseconds(total)
        )),
        (None, None) => None,
    };
    let notice = Notice {
        frame: Frame {
            word,
            tone: if matches!(brief.event, Event::MonitorDegraded | Event::MonitorPartial) {
                Tone::Warn
            } else {
                Tone::Plain
            },
            heading: Say::new(heading),
            preheader: Say::new(format!(
                "Since {}. A notice, not an alarm.",
                words::clock(status.since, &brief.zone)
            )),
            footer: contact_footer(brief),
        },
        name: subject_name(&name),
        since: words::moment(status.since, &brief.zone),
        saw: saw.map(Say::new),
        address: Say::new(brief.address()),
        waits: brief.waits(),
        advice: brief.advice().map(Say::new),
        link: brief.links.monitor.clone(),
    };
    match brief.event {
        Event::MonitorDegraded => Degraded(notice).words(),
        _ if status.origin.is_some() => Origin(notice).words(),
        Event::MonitorPartial => Partial(notice).words(),
        Event::MonitorBlocked => Blocked(notice).words(),
        _ => Unknown(notice).words(),
    }
}

struct Test {
    frame: Frame,
    account: Say,
    link: String,
}

pub(super) fn test(brief: &Brief<'_>) -> Result<Words, RenderError> {
    let account = Say::new(brief.account_name());
    Test {
        frame: Frame {
            word: "TEST",
            tone: Tone::Plain,
            heading: Say::new("Watchbell reaches this address"),
            preheader: Say::new(format!("A test that {account} asked for. Nothing is down.")),
            footer: contact_footer(brief),
        },
        account,
        link: brief.links.contacts.clone(),
    }
    .words()
}
