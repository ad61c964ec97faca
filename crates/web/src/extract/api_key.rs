//! A program with an API key.

use domain::account::Plan;
use domain::ids::{AccountId, ApiKeyId};

/// A valid API key and its account. Made by the API's own extractor only.
#[derive(Debug, Clone)]
pub struct ApiKeyAuth {
    /// The key.
    pub key_id: ApiKeyId,
    /// Its name, for timelines.
    pub name: String,
    /// Whose it is.
    pub account_id: AccountId,
    /// What the account may do.
    pub plan: Plan,
}
