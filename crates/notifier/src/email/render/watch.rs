//! Mails to whoever waits for a target of the tools, without an account.

use domain::delivery::AccountMessage;
use domain::tools::watch::{back, host, not_back};
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::account::AccountBrief;
use super::{Footer, Frame, Say, Template, Tone, Words, mail_templates, subject_name};
use crate::error::RenderError;

mail_templates! {
    Confirm: "account/watch_confirm/subject.txt" "account/watch_confirm/body.txt" "account/watch_confirm/body.html"
    Back: "account/watch_back/subject.txt" "account/watch_back/body.txt" "account/watch_back/body.html"
    Stopped: "account/watch_stopped/subject.txt" "account/watch_stopped/body.txt" "account/watch_stopped/body.html"
}

struct Confirm {
    frame: Frame,
    when_back: Say,
    what: Say,
    target: Say,
    link: String,
}

struct Back {
    frame: Frame,
    lasted: Say,
    back_since: Say,
    seen: Option<Say>,
    watched: Say,
    target: Say,
    link: String,
    monitor: String,
}

struct Stopped {
    frame: Frame,
    what: Say,
    seen: Option<Say>,
    seen_at: Option<Say>,
    watched: Say,
    target: Say,
    again: String,
}

/// The mail that says it.
pub(super) fn mail(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    match brief.message {
        AccountMessage::WatchConfirm { .. } => confirm(brief),
        AccountMessage::WatchBack { .. } => is_back(brief),
        AccountMessage::WatchStopped { .. } => stopped(brief),
        _ => Err(RenderError::Missing("a watch")),
    }
}

fn confirm(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    let AccountMessage::WatchConfirm {
        tool,
        target,
        token,
        ..
    } = brief.message
    else {
        return Err(RenderError::Missing("a watch"));
    };
    let (host, page) = (short_host(target), page(brief, token));
    let when_back = Say::new(back(*tool, &host.to_string()));
    Confirm {
        frame: Frame {
            word: "",
            tone: Tone::Plain,
            heading: Say::new(format!("Watch {host}?")),
            preheader: Say::new(format!("One mail when {when_back}. No account.")),
            footer: Footer::Watch {
                base: brief.base.to_owned(),
                page: page.clone(),
                not_me: Some(brief.not_me.unwrap_or_default().to_owned()),
            },
        },
        what: Say::new(format!(
            "Press the button, and we look at it once a minute from every region. When {when_back} you get one mail; after 24 hours without that, one that we stop. Then this address is deleted."
        )),
        when_back,
        target: Say::new(target),
        link: page,
    }
    .words()
}

fn is_back(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    let AccountMessage::WatchBack {
        tool,
        target,
        since,
        back_since,
        seen,
        run,
        token,
        ..
    } = brief.message
    else {
        return Err(RenderError::Missing("a watch"));
    };
    let result = format!("{}/tools/r/{run}", brief.base);
    let lasted = words::duration(back_since.duration_since(*since));
    Back {
        frame: Frame {
            word: "UP",
            tone: Tone::Up,
            heading: Say::new(back(*tool, &short_host(target).to_string())),
            preheader: Say::new(seen),
            footer: over(brief, token),
        },
        back_since: moment(*back_since),
        seen: (!seen.is_empty()).then(|| Say::new(words::capitalised(seen))),
        watched: Say::new(format!("{lasted}, since {}", moment(*since))),
        lasted: Say::new(lasted),
        target: Say::new(target),
        monitor: format!("{result}/monitor"),
        link: result,
    }
    .words()
}

fn stopped(brief: AccountBrief<'_>) -> Result<Words, RenderError> {
    let AccountMessage::WatchStopped {
        tool,
        target,
        since,
        seen,
        token,
        again,
        ..
    } = brief.message
    else {
        return Err(RenderError::Missing("a watch"));
    };
    let what = match seen {
        Some(_) => "We have looked at it once a minute, and stop now.",
        None => {
            "We could not look at it in this time. That is our fault, and says nothing about it."
        }
    };
    Stopped {
        frame: Frame {
            word: "",
            tone: Tone::Plain,
            heading: Say::new(not_back(*tool, &short_host(target).to_string())),
            preheader: Say::new(what),
            footer: over(brief, token),
        },
        what: Say::new(what),
        seen: seen
            .as_ref()
            .map(|(seen, _)| Say::new(words::capitalised(seen))),
        seen_at: seen.as_ref().map(|(_, at)| moment(*at)),
        watched: Say::new(format!("since {}", moment(*since))),
        target: Say::new(target),
        again: format!("{}/tools/again/{again}", brief.base),
    }
    .words()
}

/// The host as a subject can carry it.
fn short_host(target: &str) -> Say {
    subject_name(&host(target))
}

fn page(brief: AccountBrief<'_>, token: &str) -> String {
    format!("{}/tools/watch/{token}", brief.base)
}

fn over(brief: AccountBrief<'_>, token: &str) -> Footer {
    Footer::Watch {
        base: brief.base.to_owned(),
        page: page(brief, token),
        not_me: None,
    }
}

/// Its reader has no account, and so no zone.
fn moment(at: Timestamp) -> Say {
    Say::new(words::moment(at, &TimeZone::UTC))
}
