//! Whom we told of an incident, and what became of each message.

use domain::delivery::{DeliveryState, Event};
use domain::incident::ResolvedReason;
use domain::words;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use store::deliveries::{Attempt, Delivery};

use crate::pages::monitors::parts::{channel_icon, channel_word};
use crate::view::Moment;

/// One message.
#[derive(Debug, Clone)]
#[expect(missing_docs, reason = "what the line shows")]
pub struct ToldLine {
    pub who: String,
    pub channel: &'static str,
    pub icon: &'static str,
    pub event: &'static str,
    pub monitor: Option<String>,
    pub state: String,
    pub is_bad: bool,
    pub at: Moment,
    pub attempts: Vec<(Moment, String)>,
    pub price: Option<String>,
}

impl ToldLine {
    /// The line of a message and its attempts.
    pub fn of(delivery: &Delivery, attempts: &[Attempt], zone: &TimeZone) -> Self {
        let at = delivery
            .delivered_at
            .or(delivery.accepted_at)
            .or(delivery.finished_at)
            .unwrap_or(delivery.not_before);
        let moment = |at| Moment::new(at, zone.clone());
        Self {
            who: delivery.contact_name.clone(),
            channel: channel_word(delivery.channel),
            icon: channel_icon(delivery.channel),
            event: event_word(delivery),
            monitor: delivery.monitor_name.clone(),
            state: state_words(delivery),
            is_bad: matches!(
                delivery.state,
                DeliveryState::Failed | DeliveryState::GivenUp
            ),
            at: moment(at),
            attempts: attempts
                .iter()
                .filter(|attempt| attempt.delivery_id == delivery.id)
                .map(|attempt| (moment(attempt.at), attempt_words(attempt)))
                .collect(),
            price: delivery
                .price_micros
                .map(|micros| format!("{} USD", domain::alert::prices::amount(micros))),
        }
    }
}

const fn event_word(delivery: &Delivery) -> &'static str {
    match delivery.event {
        Event::IncidentOpened => "down",
        Event::IncidentDiagnosed => "cause",
        Event::IncidentEscalated => "still down",
        Event::IncidentReminded => "reminder",
        Event::IncidentAcknowledged => "taken",
        Event::IncidentResolved => match delivery.resolved_reason {
            None | Some(ResolvedReason::Recovered) => "up again",
            Some(_) => "closed",
        },
        _ => "notice",
    }
}

fn state_words(delivery: &Delivery) -> String {
    let because = |text: &str| match &delivery.reason {
        Some(reason) => format!("{text}: {reason}"),
        None => text.to_owned(),
    };
    match delivery.state {
        DeliveryState::Pending if delivery.attempts > 0 => {
            because("tried, and will be tried again")
        }
        DeliveryState::Pending => "waiting".to_owned(),
        DeliveryState::Sending => "being sent".to_owned(),
        DeliveryState::Sent => "accepted".to_owned(),
        DeliveryState::Delivered => "arrived".to_owned(),
        DeliveryState::Failed => because("refused"),
        DeliveryState::GivenUp => because("given up"),
        DeliveryState::Held => because("held back"),
        DeliveryState::Merged => "told in a grouped message".to_owned(),
        DeliveryState::Superseded => "said by a later message".to_owned(),
        DeliveryState::Skipped => because("not sent"),
    }
}

fn attempt_words(attempt: &Attempt) -> String {
    let by = attempt
        .provider
        .as_deref()
        .map(|provider| format!(" ({provider})"))
        .unwrap_or_default();
    let message = if attempt.message.is_empty() {
        String::new()
    } else {
        format!(": {}", attempt.message)
    };
    format!("{}{by}{message}", words::capitalised(&attempt.outcome))
}

/// The first moment at which a message of that event was accepted, by channel word.
pub fn accepted(deliveries: &[Delivery], event: Event) -> Vec<(&'static str, Timestamp)> {
    let mut first: Vec<(&'static str, Timestamp)> = Vec::new();
    for delivery in deliveries.iter().filter(|delivery| delivery.event == event) {
        let Some(at) = delivery.accepted_at else {
            continue;
        };
        let word = channel_word(delivery.channel);
        match first.iter_mut().find(|(known, _)| *known == word) {
            Some((_, earliest)) => *earliest = (*earliest).min(at),
            None => first.push((word, at)),
        }
    }
    first
}
