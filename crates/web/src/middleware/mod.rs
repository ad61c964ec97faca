//! What holds for every request, outermost first: its id, the log, compression, headers, the look of
//! faults, panics, the deadline, CSRF.

pub mod access_log;
pub mod csrf;
pub mod deadline;
pub mod faults;
pub mod headers;
pub mod panic;
pub mod request_id;
