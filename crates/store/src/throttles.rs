//! Table `throttles`.
