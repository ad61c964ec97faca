//! What the provider's answer means for the text or call, the contact and us.

use domain::delivery::retry::ErrorClass;
use domain::telephony::{disables_number, error_words};
use egress::http::{Response, SendError};
use serde::Deserialize;

use crate::send::Trouble;

/// The part of an error body that decides.
#[derive(Debug, Deserialize)]
struct ProviderError {
    code: Option<u32>,
    message: Option<String>,
}

/// No answer at all.
pub(super) fn of_silence(error: &SendError) -> Trouble {
    match error {
        SendError::Refused(_) | SendError::Header(_) | SendError::Setup(_) => {
            Trouble::ours(error.to_string())
        }
        SendError::Resolve(_) | SendError::Connect(_) => {
            Trouble::transient(error.to_string(), None)
        }
        SendError::Ambiguous(_) => Trouble {
            ambiguous: true,
            ..Trouble::transient(error.to_string(), None)
        },
    }
}

/// An answer other than yes.
pub(crate) fn of_answer(response: &Response) -> Trouble {
    let error: Option<ProviderError> = serde_json::from_slice(&response.body).ok();
    let code = error.as_ref().and_then(|error| error.code);
    let said = error
        .as_ref()
        .and_then(|error| error.message.as_deref())
        .unwrap_or_default();
    let message = match code {
        Some(code) => format!(
            "the provider answers {} (error {code}): {said}",
            response.status
        ),
        None => format!("the provider answers {}", response.status),
    };
    match response.status {
        // A status of 5xx may come after the message was taken.
        500..=599 => Trouble {
            ambiguous: response.status != 503,
            ..Trouble::transient(message, response.retry_after())
        },
        408 | 429 => Trouble::transient(message, response.retry_after()),
        401 | 403 | 404 | 405 => Trouble::ours(message),
        _ => refused(code, message),
    }
}

fn refused(code: Option<u32>, message: String) -> Trouble {
    match code {
        Some(code) if disables_number(code) => Trouble {
            class: ErrorClass::Permanent {
                disable_contact: true,
            },
            ambiguous: false,
            contact_reason: error_words(code),
            message,
        },
        // The account is out of money, suspended, or may not send so much.
        Some(20003 | 20005 | 21606 | 21611 | 30001 | 30002) => Trouble::ours(message),
        _ => Trouble {
            class: ErrorClass::Permanent {
                disable_contact: false,
            },
            ambiguous: false,
            contact_reason: None,
            message,
        },
    }
}
