//! API keys: made with a secret that is shown once, revoked at once.

use domain::account::api_key::{ApiKey, SECRET_PREFIX, Scope, display_prefix};
use domain::contact::Channel;
use domain::delivery::AccountMessage;
use domain::ids::{AccountId, ApiKeyId, UserId};
use jiff::Timestamp;
use sqlx::PgConnection;
use store::account_messages::NewAccountMessage;
use store::audit;
use store::token_lookups::{self, Found, Kind};

use super::monitors::lock_account;
use super::{Caller, PlanLimit, Resource, UseCaseError, UseCaseResult};
use crate::state::AppState;

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

const MADE: &str = "This key was made already, and its secret is shown once. If it is lost, revoke the key and make another one.";

/// Makes a key. The second value is its secret, which nobody can read again.
pub async fn create(
    connection: &mut PgConnection,
    caller: &Caller,
    new: NewApiKey,
) -> UseCaseResult<(ApiKey, String)> {
    create_as(connection, caller, ApiKeyId::generate(), new).await
}

/// The same under an id chosen before: a form that is sent twice makes one key, and the second time is
/// a conflict.
pub async fn create_as(
    connection: &mut PgConnection,
    caller: &Caller,
    id: ApiKeyId,
    new: NewApiKey,
) -> UseCaseResult<(ApiKey, String)> {
    domain::monitor::validate::check_line("/name", &new.name, 200)
        .map_err(|error| UseCaseError::Invalid(vec![error]))?;
    if new.expires_at.is_some_and(|end| end <= caller.now) {
        return Err(UseCaseError::field(
            "/expires_at",
            "out_of_range",
            "must be in the future",
        ));
    }
    let plan = lock_account(connection, caller).await?;
    if store::api_keys::was_made(connection, caller.account_id, id).await? {
        return Err(UseCaseError::conflict(None, MADE));
    }
    let used = store::api_keys::count(connection, caller.account_id).await?;
    PlanLimit::check(Resource::ApiKeys, plan, used, 1)?;
    let secret = format!("{SECRET_PREFIX}{}", store::secrets::random_token());
    let key = ApiKey {
        id,
        name: new.name,
        prefix: display_prefix(&secret),
        scope: new.scope,
        created_at: caller.now,
        expires_at: new.expires_at,
        last_used_at: None,
    };
    let hash = store::secrets::token_hash(&secret);
    store::api_keys::insert(connection, caller.account_id, &key, &hash, caller.user_id).await?;
    let found = Found {
        account_id: caller.account_id,
        row_id: key.id.uuid(),
        other_id: None,
    };
    let token = store::api_keys::lookup_token(&hash);
    token_lookups::insert(connection, Kind::ApiKey, &token, found, caller.now).await?;
    note(connection, caller, "api_key.created", &key).await?;
    Ok((key, secret))
}

/// Who is told of a new key: a key that its owner did not make is somebody else's way in.
#[derive(Debug)]
pub struct Owners {
    addresses: Vec<(UserId, String)>,
}

impl Owners {
    /// Read before the account's transaction begins: people are not an account's rows.
    pub async fn of(state: &AppState, account: AccountId) -> UseCaseResult<Self> {
        let mut connection = state.pool.acquire().await?;
        Ok(Self {
            addresses: store::deliveries::claim::list_owner_addresses(&mut connection, account)
                .await?,
        })
    }

    /// Mails them in the transaction that makes the key.
    pub async fn tell(
        &self,
        connection: &mut PgConnection,
        state: &AppState,
        caller: &Caller,
        key: &ApiKey,
    ) -> UseCaseResult<()> {
        let account = store::accounts::find(connection, caller.account_id)
            .await?
            .ok_or(UseCaseError::NotFound)?;
        for (_, address) in &self.addresses {
            let new = NewAccountMessage {
                user_id: None,
                account_id: Some(caller.account_id),
                channel: Channel::Email,
                address: address.clone(),
                message: AccountMessage::KeyCreated {
                    at: key.created_at,
                    timezone: account.timezone.clone(),
                    name: key.name.clone(),
                    scope: key.scope.as_str().to_owned(),
                    link: state.config.link("/settings/api-keys"),
                },
                expires_at: None,
            };
            incidents::write_message(connection, &state.secrets, &new, caller.now)
                .await
                .map_err(UseCaseError::internal)?;
        }
        Ok(())
    }
}

/// Ends a key at once.
pub async fn revoke(
    connection: &mut PgConnection,
    caller: &Caller,
    id: ApiKeyId,
) -> UseCaseResult<()> {
    let key = store::api_keys::find(connection, caller.account_id, id)
        .await?
        .ok_or(UseCaseError::NotFound)?;
    store::api_keys::mark_revoked(connection, caller.account_id, id, caller.now).await?;
    token_lookups::delete_of_row(connection, caller.account_id, Kind::ApiKey, id.uuid()).await?;
    note(connection, caller, "api_key.revoked", &key).await
}

async fn note(
    connection: &mut PgConnection,
    caller: &Caller,
    action: &str,
    key: &ApiKey,
) -> UseCaseResult<()> {
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
