//! Table `deliveries`.
