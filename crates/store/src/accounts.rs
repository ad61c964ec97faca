//! Table `accounts`.
