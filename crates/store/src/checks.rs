//! Table `checks`.
