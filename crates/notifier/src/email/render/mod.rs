//! What a mail says: subject, text and HTML, from templates.
//!
//! To add a mail: a folder in `templates/notify/` with `subject.txt`, `body.txt` and `body.html`, a view
//! struct here with everything the templates name, and one line of [`mail_templates`].

mod account;
mod certificate;
mod drill;
mod notice;
mod outage;
mod registration;
mod say;
mod storm;
mod watch;

pub(crate) use account::{AccountBrief, account};
pub(crate) use outage::{good, span, sure, why};
pub(crate) use say::{Say, one_line};

use domain::alert::sms::gsm;
use domain::delivery::Event;

use crate::brief::Brief;
use crate::error::RenderError;

/// A mail's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// The colour of the rule under the first word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Down,
    Up,
    Warn,
    Plain,
}

impl Tone {
    const fn class(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Up => "up",
            Self::Warn => "warn",
            Self::Plain => "plain",
        }
    }

    pub(crate) const fn color(self) -> &'static str {
        match self {
            Self::Down => "#9f1230",
            Self::Up => "#0a9a92",
            Self::Warn => "#ad7000",
            Self::Plain => "#7f8896",
        }
    }
}

/// Why someone gets a mail.
#[derive(Debug, Clone)]
pub(crate) enum Footer {
    /// As a contact that can be stopped.
    Contact {
        account: Say,
        contacts: String,
        stop: String,
    },
    /// As a user.
    Account { base: String },
    /// Because someone typed the address.
    Proof { base: String, not_me: String },
    /// Because someone waits for a target without an account. `not_me` in what asks them to confirm; in all
    /// else the watch has ended.
    Watch {
        base: String,
        page: String,
        not_me: Option<String>,
    },
}

/// What every mail has.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) word: &'static str,
    pub(crate) tone: Tone,
    pub(crate) heading: Say,
    pub(crate) preheader: Say,
    pub(crate) footer: Footer,
}

/// A view that has templates.
pub(crate) trait Template {
    /// Fills them.
    fn words(&self) -> Result<Words, RenderError>;
}

/// Ties a view to its three files.
macro_rules! mail_templates {
    ($($view:ty: $subject:tt $text:tt $html:tt)*) => {$(
        const _: () = {
            use $crate::email::render::Footer;

            #[derive(askama::Template)]
            #[template(path = $subject, escape = "none")]
            struct Subject<'v> { v: &'v $view }

            #[derive(askama::Template)]
            #[template(path = $text, escape = "none")]
            struct Text<'v> { v: &'v $view }

            #[derive(askama::Template)]
            #[template(path = $html, escape = "html")]
            struct Html<'v> { v: &'v $view }

            impl $crate::email::render::Template for $view {
                fn words(&self) -> Result<$crate::email::render::Words, $crate::error::RenderError> {
                    use askama::Template as _;
                    let subject = Subject { v: self };
                    // Some subjects are fixed words.
                    let _ = subject.v;
                    Ok($crate::email::render::finish(
                        &subject.render()?,
                        &Text { v: self }.render()?,
                        Html { v: self }.render()?,
                    ))
                }
            }
        };
    )*};
}
pub(crate) use mail_templates;

/// Subjects are one line of ASCII; texts have no blanks at line ends and no two empty lines in a row.
pub(crate) fn finish(subject: &str, text: &str, html: String) -> Words {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.trim().lines().map(str::trim_end) {
        if !(line.is_empty() && lines.last().is_some_and(|last| last.is_empty())) {
            lines.push(line);
        }
    }
    Words {
        subject: gsm::ascii(subject),
        text: format!("{}\n", lines.join("\n")),
        html,
    }
}

/// The mail about an event.
pub(crate) fn event(brief: &Brief<'_>) -> Result<Words, RenderError> {
    if let Some(storm) = &brief.storm {
        return storm::together(brief, storm);
    }
    if brief.is_drill() && brief.event != Event::IncidentAcknowledged {
        return drill::drill(brief);
    }
    match brief.event {
        Event::IncidentOpened
        | Event::IncidentDiagnosed
        | Event::IncidentEscalated
        | Event::IncidentReminded => outage::opened(brief),
        Event::IncidentResolved => outage::resolved(brief),
        Event::IncidentAcknowledged => outage::acknowledged(brief),
        Event::TlsExpiring | Event::TlsRenewed | Event::TlsWorse => certificate::news(brief),
        Event::DomainExpiring => registration::expiring(brief),
        Event::MonitorDegraded
        | Event::MonitorPartial
        | Event::MonitorBlocked
        | Event::MonitorUnknown => notice::status(brief),
        Event::ContactTest => notice::test(brief),
    }
}

/// The footer of what goes to a contact.
fn contact_footer(brief: &Brief<'_>) -> Footer {
    Footer::Contact {
        account: Say::new(brief.account_name()),
        contacts: brief.links.contacts.clone(),
        stop: brief.links.stop.clone(),
    }
}

/// The name as a subject can carry it.
fn subject_name(name: &str) -> Say {
    let name = one_line(name);
    if name.chars().count() <= 80 {
        return Say::new(name);
    }
    Say::new(format!(
        "{}...",
        name.chars().take(77).collect::<String>().trim_end()
    ))
}
