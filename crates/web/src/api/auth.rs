//! Who asks. The gate reads the key once; a handler that takes a [`Reader`] or a [`Writer`] proves by
//! it that the key exists, is live and wide enough, and has no other way to an account's rows.

use axum::extract::FromRequestParts;
use domain::account::api_key::{SECRET_PREFIX, Scope};
use domain::ids::AccountId;
use domain::incident::{Actor, ActorKind};
use http::request::Parts;
use http::{HeaderMap, header};
use sqlx::{Postgres, Transaction};

use super::code::Code;
use super::gate::OwnedSlot;
use super::problem::{ApiResult, Problem};
use super::query::Params;
use crate::extract::{ApiKeyAuth, ClientIp};
use crate::state::AppState;
use crate::usecases::Caller;

/// What the gate found out about the key of this request.
#[derive(Debug, Clone)]
pub(super) struct Checked(pub Result<ApiKeyAuth, Problem>);

/// A key that may read.
#[derive(Debug, Clone)]
pub struct Reader {
    key: ApiKeyAuth,
}

/// A key that may change.
#[derive(Debug, Clone)]
pub struct Writer {
    key: ApiKeyAuth,
    network: String,
    dry_run: bool,
    slot: Option<OwnedSlot>,
}

impl Reader {
    /// The key and its account.
    pub const fn key(&self) -> &ApiKeyAuth {
        &self.key
    }

    /// The account.
    pub const fn account_id(&self) -> AccountId {
        self.key.account_id
    }

    /// Secrets are shown masked.
    pub fn masks(&self) -> bool {
        !self.key.scope.can_write()
    }

    /// Opens a transaction in which the database shows this account's rows only.
    pub async fn begin(&self, state: &AppState) -> ApiResult<Transaction<'static, Postgres>> {
        Ok(store::tenant::begin(&state.pool, self.key.account_id).await?)
    }
}

impl Writer {
    /// The key and its account.
    pub const fn key(&self) -> &ApiKeyAuth {
        &self.key
    }

    /// The account.
    pub const fn account_id(&self) -> AccountId {
        self.key.account_id
    }

    /// Only to be validated: [`Self::finish`] takes everything back.
    pub const fn is_dry_run(&self) -> bool {
        self.dry_run
    }

    /// Who acts, for a use case.
    pub fn caller(&self, state: &AppState) -> Caller {
        Caller {
            account_id: self.key.account_id,
            actor: Actor {
                kind: ActorKind::ApiKey,
                name: self.key.name.clone(),
            },
            user_id: None,
            email: None,
            network: self.network.clone(),
            now: state.now(),
        }
    }

    /// Opens a transaction fenced to the account. When the request carries an `Idempotency-Key`, the
    /// key counts as used exactly when this transaction commits.
    pub async fn begin(&self, state: &AppState) -> ApiResult<Transaction<'static, Postgres>> {
        let mut transaction = store::tenant::begin(&state.pool, self.key.account_id).await?;
        if let Some(slot) = self.slot.as_ref().filter(|_| !self.dry_run) {
            store::idempotency::mark_carried_out(&mut transaction, slot.slot()).await?;
        }
        Ok(transaction)
    }

    /// Commits, or takes everything back for a dry run.
    pub async fn finish(&self, transaction: Transaction<'static, Postgres>) -> ApiResult<()> {
        if self.dry_run {
            transaction.rollback().await?;
        } else {
            transaction.commit().await?;
        }
        Ok(())
    }
}

fn checked(
    parts: &Parts,
    wide_enough: impl Fn(Scope) -> bool,
    needs: &str,
) -> ApiResult<ApiKeyAuth> {
    let Some(Checked(found)) = parts.extensions.get::<Checked>() else {
        return Err(missing());
    };
    let key = found.clone()?;
    if wide_enough(key.scope) {
        return Ok(key);
    }
    let scope = key.scope.as_str();
    Err(Problem::new(
        Code::Forbidden,
        format!("This key has the scope {scope}; the request needs {needs}."),
    ))
}

impl FromRequestParts<AppState> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> ApiResult<Self> {
        Ok(Self {
            key: checked(parts, Scope::can_read, "read or write")?,
        })
    }
}

impl FromRequestParts<AppState> for Writer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> ApiResult<Self> {
        let key = checked(parts, Scope::can_write, "write")?;
        let mut params = Params::of(parts)?;
        let dry_run = if parts.method == http::Method::DELETE {
            false
        } else {
            params.flag("dry_run")?
        };
        params.finish()?;
        let Ok(client) = ClientIp::from_request_parts(parts, state).await;
        Ok(Self {
            key,
            network: client.network(),
            dry_run,
            slot: parts.extensions.get::<OwnedSlot>().cloned(),
        })
    }
}

fn missing() -> Problem {
    Problem::new(
        Code::Unauthorized,
        "Send an API key: Authorization: Bearer wb_…",
    )
}

/// The secret of the request, from `Authorization: Bearer` or `X-Api-Key`.
fn secret(headers: &HeaderMap) -> Option<&str> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let bearer = text(header::AUTHORIZATION.as_str()).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    bearer
        .or_else(|| text("x-api-key"))
        .filter(|token| !token.is_empty())
}

/// Finds the key of a request. The answer is the same for a key that never was, has run out or was
/// revoked.
pub(super) async fn authenticate(state: &AppState, headers: &HeaderMap) -> ApiResult<ApiKeyAuth> {
    let Some(secret) = secret(headers) else {
        return Err(missing());
    };
    let refused = || {
        Problem::new(
            Code::Unauthorized,
            "This API key does not exist, has run out or was revoked.",
        )
    };
    if !secret.starts_with(SECRET_PREFIX) || secret.len() > 100 {
        return Err(refused());
    }
    let now = state.now();
    let mut connection = state.pool.acquire().await?;
    let hash = store::secrets::token_hash(secret);
    let found = store::api_keys::find_by_secret(&mut connection, &hash)
        .await?
        .ok_or_else(refused)?;
    if found.key.is_expired(now) {
        return Err(refused());
    }
    let fresh = found
        .key
        .last_used_at
        .is_some_and(|used| now.duration_since(used).as_secs() < 60);
    if !fresh {
        store::api_keys::mark_used(&mut connection, found.account_id, found.key.id, now).await?;
    }
    Ok(ApiKeyAuth {
        key_id: found.key.id,
        name: found.key.name,
        account_id: found.account_id,
        plan: found.plan,
        scope: found.key.scope,
        created_by: found.created_by,
        expires_at: found.key.expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_read_from_either_header() {
        let of = |pairs: &[(&'static str, &str)]| {
            let headers: HeaderMap = pairs
                .iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect();
            secret(&headers).map(str::to_owned)
        };
        assert_eq!(
            of(&[("authorization", "Bearer wb_a")]).as_deref(),
            Some("wb_a")
        );
        assert_eq!(
            of(&[("authorization", "bearer  wb_a ")]).as_deref(),
            Some("wb_a")
        );
        assert_eq!(of(&[("x-api-key", "wb_b")]).as_deref(), Some("wb_b"));
        assert_eq!(
            of(&[("authorization", "Basic eDp5"), ("x-api-key", "wb_b")]).as_deref(),
            Some("wb_b")
        );
        for none in [
            vec![],
            vec![("authorization", "Bearer")],
            vec![("authorization", "Bearer  ")],
            vec![("x-api-key", "")],
        ] {
            assert_eq!(of(&none), None);
        }
    }
}
