//! Table `leases`.
