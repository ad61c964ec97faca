//! What a message is about, for services that keep a state of their own.

use domain::delivery::Event;
use domain::incident::Severity;
use store::deliveries::claim::Claimed;

use crate::brief::Brief;

/// Names that stay the same over the messages of one incident, and over the tries of one message.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) event: Event,
    /// `del_…`
    pub(crate) delivery: String,
    /// `inc_…`
    pub(crate) incident: Option<String>,
    /// The monitor's name.
    pub(crate) monitor: String,
    pub(crate) account: String,
    /// What is down: the monitor's address, its name where it has none.
    pub(crate) source: String,
    /// That of the outage; normal where there is none.
    pub(crate) severity: Severity,
    /// The class of the failure; of an event without one its own word.
    pub(crate) class: &'static str,
}

impl About {
    pub(crate) fn of(claimed: &Claimed, brief: &Brief<'_>) -> Self {
        let monitor = match &brief.context.monitor {
            Some(_) => brief.monitor_name(),
            None => "Watchbell".to_owned(),
        };
        let facts = brief.context.incident.as_ref();
        Self {
            event: claimed.event,
            delivery: claimed.id.to_string(),
            incident: claimed.incident_id.map(|id| id.to_string()),
            source: match brief.address() {
                address if address.is_empty() => monitor.clone(),
                address => address,
            },
            monitor,
            account: brief.account_name().to_owned(),
            severity: facts.map_or(Severity::Normal, |facts| facts.incident.severity),
            class: facts.map_or(claimed.event.as_str(), |facts| {
                facts.incident.failure.class.as_str()
            }),
        }
    }

    /// What the messages of one incident share, and the tries of one message.
    pub(crate) fn subject(&self) -> &str {
        self.incident.as_deref().unwrap_or(&self.delivery)
    }
}
