//! What every channel's send answers with.

use std::time::Duration;

use domain::delivery::retry::ErrorClass;

/// A provider has the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// `smtp`, `smtp2`, `twilio`, `twilio2`, `outbox`.
    pub(crate) provider: String,
    /// The provider's name for it.
    pub(crate) provider_id: Option<String>,
    /// It also arrived.
    pub(crate) delivered: bool,
    /// The provider's answer.
    pub(crate) message: String,
}

/// No provider has it, or nobody knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) class: ErrorClass,
    /// It may have arrived all the same.
    pub(crate) ambiguous: bool,
    /// Why nothing more is sent to the contact, for its owner.
    pub(crate) contact_reason: Option<&'static str>,
    /// What happened, for the delivery's attempts.
    pub(crate) message: String,
}

impl Trouble {
    pub(crate) fn ours(message: impl Into<String>) -> Self {
        Self {
            class: ErrorClass::Ours,
            ambiguous: false,
            contact_reason: None,
            message: message.into(),
        }
    }

    pub(crate) fn transient(message: impl Into<String>, retry_after: Option<Duration>) -> Self {
        Self {
            class: ErrorClass::Transient { retry_after },
            ambiguous: false,
            contact_reason: None,
            message: message.into(),
        }
    }

    /// Two providers failed: the better hope of both counts.
    pub(crate) fn and(self, second: Self) -> Self {
        let message = format!("{}; then {}", self.message, second.message);
        let class = match (self.class, second.class) {
            (
                ErrorClass::Transient { retry_after: a },
                ErrorClass::Transient { retry_after: b },
            ) => ErrorClass::Transient {
                retry_after: a.min(b),
            },
            (transient @ ErrorClass::Transient { .. }, _) | (_, transient) => transient,
        };
        Self {
            class,
            ambiguous: self.ambiguous || second.ambiguous,
            contact_reason: None,
            message,
        }
    }
}

/// `twilio` for the first, `twilio2` for the second.
pub(crate) fn provider_name(kind: &str, index: usize) -> String {
    if index == 0 {
        kind.to_owned()
    } else {
        format!("{kind}{}", index + 1)
    }
}
