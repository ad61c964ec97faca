//! `/ping/{ping_key}/{slug}`: a monitor by the name it has in addresses, made at its first call if asked.

use domain::account::api_key::{SECRET_PREFIX, Scope};
use domain::ids::{AccountId, MonitorId};
use domain::incident::{Actor, ActorKind};
use domain::monitor::{Kind, MonitorSpec};
use store::api_keys::Owned;

use super::answer::Refusal;
use super::{Called, admit, unknown};
use crate::extract::ClientIp;
use crate::state::AppState;
use crate::usecases::monitors::{self, NewMonitor};
use crate::usecases::{Caller, UseCaseError};

/// The monitor of that name in the key's account.
pub(super) async fn find(
    state: &AppState,
    (secret, slug): (&str, &str),
    create: bool,
    ip: ClientIp,
) -> Result<Called, Refusal> {
    let owned = key(state, secret, ip).await?;
    admit(state, format!("{}/{slug}", owned.account_id))?;
    let mut transaction = store::tenant::begin(&state.pool, owned.account_id).await?;
    let found = store::heartbeats::list_by_slug(&mut transaction, owned.account_id, slug).await?;
    transaction.rollback().await?;
    match (only(&found)?, create) {
        (Some(monitor), _) => Ok(called(owned.account_id, monitor, false)),
        (None, false) => Err(Refusal::NotFound),
        (None, true) => make(state, &owned, slug, ip).await,
    }
}

/// The key in the address, which may do nothing but this.
async fn key(state: &AppState, secret: &str, ip: ClientIp) -> Result<Owned, Refusal> {
    if !secret.starts_with(SECRET_PREFIX) || secret.len() > 100 {
        return Err(unknown(state, ip));
    }
    let now = state.now();
    let hash = store::secrets::token_hash(secret);
    let mut connection = state.pool.acquire().await?;
    let found = store::api_keys::find_by_secret(&mut connection, &hash).await?;
    let Some(owned) = found.filter(|owned| !owned.key.is_expired(now)) else {
        return Err(unknown(state, ip));
    };
    if owned.key.scope != Scope::Heartbeat {
        return Err(Refusal::Scope);
    }
    let used = owned.key.last_used_at;
    if used.is_none_or(|used| now.duration_since(used).as_secs() >= 60) {
        store::api_keys::mark_used(&mut connection, owned.account_id, owned.key.id, now).await?;
    }
    Ok(owned)
}

fn only(found: &[MonitorId]) -> Result<Option<MonitorId>, Refusal> {
    match found {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        _ => Err(Refusal::Ambiguous),
    }
}

const fn called(account: AccountId, monitor: MonitorId, is_new: bool) -> Called {
    Called {
        account,
        monitor,
        is_new,
    }
}

/// Makes the monitor, with the slug as its key: a change of its name does not change its address.
async fn make(
    state: &AppState,
    owned: &Owned,
    slug: &str,
    ip: ClientIp,
) -> Result<Called, Refusal> {
    let caller = Caller {
        account_id: owned.account_id,
        actor: Actor {
            kind: ActorKind::ApiKey,
            name: owned.key.name.clone(),
        },
        user_id: None,
        email: None,
        network: ip.network(),
        now: state.now(),
    };
    let mut transaction = store::tenant::begin(&state.pool, owned.account_id).await?;
    // Two first calls may come together: the second one finds what the first has made.
    monitors::lock_account(&mut transaction, &caller)
        .await
        .map_err(refused)?;
    let found = store::heartbeats::list_by_slug(&mut transaction, owned.account_id, slug).await?;
    if let Some(monitor) = only(&found)? {
        return Ok(called(owned.account_id, monitor, false));
    }
    let new = NewMonitor {
        spec: MonitorSpec {
            name: Some(slug.to_owned()),
            kind: Some(Kind::Heartbeat),
            key: Some(slug.to_owned()),
            ..MonitorSpec::default()
        },
        paused: false,
    };
    let made = monitors::create(&mut transaction, state, &caller, new)
        .await
        .map_err(refused)?;
    transaction.commit().await?;
    Ok(called(owned.account_id, made.monitor.id, true))
}

fn refused(error: UseCaseError) -> Refusal {
    match error {
        UseCaseError::PlanLimit(limit) => Refusal::PlanLimit(limit.to_string()),
        UseCaseError::Invalid(errors) => Refusal::Name(errors.first().map_or_else(
            || "the name is not valid".to_owned(),
            |error| format!("the name {}", error.message),
        )),
        UseCaseError::Conflict { detail, .. } => Refusal::Name(detail),
        UseCaseError::NotFound => Refusal::NotFound,
        UseCaseError::Unavailable(_) => Refusal::Unavailable,
        other => {
            tracing::error!(error = %other, "a monitor could not be made at a job's call");
            Refusal::Ours
        }
    }
}
