//! API keys: made with a secret that is shown once, revoked at once.

use domain::account::api_key::{ApiKey, SECRET_PREFIX, Scope, display_prefix};
use domain::ids::ApiKeyId;
use jiff::Timestamp;
use sqlx::PgConnection;
use store::audit;
use store::token_lookups::{self, Found, Kind};

use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// What its owner calls it.
    pub name: String,
    /// What it may do.
    pub scope: Scope,
    /// When it ends; `None` for never.
    pub expires_at: Option<Timestamp>,
}

/// Makes a key. The second value is its secret, which nobody can read again.
pub async fn create(connection: &mut PgConnection, caller: &Caller, new: NewApiKey) -> UseCaseResult<(ApiKey, String)> {
    domain::monitor::validate::check_line("/name", &new.name, 200).map_err(|error| UseCaseError::Invalid(vec![error]))?;
    if new.expires_at.is_some_and(|end| end <= caller.now) {
        return Err(UseCaseError::field("/expires_at", "out_of_range", "must be in the future"));
    }
    let plan = lock_account(connection, caller).await?;
    let used = store::api_keys::count(connection, caller.account_id).await?;
    PlanLimit::check(Resource::ApiKeys, plan, used, 1)?;
    let secret = format!("{SECRET_PREFIX}{}", store::secrets::random_token());
    let key = ApiKey {
        id: ApiKeyId::generate(),
        name: new.name,
        prefix: display_prefix(&secret),
        scope: new.scope,
        created_at: caller.now,
        expires_at: new.expires_at,
        last_used_at: None,
    };
    let hash = store::secrets::token_hash(&secret);
    store::api_keys::insert(connection, caller.account_id, &key, &hash, caller.user_id).await?;
    let found = Found { account_id: caller.account_id, row_id: key.id.uuid(), other_id: None };
    let token = store::api_keys::lookup_token(&hash);
    token_lookups::insert(connection, Kind::ApiKey, &token, found, caller.now).await?;
    note(connection, caller, "api_key.created", &key).await?;
    Ok((key, secret))
}

/// Ends a key at once.
pub async fn revoke(connection: &mut PgConnection, caller: &Caller, id: ApiKeyId) -> UseCaseResult<()> {
    let key = store::api_keys::find(connection, caller.account_id, id).await?.ok_or(UseCaseError::NotFound)?;
    store::api_keys::mark_revoked(connection, caller.account_id, id, caller.now).await?;
    token_lookups::delete_of_row(connection, caller.account_id, Kind::ApiKey, id.uuid()).await?;
    note(connection, caller, "api_key.revoked", &key).await
}

async fn note(connection: &mut PgConnection, caller: &Caller, action: &str, key: &ApiKey) -> UseCaseResult<()> {
    let entry = audit::Entry {
        account_id: caller.account_id,
        actor: &caller.actor,
        action,
        subject: key.id.to_string(),
        details: serde_json::json!({ "name": key.name, "scope": key.scope.as_str() }),
        at: caller.now,
    };
    Ok(audit::insert(connection, &entry).await?)
}
