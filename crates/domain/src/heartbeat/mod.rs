//! Heartbeats: the one kind of monitor that waits instead of looking. A job calls an address when it
//! is done; what does not come in time is missed.
//!
//! [`HeartbeatTarget`] says when the next call is expected, [`Signal`] what a call says, [`take`] what
//! follows from it and [`overdue`] what follows from its absence. Time in which nothing could have
//! reached us ([`Lost`]) is never held against a job.

mod cron;
mod lost;
mod rhythm;
mod signal;
mod step;

pub use cron::{Cron, CronError};
pub use lost::{GAP, Lost, ONE_MISSED, SETTLED_AFTER, Sight};
pub use rhythm::{
    DEFAULT_GRACE_SECONDS, DEFAULT_PERIOD_SECONDS, HeartbeatTarget, LONGEST_SECONDS, Rhythm,
    SHORTEST_SECONDS, slug,
};
pub use signal::{Action, Ping, Signal, SignalError};
pub use step::{Beat, Overdue, Run, Taken, matters, overdue, rearm, reschedule, take};
