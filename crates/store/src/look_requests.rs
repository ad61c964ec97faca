//! Table `look_requests`.
