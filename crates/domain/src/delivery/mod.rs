//! Deliveries: one message to one contact, what became of it, and when it is tried again.

pub mod account;
pub mod circuit;
pub mod decide;
pub mod fallback;
pub mod payload;
pub mod retry;

pub use account::AccountMessage;

use serde::{Deserialize, Serialize};

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the names are those of the reference's webhook types"
)]
pub enum Event {
    #[serde(rename = "incident.opened")]
    IncidentOpened,
    #[serde(rename = "incident.diagnosed")]
    IncidentDiagnosed,
    #[serde(rename = "incident.escalated")]
    IncidentEscalated,
    #[serde(rename = "incident.reminded")]
    IncidentReminded,
    #[serde(rename = "incident.acknowledged")]
    IncidentAcknowledged,
    #[serde(rename = "incident.resolved")]
    IncidentResolved,
    #[serde(rename = "tls.expiring")]
    TlsExpiring,
    #[serde(rename = "tls.renewed")]
    TlsRenewed,
    #[serde(rename = "tls.worse")]
    TlsWorse,
    #[serde(rename = "domain.expiring")]
    DomainExpiring,
    #[serde(rename = "monitor.degraded")]
    MonitorDegraded,
    #[serde(rename = "monitor.partial")]
    MonitorPartial,
    #[serde(rename = "monitor.blocked")]
    MonitorBlocked,
    #[serde(rename = "monitor.unknown")]
    MonitorUnknown,
    #[serde(rename = "contact.test")]
    ContactTest,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 15] = [
        Self::IncidentOpened,
        Self::IncidentDiagnosed,
        Self::IncidentEscalated,
        Self::IncidentReminded,
        Self::IncidentAcknowledged,
        Self::IncidentResolved,
        Self::TlsExpiring,
        Self::TlsRenewed,
        Self::TlsWorse,
        Self::DomainExpiring,
        Self::MonitorDegraded,
        Self::MonitorPartial,
        Self::MonitorBlocked,
        Self::MonitorUnknown,
        Self::ContactTest,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IncidentOpened => "incident.opened",
            Self::IncidentDiagnosed => "incident.diagnosed",
            Self::IncidentEscalated => "incident.escalated",
            Self::IncidentReminded => "incident.reminded",
            Self::IncidentAcknowledged => "incident.acknowledged",
            Self::IncidentResolved => "incident.resolved",
            Self::TlsExpiring => "tls.expiring",
            Self::TlsRenewed => "tls.renewed",
            Self::TlsWorse => "tls.worse",
            Self::DomainExpiring => "domain.expiring",
            Self::MonitorDegraded => "monitor.degraded",
            Self::MonitorPartial => "monitor.partial",
            Self::MonitorBlocked => "monitor.blocked",
            Self::MonitorUnknown => "monitor.unknown",
            Self::ContactTest => "contact.test",
        }
    }

    /// The event a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.as_str() == word)
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Not tried yet, or to be tried again.
    Pending,
    /// A notifier has it under its lease.
    Sending,
    /// The provider took it.
    Sent,
    /// The provider says it arrived.
    Delivered,
    /// It will not be tried again: refused for good.
    Failed,
    /// Tried as often as we try.
    GivenUp,
    /// Waiting for another delivery or a window.
    Held,
    /// Told as part of a grouped message.
    Merged,
    /// A later message says it too.
    Superseded,
    /// Not sent on purpose; the reason is kept.
    Skipped,
}

impl DeliveryState {
    /// All states.
    pub const ALL: [Self; 10] = [
        Self::Pending,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Failed,
        Self::GivenUp,
        Self::Held,
        Self::Merged,
        Self::Superseded,
        Self::Skipped,
    ];

    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
            Self::Held => "held",
            Self::Merged => "merged",
            Self::Superseded => "superseded",
            Self::Skipped => "skipped",
        }
    }

    /// The state a stored word stands for.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Nothing more will happen to it but a receipt.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Sending | Self::Held)
    }

    /// Its contact has been told.
    pub const fn was_told(self) -> bool {
        matches!(self, Self::Sent | Self::Delivered | Self::Merged)
    }
}
