//! Accounts, the people in them, and what their plan allows.

pub mod api_key;
pub mod email;
pub mod password;
pub mod plan;
pub mod practice;
pub mod role;

pub use api_key::{ApiKey, Scope};
pub use email::EmailAddress;
pub use plan::{Limits, Plan};
pub use practice::{Practice, PracticeMode};
pub use role::Role;
