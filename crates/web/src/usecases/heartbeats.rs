//! What a job says, and where it says it.

use uuid::Uuid;

use crate::config::WebConfig;

/// The address that a job calls.
pub fn ping_url(config: &WebConfig, token: Uuid) -> String {
    config.link(&format!("/ping/{token}"))
}
