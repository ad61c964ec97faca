//! Table `challenges`.
