//! Table `evidence`.
