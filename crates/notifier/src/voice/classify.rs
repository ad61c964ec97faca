//! What the provider's list says of a call: whether it is the one that an earlier try has placed.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::Call;
use crate::sms::rfc2822;

/// Clocks of two houses may differ by this much.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_secs(60);

/// A call as the provider shows it.
#[derive(Debug, Deserialize)]
pub(crate) struct Placed {
    pub(crate) sid: String,
    #[serde(default)]
    pub(super) to: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<String>,
    #[serde(default)]
    pub(super) direction: Option<String>,
    #[serde(default)]
    pub(super) date_created: Option<String>,
}

impl Placed {
    /// It is an earlier try of `call`: to the same number since then, ringing or heard, and no call that
    /// another message has made.
    pub(super) fn is(&self, call: &Call, since: Timestamp) -> bool {
        let heard = !matches!(
            self.status.as_deref(),
            Some("failed" | "canceled" | "busy" | "no-answer")
        );
        let ours = self
            .direction
            .as_deref()
            .is_none_or(|direction| direction.starts_with("outbound"));
        let recent = self
            .date_created
            .as_deref()
            .and_then(rfc2822)
            .is_none_or(|at| at >= since - CLOCKS_DIFFER);
        let same = self.to.as_deref().is_none_or(|to| to == call.to);
        heard && ours && recent && same && !call.not_these.contains(&self.sid)
    }
}
