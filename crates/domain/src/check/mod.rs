//! One look at one target: what was seen, what failed, what that means.

pub mod attribution;
pub mod failure;
pub mod id;
pub mod observation;
pub mod record;
pub mod redact;
pub mod verdict;
pub mod waf;

pub use attribution::Attribution;
pub use failure::{Failure, FailureClass, Phase};
pub use id::check_id;
pub use observation::{
    AddressTried, HttpFacts, Observation, Phases, PingFacts, Redirect, RegistrationFacts, Said,
};
pub use record::{Check, LookResult};
pub use verdict::{Expectation, Verdict, VerdictKind};
