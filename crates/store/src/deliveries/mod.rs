//! Table `deliveries`.

pub mod claim;
