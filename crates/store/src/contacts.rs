//! Table `contacts`.
