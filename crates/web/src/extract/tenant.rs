//! A member of the account in view: the only way to an account's rows from a page.

use axum::extract::FromRequestParts;
use domain::account::{Plan, Role};
use domain::ids::{AccountId, SessionId};
use domain::incident::{Actor, ActorKind};
use http::request::Parts;
use jiff::tz::TimeZone;
use sqlx::{Postgres, Transaction};
use store::sessions::{Membership, SignedIn};
use store::users::User;

use crate::error::PageError;
use crate::extract::{CurrentUser, RequestId};
use crate::state::AppState;
use crate::view::{Shell, Theme};

/// Proof of a session and of a membership.
#[derive(Debug, Clone)]
pub struct Tenant {
    signed_in: SignedIn,
    membership: Membership,
    /// Colours.
    pub theme: Theme,
    /// Of this request.
    pub request_id: RequestId,
}

impl Tenant {
    /// The account in view.
    pub const fn account_id(&self) -> AccountId {
        self.membership.account_id
    }

    /// Its name.
    pub fn account_name(&self) -> &str {
        &self.membership.account_name
    }

    /// What it may do.
    pub const fn plan(&self) -> Plan {
        self.membership.plan
    }

    /// The person's role in it.
    pub const fn role(&self) -> Role {
        self.membership.role
    }

    /// The zone in which its times are written.
    pub fn zone(&self) -> TimeZone {
        domain::words::zone(&self.membership.timezone)
    }

    /// The IANA name of that zone.
    pub fn timezone(&self) -> &str {
        &self.membership.timezone
    }

    /// The person.
    pub const fn user(&self) -> &User {
        &self.signed_in.user
    }

    /// The session, for streams that end with it.
    pub const fn session_id(&self) -> SessionId {
        self.signed_in.session_id
    }

    /// The person as timelines and the audit log name them.
    pub fn actor(&self) -> Actor {
        let user = self.user();
        let name = if user.name.is_empty() {
            &user.email
        } else {
            &user.name
        };
        Actor {
            kind: ActorKind::User,
            name: name.clone(),
        }
    }

    /// Opens a transaction in which the database shows this account's rows only.
    pub async fn begin(
        &self,
        state: &AppState,
    ) -> Result<Transaction<'static, Postgres>, PageError> {
        Ok(store::tenant::begin(&state.pool, self.account_id()).await?)
    }

    /// The same on the replica, for pages and reports that may be a moment old.
    pub async fn read(
        &self,
        state: &AppState,
    ) -> Result<Transaction<'static, Postgres>, PageError> {
        Ok(store::tenant::begin(&state.read_pool, self.account_id()).await?)
    }

    /// What the layout needs.
    pub fn shell(&self, title: impl Into<String>) -> Shell {
        Shell::new(title.into(), self.theme, Some(&self.signed_in))
    }

    /// Refuses who may not change monitors and contacts.
    pub fn require_edit(&self) -> Result<(), PageError> {
        allowed(
            self.role().can_edit(),
            "Your role lets you read this account, not change it. An admin can change that.",
        )
    }

    /// Refuses who may not acknowledge, resolve and comment.
    pub fn require_respond(&self) -> Result<(), PageError> {
        allowed(
            self.role().can_respond(),
            "Your role lets you read incidents, not answer them. An admin can change that.",
        )
    }

    /// Refuses who may not manage keys, members and the plan.
    pub fn require_administer(&self) -> Result<(), PageError> {
        allowed(
            self.role().can_administer(),
            "Only an admin or the owner of the account can do this.",
        )
    }

    /// Refuses all but the owner.
    pub fn require_owner(&self) -> Result<(), PageError> {
        allowed(
            self.role() == Role::Owner,
            "Only the owner of the account can do this.",
        )
    }
}

fn allowed(yes: bool, why: &'static str) -> Result<(), PageError> {
    if yes {
        Ok(())
    } else {
        Err(PageError::Forbidden(why))
    }
}

impl FromRequestParts<AppState> for Tenant {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, PageError> {
        let user =
            <CurrentUser as FromRequestParts<AppState>>::from_request_parts(parts, state).await?;
        let membership = user
            .signed_in
            .membership
            .clone()
            .ok_or(PageError::NotFound)?;
        Ok(Self {
            signed_in: user.signed_in,
            membership,
            theme: user.theme,
            request_id: user.request_id,
        })
    }
}
