//! The messages, newest first; the chosen one opened.

use askama::Template;
use axum::extract::{Query, State};
use domain::alert::sms::gsm::{length, septets};
use domain::contact::Channel;
use domain::words;
use jiff::tz::TimeZone;
use serde::Deserialize;
use store::outbox::OutboxMessage;
use uuid::Uuid;

use super::call::CallView;
use crate::error::{PageError, PageResult};
use crate::extract::Visitor;
use crate::pages::monitors::parts::channel_icon;
use crate::state::AppState;
use crate::view::{Moment, Shell, render};

/// As many as a person scrolls.
const MOST: i64 = 100;

#[derive(Template)]
#[template(path = "outbox/list.html")]
struct OutboxPage {
    shell: Shell,
    messages: Vec<Line>,
    open: Option<Opened>,
    dark: bool,
}

struct Line {
    id: Uuid,
    at: Moment,
    icon: &'static str,
    recipient: String,
    title: String,
    open: bool,
}

struct Opened {
    id: Uuid,
    at: Moment,
    recipient: String,
    subject: String,
    text: String,
    has_html: bool,
    is_sms: bool,
    is_call: bool,
    /// Of a call whose keys work here.
    call: Option<CallView>,
    size: String,
    headers: Vec<(String, String)>,
}

/// Which message is open, the newest when none is named, and in which colours a mail is shown.
#[derive(Debug, Default, Deserialize)]
pub struct Chosen {
    #[serde(default)]
    open: Option<Uuid>,
    #[serde(default)]
    colours: String,
}

/// Shows them.
pub async fn show(
    visitor: Visitor,
    State(state): State<AppState>,
    Query(chosen): Query<Chosen>,
) -> PageResult {
    if !state.config.outbox {
        return Err(PageError::NotFound);
    }
    let zone = visitor
        .signed_in
        .as_ref()
        .and_then(|signed_in| signed_in.membership.as_ref())
        .map_or(TimeZone::UTC, |membership| {
            words::zone(&membership.timezone)
        });
    let mut connection = state.pool.acquire().await?;
    let messages = store::outbox::list(&mut connection, MOST).await?;
    let dark = chosen.colours == "dark";
    let open = chosen
        .open
        .or_else(|| messages.first().map(|message| message.id));
    let shown = messages.iter().find(|message| Some(message.id) == open);
    let call = match shown {
        Some(message) => super::call::find(&mut connection, message).await?,
        None => None,
    };
    drop(connection);
    render(&OutboxPage {
        dark,
        shell: visitor.shell("Outbox"),
        open: shown.map(|message| opened(message, call, &zone)),
        messages: messages
            .iter()
            .map(|message| line(message, open, &zone))
            .collect(),
    })
}

fn line(message: &OutboxMessage, open: Option<Uuid>, zone: &TimeZone) -> Line {
    Line {
        id: message.id,
        at: Moment::new(message.at, zone.clone()),
        icon: channel_icon(message.channel),
        recipient: message.recipient.clone(),
        title: if message.subject.is_empty() {
            message.text.clone()
        } else {
            message.subject.clone()
        },
        open: Some(message.id) == open,
    }
}

fn opened(message: &OutboxMessage, call: Option<CallView>, zone: &TimeZone) -> Opened {
    Opened {
        is_call: message.channel == Channel::Voice,
        call,
        id: message.id,
        at: Moment::new(message.at, zone.clone()),
        recipient: message.recipient.clone(),
        subject: message.subject.clone(),
        text: message.text.clone(),
        has_html: !message.html.is_empty(),
        is_sms: message.channel == Channel::Sms,
        size: size(&message.text),
        headers: headers(&message.headers),
    }
}

/// "131 characters, 1 segment": what the telephone network counts.
fn size(text: &str) -> String {
    let plain = text.chars().all(|c| septets(c).is_some());
    let (count, single, part) = if plain {
        (length(text), 160, 153)
    } else {
        (text.encode_utf16().count(), 70, 67)
    };
    let segments = if count <= single {
        1
    } else {
        count.div_ceil(part)
    };
    let plural = if segments == 1 { "segment" } else { "segments" };
    format!("{count} characters, {segments} {plural}")
}

pub(super) fn headers(value: &serde_json::Value) -> Vec<(String, String)> {
    let pairs = value.as_array().map(Vec::as_slice).unwrap_or_default();
    pairs
        .iter()
        .filter_map(|pair| {
            Some((
                pair.get(0)?.as_str()?.to_owned(),
                pair.get(1)?.as_str()?.to_owned(),
            ))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_counted_in_segments() {
        assert_eq!(size(&"x".repeat(160)), "160 characters, 1 segment");
        assert_eq!(size(&"x".repeat(161)), "161 characters, 2 segments");
        assert_eq!(size(&"Ж".repeat(71)), "71 characters, 2 segments");
    }

    #[test]
    fn headers_are_pairs_in_order() {
        let value =
            serde_json::json!([["Subject", "Down"], ["bad"], ["X-Event", "incident.opened"]]);
        assert_eq!(
            headers(&value),
            [
                ("Subject".into(), "Down".into()),
                ("X-Event".into(), "incident.opened".into())
            ]
        );
        assert!(headers(&serde_json::json!({})).is_empty());
    }
}
