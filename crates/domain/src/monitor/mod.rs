//! Monitors: what is looked at, how often, and with which settings.
//!
//! A monitor is kept as its owner wrote it ([`MonitorSpec`]); defaults are filled in on read by
//! [`Settings`]. To add a kind: a variant of [`Kind`], its own block in [`MonitorSpec`] and
//! [`Target`], its validation in [`validate`], a file in `probe` and a form in `web`.

pub mod rules;
pub mod schedule;
pub mod settings;
pub mod spec;
pub mod validate;

pub use settings::{HttpTarget, Settings, Target};
pub use spec::{ConfirmSpec, HttpSpec, JsonRule, Kind, MonitorSpec, TlsSpec};

use crate::ids::{AccountId, ContactId, MonitorId, PolicyId};
use jiff::Timestamp;

/// A stored monitor.
#[derive(Debug, Clone, PartialEq)]
pub struct Monitor {
    /// Its id.
    pub id: MonitorId,
    /// Its tenant.
    pub account_id: AccountId,
    /// As the owner wrote it, secrets included.
    pub spec: MonitorSpec,
    /// Counts edits; a look carries the version it was made with.
    pub config_version: i64,
    /// When it was paused; `None` while it is looked at.
    pub paused_at: Option<Timestamp>,
    /// When it was deleted; restorable for seven days.
    pub deleted_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

impl Monitor {
    /// The settings with defaults filled in.
    pub fn settings(&self) -> Settings {
        Settings::of(&self.spec)
    }

    /// The contacts named by the monitor itself, if any.
    pub fn contact_ids(&self) -> Option<&[ContactId]> {
        self.spec.contact_ids.as_deref()
    }

    /// The escalation policy named by the monitor, if any.
    pub fn policy_id(&self) -> Option<PolicyId> {
        self.spec.policy_id
    }
}
