//! All SQL. One module per entity, plain functions on `&mut PgConnection`.
//!
//! Rules of this room: every function that touches a tenant's row takes the account's id and uses it
//! in its `WHERE`; rows become `domain` types here, and impossible data is an error that names table,
//! column and row; constraint names are chosen in the migrations because [`Error::constraint`] is
//! matched on. `find_*` gives an `Option`, `get_*` must exist, `list_*`, `claim_*`, `insert_*`,
//! `mark_*`, `close_*`. A web transaction is opened by [`tenant::begin`], anything else by
//! [`begin`], and never by [`sqlx::Pool::begin`], which leaves one open behind who goes away meanwhile.
//!
//! To add a table: a migration (forward only, it opens with why), its policies, a module here.
//!
//! Tests: `#[sqlx::test(migrator = "store::MIGRATOR")] async fn name(pool: PgPool)` makes a database
//! per test on the server that `DATABASE_URL` names.

pub mod admin;
pub mod error;
pub mod secrets;
pub mod tenant;

pub mod account_end;
pub mod account_messages;
pub mod accounts;
pub mod answers;
pub mod api_keys;
pub mod audit;
pub mod autopsies;
pub mod blind;
pub mod calls;
pub mod canaries;
pub mod certificates;
pub mod challenges;
pub mod changes;
pub mod checks;
pub mod contacts;
pub mod deliveries;
pub mod dependencies;
pub mod erasures;
pub mod escalations;
pub mod evidence;
pub mod exports;
pub mod feedback;
pub mod heartbeats;
pub mod hours;
pub mod idempotency;
pub mod inbound;
pub mod incidents;
pub mod ingest;
pub mod keyword_proposals;
pub mod leases;
pub mod live;
pub mod look_requests;
pub mod maintenance;
pub mod markers;
pub mod memberships;
pub mod monitors;
pub mod notify;
pub mod oncall;
pub mod origins;
pub mod outbox;
pub mod policies;
pub mod practice;
pub mod regions;
pub mod reports;
pub mod sessions;
pub mod states;
pub mod throttles;
pub mod token_lookups;
pub mod tool_looks;
pub mod tool_watches;
pub mod unconfirmed;
pub mod users;
pub mod wallets;

pub use error::{Error, Result};
pub use secrets::Secrets;
pub use tenant::begin_unfenced as begin;

/// All migrations, in order.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../../migrations");
