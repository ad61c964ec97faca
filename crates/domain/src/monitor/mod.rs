//! Monitors: what is looked at, how often, and with which settings.
//!
//! A monitor is kept as its owner wrote it ([`MonitorSpec`]); defaults are filled in on read by
//! [`Settings`].
//!
//! # To add a kind
//!
//! 1. A line in [`Kind`], and what it has (URL, port, certificate) in the three functions beside it.
//! 2. Its block in [`blocks`] and [`MonitorSpec`], its complaints in `validate::kinds`.
//! 3. Its variant of [`Target`] in [`targets`], with every default filled in.
//! 4. New ways to fail in [`crate::check::failure`], with their sentence in
//!    `incident::diagnosis::rules`. What a look only sees and a rule judges is a field of
//!    [`crate::check::Observation`] and an arm of [`crate::check::verdict`].
//! 5. `probe::kinds`: the look itself. Its module tells more.
//! 6. `web`: the block in `api::v1::monitors::blocks`, its fields in `pages::monitors::form::kinds`
//!    and in the form's template, a page of the reference in `templates/web/docs/kinds.html`.
//!
//! The compiler names each place: none of the matches over a kind has a catch-all arm. The database
//! needs nothing: it keeps the settings as JSON.

pub mod blocks;
pub mod proposal;
pub mod registration;
pub mod rules;
pub mod schedule;
mod secrets;
pub mod settings;
pub mod spec;
pub mod targets;
pub mod validate;

pub use settings::Settings;
pub use spec::{
    BasicAuth, ConfirmSpec, HttpAuth, HttpSpec, IpFamily, JsonRule, Kind, MonitorSpec, TlsSpec,
};
pub use targets::{
    DnsTarget, ExchangeTarget, GrpcTarget, HttpTarget, PingTarget, SmtpTarget, Target, TlsTarget,
    WebsocketTarget,
};

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
