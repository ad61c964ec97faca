//! What a person or a program may do, once: pages and the API are two rims of the same functions.
//!
//! A use case takes a transaction that is fenced to the account ([`store::tenant::begin`]), who acts and
//! when, and commits nothing itself: the rim commits, or rolls back for a dry run. Errors are one enum
//! that a page shows at its fields and the API as problem+json.
//!
//! To add one: a function in the module of its object, tests beside it, then its two rims.

pub mod account;
pub mod account_check;
pub mod api_keys;
pub mod change_email;
pub mod contacts;
mod error;
pub mod feedback;
pub mod heartbeats;
pub mod hook_tests;
pub mod incidents;
pub mod looks;
pub mod maintenance;
pub mod markers;
pub mod monitors;
pub mod person;
pub mod policies;
pub mod schedules;
pub mod tools;
pub mod watches;

pub use error::{PlanLimit, Resource, UseCaseError, UseCaseResult};

use domain::ids::{AccountId, UserId};
use domain::incident::Actor;
use jiff::Timestamp;

/// Who acts, in which account, and when.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The account.
    pub account_id: AccountId,
    /// As timelines and the audit log name them.
    pub actor: Actor,
    /// The person, when it is one.
    pub user_id: Option<UserId>,
    /// That person's mail address: a contact with it need not be told what its owner did.
    pub email: Option<String>,
    /// Where the request comes from, for limits ([`crate::extract::ClientIp::network`]).
    pub network: String,
    /// The present moment.
    pub now: Timestamp,
}

impl Caller {
    /// As the transactions of [`::incidents`] name who acts.
    fn by(&self) -> ::incidents::By {
        ::incidents::By {
            actor: self.actor.clone(),
            contact_id: None,
            email: self.email.clone(),
        }
    }
}

impl crate::extract::Tenant {
    /// The person at the browser, for a use case. `network` is [`crate::extract::ClientIp::network`].
    pub fn caller(&self, network: String, now: Timestamp) -> Caller {
        Caller {
            account_id: self.account_id(),
            actor: self.actor(),
            user_id: Some(self.user().id),
            email: Some(self.user().email.clone()),
            network,
            now,
        }
    }
}
