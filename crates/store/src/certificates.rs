//! Table `certificates`.
