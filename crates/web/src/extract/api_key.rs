//! A program with an API key.

use domain::account::{Plan, Scope};
use domain::ids::{AccountId, ApiKeyId, UserId};
use jiff::Timestamp;

/// A valid API key and its account. Made by the API's gate only.
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
    /// What the key may do.
    pub scope: Scope,
    /// Who made it, when it was a person.
    pub created_by: Option<UserId>,
    /// When it ends; a key makes none that lives longer.
    pub expires_at: Option<Timestamp>,
}
